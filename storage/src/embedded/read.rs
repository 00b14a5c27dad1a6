//! Reads records: the index gives the place, the journal the content, and both are compared. Entries and the records
//! of a stream are numbered without gaps, so a missing key is detected.

use super::entry::Line;
use super::index::{Broken, Index};
use super::shared::Shared;
use crate::record::{Cursor, Record, StreamId, Version};

/// Reads the entry with this number.
pub(crate) fn entry(index: &Index, shared: &Shared, seq: u64) -> Result<Line, Broken> {
    let slot = index.slot(seq)?.ok_or_else(|| Broken(format!("entry {seq} is missing in the index")))?;
    shared.reader.read(slot.place, seq).map_err(Broken)
}

pub(crate) fn read_feed(index: &Index, shared: &Shared, after: Cursor, max: usize) -> Result<Vec<Record>, Broken> {
    let last = shared.applied().seq;
    let mut next = after.seq.0;
    let mut records = Vec::new();
    for slot in index.slots(next).take_while(|slot| !matches!(slot, Ok((seq, _)) if *seq > last)) {
        if records.len() >= max {
            return Ok(records);
        }
        let (seq, slot) = slot?;
        if seq != next && !(next == 0 && seq == 1) {
            return Err(Broken(format!("entry {next} is missing in the index")));
        }
        next = seq.saturating_add(1);
        if slot.records > 0 {
            let line = shared.reader.read(slot.place, seq).map_err(Broken)?;
            let wanted = line.records().into_iter().filter(|record| record.cursor > after);
            records.extend(wanted.take(max.saturating_sub(records.len())));
        }
    }
    if records.len() < max && next <= last {
        return Err(Broken(format!("entry {next} is missing in the index")));
    }
    Ok(records)
}

pub(crate) fn read_stream(
    index: &Index,
    shared: &Shared,
    (stream, after): (&StreamId, Version),
    max: usize,
) -> Result<Vec<Record>, Broken> {
    let mut records: Vec<Record> = Vec::new();
    let mut current: Option<(u64, Vec<Record>)> = None;
    for found in index.stream(stream, after.0).take(max) {
        let (version, seq, place) = found?;
        if current.as_ref().is_none_or(|(loaded, _)| *loaded != seq) {
            current = Some((seq, entry(index, shared, seq)?.records()));
        }
        let record = current.as_ref().and_then(|(_, records)| records.get(place as usize)).cloned();
        let expected = records.last().map_or(after, |record| record.version).next();
        match record
            .filter(|record| record.version == expected && record.version.0 == version && record.stream == *stream)
        {
            Some(record) => records.push(record),
            None => {
                return Err(Broken(format!("record {expected} of stream {stream} is missing in the index")));
            }
        }
    }
    Ok(records)
}
