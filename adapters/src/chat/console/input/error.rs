//! A line that was not understood, shown with a caret under what is wrong.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::FORMS;
use crate::chat::sanitize::sanitize;

/// Why a line was not understood. Its `Display` is for the person who typed it: the line, a caret, what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The part of the line that is shown, harmless.
    line: String,
    /// The column of the caret in it, in columns of a terminal.
    column: usize,
    why: String,
    with_forms: bool,
}

/// How much of the line is shown before and from the caret on, in characters.
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

    /// What is wrong, without the line.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// A reason may quote what was typed.
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
