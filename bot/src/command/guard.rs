//! What is refused before a text is read at all: too much of it, and characters that show something other than what is
//! there (security case 29: an approver must not be shown less, or other, than what happens).

use super::error::{ErrorCode, ParseError};

/// The longest command, in bytes. Chats cut at about this length, and nobody types more.
pub const MAX_BYTES: usize = 4_000;

/// Refuses a text that must not be read.
pub(super) fn check(text: &str) -> Result<(), ParseError> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "This command is {} bytes long; at most {MAX_BYTES} are read, and nothing was done. Put long text where it can be linked.",
            text.len()
        );
        return Err(ParseError::new(ErrorCode::TooLong, MAX_BYTES..MAX_BYTES, message));
    }
    let Some((at, bad)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) else {
        return Ok(());
    };
    let message =
        format!("The character {} is not allowed: it can hide or turn around what a reader sees.", plain(bad));
    Err(ParseError::new(ErrorCode::ForbiddenCharacter, at..at + bad.len_utf8(), message))
}

/// A character that hides itself or its neighbours. The joiners U+200C and U+200D stay allowed: emoji and Persian need
/// them, and no name may hold one.
pub(super) fn is_forbidden(c: char) -> bool {
    if matches!(c, '\t' | '\n' | '\r') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' // direction
            | '\u{2028}' | '\u{2029}' // lines
            | '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' // invisible
        )
}

/// A character as it is shown in an error: forbidden ones as their number, white space as one space.
pub(super) fn plain(c: char) -> String {
    if c.is_whitespace() && !is_forbidden(c) {
        return " ".to_owned();
    }
    if is_forbidden(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }
}

/// A piece of what was typed, for a sentence: cut, and without what would end its quotes.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut out: String = text.chars().take(MOST).map(|c| if c == '`' { "'".to_owned() } else { plain(c) }).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}
