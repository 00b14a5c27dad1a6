//! Tokenizer of input lines; words keep their byte offset for error messages.

use super::error::InputError;
use crate::chat::Emoji;

/// Maximum length of a line in bytes.
const LONGEST_BYTES: usize = 8 * 1024;

/// A line without control characters other than tabs.
#[derive(Debug)]
pub(in crate::chat::console) struct Line<'a>(&'a str);

/// A part of a line with its byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

/// The parts of a line: `name @m3: rest`.
pub(super) struct Said<'a> {
    pub(super) name: Word<'a>,
    /// Message id after the `@`; `None` if the line names no message.
    pub(super) under: Option<Word<'a>>,
    pub(super) rest: Word<'a>,
}

impl<'a> Line<'a> {
    pub(super) fn check(text: &'a str) -> Result<Self, InputError> {
        let line = Self(text.trim_end());
        let length = text.len();
        if length > LONGEST_BYTES {
            let why = format!("the line is {length} bytes long; {LONGEST_BYTES} are the most");
            return Err(line.error(0, why));
        }
        match line.0.char_indices().find(|(_, c)| c.is_control() && *c != '\t') {
            Some((at, c)) => {
                Err(line.error(at, format!("the control character U+{:04X} cannot be typed", u32::from(c))))
            }
            None => Ok(line),
        }
    }

    pub(super) fn error(&self, at: usize, why: String) -> InputError {
        InputError::new(self.0, at, why, false)
    }

    pub(super) fn wrong_form(&self, at: usize, why: &str) -> InputError {
        InputError::new(self.0, at, why.to_owned(), true)
    }

    /// Splits the line into user, message and rest; `None` for an empty line.
    pub(super) fn split(&self) -> Result<Option<Said<'a>>, InputError> {
        let whole = Word { text: self.0, at: 0 }.trimmed();
        if whole.text.is_empty() {
            return Ok(None);
        }
        let Some((head, rest)) = whole.text.split_once(':') else {
            return Err(self.wrong_form(whole.at, "who says this? A name and a colon come first"));
        };
        let rest = Word { text: rest, at: whole.at + head.len() + 1 }.trimmed();
        let (name, behind) = Word { text: head, at: whole.at }.first();
        if name.text.is_empty() {
            return Err(self.wrong_form(whole.at, "who says this? There is no name before the colon"));
        }
        let under = match behind.text.strip_prefix('@') {
            Some(id) => Some(Word { text: id, at: behind.at + 1 }),
            None if behind.text.is_empty() => None,
            None => return Err(self.wrong_form(behind.at, "before the colon stand a name and at most `@m3`")),
        };
        Ok(Some(Said { name, under, rest }))
    }
}

impl<'a> Word<'a> {
    /// Returns the first word and the rest.
    pub(super) fn first(&self) -> (Self, Self) {
        let this = self.trimmed();
        let end = this.text.find(char::is_whitespace).unwrap_or(this.text.len());
        let (word, rest) = this.text.split_at(end);
        (Self { text: word, at: this.at }, Self { text: rest, at: this.at + end }.trimmed())
    }

    fn trimmed(self) -> Self {
        let start = self.text.trim_start();
        Self { text: start.trim_end(), at: self.at + self.text.len() - start.len() }
    }
}

/// Parses a reaction; `None` if the word is not a vote.
pub(super) fn vote(word: &str) -> Option<Emoji> {
    match word {
        "+1" | ":+1:" | "👍" | "✅" | ":white_check_mark:" => Some(Emoji::Yes),
        "-1" | ":-1:" | "👎" | "❌" | ":x:" => Some(Emoji::No),
        _ => None,
    }
}

/// Returns `true` if the input syntax can express this name.
pub(in crate::chat::console) fn typeable(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == ':';
    !name.is_empty() && name.len() <= 200 && !name.starts_with(['@', '#']) && !name.contains(odd)
}
