//! Parser of secret sources. The configuration has the location of a secret, never its value.

use super::super::diagnostic::Diagnostic;
use super::super::field::Field;
use super::super::secret::SecretSource;
use super::Folders;
use super::settings::tidy;

/// Advice on the valid sources, for messages.
pub(super) const WHERE: &str =
    "write `{ file = \"/path\" }` (mode 0600) or `{ credential = \"name\" }` (systemd LoadCredential=)";

/// Parses `{ file = "…" }` or `{ credential = "…" }`. Reads the secret once and discards it, so that a missing secret
/// is reported at load time.
pub(super) fn secret(name: &str, field: Field<'_>, folders: &Folders<'_>) -> Option<SecretSource> {
    let at = field.at()?;
    if !field.is_table() {
        let what = format!("the secret {name} is written in the configuration");
        let next = format!("{WHERE}; and change it, since it was in the open");
        field.sink().add(Diagnostic::at(at, what, "a secret is never written here", next));
        return None;
    }
    let reader = field.table("a secret")?;
    let file = reader.get("file").string_line();
    let credential = reader.get("credential").string_line();
    let source = match (file, credential) {
        (Some(file), None) => Some(SecretSource::File(tidy(&folders.config.join(file.value)))),
        (None, Some(name)) if !name.value.contains('/') && !name.value.starts_with('.') => {
            Some(SecretSource::Credential(name.value))
        }
        (None, Some(name)) => {
            reader.sink.add(Diagnostic::at(
                name.at,
                "a credential is a name, not a path",
                "not a name",
                "write the name from LoadCredential=",
            ));
            None
        }
        (Some(_), Some(_)) | (None, None) => {
            reader.fault("a secret has one source", "says none or two", WHERE);
            None
        }
    };
    let sink = reader.sink;
    reader.finish();
    let source = source?;
    match source.read_from(folders.credentials) {
        Ok(_) => Some(source),
        Err(error) => {
            sink.add(Diagnostic::at(
                at,
                format!("the secret {name} is not usable"),
                "read from here",
                error.to_string(),
            ));
            None
        }
    }
}
