//! Edits of single values in files that are maintained by hand: YAML configuration, YAML templates and `.env` files.
//!
//! Everything else is preserved byte for byte: comments, quotes, anchors, order, line endings, a missing final
//! newline. A parser locates the value, and only its bytes are replaced. The result is parsed again, and the edit is
//! refused unless exactly this value differs. Pure functions on texts; no file is opened here.

pub mod env;
pub mod line;
pub mod path;
mod scalar;
mod tree;
pub mod yaml;

use std::ops::Range;

use thiserror::Error;

/// The reason that an edit was refused: the place in the file, the obstacle, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EditError(String);

impl EditError {
    fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The result of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The complete text after the edit.
    pub text: String,
    /// The requested values in file order, including those that were correct already.
    pub changes: Vec<FileEdit>,
}

/// One requested value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// Line of the value, starting at 1.
    pub line: usize,
    /// Path of the value, such as `targets[1].ref`.
    pub place: String,
    /// Value before the edit; empty if there was none.
    pub old: String,
    /// Value after the edit.
    pub new: String,
}

/// A replacement of a byte range.
struct Splice {
    range: Range<usize>,
    text: String,
}

/// Applies replacements, which must be sorted and must not overlap.
fn splice(text: &str, splices: &[Splice]) -> Result<String, EditError> {
    let torn = || EditError::because("the places to be edited overlap; this is a fault of the editor, so edit by hand");
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

/// Decodes the bytes of a file as UTF-8.
///
/// # Errors
/// If the bytes are not valid UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, EditError> {
    std::str::from_utf8(bytes).map_err(|error| {
        EditError::because(format!("byte {} is not UTF-8; only UTF-8 files are edited", error.valid_up_to()))
    })
}

/// One line of a file.
struct Line<'a> {
    /// Line number, starting at 1.
    number: usize,
    /// Byte offset of the line.
    start: usize,
    /// Text without the line ending.
    text: &'a str,
}

/// Iterates over the lines of a file, which may end with LF or CRLF.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').zip(1..).map(move |(whole, number)| {
        let line = Line { number, start, text: whole.trim_end_matches('\n').trim_end_matches('\r') };
        start += whole.len();
        line
    })
}

/// Formats line numbers for messages: `3`, `3 and 7`, `3, 7 and 9`.
fn listed(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
