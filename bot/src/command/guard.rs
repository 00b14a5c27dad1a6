//! Input checks before parsing: length, and characters that make the shown text differ from the real one (security case
//! 29: an approver must see exactly what will happen).

use super::error::{ErrorCode, ParseError};

/// The longest command, in bytes. Chats truncate at about this length.
pub const MAX_BYTES: usize = 4_000;

/// Refuses text that is too long or has a forbidden character.
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

/// Returns `true` for a character that hides itself or its neighbors. The joiners U+200C and U+200D are allowed: emoji
/// and Persian need them, and no name may contain one.
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

/// Returns a character as an error shows it: forbidden ones as their code point, white space as one space.
pub(super) fn plain(c: char) -> String {
    if c.is_whitespace() && !is_forbidden(c) {
        return " ".to_owned();
    }
    if is_forbidden(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }
}

/// Returns user input quoted for a message: truncated, and without backticks that would end the quote.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut out: String = text.chars().take(MOST).map(|c| if c == '`' { "'".to_owned() } else { plain(c) }).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}
