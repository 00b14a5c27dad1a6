//! The in-memory state that commits are checked against, and the changes that an entry makes to it and to the index.
//!
//! [`State::apply`] serves both live commits and replay, so a rebuilt index equals the lost one. Commits are applied
//! when they are admitted, before they are durable. Nothing of that is visible outside before the sync; if the sync
//! fails, the whole state is discarded.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::{Entry, Hash, Line, Made};
use super::index::{self, Applied, Broken, Index, Ops, Slot};
use super::index_codec::{encode_lease, encode_piece};
use super::pending::{Born, LeaseEffects, Live, Piece, Reason};
use super::segment::{Place, Reader};
use crate::clock::Timestamp;
use crate::error::CommitError;
use crate::lease::{LeaseView, Requirement};
use crate::outbox::{ClaimRequest, Claimed, Fence, TimerChange, Work};
use crate::record::{Commit, CommitId, DedupeKey, Expected, Receipt, Seq, StreamId, Version};

/// Maximum number of cached stream versions; above it, the cache is cleared.
const VERSIONS: usize = 1 << 16;

pub(crate) struct State {
    pub(super) index: Arc<Index>,
    reader: Arc<Reader>,
    pub(crate) live: Live,
    pub(crate) applied: Applied,
    fences: u32,
    versions: HashMap<StreamId, u64>,
    /// Ids of the commits admitted since the last write to the index; `seen` and `done` likewise.
    commits: HashMap<CommitId, Receipt>,
    seen: HashMap<DedupeKey, Receipt>,
    done: HashMap<String, bool>,
    leases_changed: bool,
    pub(crate) ops: Vec<Ops>,
}

/// The result of checking a commit that is not refused.
pub(crate) enum Admitted {
    /// A new commit, with its receipt and its effects on the leases. It must be written.
    New(Receipt, LeaseEffects),
    /// A commit with this id was made before; carries its receipt.
    Repeated(Receipt),
}

impl State {
    /// Creates a state without work items and leases.
    pub(super) fn empty(index: Arc<Index>, reader: Arc<Reader>, applied: Applied) -> Self {
        Self {
            index,
            reader,
            live: Live::default(),
            applied,
            fences: 0,
            versions: HashMap::new(),
            commits: HashMap::new(),
            seen: HashMap::new(),
            done: HashMap::new(),
            leases_changed: false,
            ops: Vec::new(),
        }
    }

    pub(super) fn line(&self, seq: u64) -> Result<Line, Broken> {
        let slot = self.index.slot(seq)?.ok_or_else(|| Broken(format!("entry {seq} is missing")))?;
        self.reader.read(slot.place, seq).map_err(Broken)
    }

    fn receipt(&self, seq: u64) -> Result<Receipt, Broken> {
        self.line(seq)?.receipt().ok_or_else(|| Broken(format!("entry {seq} is not a commit")))
    }

    /// Claims due work, under fences higher than all earlier ones, including those of earlier openings.
    pub(crate) fn claim(&mut self, request: &ClaimRequest, now: Timestamp) -> Vec<Claimed> {
        let (epoch, mut fences) = (self.applied.epoch, self.fences);
        let claimed = self.live.claim(request, now, || next_fence(epoch, &mut fences));
        self.fences = fences;
        claimed
    }

    /// Checks a commit against everything admitted so far. Changes no visible state; fences may be used up.
    pub(crate) fn check(&mut self, commit: &Commit, now: Timestamp) -> Result<Admitted, Refused> {
        if let Some(receipt) = self.committed(&commit.id)? {
            return Ok(Admitted::Repeated(receipt));
        }
        if let Some(fault) = commit.fault() {
            return Err(CommitError::Malformed(fault).into());
        }
        if let Some(receipt) = commit.seen.as_ref().map_or(Ok(None), |seen| self.deduplicated(seen))? {
            return Err(CommitError::AlreadySeen(receipt).into());
        }
        let versions = self.check_versions(commit)?;
        for settle in &commit.settle {
            let claim = self.live.piece(&settle.work).and_then(|piece| piece.claim);
            if claim.is_none_or(|(fence, _)| fence != settle.fence) {
                return Err(CommitError::FenceLost(settle.work.clone()).into());
            }
        }
        for Requirement::LeaseHeld { lease, fence } in &commit.require {
            let held = self.live.leases.get(lease).filter(|held| held.view.holds(now));
            if held.is_none_or(|held| held.view.fence != *fence) {
                return Err(CommitError::LeaseLost(lease.clone()).into());
            }
        }
        let seq = self.applied.seq.saturating_add(1);
        let (epoch, mut fences) = (self.applied.epoch, self.fences);
        let (effects, fences_taken) =
            self.live.lease_effects(&commit.leases, (seq, now), || next_fence(epoch, &mut fences))?;
        self.fences = fences;
        Ok(Admitted::New(Receipt { seq: Seq(seq), at: now, versions, fences: fences_taken }, effects))
    }

    fn committed(&self, id: &CommitId) -> Result<Option<Receipt>, Broken> {
        match self.commits.get(id) {
            Some(receipt) => Ok(Some(receipt.clone())),
            None => self.index.commit(id)?.map(|seq| self.receipt(seq)).transpose(),
        }
    }

    fn deduplicated(&self, key: &DedupeKey) -> Result<Option<Receipt>, Broken> {
        match self.seen.get(key) {
            Some(receipt) => Ok(Some(receipt.clone())),
            None => self.index.seen(key)?.map(|seq| self.receipt(seq)).transpose(),
        }
    }

    fn check_versions(&mut self, commit: &Commit) -> Result<Vec<(StreamId, Version)>, Refused> {
        let mut versions = Vec::with_capacity(commit.append.len());
        for append in &commit.append {
            let actual = match self.versions.get(&append.stream) {
                Some(version) => *version,
                None => self.index.version(&append.stream)?,
            };
            self.versions.insert(append.stream.clone(), actual);
            if append.expected != Expected::Any && append.expected != Expected::Exactly(Version(actual)) {
                let (stream, actual) = (append.stream.clone(), Version(actual));
                return Err(CommitError::Conflict { stream, actual }.into());
            }
            versions.push((append.stream.clone(), Version(actual.saturating_add(append.events.len() as u64))));
        }
        Ok(versions)
    }

    /// Applies a journal entry that is not in the index yet.
    pub(crate) fn replay(&mut self, line: &Line, place: Place) -> Result<(), Broken> {
        match &line.entry {
            Entry::Opened { epoch, .. } => {
                self.opened(*epoch);
                self.finish(line.seq, line.hash, Slot { place, records: 0, commit: false, seen: false }, Ops::new());
            }
            Entry::Commit(made) => {
                let Made { commit, fences, .. } = made.as_ref();
                let mut taken = fences.iter().map(|(_, fence)| *fence);
                let next = || taken.next().unwrap_or_default();
                let effects = self.live.lease_effects(&commit.leases, (line.seq, line.at), next);
                let (effects, _) =
                    effects.map_err(|e| Broken(format!("entry {} cannot be replayed: {e}", line.seq)))?;
                let receipt = line.receipt().ok_or_else(|| Broken("not a commit".to_owned()))?;
                self.apply(commit, &receipt, effects, line.hash, place)?;
            }
        }
        Ok(())
    }

    /// Starts a new opening of the store: fences start at a higher number.
    pub(crate) fn opened(&mut self, epoch: u64) {
        self.applied.epoch = epoch;
        self.fences = 0;
    }

    /// Applies an admitted commit to the state, and queues its index changes.
    pub(crate) fn apply(
        &mut self,
        commit: &Commit,
        receipt: &Receipt,
        leases: LeaseEffects,
        hash: Hash,
        place: Place,
    ) -> Result<(), Broken> {
        let seq = receipt.seq.0;
        let mut ops = vec![(index::named(b'c', commit.id.as_str()), Some(seq.to_be_bytes().to_vec()))];
        self.commits.insert(commit.id.clone(), receipt.clone());
        if let Some(seen) = &commit.seen {
            ops.push((index::named(b'd', seen.as_str()), Some(seq.to_be_bytes().to_vec())));
            self.seen.insert(seen.clone(), receipt.clone());
        }
        let records = self.absorb_records(commit, receipt, &mut ops);
        self.leases_changed |= !leases.is_empty();
        self.absorb_work(commit, seq, &mut ops)?;
        for (lease, held) in leases {
            let key = index::named(b'l', lease.as_str());
            match held {
                Some(held) => {
                    ops.push((key, Some(encode_lease(&held))));
                    self.live.leases.insert(lease, held);
                }
                None => {
                    ops.push((key, None));
                    self.live.leases.remove(&lease);
                }
            }
        }
        self.finish(seq, hash, Slot { place, records, commit: true, seen: commit.seen.is_some() }, ops);
        Ok(())
    }

    fn absorb_records(&mut self, commit: &Commit, receipt: &Receipt, ops: &mut Ops) -> u32 {
        if self.versions.len() > VERSIONS && self.ops.is_empty() {
            self.versions.clear();
        }
        let mut index = 0_u32;
        for (append, (stream, last)) in commit.append.iter().zip(&receipt.versions) {
            let first = last.0.saturating_sub(append.events.len() as u64).saturating_add(1);
            for version in first..=last.0 {
                let value = [&receipt.seq.0.to_be_bytes()[..], &index.to_be_bytes()].concat();
                ops.push((index::record_key(stream, version), Some(value)));
                index = index.saturating_add(1);
            }
            self.versions.insert(stream.clone(), last.0);
        }
        index
    }

    fn absorb_work(&mut self, commit: &Commit, seq: u64, ops: &mut Ops) -> Result<(), Broken> {
        for (settle, place) in commit.settle.iter().zip(0..) {
            let Some(born) = self.live.piece(&settle.work).map(|piece| piece.born) else {
                continue;
            };
            let value = self.live.settle(&settle.work, &settle.settlement, Reason { seq, place }).map(encode_piece);
            if value.is_none() {
                self.set_done(settle.work.as_str(), true, ops)?;
            }
            ops.push((index::work_key(born.seq, born.place), value));
        }
        for (work, place) in commit.enqueue.iter().zip(0..) {
            if self.live.piece(&work.key).is_none() && !self.is_done(work)? {
                self.put(work, Born { seq, place }, ops);
            }
        }
        let first = u32::try_from(commit.enqueue.len()).unwrap_or(u32::MAX);
        for (timer, place) in commit.timers.iter().zip(first..) {
            let (TimerChange::Set(Work { key, .. }) | TimerChange::Cancel(key)) = timer;
            if let Some(piece) = self.live.remove(key) {
                ops.push((index::work_key(piece.born.seq, piece.born.place), None));
            } else {
                self.set_done(key.as_str(), false, ops)?;
            }
            if let TimerChange::Set(work) = timer {
                self.put(work, Born { seq, place }, ops);
            }
        }
        Ok(())
    }

    fn put(&mut self, work: &Work, born: Born, ops: &mut Ops) {
        let piece = Piece::new(work.clone(), born);
        ops.push((index::work_key(born.seq, born.place), Some(encode_piece(&piece))));
        self.live.insert(piece);
    }

    fn is_done(&self, work: &Work) -> Result<bool, Broken> {
        match self.done.get(work.key.as_str()) {
            Some(done) => Ok(*done),
            None => self.index.is_done(&work.key),
        }
    }

    fn set_done(&mut self, key: &str, done: bool, ops: &mut Ops) -> Result<(), Broken> {
        let before = match self.done.get(key) {
            Some(before) => *before,
            None => self.index.is_done(&crate::outbox::WorkKey::new(key))?,
        };
        if before == done {
            return Ok(());
        }
        let count = self.applied.done;
        self.applied.done = if done { count.saturating_add(1) } else { count.saturating_sub(1) };
        self.done.insert(key.to_owned(), done);
        ops.push((index::named(b'w', key), done.then(Vec::new)));
        Ok(())
    }

    fn finish(&mut self, seq: u64, hash: Hash, slot: Slot, mut ops: Ops) {
        (self.applied.seq, self.applied.hash) = (seq, hash);
        ops.push((index::slot_key(seq), Some(index::encode_slot(&slot))));
        ops.push((index::APPLIED.to_vec(), Some(index::encode_applied(&self.applied))));
        self.ops.push(ops);
    }

    /// Writes the queued changes to the index.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        let ops = std::mem::take(&mut self.ops);
        index::guard(|| self.index.apply(ops))?;
        self.commits.clear();
        self.seen.clear();
        self.done.clear();
        Ok(())
    }

    /// Returns the leases if any of them changed since the last call.
    pub(crate) fn changed_leases(&mut self) -> Option<Vec<LeaseView>> {
        std::mem::take(&mut self.leases_changed).then(|| self.live.lease_views())
    }
}

fn next_fence(epoch: u64, given: &mut u32) -> Fence {
    *given = given.saturating_add(1);
    Fence((epoch << 32) | u64::from(*given))
}

/// The reason that a commit was not admitted: it is refused, or the index failed.
pub(crate) enum Refused {
    Commit(CommitError),
    Index(Broken),
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Self {
        Self::Commit(error)
    }
}

impl From<Broken> for Refused {
    fn from(error: Broken) -> Self {
        Self::Index(error)
    }
}
