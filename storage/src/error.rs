//! Why a commit or a read did not happen.

use thiserror::Error;

use crate::lease::{LeaseId, LeaseView};
use crate::outbox::WorkKey;
use crate::record::{CommitId, Receipt, StreamId, Version};

/// Why a commit did not happen, or is not known to have happened.
#[derive(Debug, Error)]
pub enum CommitError {
    /// A stream is not at the expected version. Read it again and decide again.
    #[error("stream {stream} is at version {actual}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// Where it is.
        actual: Version,
    },
    /// The input was committed before; nothing to do.
    #[error("this input was committed before")]
    AlreadySeen(Receipt),
    /// The work was claimed by somebody else since, is settled, or is unknown.
    #[error("work {0} is no longer held under that fence")]
    FenceLost(WorkKey),
    /// The lease has a holder.
    #[error("lease {} is held by {}", .0.lease, .0.holder)]
    LeaseBusy(LeaseView),
    /// The lease is not held under that fence.
    #[error("lease {0} is not held under that fence")]
    LeaseLost(LeaseId),
    /// The commit cannot be made durable as it stands: too large, a stream named twice, an append without events.
    #[error("commit is malformed: {0}")]
    Malformed(String),
    /// The commit may have happened: ask [`crate::Journal::outcome`], after a restart if the store is poisoned.
    #[error("it is not known whether commit {0} happened")]
    Unknown(CommitId),
    /// The store takes no commits any more; the process should stop and say why.
    #[error("the store takes no commits: {0}")]
    Fatal(String),
}

/// Why a read failed.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Unavailable(String),
}
