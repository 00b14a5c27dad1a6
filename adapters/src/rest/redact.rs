//! What others say, without what only they and the bot may know: they may say back to us whatever they were told (security
//! case 67). It is taken out before a text is cut, because half a secret is one too.

use secrecy::{ExposeSecret as _, SecretString};

/// The text without this secret in it.
pub(crate) fn without(text: &str, secret: &SecretString) -> String {
    match secret.expose_secret() {
        "" => text.to_owned(),
        secret => text.replace(secret, "…"),
    }
}

/// Why JSON could not be read. It names a place and a kind, and never the text: that may be anything.
pub(crate) fn unreadable(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "its shape is not the expected one",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            "it is no whole JSON"
        }
    };
    format!("{kind}, line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands() {
        let secret = SecretString::from("hush");
        assert_eq!(without("hush: Bearer hush is wrong", &secret), "…: Bearer … is wrong");
        assert_eq!(without("nothing", &SecretString::from("")), "nothing");
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        let error = serde_json::from_str::<u64>("\"xoxb-1\"").unwrap_err();
        assert_eq!(unreadable(&error), "its shape is not the expected one, line 1 column 8");
        let error = serde_json::from_str::<u64>("xoxb-1").unwrap_err();
        assert_eq!(unreadable(&error), "it is no whole JSON, line 1 column 1");
    }
}
