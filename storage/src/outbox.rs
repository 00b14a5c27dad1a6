//! Work: intents to act, recorded in the commit that decided them, claimed under a fence, settled with their outcome.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::record::text_id;

text_id!(
    /// The natural key of a piece of work. It is never reused, except by a timer that is set again.
    WorkKey
);
text_id!(
    /// The kind of worker a piece of work is for.
    Lane
);

/// A number that rises with every claim of a piece of work and with every taking of a lease, across restarts: the holder
/// of an old one is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A piece of work to be done after the commit that holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Work {
    /// Its natural key.
    pub key: WorkKey,
    /// Who does it.
    pub lane: Lane,
    /// Work of one lane with the same order key is done one at a time, oldest first.
    pub order_key: String,
    /// Not to be claimed earlier than this.
    pub not_before: Timestamp,
    /// What to do, as JSON the journal does not look into.
    pub payload: Box<RawValue>,
}

/// A timer is work with a moment. Setting one again under the same key replaces it, and voids a claim on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerChange {
    /// Sets it, in place of an earlier one with this key, whether that was open or done.
    Set(Work),
    /// Removes it; nothing happens when there is none.
    Cancel(WorkKey),
}

/// What came of claimed work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It is done.
    Done,
    /// It is to be tried again.
    Retry {
        /// Not earlier than this.
        not_before: Timestamp,
        /// Why, in words for a person.
        reason: String,
    },
    /// It will not be tried again until a person says so; it stays visible.
    Dead {
        /// Why, in words for a person.
        reason: String,
    },
}

/// The settling of one piece of claimed work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The work.
    pub work: WorkKey,
    /// The fence under which it was claimed.
    pub fence: Fence,
    /// What came of it.
    pub settlement: Settlement,
}

/// Asks for work.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The lanes the worker serves.
    pub lanes: Vec<Lane>,
    /// How many pieces at the most.
    pub max: usize,
    /// How long the claim holds without being renewed.
    pub hold: Duration,
}

/// Work that this worker holds.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The work.
    pub work: Work,
    /// The fence of this claim.
    pub fence: Fence,
    /// How often it was settled with [`Settlement::Retry`] before.
    pub attempt: u32,
    /// Until when the claim holds.
    pub until: Timestamp,
}

/// Where a piece of work stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkState {
    /// Nobody holds it.
    Waiting,
    /// A worker holds it.
    Claimed {
        /// Until when.
        until: Timestamp,
        /// Under which fence.
        fence: Fence,
    },
    /// Given up, for the reason said.
    Dead {
        /// The reason.
        reason: String,
    },
}

/// A piece of unsettled work, to look at.
#[derive(Debug, Clone)]
pub struct WorkView {
    /// The work.
    pub work: Work,
    /// Where it stands.
    pub state: WorkState,
    /// How often it was tried before.
    pub attempt: u32,
    /// Why the last try failed.
    pub last_failure: Option<String>,
}
