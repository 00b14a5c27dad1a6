//! Parser of the environment variables of deploy commands: plain text, passed on, and secret. Secret values do not
//! belong in the configuration; [`redact`](super::redact) hides any that are there from diagnostics.

use std::collections::BTreeMap;

use super::super::diagnostic::{At, Diagnostic, Diagnostics, Located};
use super::super::field::Field;
use super::super::reader::Reader;
use super::super::secret::SecretSource;
use super::Folders;
use super::redact::looks_secret;
use super::secret::{WHERE, secret};

/// Checks that a variable is set once, over all sources, and does not use a name that is reserved for the bot.
pub(super) fn fresh(name: &Located<String>, names: &mut BTreeMap<String, At>, sink: &Diagnostics) -> bool {
    if name.value.contains(['=', '\0']) || name.value.starts_with("HOTFIX_") {
        let what = format!("{:?} cannot be the name of a variable here", name.value);
        sink.add(Diagnostic::at(
            name.at,
            what,
            "not possible",
            "names that start with HOTFIX_ are ours, and = ends a name",
        ));
        return false;
    }
    if let Some(first) = names.get(&name.value) {
        let what = format!("the variable {} is given twice", name.value);
        sink.add(Diagnostic::at(name.at, what, "given again", "keep one of the two").see(*first, "given here"));
        return false;
    }
    names.insert(name.value.clone(), name.at);
    true
}

pub(super) fn plain_variables(reader: &Reader<'_>, names: &mut BTreeMap<String, At>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let Some(table) = reader.get("env").table("`env`") else {
        return variables;
    };
    for (key, field) in table.entries() {
        if looks_secret(key.value) {
            refuse_inline(key.value, &field);
        } else if let Some(value) = field.verbatim() {
            let name = key.map(str::to_owned);
            if fresh(&name, names, table.sink) {
                variables.insert(name.value, value.value);
            }
        }
    }
    variables
}

pub(super) fn secret_variables(
    reader: &Reader<'_>,
    folders: &Folders<'_>,
    names: &mut BTreeMap<String, At>,
) -> BTreeMap<String, SecretSource> {
    let mut variables = BTreeMap::new();
    let field = reader.get("secret_env");
    let Some(table) = field.table("`secret_env`") else {
        return variables;
    };
    for (key, field) in table.entries() {
        if !field.is_table() {
            refuse_inline(key.value, &field);
            continue;
        }
        let source = secret(key.value, field, folders);
        let name = key.map(str::to_owned);
        if fresh(&name, names, table.sink) {
            variables.extend(source.map(|source| (name.value, source)));
        }
    }
    variables
}

fn refuse_inline(name: &str, field: &Field<'_>) {
    if let Some(at) = field.at() {
        let what = format!("the secret {name} is written in the configuration");
        let next = format!("put it under `secret_env`, and {WHERE}; and change it, since it was in the open");
        field.sink().add(Diagnostic::at(at, what, "a secret is never written here", next));
    }
}
