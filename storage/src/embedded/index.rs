//! The index: a sled database that holds nothing the journal does not hold, so it can be deleted and rebuilt at
//! any time.
//!
//! One tree with big-endian keys and values of a few dozen bytes (sled moves values of several KiB into files that it
//! never syncs). sled keeps keys and values of at most 22 bytes inline in its nodes, which it copies on every change.
//! A longer one costs an allocation and a reference count per copy, so keys and the values of every commit are kept
//! that short. sled panics on corrupt data, so every call runs inside [`guard`], and its results are checked against
//! the journal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use sha2::{Digest as _, Sha256};

use super::entry::Hash;
use super::segment::Place;
use crate::outbox::WorkKey;
use crate::record::{CommitId, DedupeKey, StreamId};

/// Maximum number of operations in a batch, unless a single commit has more. A commit is never split, so the index
/// always corresponds to a journal entry. A batch costs sled two writes, which favors large batches; but sled frees
/// replaced data only between batches.
const BATCH: usize = 256;
/// Version of the index format that this code writes. An index with another version is rebuilt.
const FORMAT: u8 = 3;
/// Number of digest bytes used as the key of a name. Dedupe keys come from outside (security case 5), so it must be
/// infeasible to find two names with the same key.
const NAME: usize = 16;
/// Number of digest bytes of a stream name at the start of its record keys. Shorter, because the bot names
/// the streams.
const STREAM: usize = 12;

/// A failure of the index: an error or a panic of sled, or data that does not match the journal.
#[derive(Debug, Clone)]
pub(crate) struct Broken(pub(crate) String);

impl From<sled::Error> for Broken {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

/// The journal entry that the index corresponds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) epoch: u64,
    /// Number of work items that are done; the index has one key for each.
    pub(crate) done: u64,
}

/// The place of an entry in the journal, and the number of index keys that it adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    pub(crate) records: u32,
    pub(crate) commit: bool,
    pub(crate) seen: bool,
}

/// The index changes of one journal entry: per key the value to put, or `None` to remove the key.
pub(crate) type Ops = Vec<(Vec<u8>, Option<Vec<u8>>)>;

pub(crate) struct Index {
    db: sled::Db,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call into sled and turns a panic into an error, without printing the panic message.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(outer);
    result.unwrap_or_else(|_| Err(Broken("the index engine panicked".to_owned())))
}

impl Index {
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self, Broken> {
        // No flush timer: the journal makes commits durable, and checkpoints flush the index.
        let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
        Ok(Self { db: config.open()? })
    }

    /// Applies the changes of whole entries, in batches.
    pub(crate) fn apply(&self, entries: Vec<Ops>) -> Result<(), Broken> {
        let (mut batch, mut size) = (sled::Batch::default(), 0_usize);
        for ops in entries {
            if size > 0 && size.saturating_add(ops.len()) > BATCH {
                self.db.apply_batch(std::mem::take(&mut batch))?;
                size = 0;
            }
            size = size.saturating_add(ops.len());
            for (key, value) in ops {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
        }
        Ok(self.db.apply_batch(batch)?)
    }

    pub(crate) fn flush(&self) -> Result<(), Broken> {
        self.db.flush()?;
        Ok(())
    }

    pub(crate) fn applied(&self) -> Result<Option<Applied>, Broken> {
        self.db.get(APPLIED)?.map(|value| decode_applied(&value)).transpose()
    }

    pub(crate) fn slot(&self, seq: u64) -> Result<Option<Slot>, Broken> {
        self.db.get(slot_key(seq))?.map(|value| decode_slot(&value)).transpose()
    }

    /// Iterates over the entries, starting with the number `from`.
    pub(crate) fn slots(&self, from: u64) -> impl Iterator<Item = Result<(u64, Slot), Broken>> {
        self.db.range(slot_key(from)..vec![b'j' + 1]).map(|pair| {
            let (key, value) = pair?;
            Ok((Fields::behind_tag(&key).u64()?, decode_slot(&value)?))
        })
    }

    pub(crate) fn commit(&self, id: &CommitId) -> Result<Option<u64>, Broken> {
        self.db.get(named(b'c', id.as_str()))?.map(|value| Fields(&value).u64()).transpose()
    }

    pub(crate) fn seen(&self, key: &DedupeKey) -> Result<Option<u64>, Broken> {
        self.db.get(named(b'd', key.as_str()))?.map(|value| Fields(&value).u64()).transpose()
    }

    pub(crate) fn is_done(&self, key: &WorkKey) -> Result<bool, Broken> {
        Ok(self.db.contains_key(named(b'w', key.as_str()))?)
    }

    /// Returns the version of the last record of a stream; 0 if it has none.
    pub(crate) fn version(&self, stream: &StreamId) -> Result<u64, Broken> {
        let low = record_key(stream, 0);
        match self.db.get_lt(record_key(stream, u64::MAX))? {
            Some((key, _)) if key.as_ref() > low.as_slice() => {
                Fields(key.get(low.len().saturating_sub(8)..).unwrap_or_default()).u64()
            }
            Some(_) | None => Ok(0),
        }
    }

    /// Iterates over the records of a stream after this version, as (version, entry number, index in the commit).
    pub(crate) fn stream(
        &self,
        stream: &StreamId,
        after: u64,
    ) -> impl Iterator<Item = Result<(u64, u64, u32), Broken>> {
        let range = record_key(stream, after.saturating_add(1))..record_key(stream, u64::MAX);
        self.db.range(range).map(|pair| {
            let (key, value) = pair?;
            let version = Fields(key.get(key.len().saturating_sub(8)..).unwrap_or_default()).u64()?;
            let mut fields = Fields(&value);
            Ok((version, fields.u64()?, fields.u32()?))
        })
    }

    /// Iterates over all keys with this tag, without the tag, and their values.
    pub(crate) fn tagged(&self, tag: u8) -> impl Iterator<Item = Result<(Vec<u8>, sled::IVec), Broken>> {
        self.db.scan_prefix([tag]).map(|pair| {
            let (key, value) = pair?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value))
        })
    }

    /// Iterates over all keys and values, in key order.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Broken>> {
        self.db.iter().map(|pair| Ok(pair?))
    }
}

/// Key of the [`Applied`] value.
pub(crate) const APPLIED: &[u8] = b"m";

/// Returns the key of a name: the tag, followed by the digest of the name.
pub(crate) fn named(tag: u8, name: &str) -> Vec<u8> {
    [&[tag], &digest::<NAME>(name)[..]].concat()
}

fn digest<const N: usize>(name: &str) -> [u8; N] {
    let whole: Hash = Sha256::digest(name).into();
    std::array::from_fn(|place| whole.get(place).copied().unwrap_or_default())
}

pub(crate) fn slot_key(seq: u64) -> Vec<u8> {
    [&b"j"[..], &seq.to_be_bytes()].concat()
}

pub(crate) fn record_key(stream: &StreamId, version: u64) -> Vec<u8> {
    [&b"e"[..], &digest::<STREAM>(stream.as_str()), &version.to_be_bytes()].concat()
}

pub(crate) fn work_key(seq: u64, place: u32) -> Vec<u8> {
    [b"u", &seq.to_be_bytes()[..], &place.to_be_bytes()].concat()
}

pub(crate) fn encode_applied(applied: &Applied) -> Vec<u8> {
    let numbers = [applied.seq, applied.epoch, applied.done].map(u64::to_be_bytes).concat();
    [&[FORMAT], &numbers[..], &applied.hash].concat()
}

fn decode_applied(value: &[u8]) -> Result<Applied, Broken> {
    let mut fields = Fields(value);
    let [format] = fields.take()?;
    if format != FORMAT {
        return Err(Broken("it was written by another version".to_owned()));
    }
    let (seq, epoch, done, hash) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.take()?);
    Ok(Applied { seq, hash, epoch, done })
}

pub(crate) fn encode_slot(slot: &Slot) -> Vec<u8> {
    let Place { segment, offset, length } = slot.place;
    let counts = slot.records << 2 | u32::from(slot.commit) << 1 | u32::from(slot.seen);
    [&segment.to_be_bytes()[..], &offset.to_be_bytes()[2..], &length.to_be_bytes(), &counts.to_be_bytes()].concat()
}

pub(crate) fn decode_slot(value: &[u8]) -> Result<Slot, Broken> {
    let mut fields = Fields(value);
    let (segment, [a, b, c, d, e, f], length, counts) = (fields.u64()?, fields.take()?, fields.u32()?, fields.u32()?);
    let place = Place { segment, offset: u64::from_be_bytes([0, 0, a, b, c, d, e, f]), length };
    Ok(Slot { place, records: counts >> 2, commit: counts & 2 != 0, seen: counts & 1 != 0 })
}

/// Reads fixed-width big-endian numbers from the front of a value.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    fn behind_tag(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(|| Broken("a value is too short".to_owned()))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Broken> {
        self.take().map(u64::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Broken> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Broken> {
        self.take().map(i64::from_be_bytes)
    }
}
