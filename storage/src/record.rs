//! What a commit is made of: streams, versions, events, and the commit itself as plain data.

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
            /// Wraps the text. Names are compared byte by byte; keep them under 256 bytes.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
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
    /// Names a stream of events, such as one run of something.
    StreamId
);
text_id!(
    /// Names a commit, chosen by the caller before it commits, so that its outcome can be asked for later.
    CommitId
);
text_id!(
    /// Identifies an input from outside, so that a repeated delivery changes nothing.
    DedupeKey
);

/// How many events a stream holds; the version of an event is its place in the stream, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of the next event.
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

/// The number of a commit in the journal. It only grows; there may be gaps, for a journal numbers its own entries too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// A place in the feed of all records: behind the record with this commit number and place in the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The commit.
    pub seq: Seq,
    /// The record's place among the records of its commit, from 0. `Cursor::default()` is the very beginning.
    pub index: u32,
}

/// The version an append expects the stream to be at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Exactly this one; otherwise the whole commit conflicts.
    Exactly(Version),
    /// Whatever it is.
    Any,
}

/// Events to add to the end of one stream. A commit names a stream at most once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// Where the caller believes the stream to be.
    pub expected: Expected,
    /// The events, as JSON the journal does not look into. At least one.
    pub events: Vec<Box<RawValue>>,
}

/// One all-or-nothing change of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Commit {
    /// The caller's name for it.
    pub id: CommitId,
    /// The input this commit answers; a second commit with the same key is refused as already seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DedupeKey>,
    /// Events to append.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<Append>,
    /// Work for the outbox. Work whose key the journal already knows, done or not, is left as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enqueue: Vec<Work>,
    /// Claimed work whose outcome is in this commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settle: Vec<Settle>,
    /// Timers to set or cancel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerChange>,
    /// Leases to take, extend or give back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseChange>,
    /// What must hold for the commit to happen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Requirement>,
}

impl Commit {
    /// An empty commit with this id, to be filled in.
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

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The commit's number.
    pub seq: Seq,
    /// When it was made, by the journal's time.
    pub at: Timestamp,
    /// The version each appended stream is at now, in the order of the commit.
    pub versions: Vec<(StreamId, Version)>,
    /// The fence of each lease taken, in the order of the commit.
    pub fences: Vec<(LeaseId, Fence)>,
}

/// One event as the journal holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the feed.
    pub cursor: Cursor,
    /// When it was committed.
    pub at: Timestamp,
    /// The event.
    pub event: Box<RawValue>,
}
