//! The outbox: work items that are enqueued by a commit, claimed by a worker under a fence, and settled by a
//! later commit.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::record::text_id;

text_id!(
    /// Natural key of a work item. Never reused, except by a timer that is set again.
    WorkKey
);
text_id!(
    /// Name of a work queue. Each worker serves one or more queues.
    Queue
);

/// Fencing token. Every claim of a work item and every acquisition of a lease gets a higher one, also across
/// restarts, so that a holder with an older fence can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A work item, available to workers once the commit that enqueues it is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Work {
    /// Natural key, unique in the journal.
    pub key: WorkKey,
    /// Queue of the item, which determines the worker that handles it.
    pub queue: Queue,
    /// Items of one queue with the same order key are processed one at a time, oldest first.
    pub order_key: String,
    /// Earliest time at which the item can be claimed.
    pub not_before: Timestamp,
    /// Content of the item, as JSON that is opaque to the journal.
    pub payload: Box<RawValue>,
}

/// A change of a timer: a work item that is due at a given time. Setting a timer again replaces it and voids
/// its claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerChange {
    /// Sets the timer and replaces an existing item with this key, settled or not.
    Set(Work),
    /// Removes the timer; does nothing if there is none.
    Cancel(WorkKey),
}

/// The outcome of claimed work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The item is done and leaves the outbox.
    Done,
    /// The item stays in its queue and is retried.
    Retry {
        /// Earliest time of the next attempt.
        not_before: Timestamp,
        /// The reason of the failure, as text for a user.
        reason: String,
    },
    /// The item is given up: it stays visible and is not claimed again, unless a timer is set under its key.
    Dead {
        /// The reason for giving up, as text for a user.
        reason: String,
    },
}

/// Settles one claimed work item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// Key of the settled item.
    pub work: WorkKey,
    /// Fence of the claim; refused if it is not the newest.
    pub fence: Fence,
    /// Outcome of the attempt.
    pub settlement: Settlement,
}

/// A request to claim due work items.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The queues that the worker serves.
    pub queues: Vec<Queue>,
    /// Maximum number of items to claim.
    pub max: usize,
    /// Duration of the claim; it expires then unless it is renewed.
    pub hold: Duration,
}

/// A work item together with the caller's claim on it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The claimed item.
    pub work: Work,
    /// Fence of this claim, needed to renew and to settle it.
    pub fence: Fence,
    /// Number of earlier attempts that were settled with [`Settlement::Retry`].
    pub attempt: u32,
    /// Time at which the claim expires.
    pub until: Timestamp,
}

/// State of an unsettled work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkState {
    /// No active claim; not necessarily due yet.
    Waiting,
    /// Claimed by a worker.
    Claimed {
        /// Time at which the claim expires.
        until: Timestamp,
        /// Fence of the claim.
        fence: Fence,
    },
    /// Given up with [`Settlement::Dead`].
    Dead {
        /// The reason given when the item was settled.
        reason: String,
    },
}

/// An unsettled work item with its state, for inspection.
#[derive(Debug, Clone)]
pub struct WorkView {
    /// The item itself.
    pub work: Work,
    /// Waiting, claimed or dead.
    pub state: WorkState,
    /// Number of earlier attempts that were settled with [`Settlement::Retry`].
    pub attempt: u32,
    /// The reason of the last failed attempt; `None` before the first failure.
    pub last_failure: Option<String>,
}
