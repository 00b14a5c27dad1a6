//! Why a text is no command, and how that is shown: the sentence, the line with a caret under the character, the nearest
//! match and the usage.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_width::UnicodeWidthStr;

use super::guard::plain;

/// A place in the original text, in bytes.
pub type Span = Range<usize>;

/// What is wrong, for programs. Stable: it is logged and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text is longer than a command may be.
    TooLong,
    /// A control, bidirectional or invisible character.
    ForbiddenCharacter,
    /// No such verb.
    UnknownVerb,
    /// The verb has no such flag.
    UnknownFlag,
    /// A flag without its value.
    MissingValue,
    /// A value for a flag that takes none.
    UnwantedValue,
    /// A flag or a run that was given twice.
    Repeated,
    /// Something that the verb needs. In Slack, `start` then opens a form.
    MissingArgument,
    /// A word too many.
    UnexpectedWord,
    /// A quote that is never closed.
    UnclosedQuote,
    /// A value that is not of the wanted form.
    BadValue,
    /// No such service.
    UnknownService,
    /// No such environment.
    UnknownEnvironment,
    /// No such step.
    UnknownStep,
}

impl ErrorCode {
    /// The code as text.
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

/// Why a text is no command.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong, for programs.
    pub code: ErrorCode,
    /// What is wrong, for people.
    pub message: String,
    /// Where.
    pub span: Span,
    /// The nearest thing that would be right.
    pub suggestion: Option<String>,
    /// How the verb is used.
    pub usage: String,
    /// The verb, once it is known.
    pub verb: Option<&'static str>,
}

/// How many columns of the line are shown before and from the caret on.
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

    /// The error as it is shown, over several lines of plain text; a chat puts it into a block of fixed width. `text` is
    /// the text that was parsed; any other gives a caret in the wrong place and nothing worse.
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

    /// The part of the line around the span, the columns before the caret, and the number of carets. Widths are those of
    /// the shown text, because wide and combining characters and escapes are not one column each.
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

/// As much of the text as fits, and whether something was left out.
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

/// The nearest start of a character at or before this byte.
fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}
