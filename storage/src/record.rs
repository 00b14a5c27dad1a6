//! The data model of the journal: streams, versions, records, commits and receipts, as plain data.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::lease::{LeaseChange, LeaseId, Requirement};
use crate::outbox::{Fence, Settle, TimerChange, Work};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text. Names are compared byte by byte and are limited to 255 bytes.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_id;

text_id!(
    /// Name of an event stream, for example of one hotfix run.
    StreamId
);
text_id!(
    /// Id of a commit. The caller chooses it before it commits, so that it can ask for the outcome later.
    CommitId
);
text_id!(
    /// Dedupe key of an external input. A repeated delivery with the same key changes nothing.
    DedupeKey
);

/// Number of events in a stream. The version of an event is its position in the stream, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// Returns the version of the next event.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Number of a commit in the journal. Increases with every commit. There may be gaps, because other journal entries
/// are numbered too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// A position in the feed of all records: directly after the record with this commit number and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// Number of the commit that contains the record.
    pub seq: Seq,
    /// Index of the record in its commit, starting at 0. `Cursor::default()` is the beginning of the feed.
    pub index: u32,
}

/// The stream version that an append requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Exactly this version; otherwise the whole commit is refused with a conflict.
    Exactly(Version),
    /// Any version: the append never conflicts.
    Any,
}

/// Events to append to one stream. A commit contains at most one append per stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Append {
    /// The stream to append to.
    pub stream: StreamId,
    /// The stream version that the caller based its decision on.
    pub expected: Expected,
    /// The events, as JSON that is opaque to the journal. At least one.
    pub events: Vec<Box<RawValue>>,
}

/// One atomic change of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Commit {
    /// Id chosen by the caller.
    pub id: CommitId,
    /// Dedupe key of the input that led to this commit. A second commit with the same key is refused as already seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DedupeKey>,
    /// Events to append, at most one entry per stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<Append>,
    /// Work items to add to the outbox. An item whose key is already known, settled or not, is ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enqueue: Vec<Work>,
    /// Claimed work items that this commit settles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settle: Vec<Settle>,
    /// Timers to set or to cancel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerChange>,
    /// Leases to acquire, extend or release, applied in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseChange>,
    /// Preconditions: if one does not hold, the commit is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
}

impl Commit {
    /// Returns an empty commit with this id.
    #[must_use]
    pub fn new(id: CommitId) -> Self {
        Self {
            id,
            seen: None,
            append: Vec::new(),
            enqueue: Vec::new(),
            settle: Vec::new(),
            timers: Vec::new(),
            leases: Vec::new(),
            require: Vec::new(),
        }
    }
}

/// The result of a successful commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Number of the commit.
    pub seq: Seq,
    /// Time of the commit, by the journal's clock.
    pub at: Timestamp,
    /// New version of each appended stream, in the order of the appends.
    pub versions: Vec<(StreamId, Version)>,
    /// Fence of each acquired lease, in the order of the lease changes.
    pub fences: Vec<(LeaseId, Fence)>,
}

/// One event as stored in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Stream of the event.
    pub stream: StreamId,
    /// Position of the event in its stream, starting at 1.
    pub version: Version,
    /// Position of the event in the feed of all records.
    pub cursor: Cursor,
    /// Time of the commit that appended the event.
    pub at: Timestamp,
    /// The event, as JSON that is opaque to the journal.
    pub event: Box<RawValue>,
}
