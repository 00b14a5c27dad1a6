//! Removes secrets from texts of external systems, which may echo anything they were sent (security case 67). A text
//! must be redacted before it is cut, because a part of a secret is a secret too.

use secrecy::{ExposeSecret as _, SecretString};

/// Redacts a secret in a text.
pub(crate) fn without(text: &str, secret: &SecretString) -> String {
    match secret.expose_secret() {
        "" => text.to_owned(),
        secret => text.replace(secret, "…"),
    }
}

/// Describes a JSON error by its position and kind. Never quotes the text, which may contain secrets.
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
