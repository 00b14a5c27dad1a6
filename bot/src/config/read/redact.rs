//! Redaction of secrets in diagnostics. A diagnostic shows the faulty line, which may have a secret that does not
//! belong there. Therefore every value that may be a secret is redacted before any fault of the file is reported.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::diagnostic::{At, Diagnostics, FileId};
use super::super::reader::nearest;

/// Substrings of a key that mark its value as a secret.
const SECRETIVE: [&str; 6] = ["token", "secret", "password", "passwd", "private_key", "api_key"];

/// Returns `true` if the value of this key is probably a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETIVE.iter().any(|word| name.contains(word)) || nearest(&name, ["secret_env"]).is_some()
}

/// Redacts the values of keys that look secret. The location of a secret (`file`, `credential`) stays readable.
pub(super) fn in_table(file: FileId, table: &DeTable<'_>, inside: bool, sink: &Diagnostics) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let place = inside && ["file", "credential"].contains(&name);
        in_value(file, value, !place && (inside || looks_secret(name)), sink);
    }
}

fn in_value(file: FileId, value: &Spanned<DeValue<'_>>, secret: bool, sink: &Diagnostics) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(file, table, secret, sink),
        DeValue::Array(items) => items.iter().for_each(|item| in_value(file, item, secret, sink)),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            if secret {
                sink.hide(At::new(file, value.span()));
            }
        }
    }
}

/// Redacts text that does not parse, in which values cannot be identified. In every line that mentions a secret, and in
/// every line of a section named after one, redacts everything after the first equals sign, or the whole line if there
/// is none.
pub(super) fn in_broken_text(file: FileId, text: &str, sink: &Diagnostics) {
    let (mut start, mut in_section) = (0, false);
    for line in text.split_inclusive('\n') {
        let lower = line.trim_start().to_ascii_lowercase();
        let speaks = SECRETIVE.iter().any(|word| lower.contains(word));
        if lower.starts_with('[') {
            in_section = speaks;
        } else if speaks || in_section {
            let from = line.find('=').map_or(0, |equals| equals + 1);
            sink.hide(At::new(file, start + from..start + line.len()));
        }
        start += line.len();
    }
}
