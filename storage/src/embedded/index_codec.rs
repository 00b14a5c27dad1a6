//! Encodes the work items and leases of [`State`] in the index, loads them, and checks that no key is missing.

use std::sync::Arc;

use super::index::{Broken, Fields, Index};
use super::pending::{Born, Held, Piece, Reason};
use super::segment::Reader;
use super::state::State;
use crate::clock::Timestamp;
use crate::lease::{LeaseChange, LeaseView};
use crate::outbox::{Fence, Settlement};

impl State {
    /// Loads the state from the index; it corresponds to the last entry applied to the index.
    pub(crate) fn load(index: Arc<Index>, reader: Arc<Reader>) -> Result<Self, Broken> {
        let applied = index.applied()?.unwrap_or_default();
        let mut ledger = Self::empty(index, reader, applied);
        ledger.load_work()?;
        ledger.load_leases()?;
        Ok(ledger)
    }

    fn load_work(&mut self) -> Result<(), Broken> {
        let index = self.index.clone();
        for pair in index.tagged(b'u') {
            let (key, value) = pair?;
            let mut fields = Fields(&key);
            let born = Born { seq: fields.u64()?, place: fields.u32()? };
            let mut fields = Fields(&value);
            let (attempt, [dead]) = (fields.u32()?, fields.take()?);
            let failure = Reason { seq: fields.u64()?, place: fields.u32()? };
            let not_before = Timestamp(fields.i64()?);
            let line = self.line(born.seq)?;
            let mut work =
                line.work(born.place).cloned().ok_or_else(|| Broken("work is not where it should be".into()))?;
            work.not_before = not_before;
            let mut piece = Piece { attempt, dead: dead != 0, ..Piece::new(work, born) };
            if failure.seq > 0 {
                piece.failure = Some((failure, self.reason(failure)?));
            }
            self.live.insert(piece);
        }
        Ok(())
    }

    fn reason(&self, at: Reason) -> Result<String, Broken> {
        let line = self.line(at.seq)?;
        let settle = line.made().and_then(|made| made.commit.settle.get(at.place as usize));
        match settle.map(|settle| &settle.settlement) {
            Some(Settlement::Retry { reason, .. } | Settlement::Dead { reason }) => Ok(reason.clone()),
            Some(Settlement::Done) | None => Err(Broken("a failure is not where it should be".to_owned())),
        }
    }

    fn load_leases(&mut self) -> Result<(), Broken> {
        let index = self.index.clone();
        for pair in index.tagged(b'l') {
            let (_, value) = pair?;
            let mut fields = Fields(&value);
            let (seq, place, fence) = (fields.u64()?, fields.u32()?, Fence(fields.u64()?));
            let [bounded] = fields.take()?;
            let until = Some(Timestamp(fields.i64()?)).filter(|_| bounded != 0);
            let line = self.line(seq)?;
            let change = line.made().and_then(|made| made.commit.leases.get(place as usize));
            let Some(LeaseChange::Acquire { lease, holder, note, .. }) = change else {
                return Err(Broken("a lease is not where it should be".to_owned()));
            };
            let (lease, holder, note) = (lease.clone(), holder.clone(), note.clone());
            let view = LeaseView { lease: lease.clone(), holder, note, since: line.at, until, fence };
            self.live.leases.insert(lease, Held { view, seq, place });
        }
        Ok(())
    }

    /// Checks by counting that the index holds every key it should. sled detects a flipped bit, but not always a
    /// missing page.
    pub(crate) fn count(&self) -> Result<(), Broken> {
        let (mut commits, mut seen, mut records, mut next) = (0_u64, 0_u64, 0_u64, 1_u64);
        for slot in self.index.slots(0) {
            let (seq, slot) = slot?;
            if seq != next {
                return Err(Broken(format!("entry {next} is missing")));
            }
            next = next.saturating_add(1);
            commits = commits.saturating_add(u64::from(slot.commit));
            seen = seen.saturating_add(u64::from(slot.seen));
            records = records.saturating_add(u64::from(slot.records));
        }
        let work = self.live.pieces_by_age().count() as u64;
        let leases = self.live.leases.len() as u64;
        let expected = [
            (b'c', commits),
            (b'd', seen),
            (b'e', records),
            (b'u', work),
            (b'w', self.applied.done),
            (b'l', leases),
            (b'j', self.applied.seq),
        ];
        for (tag, expected) in expected {
            let mut found = 0_u64;
            for pair in self.index.tagged(tag) {
                pair?;
                found = found.saturating_add(1);
            }
            if found != expected {
                return Err(Broken(format!("{found} keys with tag {}, not {expected}", char::from(tag))));
            }
        }
        Ok(())
    }
}

pub(crate) fn encode_piece(piece: &Piece) -> Vec<u8> {
    let failure = piece.failure.as_ref().map_or(Reason::default(), |(at, _)| *at);
    let (attempt, dead) = (piece.attempt.to_be_bytes(), [u8::from(piece.dead)]);
    let (seq, place) = (failure.seq.to_be_bytes(), failure.place.to_be_bytes());
    [&attempt[..], &dead, &seq, &place, &piece.work.not_before.0.to_be_bytes()].concat()
}

pub(crate) fn encode_lease(held: &Held) -> Vec<u8> {
    let (bounded, until) = (u8::from(held.view.until.is_some()), held.view.until.unwrap_or_default());
    let (seq, place) = (held.seq.to_be_bytes(), held.place.to_be_bytes());
    [&seq[..], &place, &held.view.fence.0.to_be_bytes(), &[bounded], &until.0.to_be_bytes()].concat()
}
