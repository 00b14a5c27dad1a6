//! How somebody gave a vote or a no. It is one act whichever way it comes; only a reaction can be taken back where it stands,
//! and is read again before it counts.

use serde::{Deserialize, Serialize};

/// How somebody gave a vote or a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "Written")]
pub enum Way {
    /// By a word: the verb, or a form. Older journals do not tell of noes, and those count as this.
    #[default]
    Word,
    /// By the button of the question.
    Button,
    /// By a reaction on the question.
    Reaction,
}

impl Way {
    /// Whether it can be taken back where it stands.
    #[must_use]
    pub fn is_reaction(self) -> bool {
        match self {
            Self::Reaction => true,
            Self::Word | Self::Button => false,
        }
    }
}

/// How it stands in a journal: older ones say only whether it was a reaction.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    ByReaction(bool),
    Way(Named),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Word,
    Button,
    Reaction,
}

impl From<Written> for Way {
    fn from(written: Written) -> Self {
        match written {
            Written::ByReaction(true) | Written::Way(Named::Reaction) => Self::Reaction,
            Written::ByReaction(false) | Written::Way(Named::Word) => Self::Word,
            Written::Way(Named::Button) => Self::Button,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::event::{Entry, Event};

    fn read(event: &str) -> Event {
        let entry = format!(r#"{{"at":"2026-03-02T10:00:00Z","by":{{"person":"ben"}},"event":{event}}}"#);
        serde_json::from_str::<Entry>(&entry).unwrap().event
    }

    /// A journal that was begun by an older version is read by this one.
    #[test]
    fn older_journals_are_read() {
        let one = "1".repeat(40);
        let vote = |way: &str| {
            let event = read(&format!(
                r#"{{"kind":"voted","environment":"production","commit":"{one}","base":"{one}","plan_digest":"p",
                "policy_version":"v","person":"ben","roles":["approver"],{way},"at":"2026-03-02T10:00:00Z",
                "expires":"2026-03-02T14:00:00Z"}}"#
            ));
            let Event::Voted(vote) = event else { panic!("{event:?}") };
            vote.way
        };
        assert_eq!(vote(r#""by_reaction":true"#), Way::Reaction);
        assert_eq!(vote(r#""by_reaction":false"#), Way::Word);
        for way in [Way::Word, Way::Button, Way::Reaction] {
            assert_eq!(vote(&format!(r#""way":{}"#, serde_json::to_string(&way).unwrap())), way);
        }
        let no = read(r#"{"kind":"vetoed","environment":"production","reason":"said so by a reaction"}"#);
        assert!(matches!(no, Event::Vetoed { way: Way::Word, on: None, .. }), "{no:?}");
    }
}
