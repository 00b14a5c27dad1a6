//! The three ways an outward call can fail. The caller needs to know no more than this to do the right thing.

use std::time::Duration;

use thiserror::Error;

/// Why an outward call did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// It did not happen, and may work later: the other side is down, busy or rate limited.
    #[error("{reason}")]
    Retry {
        /// What was tried and what came back, for a person, without secrets.
        reason: String,
        /// How long the other side asked to be left alone.
        after: Option<Duration>,
    },
    /// It did not happen and will not happen however often it is asked: a person has to change something.
    #[error("{reason}")]
    Rejected {
        /// What was tried, what was refused and what to do next, for a person, without secrets.
        reason: String,
    },
    /// It may have happened. Look it up by its natural key before anything is repeated.
    #[error("{reason}")]
    Uncertain {
        /// What was tried and how the answer got lost.
        reason: String,
    },
}

impl Failure {
    /// A failure that may pass by itself.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// A failure that will not pass by itself.
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected { reason: reason.into() }
    }

    /// A lost answer.
    pub fn uncertain(reason: impl Into<String>) -> Self {
        Self::Uncertain { reason: reason.into() }
    }

    /// The reason, in words for a person.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. } | Self::Rejected { reason } | Self::Uncertain { reason } => reason,
        }
    }
}
