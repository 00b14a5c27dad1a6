//! Edits of single values in files that people keep: configuration in YAML, templates of it, and `.env` files.
//!
//! Whatever was not asked for stays as it is, byte for byte: comments, quotes, anchors, order, line ends, a missing last
//! line end. A file is read by a parser to find the value, and written by replacing the bytes of that value alone; then
//! it is read again, and the edit is refused unless this one value differs. Pure: no file is opened here.

pub mod env;
pub mod line;
pub mod path;
mod scalar;
mod tree;
pub mod yaml;

use std::ops::Range;

use thiserror::Error;

/// Why an edit was not made: where in the file, what is in the way, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A file with its edits made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The whole text.
    pub text: String,
    /// The values that were asked for, from the top of the file, those included that were right before.
    pub changes: Vec<Change>,
}

/// One value that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The line it stands on, counted from 1.
    pub line: usize,
    /// Its place in words, such as `targets[1].ref`.
    pub place: String,
    /// What it was; empty when there was nothing.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// Bytes to be replaced by a text.
struct Splice {
    range: Range<usize>,
    text: String,
}

/// Makes the splices, which are in order and do not overlap.
fn splice(text: &str, splices: &[Splice]) -> Result<String, Refused> {
    let torn = || Refused::because("the places to be edited overlap; this is a fault of the editor, so edit by hand");
    let mut made = String::with_capacity(text.len());
    let mut done = 0;
    for splice in splices {
        made.push_str(text.get(done..splice.range.start).ok_or_else(torn)?);
        made.push_str(&splice.text);
        done = splice.range.end;
    }
    made.push_str(text.get(done..).ok_or_else(torn)?);
    Ok(made)
}

/// A file's bytes as text.
///
/// # Errors
/// They are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(bytes).map_err(|error| {
        Refused::because(format!("byte {} is not UTF-8; only UTF-8 files are edited", error.valid_up_to()))
    })
}

/// A line of a file.
struct Line<'a> {
    /// Counted from 1.
    number: usize,
    /// Where it starts, in bytes.
    start: usize,
    /// Without its end.
    text: &'a str,
}

/// The lines of a file, whichever way they end.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').zip(1..).map(move |(whole, number)| {
        let line = Line { number, start, text: whole.trim_end_matches('\n').trim_end_matches('\r') };
        start += whole.len();
        line
    })
}

/// Line numbers for people: `3`, `3 and 7`, `3, 7 and 9`.
fn listed(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
