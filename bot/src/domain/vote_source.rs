//! The source of a vote or a rejection. All sources have the same effect, but only a reaction can be removed without a
//! command; it is therefore read again before the vote counts.

use serde::{Deserialize, Serialize};

/// The source of a vote or a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteSource {
    /// A typed command or a submitted form.
    Command,
    /// The button on the vote request.
    Button,
    /// A reaction to the vote request.
    Reaction,
}

impl VoteSource {
    /// Returns `true` if the vote can be withdrawn by removing a reaction, possibly without an event from the chat.
    #[must_use]
    pub fn is_reaction(self) -> bool {
        match self {
            Self::Reaction => true,
            Self::Command | Self::Button => false,
        }
    }
}
