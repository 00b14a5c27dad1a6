//! [`InputError`]: an input line that was rejected, shown with a caret under the error.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::FORMS;
use crate::chat::sanitize::sanitize;

/// The reason why a line was rejected. Its `Display` shows the user the line, a caret and the error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// Sanitized excerpt of the line.
    line: String,
    /// Column of the caret in the excerpt, in terminal columns.
    column: usize,
    why: String,
    with_forms: bool,
}

/// Number of characters shown before and after the caret.
const BEFORE: usize = 40;
const BEHIND: usize = 60;

impl InputError {
    pub(super) fn new(line: &str, at: usize, why: String, with_forms: bool) -> Self {
        let (before, behind) = line.split_at_checked(at).unwrap_or((line, ""));
        let count = before.chars().count();
        let mut shown = sanitize(&before.chars().skip(count.saturating_sub(BEFORE)).collect::<String>());
        if count > BEFORE {
            shown.insert(0, '…');
        }
        let column = shown.width();
        shown.push_str(&sanitize(&behind.chars().take(BEHIND).collect::<String>()));
        if behind.chars().nth(BEHIND).is_some() {
            shown.push('…');
        }
        Self { line: shown.replace('\n', "␊"), column, why: shorten(&sanitize(&why)), with_forms }
    }

    /// Returns the error without the line.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// Truncates an error message, because it may quote the input.
fn shorten(why: &str) -> String {
    let mut short: String = why.chars().take(400).collect();
    if short.len() < why.len() {
        short.push('…');
    }
    short
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{:column$}^ {}", self.line, "", self.why, column = self.column)?;
        if self.with_forms { write!(f, "\n{FORMS}") } else { Ok(()) }
    }
}

impl std::error::Error for InputError {}
