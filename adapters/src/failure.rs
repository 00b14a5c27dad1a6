//! The failure type of all calls to external systems. It has the three cases that a caller must tell apart.

use std::time::Duration;

use thiserror::Error;

/// The reason that a call to an external system failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The call had no effect and may succeed later: the system is down, overloaded or rate limited.
    #[error("{reason}")]
    Retry {
        /// The attempted operation and the response, as text for a user, without secrets.
        reason: String,
        /// Delay requested by the system before the next attempt; `None` if it gave none.
        after: Option<Duration>,
    },
    /// The call had no effect, and repeating it cannot succeed: a user has to change something first.
    #[error("{reason}")]
    Rejected {
        /// The attempted operation, the refusal and the next step, as text for a user, without secrets.
        reason: String,
    },
    /// The call may have had its effect. The caller must look it up by its natural key before it repeats anything.
    #[error("{reason}")]
    Uncertain {
        /// The attempted operation and the reason that its result is unknown, without secrets.
        reason: String,
    },
}

impl Failure {
    /// Creates a temporary failure without a requested delay.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// Creates a permanent failure.
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected { reason: reason.into() }
    }

    /// Creates a failure of a call with an unknown result.
    pub fn uncertain(reason: impl Into<String>) -> Self {
        Self::Uncertain { reason: reason.into() }
    }

    /// Returns the reason, as text for a user.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. } | Self::Rejected { reason } | Self::Uncertain { reason } => reason,
        }
    }
}
