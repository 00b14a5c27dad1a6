//! Slack's size limits, and functions that measure and cut text. Lengths are in UTF-16 code units, as in Slack's own
//! clients; they are never less than the number of characters.

/// Maximum number of blocks in a message.
pub(super) const BLOCKS_A_MESSAGE: usize = 50;
/// Maximum number of blocks in a modal or on the home page.
pub(super) const BLOCKS_A_VIEW: usize = 100;
/// Maximum length of a whole message. Slack documents no such limit, but refuses messages from about 13,200 characters
/// on with `msg_blocks_too_long`, including its own containers; messages with many small parts were refused at 11,400.
pub(super) const MESSAGE: usize = 10_000;
/// Maximum length of a text block.
pub(super) const SECTION: usize = 3000;
/// Maximum length of a header block.
pub(super) const HEADER: usize = 150;
/// Maximum number of buttons in an actions block.
pub(super) const BUTTONS_A_BLOCK: usize = 25;
/// Maximum number of buttons on a card.
pub(super) const BUTTONS: usize = 100;
/// Maximum length of a button label.
pub(super) const BUTTON: usize = 75;
/// Maximum length of a button value.
pub(super) const VALUE: usize = 2000;
/// Maximum length of a block id or action id.
pub(super) const ID: usize = 255;
/// Maximum length of a view's `private_metadata`.
pub(super) const METADATA: usize = 3000;
/// Maximum length of a modal's title and button labels.
pub(super) const VIEW_TITLE: usize = 24;
/// Maximum length of the label and of the hint of an input.
pub(super) const LABEL: usize = 2000;
/// Maximum length of an option's label.
pub(super) const CHOICE: usize = 75;
/// Maximum length of an option's value.
pub(super) const CHOICE_ID: usize = 150;
/// Maximum number of options in a select menu.
pub(super) const CHOICES: usize = 100;
/// Maximum number of checkboxes.
pub(super) const BOXES: usize = 10;
/// Maximum length of the fallback text for notifications; Slack recommends at most 4000.
pub(super) const TEXT: usize = 3900;
/// Maximum length of a link's URL.
pub(super) const URL: usize = 2000;

/// Returns the length of a text in UTF-16 code units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Truncates a text to `most` units, including a trailing `…`.
pub(super) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let (kept, _) = split(text, most.saturating_sub(1));
    format!("{kept}…")
}

/// Splits a text into pieces of at most `most` units, but at least 2.
pub(super) fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = split(rest, most.max(2));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Splits a text after at most `most` units, between characters. Returns the prefix and the rest.
pub(super) fn split(text: &str, most: usize) -> (&str, &str) {
    let mut room = most;
    let end = text.char_indices().find(|(_, c)| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            false
        }
        None => true,
    });
    text.split_at(end.map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_inside_a_character() {
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(cut("grüne", 4), "grü…");
        assert_eq!(cut("🚀🚀🚀", 4), "🚀…", "a rocket counts twice");
        assert_eq!(pieces("ab🚀c", 3), ["ab", "🚀c"]);
        assert_eq!(pieces("", 3), Vec::<&str>::new());
    }
}
