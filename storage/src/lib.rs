//! A durable journal: event streams, an outbox of work items, timers, leases and dedupe keys, all changed in one
//! atomic commit.
//!
//! One [`Commit`] is one atomic change. When [`Journal::commit`] returns `Ok`, the change is on stable storage. When
//! it returns [`CommitError::Unknown`], the change may or may not have been made; [`Journal::outcome`] tells. The
//! crate knows nothing about hotfixes: payloads are opaque JSON.

pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod embedded;
pub mod error;
pub mod lease;
pub mod memory;
pub mod outbox;
pub mod record;
mod validate;

pub use embedded::Embedded;
pub use memory::Memory;

pub use clock::{Clock, GuardedClock, SystemClock, Timestamp};
pub use error::{CommitError, ReadError};
pub use lease::{LeaseChange, LeaseId, LeaseView, Requirement};
pub use outbox::{
    ClaimRequest, Claimed, Fence, Queue, Settle, Settlement, TimerChange, Work, WorkKey, WorkState, WorkView,
};
pub use record::{Append, Commit, CommitId, Cursor, DedupeKey, Expected, Receipt, Record, Seq, StreamId, Version};

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// A durable journal. Implemented by the embedded store and by the in-memory reference; PostgreSQL may follow. Every
/// argument is plain data, so an implementation may retry it, batch it or send it to another process.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Makes one change durable, completely or not at all.
    ///
    /// If the [`CommitId`] was committed before, returns the first receipt again and changes nothing.
    ///
    /// # Errors
    /// Every error leaves the journal unchanged, except [`CommitError::Unknown`] and [`CommitError::Fatal`]. If
    /// several checks fail, the first one in this order is reported: dedupe key, stream versions, settled work,
    /// requirements, leases.
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError>;

    /// Returns the receipt of the commit with this id, or `None` if it was not committed.
    async fn outcome(&self, id: &CommitId) -> Result<Option<Receipt>, ReadError>;

    /// Returns at most `max` records of one stream with a version above `after`, in order.
    async fn stream(&self, stream: &StreamId, after: Version, max: usize) -> Result<Vec<Record>, ReadError>;

    /// Returns at most `max` records of all streams after the cursor `after`, in commit order. To continue, pass the
    /// cursor of the last record.
    async fn feed(&self, after: Cursor, max: usize) -> Result<Vec<Record>, ReadError>;

    /// Claims up to `max` due work items. Of the items that share a queue ([`Queue`]) and an order key, only the
    /// oldest one that is neither done nor dead can be claimed, and only if it has no active claim. An item whose
    /// claim expired can be claimed again, under a higher fence.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, ReadError>;

    /// Extends a claim to `hold` from now and returns its new expiry. Returns `None` if the fence is not the newest
    /// of the work item.
    async fn renew(&self, work: &WorkKey, fence: Fence, hold: Duration) -> Result<Option<Timestamp>, ReadError>;

    /// Returns the earliest time at which a work item can be claimed (in the past if one is due already), or `None`
    /// if there is none.
    async fn next_due(&self) -> Result<Option<Timestamp>, ReadError>;

    /// Returns all unsettled work items: waiting, claimed or dead, oldest first.
    async fn unsettled(&self) -> Result<Vec<WorkView>, ReadError>;

    /// Returns all active leases, ordered by id. Expired leases are not listed.
    async fn leases(&self) -> Result<Vec<LeaseView>, ReadError>;

    /// Returns a counter that changes whenever a commit may have made work due or records readable. It is only a
    /// hint: callers must poll as well.
    fn wake(&self) -> watch::Receiver<u64>;

    /// Returns the journal's time: the clock's time, but never earlier than any time that the journal has recorded.
    fn now(&self) -> Timestamp;

    /// Returns the reason, as text for the operator, that the journal's time is not trustworthy, or `None` if it is.
    /// Callers must not take time-limited decisions while this is `Some`.
    fn clock_warning(&self) -> Option<String> {
        None
    }

    /// Returns the last durable commit and, if the journal refuses commits, the reason.
    async fn health(&self) -> Health;
}

/// The state of a journal, for a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Number of the last durable journal entry.
    pub seq: Seq,
    /// Hash of the last journal entry, lower-case hexadecimal; empty for a journal without a hash chain.
    pub head: String,
    /// The reason that the journal refuses commits; `None` if it accepts them.
    pub poisoned: Option<String>,
}
