//! Errors of commits and of reads.

use thiserror::Error;

use crate::lease::{LeaseId, LeaseView};
use crate::outbox::WorkKey;
use crate::record::{CommitId, Receipt, StreamId, Version};

/// The reason that a commit was refused, failed, or has an unknown outcome.
#[derive(Debug, Error)]
pub enum CommitError {
    /// A stream is not at the expected version. The caller should read it again and decide again.
    #[error("stream {stream} is at version {actual}")]
    Conflict {
        /// The stream that was appended to.
        stream: StreamId,
        /// Current version of the stream.
        actual: Version,
    },
    /// The dedupe key was committed before; carries the receipt of that commit. There is nothing left to do.
    #[error("this input was committed before")]
    AlreadySeen(Receipt),
    /// The work item is unknown or settled, or has been claimed again under a newer fence.
    #[error("work {0} is no longer held under that fence")]
    FenceLost(WorkKey),
    /// The lease to acquire is held; carries its current holder.
    #[error("lease {} is held by {}", .0.lease, .0.holder)]
    LeaseBusy(LeaseView),
    /// The lease is not held under the given fence.
    #[error("lease {0} is not held under that fence")]
    LeaseLost(LeaseId),
    /// No journal can store the commit: it is too large, names a stream twice, or has an append without events.
    #[error("commit is malformed: {0}")]
    Malformed(String),
    /// The commit may have been made. Call [`crate::Journal::outcome`], after a restart if the store is poisoned.
    #[error("it is not known whether commit {0} happened")]
    Unknown(CommitId),
    /// The store accepts no further commits. The process should report the reason and stop.
    #[error("the store takes no commits: {0}")]
    Fatal(String),
}

/// The reason that a read failed.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store is closed, poisoned, or cannot be read.
    #[error("the store could not be read: {0}")]
    Unavailable(String),
}
