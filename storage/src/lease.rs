//! Leases: at most one holder per id, with a note, an expiry and a fence that increases with every acquisition.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::outbox::Fence;
use crate::record::text_id;

text_id!(
    /// Id of a lease: the resource that is held.
    LeaseId
);

/// A change of one lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseChange {
    /// Acquires the lease if it is free or expired. A holder cannot acquire it again (`LeaseBusy`); it must extend
    /// it instead.
    Acquire {
        /// The lease to acquire.
        lease: LeaseId,
        /// Name of the new holder.
        holder: String,
        /// The reason, as text for users who find the lease taken.
        note: String,
        /// Expiry; `None` to hold the lease until it is released.
        until: Option<Timestamp>,
    },
    /// Changes the expiry of an active lease.
    Extend {
        /// The lease to extend.
        lease: LeaseId,
        /// Fence of the acquisition; any other is refused as lost.
        fence: Fence,
        /// New expiry; `None` to hold the lease until it is released.
        until: Option<Timestamp>,
    },
    /// Releases the lease. A fence other than the newest is refused as lost.
    Release {
        /// The lease to release.
        lease: LeaseId,
        /// Fence of the acquisition.
        fence: Fence,
    },
}

/// A precondition of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// The lease is held under exactly this fence and has not expired.
    LeaseHeld {
        /// The required lease.
        lease: LeaseId,
        /// Fence of the acquisition.
        fence: Fence,
    },
}

/// A lease and its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseView {
    /// Id of the lease.
    pub lease: LeaseId,
    /// Name of the holder.
    pub holder: String,
    /// The reason given by the holder.
    pub note: String,
    /// Time of the acquisition.
    pub since: Timestamp,
    /// Expiry; `None` if the lease is held until it is released.
    pub until: Option<Timestamp>,
    /// Fence of the acquisition.
    pub fence: Fence,
}

impl LeaseView {
    /// Returns `true` if the lease has not expired at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
