//! Sanitizer of external text for display: the result cannot control the screen, reorder a line or hide anything.
//! Called by the adapters' renderers.

/// Returns the text with all control, reordering and invisible characters made visible: an ASCII control character as
/// its symbol (`␛`), any other by its code point (`<U+202E>`). Newlines are kept, and tabs become spaces. Security
/// cases 44 and 63.
pub(super) fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            // These select only between text and emoji presentation, and terminals disagree on their width.
            '\u{fe0e}' | '\u{fe0f}' => {}
            c if c.is_control() || unseen(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Returns `true` for a character without a visible shape: fillers, joiners, direction marks,
/// tags, variation selectors.
fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_shown_as_what_it_is() {
        assert_eq!(sanitize("a\u{1b}[2Jb\u{7}\rc\u{9b}31m"), "a␛[2Jb␇␍c<U+009B>31m");
        assert_eq!(sanitize("main\u{202e}nimda\u{2066}\u{200b}\u{feff}"), "main<U+202E>nimda<U+2066><U+200B><U+FEFF>");
        assert_eq!(sanitize("tag\u{e0041}\u{e0100}"), "tag<U+E0041><U+E0100>");
        assert_eq!(sanitize("a\r\nb\tc ✔\u{fe0f} 変更 🚀 é"), "a\nb c ✔ 変更 🚀 é");
    }
}
