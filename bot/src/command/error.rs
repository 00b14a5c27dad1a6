//! Parse errors and their rendering: the message, the line with a caret under the fault, the nearest match and
//! the usage.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_width::UnicodeWidthStr;

use super::guard::plain;

/// A byte range in the original text.
pub type Span = Range<usize>;

/// Machine-readable code of a parse error. Stable, because it is logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text is longer than [`MAX_BYTES`](super::MAX_BYTES).
    TooLong,
    /// The text has a control, bidirectional or invisible character.
    ForbiddenCharacter,
    /// There is no such verb.
    UnknownVerb,
    /// The verb has no such flag.
    UnknownFlag,
    /// A flag lacks its value.
    MissingValue,
    /// A switch was given a value.
    UnwantedValue,
    /// A flag or a run was given twice.
    Repeated,
    /// A required argument is missing. In Slack, `start` then opens a form.
    MissingArgument,
    /// There is a word too many, or an argument that is not allowed here.
    UnexpectedWord,
    /// A quote is never closed.
    UnclosedQuote,
    /// A value has the wrong format.
    BadValue,
    /// There is no such service.
    UnknownService,
    /// There is no such environment.
    UnknownEnvironment,
    /// There is no such step.
    UnknownStep,
}

impl ErrorCode {
    /// Returns the code in snake case, as it is serialized.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::UnknownVerb => "unknown_verb",
            Self::UnknownFlag => "unknown_flag",
            Self::MissingValue => "missing_value",
            Self::UnwantedValue => "unwanted_value",
            Self::Repeated => "repeated",
            Self::MissingArgument => "missing_argument",
            Self::UnexpectedWord => "unexpected_word",
            Self::UnclosedQuote => "unclosed_quote",
            Self::BadValue => "bad_value",
            Self::UnknownService => "unknown_service",
            Self::UnknownEnvironment => "unknown_environment",
            Self::UnknownStep => "unknown_step",
        }
    }
}

/// A text that does not parse as a command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ParseError {
    /// The fault, for programs.
    pub code: ErrorCode,
    /// The fault as a sentence, for the user.
    pub message: String,
    /// Byte range of the fault.
    pub span: Span,
    /// The nearest valid word, if there is one.
    pub suggestion: Option<String>,
    /// The usage line of the verb; empty until it is known.
    pub usage: String,
    /// Name of the verb; `None` if the error is before or in the verb.
    pub verb: Option<&'static str>,
}

/// Columns of the line that are shown before the caret, and from the caret on.
const BEFORE_COLUMNS: usize = 36;
const AFTER_COLUMNS: usize = 40;

impl ParseError {
    pub(super) fn new(code: ErrorCode, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, suggestion: None, usage: String::new(), verb: None }
    }

    pub(super) fn suggesting(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// Returns the error as several lines of plain text; chats put it into a code block. `text` must be the parsed
    /// text; any other text only misplaces the caret.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let (line, pad, carets) = self.window(text);
        let mut out = format!("{}\n  {line}\n  {}{}", self.message, " ".repeat(pad), "^".repeat(carets));
        if let Some(suggestion) = &self.suggestion {
            out.push_str(&format!("\nDid you mean `{suggestion}`?"));
        }
        if !self.usage.is_empty() {
            out.push_str(&format!("\nUsage: {}", self.usage));
        }
        out
    }

    /// Returns the part of the line around the span, the columns before the caret, and the number of carets. Widths are
    /// measured on the shown text, because wide or combining characters and escapes do not take one column each.
    fn window(&self, text: &str) -> (String, usize, usize) {
        let start = floor_boundary(text, self.span.start);
        let end = floor_boundary(text, self.span.end).max(start);
        let (before, marked, after) = (part(text, 0, start), part(text, start, end), part(text, end, text.len()));

        let mut head: Vec<String> = Vec::new();
        let mut columns = 0;
        let mut head_is_cut = false;
        for c in before.chars().rev() {
            let shown = plain(c);
            columns += shown.width();
            if columns > BEFORE_COLUMNS {
                head_is_cut = true;
                break;
            }
            head.push(shown);
        }
        let head: String = head_is_cut.then(|| "…".to_owned()).into_iter().chain(head.into_iter().rev()).collect();

        let (middle, middle_is_cut) = take_columns(marked, AFTER_COLUMNS);
        let (tail, tail_is_cut) = take_columns(after, AFTER_COLUMNS.saturating_sub(middle.width()));
        let pad = head.width();
        let carets = (head.clone() + &middle).width().saturating_sub(pad).max(1);
        let ellipsis = if middle_is_cut || tail_is_cut { "…" } else { "" };
        let tail = if middle_is_cut { String::new() } else { tail };
        (format!("{head}{middle}{tail}{ellipsis}"), pad, carets)
    }
}

/// Returns as much of the text as fits, and `true` if something was cut off.
fn take_columns(text: &str, columns: usize) -> (String, bool) {
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let shown = plain(c);
        used += shown.width();
        if used > columns {
            return (out, true);
        }
        out.push_str(&shown);
    }
    (out, false)
}

fn part(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Returns the character boundary at or before this byte.
fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}
