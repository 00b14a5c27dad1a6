//! The index: sled, holding nothing that the journal does not hold, so that it can be thrown away at any time.
//!
//! One tree, big-endian keys, values of a few dozen bytes (sled puts values of some KiB into files it never syncs). What has at
//! most 22 bytes sled keeps in its nodes, which it copies with every change; what is longer costs an allocation and a count of
//! its users for each of these copies, so keys and the values of every commit are kept that short. sled panics on damage, so
//! every call into it runs behind [`guard`], and what it answers is checked against the journal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use sha2::{Digest as _, Sha256};

use super::entry::Hash;
use super::segment::Place;
use crate::outbox::WorkKey;
use crate::record::{CommitId, DedupeKey, StreamId};

/// How many operations a batch holds, unless a single commit has more: a commit is never split, so that the index is
/// always the index of some journal entry. Each batch costs sled two writes, so that a group should be few; but sled lets go
/// of what it replaced only between batches.
const BATCH: usize = 256;
/// What this code writes. An index of another format is built anew.
const FORMAT: u8 = 2;
/// How much of a name's digest is its key. What names the same thing twice (security case 5) comes from outside, so nobody
/// must be able to find two names for one key.
const NAME: usize = 16;
/// How much of a stream's digest begins the keys of its records. Streams are named by the bot.
const STREAM: usize = 12;

/// What sled said, or that it panicked.
#[derive(Debug, Clone)]
pub(crate) struct Broken(pub(crate) String);

impl From<sled::Error> for Broken {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

/// The entry the index is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) epoch: u64,
    /// How much work is known to be done: one key each.
    pub(crate) done: u64,
}

/// Where an entry is, and how many keys of other kinds it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    pub(crate) records: u32,
    pub(crate) commit: bool,
    pub(crate) seen: bool,
}

/// The changes of one journal entry: a value to put, or `None` to remove the key.
pub(crate) type Ops = Vec<(Vec<u8>, Option<Vec<u8>>)>;

pub(crate) struct Index {
    db: sled::Db,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call into sled and turns a panic into an answer, without the panic's message on the terminal.
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
        // Without its own flush timer: the journal is what makes commits durable, and checkpoints flush the index.
        let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
        Ok(Self { db: config.open()? })
    }

    /// Applies whole entries, in batches.
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

    /// The entries from this one on.
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

    /// The version of a stream's last record.
    pub(crate) fn version(&self, stream: &StreamId) -> Result<u64, Broken> {
        let low = record_key(stream, 0);
        match self.db.get_lt(record_key(stream, u64::MAX))? {
            Some((key, _)) if key.as_ref() > low.as_slice() => {
                Fields(key.get(low.len().saturating_sub(8)..).unwrap_or_default()).u64()
            }
            Some(_) | None => Ok(0),
        }
    }

    /// The records of a stream behind this version: version, commit, place in the commit.
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

    /// All keys with this tag, without it, and their values.
    pub(crate) fn tagged(&self, tag: u8) -> impl Iterator<Item = Result<(Vec<u8>, sled::IVec), Broken>> {
        self.db.scan_prefix([tag]).map(|pair| {
            let (key, value) = pair?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value))
        })
    }

    /// Everything, in the order of the keys.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Broken>> {
        self.db.iter().map(|pair| Ok(pair?))
    }
}

/// The key of the entry the index is at.
pub(crate) const APPLIED: &[u8] = b"m";

/// The key of a name: its digest, behind a tag.
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

/// Fixed-width numbers, one after the other.
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
