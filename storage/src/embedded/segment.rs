//! The segment files of the journal: listing them, reading one entry, and scanning from an entry to the end.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::entry::{self, FORMAT, Hash, Line, Unreadable};
use super::error::{Damage, OpenError};
use crate::clock::Timestamp;

/// Maximum number of segments that are kept open for reading.
const OPEN_FILES: usize = 64;

/// The place of an entry in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the segment's first entry, which is also its file name.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// Length in bytes, without the newline.
    pub(crate) length: u32,
}

impl Place {
    /// Returns the offset of the next entry.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.length)).saturating_add(1)
    }
}

/// Returns the path of the segment that starts with the entry `first`.
pub(crate) fn path(journal: &Path, first: u64) -> PathBuf {
    journal.join(format!("{first:020}.jsonl"))
}

/// Lists the segments of a journal, in order, as (number of the first entry, size in bytes).
pub(crate) fn list(journal: &Path) -> Result<Vec<(u64, u64)>, OpenError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(journal).map_err(OpenError::io("read", journal))? {
        let entry = entry.map_err(OpenError::io("read", journal))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(first) = name.strip_suffix(".jsonl").and_then(|digits| digits.parse().ok()) else {
            continue;
        };
        found.push(first);
    }
    found.sort_unstable();
    // Read the sizes after all names: a segment with a successor no longer grows, even if the store is open.
    let size = |first| {
        let path = path(journal, first);
        Ok((first, fs::metadata(&path).map_err(OpenError::io("read", &path))?.len()))
    };
    found.into_iter().map(size).collect()
}

/// The position of a scan: the last entry before it.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) at: Timestamp,
    pub(crate) segment: u64,
    /// Offset of the last entry; `end` is the offset of the next one.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Position {
    /// Returns the position before the first entry.
    pub(crate) fn genesis() -> Self {
        Self { seq: 0, hash: Hash::default(), at: Timestamp(i64::MIN), segment: 1, start: 0, end: 0 }
    }

    /// Returns the position after this entry.
    pub(crate) fn behind(line: &Line, place: Place) -> Self {
        let (seq, hash, at) = (line.seq, line.hash, line.at);
        Self { seq, hash, at, segment: place.segment, start: place.offset, end: place.end() }
    }
}

/// The end of a scanned journal.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) position: Position,
    /// Size in bytes of an unfinished last line after the position.
    pub(crate) torn: u64,
}

/// Callback of a scan. Called with each entry: the line, its place, and its bytes with the newline.
pub(crate) type Visit<'a> = dyn FnMut(&Line, Place, &[u8]) -> Result<(), OpenError> + 'a;

/// Reads every entry after `from`, verifies it and its link to the previous entry, and passes it to `visit`.
pub(crate) fn scan(journal: &Path, from: Position, visit: &mut Visit<'_>) -> Result<End, OpenError> {
    let segments: Vec<_> = list(journal)?.into_iter().filter(|(first, _)| *first >= from.segment).collect();
    let mut position = from;
    if segments.first().is_none_or(|(first, _)| *first != position.segment)
        && (position.seq > 0 || !segments.is_empty())
    {
        return Err(missing(journal, position.segment));
    }
    let last = segments.last().map_or(0, |(first, _)| *first);
    for (first, size) in segments {
        if first != position.segment {
            if first != position.seq.saturating_add(1) {
                return Err(missing(journal, position.seq.saturating_add(1)));
            }
            (position.segment, position.start, position.end) = (first, 0, 0);
        }
        if let Some(end) = scan_segment(journal, &mut position, (size, first == last), visit)? {
            return Ok(end);
        }
    }
    Ok(End { position, torn: 0 })
}

fn missing(journal: &Path, first: u64) -> OpenError {
    Damage::Segment { segment: path(journal, first), reason: "missing".to_owned() }.into()
}

fn scan_segment(
    journal: &Path,
    position: &mut Position,
    (size, is_last): (u64, bool),
    visit: &mut Visit<'_>,
) -> Result<Option<End>, OpenError> {
    let path = path(journal, position.segment);
    let mut file = File::open(&path).map_err(OpenError::io("open", &path))?;
    file.seek(SeekFrom::Start(position.end)).map_err(OpenError::io("read", &path))?;
    // Ignore data that a running store appends during the scan.
    let mut reader = BufReader::with_capacity(1 << 18, file.take(size.saturating_sub(position.end)));
    let mut bytes = Vec::new();
    let mut number = 0;
    loop {
        bytes.clear();
        number += 1;
        let read = reader.read_until(b'\n', &mut bytes).map_err(OpenError::io("read", &path))?;
        if read == 0 {
            return Ok(None);
        }
        let text = bytes.strip_suffix(b"\n");
        let checked = text.ok_or_else(|| Unreadable::Damaged("it is not finished".to_owned())).and_then(entry::decode);
        let damage = |reason| {
            let (segment, line, offset) = (path.clone(), number, position.end);
            OpenError::from(Damage::Record { segment, line, offset, seq: position.seq.saturating_add(1), reason })
        };
        let line = match checked {
            Ok(line) => line,
            // A line with a correct hash was written completely, so any other problem with it is damage.
            Err(Unreadable::Format(found)) => {
                return Err(Damage::Format { segment: path, found, known: FORMAT }.into());
            }
            Err(Unreadable::Damaged(reason)) => {
                let at_end = is_last && reader.fill_buf().map_err(OpenError::io("read", &path))?.is_empty();
                if at_end && text.is_none_or(|text| entry::sealed(text).is_none()) {
                    return Ok(Some(End { position: position.clone(), torn: read as u64 }));
                }
                return Err(damage(reason));
            }
        };
        if line.seq != position.seq.saturating_add(1) || line.prev != position.hash {
            return Err(damage(format!("it says it is record {} and does not follow the one before it", line.seq)));
        }
        let length = u32::try_from(text.map_or(0, <[u8]>::len)).map_err(|_| damage("it is too long".to_owned()))?;
        let place = Place { segment: position.segment, offset: position.end, length };
        visit(&line, place, &bytes)?;
        *position = Position::behind(&line, place);
    }
}

/// Reads and verifies single entries, and caches open segment files.
pub(crate) struct Reader {
    journal: PathBuf,
    files: Mutex<HashMap<u64, Arc<File>>>,
}

impl Reader {
    pub(crate) fn new(journal: &Path) -> Self {
        Self { journal: journal.to_owned(), files: Mutex::default() }
    }

    /// Reads the entry at this place, and checks that it has the number `seq`.
    pub(crate) fn read(&self, place: Place, seq: u64) -> Result<Line, String> {
        let name = || format!("record {seq}, {} byte {}", path(&self.journal, place.segment).display(), place.offset);
        let file = self.file(place.segment).map_err(|e| format!("{}: {e}", name()))?;
        let mut bytes = vec![0; usize::try_from(place.length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, place.offset).map_err(|e| format!("{}: {e}", name()))?;
        let line = entry::decode(&bytes)
            .map_err(|reason| format!("{}: {reason}; `hotfix store verify` tells more", name()))?;
        if line.seq == seq { Ok(line) } else { Err(format!("{}: found record {}", name(), line.seq)) }
    }

    fn file(&self, segment: u64) -> std::io::Result<Arc<File>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&segment) {
            return Ok(file.clone());
        }
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        let file = Arc::new(File::open(path(&self.journal, segment))?);
        files.insert(segment, file.clone());
        Ok(file)
    }
}
