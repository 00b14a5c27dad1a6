//! One journal entry: a line of JSON that contains the hash of the entry before it.
//!
//! `{"seq":7,"prev":"…","at":1700000000000,"entry":{…},"hash":"…"}`: the hash is the SHA-256 of all bytes before
//! `,"hash"`. It is verified on the raw bytes, so two different encodings of one entry never have the same hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::lease::LeaseId;
use crate::outbox::{Fence, TimerChange, Work};
use crate::record::{Commit, Cursor, Receipt, Record, Seq, StreamId, Version};

/// Version of the format that this code reads and writes. A store of any other format is refused; nothing converts it.
pub(crate) const FORMAT: u32 = 2;
/// Length of the end of a line: `,"hash":"`, 64 digits and `"}`.
const SEAL: usize = 9 + 64 + 2;

/// A SHA-256 hash; all zeros stands for the predecessor of the first entry.
pub(crate) type Hash = [u8; 32];

/// A decoded line with a verified hash.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
    pub(crate) at: Timestamp,
    pub(crate) entry: Entry,
    pub(crate) hash: Hash,
}

/// The reason that a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Unreadable {
    /// The line is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// The store has another format than this code.
    #[error("it has format {0}; this version of hotfix reads and writes format {FORMAT}")]
    Format(u32),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The store was opened. The fences of this opening start at `epoch << 32`.
    Opened { epoch: u64, format: u32 },
    /// A commit and the contents of its receipt.
    Commit(Box<Made>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) commit: Commit,
    pub(crate) versions: Vec<(StreamId, Version)>,
    pub(crate) fences: Vec<(LeaseId, Fence)>,
}

#[derive(Deserialize)]
struct Body {
    seq: u64,
    prev: String,
    at: Timestamp,
    entry: Entry,
}

#[derive(Serialize)]
struct BodyRef<'a, E> {
    seq: u64,
    prev: String,
    at: Timestamp,
    entry: &'a E,
}

/// A borrowed [`Entry`], for encoding without cloning the commit.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntryRef<'a> {
    Opened { epoch: u64, format: u32 },
    Commit(MadeRef<'a>),
}

#[derive(Serialize)]
pub(crate) struct MadeRef<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) versions: &'a [(StreamId, Version)],
    pub(crate) fences: &'a [(LeaseId, Fence)],
}

/// Appends the line with its newline to `out` and returns its hash.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    seq: u64,
    prev: &Hash,
    at: Timestamp,
    entry: &EntryRef<'_>,
) -> Result<Hash, String> {
    let start = out.len();
    serde_json::to_writer(&mut *out, &BodyRef { seq, prev: hex::encode(prev), at, entry })
        .map_err(|e| e.to_string())?;
    // Remove the closing brace; it is added again after the hash.
    out.pop();
    let body = out.get_mut(start..).unwrap_or_default();
    // A raw newline in JSON can only be white space between tokens, and an entry must be one line.
    for byte in body.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b' ';
    }
    let hash: Hash = Sha256::digest(&body).into();
    out.extend_from_slice(b",\"hash\":\"");
    out.extend_from_slice(hex::encode(hash).as_bytes());
    out.extend_from_slice(b"\"}\n");
    Ok(hash)
}

/// Returns the hash of a line (without its newline) if the hash in the line is correct, otherwise `None`.
pub(crate) fn sealed(line: &[u8]) -> Option<Hash> {
    let (body, seal) = line.split_at_checked(line.len().checked_sub(SEAL)?)?;
    let digits = seal.strip_prefix(b",\"hash\":\"")?.strip_suffix(b"\"}")?;
    let hash: Hash = Sha256::digest(body).into();
    (hex::encode(hash).as_bytes() == digits).then_some(hash)
}

/// Decodes and verifies a line without its newline.
pub(crate) fn decode(line: &[u8]) -> Result<Line, Unreadable> {
    let damaged = |reason: String| Unreadable::Damaged(reason);
    let hash = sealed(line).ok_or_else(|| damaged("its checksum does not match".to_owned()))?;
    let Body { seq, prev, at, entry } = serde_json::from_slice(line).map_err(|e| {
        damaged(format!(
            "its checksum matches, but it cannot be read ({e}); another version of hotfix may have written it"
        ))
    })?;
    let mut previous = Hash::default();
    hex::decode_to_slice(&prev, &mut previous).map_err(|e| damaged(format!("its link is not a hash ({e})")))?;
    if let Entry::Opened { format, .. } = entry
        && format != FORMAT
    {
        return Err(Unreadable::Format(format));
    }
    Ok(Line { seq, prev: previous, at, entry, hash })
}

impl Line {
    pub(crate) fn made(&self) -> Option<&Made> {
        match &self.entry {
            Entry::Commit(made) => Some(made),
            Entry::Opened { .. } => None,
        }
    }

    pub(crate) fn receipt(&self) -> Option<Receipt> {
        let made = self.made()?;
        let (versions, fences) = (made.versions.clone(), made.fences.clone());
        Some(Receipt { seq: Seq(self.seq), at: self.at, versions, fences })
    }

    /// Returns the records of the commit, in feed order.
    pub(crate) fn records(&self) -> Vec<Record> {
        let Some(made) = self.made() else { return Vec::new() };
        let mut records = Vec::new();
        for (append, (stream, last)) in made.commit.append.iter().zip(&made.versions) {
            let first = last.0.saturating_sub(append.events.len() as u64);
            for (event, version) in append.events.iter().zip(first.saturating_add(1)..) {
                let cursor = Cursor { seq: Seq(self.seq), index: u32::try_from(records.len()).unwrap_or(u32::MAX) };
                let (stream, version, event) = (stream.clone(), Version(version), event.clone());
                records.push(Record { stream, version, cursor, at: self.at, event });
            }
        }
        records
    }

    /// Returns the work item at this index of the commit: enqueued items come first, then timers.
    pub(crate) fn work(&self, place: u32) -> Option<&Work> {
        let commit = &self.made()?.commit;
        let place = usize::try_from(place).ok()?;
        match place.checked_sub(commit.enqueue.len()) {
            None => commit.enqueue.get(place),
            Some(timer) => match commit.timers.get(timer)? {
                TimerChange::Set(work) => Some(work),
                TimerChange::Cancel(_) => None,
            },
        }
    }
}
