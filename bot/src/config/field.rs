//! One value of the configuration, parsed into its type. A mistake is recorded as a fault at the value's position.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::Timestamp;
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::{At, Diagnostic, Diagnostics, FileId, Located};
use super::reader::{Reader, listed, nearest};

/// One value of a table or a list; it may be missing.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<&'a Spanned<DeValue<'a>>>,
    pub(super) file: FileId,
    pub(super) sink: &'a Diagnostics,
}

impl<'a> Field<'a> {
    /// Returns the position of the value.
    pub(super) fn at(&self) -> Option<At> {
        self.value.map(|value| At::new(self.file, value.span()))
    }

    /// Returns the collector of faults.
    pub(super) fn sink(&self) -> &'a Diagnostics {
        self.sink
    }

    /// Returns the number of items if the value is a list.
    pub(super) fn len(&self) -> Option<usize> {
        self.value.and_then(|value| value.get_ref().as_array()).map(|items| items.len())
    }

    /// Returns `true` if the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_some_and(|value| matches!(value.get_ref(), DeValue::Table(_)))
    }

    /// Returns a string unchanged, even if it is empty or blank.
    pub(super) fn verbatim(self) -> Option<Located<String>> {
        let (value, at) = self.present()?;
        let DeValue::String(text) = value else {
            return self.mismatch(value, at, "a text, in quotes");
        };
        Some(Located { value: text.clone().into_owned(), at })
    }

    /// Returns a non-blank string, trimmed.
    pub(super) fn text(self) -> Option<Located<String>> {
        let (sink, name) = (self.sink, self.name);
        let text = self.verbatim()?;
        if text.value.trim().is_empty() {
            let what = format!("`{name}` is empty");
            sink.add(Diagnostic::at(text.at, what, "nothing here", "write something, or take the key out"));
            return None;
        }
        Some(text.map(|text| text.trim().to_owned()))
    }

    /// Returns a string without line breaks and other control characters.
    pub(super) fn string_line(self) -> Option<Located<String>> {
        let (sink, name) = (self.sink, self.name);
        let text = self.text()?;
        if text.value.chars().any(char::is_control) {
            let what = format!("`{name}` is longer than one line");
            sink.add(Diagnostic::at(
                text.at,
                what,
                "has a line break or another control character",
                "put it on one line",
            ));
            return None;
        }
        Some(text)
    }

    /// Returns a string parsed into a name or another type.
    pub(super) fn parse<T: FromStr<Err: Display>>(self) -> Option<Located<T>> {
        let (sink, name) = (self.sink, self.name);
        let text = self.text()?;
        match text.value.parse() {
            Ok(value) => Some(Located { value, at: text.at }),
            Err(error) => {
                let what = format!("`{name}` is not valid");
                sink.add(Diagnostic::at(text.at, what, "not valid", T::Err::to_string(&error)));
                None
            }
        }
    }

    /// Returns the meaning of a word from a fixed set.
    pub(super) fn choice<T: Copy>(self, choices: &[(&'a str, T)]) -> Option<Located<T>> {
        let (sink, name) = (self.sink, self.name);
        let text = self.text()?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(Located { value: *value, at: text.at });
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let next = match nearest(&text.value, words.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("it can be {}", listed(&words)),
        };
        sink.add(Diagnostic::at(text.at, format!("`{name}` cannot be {:?}", text.value), "not one of its words", next));
        None
    }

    /// Returns an integer in a range.
    pub(super) fn integer(self, range: RangeInclusive<u32>) -> Option<Located<u32>> {
        let (value, at) = self.present()?;
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value else {
            return self.mismatch(value, at, &wanted);
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| u32::try_from(n).ok());
        if let Some(value) = parsed.filter(|n| range.contains(n)) {
            return Some(Located { value, at });
        }
        let what = format!("`{}` is out of range", self.name);
        self.sink.add(Diagnostic::at(at, what, "out of range", format!("give {wanted}")));
        None
    }

    /// Returns a boolean.
    pub(super) fn boolean(self) -> Option<Located<bool>> {
        let (value, at) = self.present()?;
        let DeValue::Boolean(flag) = value else {
            return self.mismatch(value, at, "true or false");
        };
        Some(Located { value: *flag, at })
    }

    /// Returns an id that is written as a string or as a number.
    pub(super) fn id(self) -> Option<Located<String>> {
        match self.present()? {
            (DeValue::Integer(number), at) => Some(Located { value: number.as_str().to_owned(), at }),
            _ => self.string_line(),
        }
    }

    /// Returns a date and time with a UTC offset.
    pub(super) fn timestamp(self) -> Option<Located<Timestamp>> {
        let (value, at) = self.present()?;
        let wanted = "a moment with its offset, such as 2026-12-20T18:00:00Z or 2026-12-20T18:00:00+01:00";
        let DeValue::Datetime(moment) = value else {
            return self.mismatch(value, at, wanted);
        };
        match moment.to_string().parse() {
            Ok(value) => Some(Located { value, at }),
            Err(_) => self.mismatch(value, at, wanted),
        }
    }

    /// Returns a nested table.
    pub(super) fn table(self, what: impl Into<String>) -> Option<Reader<'a>> {
        let (value, at) = self.present()?;
        let DeValue::Table(table) = value else {
            return self.mismatch(value, at, "a table");
        };
        Some(Reader::new(table, at, what, self.sink))
    }

    /// Returns the items of a list; empty if the value is missing.
    pub(super) fn list(self) -> Vec<Field<'a>> {
        let Some((value, at)) = self.present() else {
            return Vec::new();
        };
        let DeValue::Array(items) = value else {
            return self.mismatch(value, at, "a list, in square brackets").unwrap_or_default();
        };
        items
            .iter()
            .map(|item| Field { name: self.name, value: Some(item), file: self.file, sink: self.sink })
            .collect()
    }

    /// Returns the items of a list, or a single value as a list of one.
    pub(super) fn one_or_more(self) -> Vec<Field<'a>> {
        match self.present() {
            Some((DeValue::Array(_), _)) => self.list(),
            Some(_) => vec![self],
            None => Vec::new(),
        }
    }

    fn present(&self) -> Option<(&'a DeValue<'a>, At)> {
        self.value.map(|value| (value.get_ref(), At::new(self.file, value.span())))
    }

    fn mismatch<T>(&self, value: &DeValue<'_>, at: At, wanted: &str) -> Option<T> {
        let (what, label) = (format!("`{}` is not {wanted}", self.name), format!("this is a {}", value.type_str()));
        self.sink.add(Diagnostic::at(at, what, label, format!("write {wanted}")));
        None
    }
}
