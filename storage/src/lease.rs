//! Leases: at most one holder a name, with a reason, an end and a fence that only grows.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::outbox::Fence;
use crate::record::text_id;

text_id!(
    /// Names what is held.
    LeaseId
);

/// A change of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseChange {
    /// Takes it when it is free or past its end. The same holder taking it again is refused as busy: it should extend.
    Acquire {
        /// What.
        lease: LeaseId,
        /// Who.
        holder: String,
        /// Why, in words for whoever finds it taken.
        note: String,
        /// Until when; `None` until it is released.
        until: Option<Timestamp>,
    },
    /// Moves the end of a lease held under this fence.
    Extend {
        /// What.
        lease: LeaseId,
        /// The fence it was taken under.
        fence: Fence,
        /// The new end.
        until: Option<Timestamp>,
    },
    /// Gives it back. Releasing with a fence that is not the newest is refused as lost.
    Release {
        /// What.
        lease: LeaseId,
        /// The fence it was taken under.
        fence: Fence,
    },
}

/// What must hold for a commit to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// The lease is held, under exactly this fence, and not past its end.
    LeaseHeld {
        /// What.
        lease: LeaseId,
        /// The fence.
        fence: Fence,
    },
}

/// A lease held now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseView {
    /// What.
    pub lease: LeaseId,
    /// Who.
    pub holder: String,
    /// Why.
    pub note: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` until it is released.
    pub until: Option<Timestamp>,
    /// Under which fence.
    pub fence: Fence,
}

impl LeaseView {
    /// Whether it has not come to its end at this moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
