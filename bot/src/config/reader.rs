//! Reads one TOML table key by key. Each mistake is recorded with its position and reading continues, so that one pass
//! finds every fault. An unknown key is a mistake too: see [`Reader::finish`].

use std::cell::RefCell;

use toml::Spanned;
use toml::de::DeTable;

use super::diagnostic::{At, Diagnostic, Diagnostics, FileId, Located};
use super::field::Field;

/// A table that is being read.
pub(super) struct Reader<'a> {
    table: &'a DeTable<'a>,
    /// Position at which a missing key is reported.
    pub(super) at: At,
    /// Description of the table for messages, such as "a step".
    what: String,
    pub(super) sink: &'a Diagnostics,
    known: RefCell<Vec<&'a str>>,
    missing: RefCell<Vec<&'a str>>,
}

impl<'a> Reader<'a> {
    /// Creates the reader of a whole file. Missing keys are reported at its first key.
    pub(super) fn of_file(file: FileId, table: &'a DeTable<'a>, what: &str, sink: &'a Diagnostics) -> Self {
        let first = table.keys().map(Spanned::span).min_by_key(|span| span.start);
        Self::new(table, At::new(file, first.unwrap_or(0..0)), what, sink)
    }

    pub(super) fn new(table: &'a DeTable<'a>, at: At, what: impl Into<String>, sink: &'a Diagnostics) -> Self {
        Self { table, at, what: what.into(), sink, known: RefCell::default(), missing: RefCell::default() }
    }

    /// Returns the value of an optional key.
    pub(super) fn get(&self, key: &'a str) -> Field<'a> {
        self.known.borrow_mut().push(key);
        Field { name: key, value: self.table.get(key), file: self.at.file, sink: self.sink }
    }

    /// Returns the value of a required key.
    pub(super) fn need(&self, key: &'a str) -> Field<'a> {
        let field = self.get(key);
        if field.value.is_none() {
            self.missing.borrow_mut().push(key);
        }
        field
    }

    /// Returns the position of a key's value without marking the key as known.
    pub(super) fn place(&self, key: &str) -> Option<At> {
        self.table.get(key).map(|value| At::new(self.at.file, value.span()))
    }

    /// Returns all keys and values in file order, for tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<(Located<&'a str>, Field<'a>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                let name: &'a str = key.get_ref();
                let at = At::new(self.at.file, key.span());
                (Located { value: name, at }, Field { name, value: Some(value), file: self.at.file, sink: self.sink })
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.at.start);
        self.known.borrow_mut().extend(entries.iter().map(|(key, _)| key.value));
        entries
    }

    /// Adds a fault at the position of the table.
    pub(super) fn fault(&self, what: impl Into<String>, label: impl Into<String>, next: impl Into<String>) {
        self.sink.add(Diagnostic::at(self.at, what, label, next));
    }

    /// Finishes reading and reports unknown and missing keys. An unknown key that resembles a missing one is
    /// reported once.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let given: &str = key.get_ref();
            let near = nearest(given, known.iter().copied());
            self.missing.borrow_mut().retain(|missing| near != Some(missing));
            let next =
                near.map_or_else(|| format!("it has {}", listed(&known)), |near| format!("did you mean `{near}`?"));
            let at = At::new(self.at.file, key.span());
            self.sink.add(Diagnostic::at(at, format!("{} has no key `{given}`", self.what), "unknown key", next));
        }
        drop(known);
        self.abandon();
    }

    /// Finishes reading without reporting unknown keys, for tables whose valid keys could not be determined. Reports
    /// missing keys only.
    pub(super) fn abandon(self) {
        for key in self.missing.borrow().iter() {
            let what = format!("{} has no `{key}`", self.what);
            self.sink.add(Diagnostic::at(
                self.at,
                what,
                format!("`{key}` is missing here"),
                format!("add `{key} = …`"),
            ));
        }
    }
}

/// Returns the candidate that was most likely meant, if one is near.
pub(super) fn nearest<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&given, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(given.chars().count()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Formats words as a comma-separated list.
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
