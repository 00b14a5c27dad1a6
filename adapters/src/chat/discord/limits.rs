//! How much Discord takes. Lengths are counted in UTF-16 units, which is never less than characters.

/// The title of an embed.
pub(super) const TITLE: usize = 256;
/// The text of an embed.
pub(super) const DESCRIPTION: usize = 4096;
/// Names with values in an embed.
pub(super) const FIELDS: usize = 25;
/// The name of such a field.
pub(super) const FIELD_NAME: usize = 256;
/// The value of such a field.
pub(super) const FIELD_VALUE: usize = 1024;
/// All text in all embeds of a message.
pub(super) const EMBEDS: usize = 6000;
/// Buttons in a row, and rows in a message.
pub(super) const BUTTONS_A_ROW: usize = 5;
pub(super) const ROWS: usize = 5;
/// What a button says.
pub(super) const BUTTON: usize = 80;
/// What a button or a modal carries.
pub(super) const CUSTOM_ID: usize = 100;
/// The title of a modal, and the label of a question.
pub(super) const MODAL_LABEL: usize = 45;
/// Questions of a modal.
pub(super) const MODAL_INPUTS: usize = 5;
/// What stands in a question before it is answered.
pub(super) const PLACEHOLDER: usize = 100;
/// An answer.
pub(super) const ANSWER: usize = 4000;
/// The name of a thread.
pub(super) const THREAD_NAME: usize = 100;
/// People, and groups, whom one message calls: their numbers have to stand in its 2000 characters.
pub(super) const CALLED: usize = 40;
/// An address in a link.
pub(super) const URL: usize = 1000;

/// How long Discord takes a text to be, or less.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text at most so long, with `…` where it was cut; never half a character.
pub(super) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fits = |c: &char| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_inside_a_character() {
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(cut("grüne", 4), "grü…");
        assert_eq!(cut("🚀🚀🚀", 4), "🚀…", "a rocket counts twice");
    }
}
