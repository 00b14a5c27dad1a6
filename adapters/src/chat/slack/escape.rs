//! Decodes Slack's emoji names and its HTML entities in text.

use crate::chat::Emoji;

/// Maps an emoji name to a vote, ignoring the skin tone.
pub(super) fn emoji(name: &str) -> Emoji {
    let plain = name.split("::").next().unwrap_or(name);
    match plain {
        "+1" | "thumbsup" | "white_check_mark" | "heavy_check_mark" => Emoji::Yes,
        "-1" | "thumbsdown" | "x" | "no_entry" => Emoji::No,
        _ => Emoji::Other(name.to_owned()),
    }
}

/// Decodes the entities `&amp;`, `&lt;` and `&gt;` in a message and trims it. Mentions and links, which Slack writes as
/// `<…>`, are left in place. Not used for commands: their parser needs the entities to tell a mention from text that
/// looks like one.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_have_colours() {
        for yes in ["+1", "+1::skin-tone-4", "thumbsup", "white_check_mark", "heavy_check_mark"] {
            assert_eq!(emoji(yes), Emoji::Yes, "{yes}");
        }
        for no in ["-1", "thumbsdown::skin-tone-2", "x", "no_entry"] {
            assert_eq!(emoji(no), Emoji::No, "{no}");
        }
        assert_eq!(emoji("eyes"), Emoji::Other("eyes".to_owned()));
    }

    #[test]
    fn entities_are_read_once() {
        assert_eq!(unescaped(" skip a &amp;lt; b &lt;1&gt; <@U1> "), "skip a &lt; b <1> <@U1>");
    }
}
