//! What is never drawn. A fault shows the line it is on, and a secret that somebody wrote there all the same must not be
//! shown with it. So before anything is said about a file, everything in it that may be a secret is blacked out.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::diagnostic::{At, Diagnostics, FileId};
use super::super::reader::nearest;

/// Words in a name that give a secret away.
const SECRETIVE: [&str; 6] = ["token", "secret", "password", "passwd", "private_key", "api_key"];

/// Whether a value of this name is likely a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETIVE.iter().any(|word| name.contains(word)) || nearest(&name, ["secret_env"]).is_some()
}

/// Blacks out the values of names that look secret. What says where a secret is (`file`, `credential`) stays readable.
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

/// In a file that does not parse nobody knows which text is a value. So the whole of a line that speaks of a secret, and
/// everything in a section named after one, is blacked out behind its first equals sign.
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
