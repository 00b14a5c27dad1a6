//! Where a vote or a rejection came from. The source changes nothing about its effect; only a reaction can be taken back in place, so it is
//! read again before it counts.

use serde::{Deserialize, Serialize};

/// The source of a vote or a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteSource {
    /// The verb, typed or filled in as a form.
    Command,
    /// The button on the vote request.
    Button,
    /// A reaction to the vote request.
    Reaction,
}

impl VoteSource {
    /// Returns `true` if the vote can be taken back in place, without the bot being told.
    #[must_use]
    pub fn is_reaction(self) -> bool {
        match self {
            Self::Reaction => true,
            Self::Command | Self::Button => false,
        }
    }
}
