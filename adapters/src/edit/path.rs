//! Paths to values in a YAML document: `resourceTemplates[name=api].targets[namespace.$ref=/prod.yml].ref`.
//!
//! Keys are joined by dots. Brackets select items of a list: the item at an index, starting at 0 (`[0]`), all items
//! (`[*]`), or the items that have a value at a path (`[name=api]`). A key or value with one of `. [ ] = "` must be
//! in double quotes. A value in a selector needs quotes only for `]` and `"`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The error for a text that is not a valid path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path:?} is no path: {why} at character {at}. Write one like targets[name=prod].ref")]
pub struct PathError {
    /// The rejected text.
    pub path: String,
    /// Position of the problem, in characters starting at 1.
    pub at: usize,
    /// The problem at that position.
    pub why: &'static str,
}

/// A path to values in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub(super) Vec<Step>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
    Each,
    Where { keys: Vec<String>, value: String },
}

impl Path {
    /// Returns the path to a sibling: a key in the mapping that contains this path's last key.
    #[must_use]
    pub fn beside(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// Returns the path to a key below this path.
    #[must_use]
    pub fn below(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// Returns the path to each item of the list at this path.
    #[must_use]
    pub fn each(&self) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Each);
        Self(steps)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { text, rest: text };
        let mut steps = vec![Step::Key(reader.key(&['.', '[', ']', '='])?)];
        while !reader.rest.is_empty() {
            if reader.take('.') {
                steps.push(Step::Key(reader.key(&['.', '[', ']', '='])?));
            } else if reader.take('[') {
                steps.push(reader.bracket()?);
            } else {
                return Err(reader.wrong("a dot or a bracket is wanted"));
            }
        }
        Ok(Self(steps))
    }
}

/// Parser state: the whole text, and the part that is not parsed yet.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, wanted: char) -> bool {
        let taken = self.rest.strip_prefix(wanted);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    /// Reads a name that ends before one of `ends`, or a name in double quotes.
    fn key(&mut self, ends: &[char]) -> Result<String, PathError> {
        let quoted = self.take('"');
        let end = if quoted { self.rest.find('"') } else { Some(self.rest.find(ends).unwrap_or(self.rest.len())) };
        let Some((word, rest)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            return Err(self.wrong("the quotes that open here are not closed"));
        };
        if word.is_empty() {
            return Err(self.wrong("a name is wanted"));
        }
        if !quoted && word.contains('"') {
            return Err(self.wrong("quotes stand around a whole name"));
        }
        let word = word.to_owned();
        self.rest = if quoted { rest.strip_prefix('"').unwrap_or(rest) } else { rest };
        Ok(word)
    }

    fn bracket(&mut self) -> Result<Step, PathError> {
        let step = if self.take('*') { Step::Each } else { self.selector()? };
        if self.take(']') { Ok(step) } else { Err(self.wrong("a closing bracket is wanted")) }
    }

    fn selector(&mut self) -> Result<Step, PathError> {
        let mut keys = vec![self.key(&['.', '=', ']', '['])?];
        while self.take('.') {
            keys.push(self.key(&['.', '=', ']', '['])?);
        }
        if self.take('=') {
            return Ok(Step::Where { keys, value: self.key(&[']'])? });
        }
        let index = match keys.as_slice() {
            [digits] if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        };
        index.map(Step::Index).ok_or_else(|| self.wrong("an index, a star or name=value is wanted in brackets"))
    }

    fn wrong(&self, why: &'static str) -> PathError {
        let at = self.text.chars().count().saturating_sub(self.rest.chars().count()) + 1;
        PathError { path: self.text.to_owned(), at, why }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if place == 0 => write!(f, "{}", word(key))?,
                Step::Key(key) => write!(f, ".{}", word(key))?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[*]")?,
                Step::Where { keys, value } => {
                    let keys: Vec<String> = keys.iter().map(|key| word(key)).collect();
                    let value = if value.contains(']') { format!("\"{value}\"") } else { value.clone() };
                    write!(f, "[{}={value}]", keys.join("."))?;
                }
            }
        }
        Ok(())
    }
}

fn word(key: &str) -> String {
    if key.contains(['.', '[', ']', '=']) { format!("\"{key}\"") } else { key.to_owned() }
}
