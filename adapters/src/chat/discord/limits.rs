//! Discord's size limits, and functions that measure and cut text. Lengths are in UTF-16 code units, which are never
//! less than the number of characters.

/// Maximum length of an embed's title.
pub(super) const TITLE: usize = 256;
/// Maximum length of an embed's description.
pub(super) const DESCRIPTION: usize = 4096;
/// Maximum number of fields in an embed.
pub(super) const FIELDS: usize = 25;
/// Maximum length of a field's name.
pub(super) const FIELD_NAME: usize = 256;
/// Maximum length of a field's value.
pub(super) const FIELD_VALUE: usize = 1024;
/// Maximum total length of all embeds in a message.
pub(super) const EMBEDS: usize = 6000;
/// Maximum number of buttons in a row, and of rows in a message.
pub(super) const BUTTONS_A_ROW: usize = 5;
pub(super) const ROWS: usize = 5;
/// Maximum length of a button label.
pub(super) const BUTTON: usize = 80;
/// Maximum length of the `custom_id` of a button or modal.
pub(super) const CUSTOM_ID: usize = 100;
/// Maximum length of a modal's title and of an input's label.
pub(super) const MODAL_LABEL: usize = 45;
/// Maximum number of inputs in a modal.
pub(super) const MODAL_INPUTS: usize = 5;
/// Maximum length of an input's placeholder.
pub(super) const PLACEHOLDER: usize = 100;
/// Maximum length of an answer.
pub(super) const ANSWER: usize = 4000;
/// Maximum length of a thread name.
pub(super) const THREAD_NAME: usize = 100;
/// Maximum number of users, and of groups, that one message mentions: their ids must fit into its 2000 characters.
pub(super) const CALLED: usize = 40;
/// Maximum length of a link's URL.
pub(super) const URL: usize = 1000;

/// Returns the length of a text in UTF-16 code units; Discord may count less.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Truncates a text to `most` units, including a trailing `…`, between characters.
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
