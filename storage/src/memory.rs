//! The in-memory journal: the reference implementation that every other journal is tested against.
//!
//! It is deliberately naive: maps, clones and full scans, so that its correctness is easy to review. Nothing is
//! durable. It also serves as the read-only view of a stored journal; see [`crate::embedded::snapshot`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::{self, Clock, Timestamp};
use crate::error::{CommitError, ReadError};
use crate::lease::{LeaseChange, LeaseId, LeaseView, Requirement};
use crate::outbox::{ClaimRequest, Claimed, Fence, Settlement, TimerChange, Work, WorkKey, WorkState, WorkView};
use crate::record::{Commit, CommitId, Cursor, DedupeKey, Expected, Receipt, Record, Seq, StreamId, Version};
use crate::{Health, Journal};

type Leases = BTreeMap<LeaseId, LeaseView>;

/// An in-memory journal; its contents are lost when it is dropped.
pub struct Memory {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    wake: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    seq: u64,
    floor: Timestamp,
    fence: u64,
    births: u64,
    commits: BTreeMap<CommitId, Receipt>,
    seen: BTreeMap<DedupeKey, Receipt>,
    streams: BTreeMap<StreamId, Vec<Record>>,
    feed: BTreeMap<Cursor, Record>,
    work: BTreeMap<WorkKey, Piece>,
    leases: Leases,
    read_only: Option<String>,
}

struct Piece {
    work: Work,
    born: u64,
    attempt: u32,
    last_failure: Option<String>,
    stage: Stage,
    claim: Option<(Fence, Timestamp)>,
}

#[derive(PartialEq)]
enum Stage {
    Open,
    Dead(String),
    Done,
}

impl Memory {
    /// Creates an empty journal.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::new(State::default()), wake: watch::Sender::new(0) }
    }

    /// Simulates a restart of the embedded journal: drops all claims and records the current time.
    pub fn restart(&self) {
        let mut state = self.lock();
        let now = self.present(&state);
        state.floor = now;
        for piece in state.work.values_mut() {
            piece.claim = None;
        }
    }

    /// Makes the journal read-only: commits and claims fail with this reason from then on.
    pub(crate) fn freeze(&self, reason: &str) {
        self.lock().read_only = Some(reason.to_owned());
    }

    /// Applies a commit that another journal made, with the receipt it got there.
    pub(crate) fn replay(&self, commit: &Commit, receipt: &Receipt) -> Result<(), CommitError> {
        let mut state = self.lock();
        let mut fences = receipt.fences.iter().map(|(_, fence)| *fence);
        let leases = state.change_leases(commit, receipt.at, &mut || fences.next().unwrap_or_default())?.0;
        state.apply(commit, receipt, leases);
        Ok(())
    }

    fn present(&self, state: &State) -> Timestamp {
        self.clock.now().max(state.floor)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, commit: &Commit, now: Timestamp) -> Result<(), CommitError> {
        if let Some(receipt) = commit.seen.as_ref().and_then(|seen| self.seen.get(seen)) {
            return Err(CommitError::AlreadySeen(receipt.clone()));
        }
        for append in &commit.append {
            let actual = self.version(&append.stream);
            if append.expected != Expected::Any && append.expected != Expected::Exactly(actual) {
                return Err(CommitError::Conflict { stream: append.stream.clone(), actual });
            }
        }
        for settle in &commit.settle {
            let newest = self.work.get(&settle.work).and_then(|piece| piece.claim);
            if newest.is_none_or(|(fence, _)| fence != settle.fence) {
                return Err(CommitError::FenceLost(settle.work.clone()));
            }
        }
        for Requirement::LeaseHeld { lease, fence } in &commit.require {
            let held = self.leases.get(lease).filter(|view| view.holds(now));
            if held.is_none_or(|view| view.fence != *fence) {
                return Err(CommitError::LeaseLost(lease.clone()));
            }
        }
        Ok(())
    }

    /// Returns the leases after the commit, and the fences of those it acquires.
    fn change_leases(
        &self,
        commit: &Commit,
        now: Timestamp,
        next_fence: &mut dyn FnMut() -> Fence,
    ) -> Result<(Leases, Vec<(LeaseId, Fence)>), CommitError> {
        let mut leases = self.leases.clone();
        let mut taken = Vec::new();
        for change in &commit.leases {
            match change {
                LeaseChange::Acquire { lease, holder, note, until } => {
                    if let Some(view) = leases.get(lease).filter(|view| view.holds(now)) {
                        return Err(CommitError::LeaseBusy(view.clone()));
                    }
                    let fence = next_fence();
                    taken.push((lease.clone(), fence));
                    let (lease, holder, note) = (lease.clone(), holder.clone(), note.clone());
                    leases.insert(lease.clone(), LeaseView { lease, holder, note, since: now, until: *until, fence });
                }
                LeaseChange::Extend { lease, fence, until } => match leases.get_mut(lease) {
                    Some(view) if view.fence == *fence && view.holds(now) => view.until = *until,
                    Some(_) | None => return Err(CommitError::LeaseLost(lease.clone())),
                },
                LeaseChange::Release { lease, fence } => {
                    if leases.get(lease).is_none_or(|view| view.fence != *fence) {
                        return Err(CommitError::LeaseLost(lease.clone()));
                    }
                    leases.remove(lease);
                }
            }
        }
        Ok((leases, taken))
    }

    fn apply(&mut self, commit: &Commit, receipt: &Receipt, leases: Leases) {
        self.seq = receipt.seq.0;
        self.floor = receipt.at;
        self.leases = leases;
        self.commits.insert(commit.id.clone(), receipt.clone());
        if let Some(seen) = &commit.seen {
            self.seen.insert(seen.clone(), receipt.clone());
        }
        self.append(commit, receipt);
        for settle in &commit.settle {
            self.settle(&settle.work, &settle.settlement);
        }
        for work in &commit.enqueue {
            if !self.work.contains_key(&work.key) {
                self.put(work);
            }
        }
        for timer in &commit.timers {
            match timer {
                TimerChange::Set(work) => self.put(work),
                TimerChange::Cancel(key) => drop(self.work.remove(key)),
            }
        }
    }

    fn append(&mut self, commit: &Commit, receipt: &Receipt) {
        let mut index = 0;
        for append in &commit.append {
            for event in &append.events {
                let stream = append.stream.clone();
                let version = self.version(&stream).next();
                let cursor = Cursor { seq: receipt.seq, index };
                let record = Record { stream: stream.clone(), version, cursor, at: receipt.at, event: event.clone() };
                self.feed.insert(cursor, record.clone());
                self.streams.entry(stream).or_default().push(record);
                index += 1;
            }
        }
    }

    fn settle(&mut self, key: &WorkKey, settlement: &Settlement) {
        let Some(piece) = self.work.get_mut(key) else { return };
        piece.claim = None;
        match settlement {
            Settlement::Done => piece.stage = Stage::Done,
            Settlement::Retry { not_before, reason } => {
                piece.work.not_before = *not_before;
                piece.attempt += 1;
                piece.last_failure = Some(reason.clone());
            }
            Settlement::Dead { reason } => {
                piece.stage = Stage::Dead(reason.clone());
                piece.last_failure = Some(reason.clone());
            }
        }
    }

    fn put(&mut self, work: &Work) {
        self.births += 1;
        let (work, born) = (work.clone(), self.births);
        let piece = Piece { work, born, attempt: 0, last_failure: None, stage: Stage::Open, claim: None };
        self.work.insert(piece.work.key.clone(), piece);
    }

    fn version(&self, stream: &StreamId) -> Version {
        Version(self.streams.get(stream).map_or(0, |records| records.len() as u64))
    }

    /// Returns the oldest open item of each queue and order key, oldest first. Dead items do not block others.
    fn heads(&self) -> Vec<&Piece> {
        let mut heads: BTreeMap<(&str, &str), &Piece> = BTreeMap::new();
        for piece in self.work.values().filter(|piece| piece.stage == Stage::Open) {
            let head = heads.entry((piece.work.queue.as_str(), &piece.work.order_key)).or_insert(piece);
            if piece.born < head.born {
                *head = piece;
            }
        }
        let mut heads: Vec<&Piece> = heads.into_values().collect();
        heads.sort_by_key(|piece| piece.born);
        heads
    }

    fn writable(&self) -> Result<(), ReadError> {
        self.read_only.clone().map_or(Ok(()), |reason| Err(ReadError::Unavailable(reason)))
    }
}

impl Piece {
    /// Returns the earliest time at which this item can be claimed, ignoring its position in the queue.
    fn free_from(&self) -> Timestamp {
        self.claim.map_or(self.work.not_before, |(_, until)| until.max(self.work.not_before))
    }
}

#[async_trait]
impl Journal for Memory {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let mut state = self.lock();
        let now = self.present(&state);
        if let Some(reason) = &state.read_only {
            return Err(CommitError::Fatal(reason.clone()));
        }
        if let Some(receipt) = state.commits.get(&commit.id) {
            return Ok(receipt.clone());
        }
        if let Some(fault) = commit.fault() {
            return Err(CommitError::Malformed(fault));
        }
        state.check(&commit, now)?;
        let mut fence = state.fence;
        let (leases, fences) = state.change_leases(&commit, now, &mut || {
            fence += 1;
            Fence(fence)
        })?;
        state.fence = fence;
        let versions = commit.append.iter().map(|append| {
            (append.stream.clone(), Version(state.version(&append.stream).0 + append.events.len() as u64))
        });
        let receipt = Receipt { seq: Seq(state.seq + 1), at: now, versions: versions.collect(), fences };
        state.apply(&commit, &receipt, leases);
        drop(state);
        self.wake.send_modify(|count| *count += 1);
        Ok(receipt)
    }

    async fn outcome(&self, id: &CommitId) -> Result<Option<Receipt>, ReadError> {
        Ok(self.lock().commits.get(id).cloned())
    }

    async fn stream(&self, stream: &StreamId, after: Version, max: usize) -> Result<Vec<Record>, ReadError> {
        let state = self.lock();
        let records = state.streams.get(stream).into_iter().flatten();
        Ok(records.filter(|record| record.version > after).take(max).cloned().collect())
    }

    async fn feed(&self, after: Cursor, max: usize) -> Result<Vec<Record>, ReadError> {
        let state = self.lock();
        Ok(state.feed.values().filter(|record| record.cursor > after).take(max).cloned().collect())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, ReadError> {
        let mut state = self.lock();
        let now = self.present(&state);
        let until = now.after(request.hold);
        state.writable()?;
        let due = |piece: &&Piece| request.queues.contains(&piece.work.queue) && piece.free_from() <= now;
        let keys = state.heads().into_iter().filter(due).take(request.max).map(|piece| piece.work.key.clone());
        let mut claimed = Vec::new();
        for key in keys.collect::<Vec<_>>() {
            state.fence += 1;
            let fence = Fence(state.fence);
            if let Some(piece) = state.work.get_mut(&key) {
                piece.claim = Some((fence, until));
                claimed.push(Claimed { work: piece.work.clone(), fence, attempt: piece.attempt, until });
            }
        }
        Ok(claimed)
    }

    async fn renew(&self, work: &WorkKey, fence: Fence, hold: Duration) -> Result<Option<Timestamp>, ReadError> {
        let mut state = self.lock();
        let until = self.present(&state).after(hold);
        state.writable()?;
        let claim = state.work.get_mut(work).and_then(|piece| piece.claim.as_mut());
        Ok(claim.filter(|(newest, _)| *newest == fence).map(|claim| {
            claim.1 = until;
            until
        }))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        Ok(self.lock().heads().into_iter().map(Piece::free_from).min())
    }

    async fn unsettled(&self) -> Result<Vec<WorkView>, ReadError> {
        let state = self.lock();
        let now = self.present(&state);
        let mut pieces: Vec<&Piece> = state.work.values().filter(|piece| piece.stage != Stage::Done).collect();
        pieces.sort_by_key(|piece| piece.born);
        let view = |piece: &Piece| {
            let standing = match (&piece.stage, piece.claim) {
                (Stage::Dead(reason), _) => WorkState::Dead { reason: reason.clone() },
                (Stage::Open | Stage::Done, Some((fence, until))) if now < until => WorkState::Claimed { until, fence },
                (Stage::Open | Stage::Done, _) => WorkState::Waiting,
            };
            let last_failure = piece.last_failure.clone();
            WorkView { work: piece.work.clone(), state: standing, attempt: piece.attempt, last_failure }
        };
        Ok(pieces.into_iter().map(view).collect())
    }

    async fn leases(&self) -> Result<Vec<LeaseView>, ReadError> {
        let state = self.lock();
        let now = self.present(&state);
        Ok(state.leases.values().filter(|view| view.holds(now)).cloned().collect())
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    fn now(&self) -> Timestamp {
        self.present(&self.lock())
    }

    fn clock_warning(&self) -> Option<String> {
        clock::doubt(self.clock.as_ref(), self.lock().floor)
    }

    async fn health(&self) -> Health {
        let state = self.lock();
        Health { seq: Seq(state.seq), head: String::new(), poisoned: state.read_only.clone() }
    }
}
