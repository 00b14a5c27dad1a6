//! A durable journal: streams of events, an outbox of work, timers, leases and deduplication, committed together.
//!
//! One [`Commit`] is one all-or-nothing change. When [`Journal::commit`] answers `Ok`, the change is on stable storage.
//! When it answers [`CommitError::Unknown`], the change may or may not be there, and [`Journal::outcome`] decides.
//! The crate knows nothing of hotfixes: it moves opaque JSON.

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
    ClaimRequest, Claimed, Fence, Lane, Settle, Settlement, TimerChange, Work, WorkKey, WorkState, WorkView,
};
pub use record::{Append, Commit, CommitId, Cursor, DedupeKey, Expected, Receipt, Record, Seq, StreamId, Version};

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// A durable journal. The same trait serves the embedded store, the in-memory reference and, later, PostgreSQL:
/// every argument is data that an implementation may retry, batch or send to another process.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Makes one change durable, all of it or none of it.
    ///
    /// A commit whose [`CommitId`] was committed before answers the first receipt again and changes nothing.
    ///
    /// # Errors
    /// Every refusal leaves the journal as it was, save [`CommitError::Unknown`] and [`CommitError::Fatal`].
    /// When several refusals apply the order of checks is: dedupe key, stream versions, settled work, requirements, leases.
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError>;

    /// Whether the commit with this id happened, and its receipt if so.
    async fn outcome(&self, id: &CommitId) -> Result<Option<Receipt>, ReadError>;

    /// At most `max` records of one stream with a version above `after`, in order.
    async fn stream(&self, stream: &StreamId, after: Version, max: usize) -> Result<Vec<Record>, ReadError>;

    /// At most `max` records of all streams behind `after`, in commit order. The cursor to go on from is the last record's.
    async fn feed(&self, after: Cursor, max: usize) -> Result<Vec<Record>, ReadError>;

    /// Takes up to `max` pieces of due work. Of the work that shares a lane and an order key only the oldest unsettled
    /// piece can be taken, and only when nobody holds it; work whose claim ran out can be taken again, with a higher fence.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, ReadError>;

    /// Extends a claim from now. Answers `None` when the fence is no longer the work's newest.
    async fn renew(&self, work: &WorkKey, fence: Fence, hold: Duration) -> Result<Option<Timestamp>, ReadError>;

    /// The earliest moment at which some unsettled work can be claimed (already past when it can be now); `None` when there is none.
    async fn next_due(&self) -> Result<Option<Timestamp>, ReadError>;

    /// All work that is not done: waiting, claimed or dead, oldest first.
    async fn unsettled(&self) -> Result<Vec<WorkView>, ReadError>;

    /// All leases held now, by name. A lease past its end is not listed.
    async fn leases(&self) -> Result<Vec<LeaseView>, ReadError>;

    /// A number that changes whenever a commit may have made work due or records readable. A hint: polling is the truth.
    fn wake(&self) -> watch::Receiver<u64>;

    /// The journal's time: the clock's, never earlier than any moment the journal has recorded.
    fn now(&self) -> Timestamp;

    /// Why the journal's time is not to be believed, in words for a person; `None` when it is. Nothing should be done
    /// meanwhile that a time limit has a say in.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// How the journal is: its last commit, and why it refuses work, if it does.
    async fn health(&self) -> Health;
}

/// The state of a journal, for a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last commit made durable.
    pub seq: Seq,
    /// Hash of the last journal entry, lower-case hexadecimal; empty for a journal without a hash chain.
    pub head: String,
    /// Why the journal refuses commits; `None` when it takes them.
    pub poisoned: Option<String>,
}
