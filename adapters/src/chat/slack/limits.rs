//! How much Slack takes. Lengths are counted in UTF-16 units, which is how Slack's own clients count and never less than
//! characters.

/// Blocks in a message.
pub(super) const BLOCKS_A_MESSAGE: usize = 50;
/// Blocks in a modal or on the home page.
pub(super) const BLOCKS_A_VIEW: usize = 100;
/// All of a message. Slack documents no such limit and refuses with `msg_blocks_too_long` from about 13,200 characters on,
/// its own containers included; messages with many small parts were refused at 11,400.
pub(super) const MESSAGE: usize = 10_000;
/// One block of text.
pub(super) const SECTION: usize = 3000;
/// A header.
pub(super) const HEADER: usize = 150;
/// Buttons in a row.
pub(super) const BUTTONS_A_BLOCK: usize = 25;
/// Buttons of one card.
pub(super) const BUTTONS: usize = 100;
/// What a button says.
pub(super) const BUTTON: usize = 75;
/// What a button carries.
pub(super) const VALUE: usize = 2000;
/// Ids of blocks and actions.
pub(super) const ID: usize = 255;
/// What a view carries.
pub(super) const METADATA: usize = 3000;
/// The title, the submit and the close of a modal.
pub(super) const VIEW_TITLE: usize = 24;
/// The label and the hint of a question.
pub(super) const LABEL: usize = 2000;
/// An entry of a list to choose from.
pub(super) const CHOICE: usize = 75;
/// The id of such an entry.
pub(super) const CHOICE_ID: usize = 150;
/// Entries of such a list.
pub(super) const CHOICES: usize = 100;
/// Boxes to tick.
pub(super) const BOXES: usize = 10;
/// The text that stands for a message in notifications; 4000 are advised.
pub(super) const TEXT: usize = 3900;
/// An address in a link.
pub(super) const URL: usize = 2000;

/// How long Slack takes a text to be.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text at most so long, with `…` where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let (kept, _) = split(text, most.saturating_sub(1));
    format!("{kept}…")
}

/// A text in pieces at most so long.
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

/// The most of a text that is no longer than this, never half a character, and what is behind it.
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
