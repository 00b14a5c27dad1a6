//! The unsettled work items and the leases, in memory. Both are few: settled items are removed, and everything else
//! is read from the journal. Owned by the writer thread.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::clock::Timestamp;
use crate::error::CommitError;
use crate::lease::{LeaseChange, LeaseId, LeaseView};
use crate::outbox::{ClaimRequest, Claimed, Fence, Queue, Settlement, Work, WorkKey, WorkState, WorkView};

/// The age of a work item: its commit and its index in that commit. The smaller value is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Born {
    pub(crate) seq: u64,
    pub(crate) place: u32,
}

/// The place of the last failure's reason: the commit, and the index among its settlements. `seq` is 0 if there
/// is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reason {
    pub(crate) seq: u64,
    pub(crate) place: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) work: Work,
    pub(crate) born: Born,
    pub(crate) attempt: u32,
    pub(crate) dead: bool,
    pub(crate) failure: Option<(Reason, String)>,
    pub(crate) claim: Option<(Fence, Timestamp)>,
}

impl Piece {
    pub(crate) fn new(work: Work, born: Born) -> Self {
        Self { work, born, attempt: 0, dead: false, failure: None, claim: None }
    }

    fn group(&self) -> (Queue, String) {
        (self.work.queue.clone(), self.work.order_key.clone())
    }

    fn free_from(&self) -> Timestamp {
        self.claim.map_or(self.work.not_before, |(_, until)| until.max(self.work.not_before))
    }
}

/// A lease and its acquisition: the commit, and the index among its lease changes.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) view: LeaseView,
    pub(crate) seq: u64,
    pub(crate) place: u32,
}

#[derive(Default)]
pub(crate) struct Live {
    pieces: HashMap<WorkKey, Piece>,
    by_age: BTreeMap<Born, WorkKey>,
    /// Open items per queue and order key, oldest first. Dead items are not included.
    lines: HashMap<(Queue, String), BTreeSet<Born>>,
    /// Per queue: the oldest open item of each order key, by the time from which it can be claimed.
    heads: HashMap<Queue, BTreeSet<(Timestamp, Born)>>,
    pub(crate) leases: BTreeMap<LeaseId, Held>,
}

impl Live {
    pub(crate) fn piece(&self, key: &WorkKey) -> Option<&Piece> {
        self.pieces.get(key)
    }

    /// Adds an item, which must not exist yet.
    pub(crate) fn insert(&mut self, piece: Piece) {
        let group = piece.group();
        self.unlink(&group);
        self.by_age.insert(piece.born, piece.work.key.clone());
        if !piece.dead {
            self.lines.entry(group.clone()).or_default().insert(piece.born);
        }
        self.pieces.insert(piece.work.key.clone(), piece);
        self.link(group);
    }

    pub(crate) fn remove(&mut self, key: &WorkKey) -> Option<Piece> {
        let group = self.pieces.get(key)?.group();
        self.unlink(&group);
        let piece = self.pieces.remove(key);
        if let Some(piece) = &piece {
            self.by_age.remove(&piece.born);
            if let Some(line) = self.lines.get_mut(&group) {
                line.remove(&piece.born);
                if line.is_empty() {
                    self.lines.remove(&group);
                }
            }
        }
        self.link(group);
        piece
    }

    /// Settles an item and returns the rest of it, or `None` if it is done.
    pub(crate) fn settle(&mut self, key: &WorkKey, settlement: &Settlement, at: Reason) -> Option<&Piece> {
        let mut piece = self.remove(key)?;
        piece.claim = None;
        match settlement {
            Settlement::Done => return None,
            Settlement::Retry { not_before, reason } => {
                piece.work.not_before = *not_before;
                piece.attempt = piece.attempt.saturating_add(1);
                piece.failure = Some((at, reason.clone()));
            }
            Settlement::Dead { reason } => {
                piece.dead = true;
                piece.failure = Some((at, reason.clone()));
            }
        }
        self.insert(piece);
        self.pieces.get(key)
    }

    pub(crate) fn claim(
        &mut self,
        request: &ClaimRequest,
        now: Timestamp,
        mut fence: impl FnMut() -> Fence,
    ) -> Vec<Claimed> {
        let until = now.after(request.hold);
        let due = |queue| self.heads.get(queue).into_iter().flatten().take_while(|(from, _)| *from <= now);
        let born: BTreeSet<Born> = request.queues.iter().flat_map(due).map(|(_, born)| *born).collect();
        let mut claimed = Vec::new();
        for born in born.into_iter().take(request.max) {
            let Some(key) = self.by_age.get(&born).cloned() else {
                continue;
            };
            let Some(piece) = self.set_claim(&key, |_| Some((fence(), until))) else {
                continue;
            };
            let Some((fence, until)) = piece.claim else { continue };
            claimed.push(Claimed { work: piece.work.clone(), fence, attempt: piece.attempt, until });
        }
        claimed
    }

    pub(crate) fn renew(&mut self, key: &WorkKey, fence: Fence, until: Timestamp) -> Option<Timestamp> {
        self.pieces.get(key)?.claim.filter(|(newest, _)| *newest == fence)?;
        self.set_claim(key, |_| Some((fence, until)))?;
        Some(until)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.heads.values().filter_map(|heads| heads.first()).map(|(from, _)| *from).min()
    }

    pub(crate) fn unsettled(&self, now: Timestamp) -> Vec<WorkView> {
        self.pieces_by_age().map(|piece| view(piece, now)).collect()
    }

    pub(crate) fn pieces_by_age(&self) -> impl Iterator<Item = &Piece> {
        self.by_age.values().filter_map(|key| self.pieces.get(key))
    }

    pub(crate) fn lease_views(&self) -> Vec<LeaseView> {
        self.leases.values().map(|held| held.view.clone()).collect()
    }

    fn set_claim(&mut self, key: &WorkKey, claim: impl FnOnce(&Piece) -> Option<(Fence, Timestamp)>) -> Option<&Piece> {
        let group = self.pieces.get(key)?.group();
        self.unlink(&group);
        if let Some(piece) = self.pieces.get_mut(key) {
            piece.claim = claim(piece);
        }
        self.link(group);
        self.pieces.get(key)
    }

    /// Removes the head of a line from `heads`. Must be called before the line changes.
    fn unlink(&mut self, group: &(Queue, String)) {
        if let Some(head) = self.head(group)
            && let Some(heads) = self.heads.get_mut(&group.0)
        {
            heads.remove(&head);
        }
    }

    /// Adds the head of a line to `heads`. Must be called after the line changed.
    fn link(&mut self, group: (Queue, String)) {
        if let Some(head) = self.head(&group) {
            self.heads.entry(group.0).or_default().insert(head);
        }
    }

    fn head(&self, group: &(Queue, String)) -> Option<(Timestamp, Born)> {
        let born = self.lines.get(group)?.first()?;
        let piece = self.pieces.get(self.by_age.get(born)?)?;
        Some((piece.free_from(), *born))
    }
}

fn view(piece: &Piece, now: Timestamp) -> WorkView {
    let last_failure = piece.failure.as_ref().map(|(_, reason)| reason.clone());
    let state = match (piece.dead, piece.claim) {
        (true, _) => WorkState::Dead { reason: last_failure.clone().unwrap_or_default() },
        (false, Some((fence, until))) if now < until => WorkState::Claimed { until, fence },
        (false, _) => WorkState::Waiting,
    };
    WorkView { work: piece.work.clone(), state, attempt: piece.attempt, last_failure }
}

/// The leases that a commit changes, with their new state; `None` for a released lease.
pub(crate) type LeaseEffects = BTreeMap<LeaseId, Option<Held>>;

impl Live {
    /// Computes the effects of these changes at the time `now`, and the fences of the acquired leases.
    pub(crate) fn lease_effects(
        &self,
        changes: &[LeaseChange],
        (seq, now): (u64, Timestamp),
        mut fence: impl FnMut() -> Fence,
    ) -> Result<(LeaseEffects, Vec<(LeaseId, Fence)>), CommitError> {
        let mut effects = LeaseEffects::new();
        let mut taken = Vec::new();
        for (change, place) in changes.iter().zip(0..) {
            let (LeaseChange::Acquire { lease, .. }
            | LeaseChange::Extend { lease, .. }
            | LeaseChange::Release { lease, .. }) = change;
            let current = match effects.get(lease) {
                Some(changed) => changed.clone(),
                None => self.leases.get(lease).cloned(),
            };
            let lost = || CommitError::LeaseLost(lease.clone());
            let next = match change {
                LeaseChange::Acquire { holder, note, until, .. } => {
                    if let Some(held) = current.filter(|held| held.view.holds(now)) {
                        return Err(CommitError::LeaseBusy(held.view));
                    }
                    let fence = fence();
                    taken.push((lease.clone(), fence));
                    let (holder, note) = (holder.clone(), note.clone());
                    let view = LeaseView { lease: lease.clone(), holder, note, since: now, until: *until, fence };
                    Some(Held { view, seq, place })
                }
                LeaseChange::Extend { fence, until, .. } => {
                    let held = current.filter(|held| held.view.fence == *fence && held.view.holds(now));
                    let mut held = held.ok_or_else(lost)?;
                    held.view.until = *until;
                    Some(held)
                }
                LeaseChange::Release { fence, .. } => {
                    current.filter(|held| held.view.fence == *fence).ok_or_else(lost)?;
                    None
                }
            };
            effects.insert(lease.clone(), next);
        }
        Ok((effects, taken))
    }
}
