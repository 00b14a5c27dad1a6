//! Verifies the journal against its witnesses: the high-water mark, the checkpoint and the tip.

use super::entry::Line;
use super::error::{Damage, OpenError};
use super::options::Layout;
use super::segment::{self, End, Place, Position, Reader};
use super::sidecar::{self, Checkpoint, Found, Mark, Tip};

/// The sidecar files that record durable entries of the journal.
pub(crate) struct Witnesses {
    pub(crate) mark: Found<Mark>,
    pub(crate) tip: Option<Mark>,
    pub(crate) checkpoint: Found<Checkpoint>,
}

impl Witnesses {
    pub(crate) fn read(layout: &Layout) -> Result<Self, OpenError> {
        let mark = sidecar::read(&layout.mark).map_err(OpenError::io("read", &layout.mark))?;
        let checkpoint = sidecar::read(&layout.checkpoint).map_err(OpenError::io("read", &layout.checkpoint))?;
        let tip = Tip::read(&layout.tip).map_err(OpenError::io("read", &layout.tip))?;
        if mark == Found::Damaged || checkpoint == Found::Damaged {
            tracing::warn!(store.directory = %layout.root.display(), "a mark is damaged; the journal is verified whole and the mark made anew");
        }
        Ok(Self { mark, tip, checkpoint })
    }

    /// Iterates over the entries that the witnesses recorded as durable: file name, entry number, hash.
    fn seen(&self) -> impl Iterator<Item = (&'static str, u64, &str)> {
        let mark = self.mark.whole().map(|mark| ("mark.json", mark.seq, mark.hash.as_str()));
        let checkpoint = self.checkpoint.whole().map(|point| ("checkpoint.json", point.seq, point.hash.as_str()));
        let tip = self.tip.as_ref().map(|tip| ("tip.json", tip.seq, tip.hash.as_str()));
        mark.into_iter().chain(tip).chain(checkpoint)
    }
}

/// Scans the whole journal and checks it against the witnesses.
pub(crate) fn check_whole(layout: &Layout, visit: &mut dyn FnMut(&Line)) -> Result<End, OpenError> {
    check_journal(u64::MAX, layout, &Witnesses::read(layout)?, visit)
}

/// Scans the journal and checks it against the witnesses. A journal larger than `verify_bytes` is scanned only after
/// its checkpoint.
pub(crate) fn check_journal(
    verify_bytes: u64,
    layout: &Layout,
    witnesses: &Witnesses,
    visit: &mut dyn FnMut(&Line),
) -> Result<End, OpenError> {
    let segments = segment::list(&layout.journal)?;
    let size: u64 = segments.iter().map(|(_, size)| *size).sum();
    let mut from = Position::genesis();
    if let Some(checkpoint) = witnesses.checkpoint.whole() {
        finished_whole(layout, checkpoint, &segments)?;
        if size > verify_bytes {
            from = behind_checkpoint(layout, checkpoint)?;
        }
    }
    let end = segment::scan(&layout.journal, from, &mut |line, _, _| {
        for (witness, seq, hash) in witnesses.seen() {
            if line.seq == seq && hex::encode(line.hash) != hash {
                return Err(Damage::Replaced { witness: witness.to_owned(), seq }.into());
            }
        }
        visit(line);
        Ok(())
    })?;
    for (witness, seen, _) in witnesses.seen() {
        not_short(witness, seen, &end)?;
    }
    Ok(end)
}

pub(crate) fn not_short(witness: &str, seen: u64, end: &End) -> Result<(), OpenError> {
    let last = end.position.seq;
    if seen <= last { Ok(()) } else { Err(Damage::Short { witness: witness.to_owned(), seen, last }.into()) }
}

/// Checks that the finished segments of the checkpoint still exist with the recorded size.
fn finished_whole(layout: &Layout, checkpoint: &Checkpoint, found: &[(u64, u64)]) -> Result<(), OpenError> {
    for (first, size) in &checkpoint.finished {
        let reason = match found.iter().find(|(found, _)| found == first) {
            Some((_, found)) if found == size => continue,
            Some((_, found)) => format!("{found} bytes long instead of {size}"),
            None => "missing".to_owned(),
        };
        return Err(Damage::Segment { segment: segment::path(&layout.journal, *first), reason }.into());
    }
    Ok(())
}

/// Returns the position after the checkpoint's entry if that entry is valid, otherwise the start of the journal.
fn behind_checkpoint(layout: &Layout, checkpoint: &Checkpoint) -> Result<Position, OpenError> {
    let length = checkpoint.end.saturating_sub(checkpoint.start).saturating_sub(1);
    let Ok(length @ 1..) = u32::try_from(length) else {
        return Ok(Position::genesis());
    };
    let place = Place { segment: checkpoint.segment, offset: checkpoint.start, length };
    let line = Reader::new(&layout.journal).read(place, checkpoint.seq);
    Ok(match line {
        Ok(line) if hex::encode(line.hash) == checkpoint.hash => Position::behind(&line, place),
        // The full scan reports the problem and its place.
        Ok(_) | Err(_) => Position::genesis(),
    })
}
