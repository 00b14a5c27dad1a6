//! Maintenance of a store without a running bot: verify, export, import, rebuild and a read-only snapshot.

use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use super::append::Tail;
use super::checkpoint;
use super::disk::MachineDisk;
use super::entry::{self, Hash};
use super::error::{Damage, OpenError};
use super::index::{Broken, Index, guard};
use super::integrity;
use super::lock;
use super::open;
use super::options::{Layout, Options};
use super::segment::{self, Place, Position, Reader};
use super::sidecar::{self, Found, Mark};
use super::trailer::{self, Trailer};
use super::{Embedded, segment::End};
use crate::clock::Clock;
use crate::memory::Memory;

/// The result of a successful verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Number of segments in the journal.
    pub segments: usize,
    /// Number of journal entries: commits and openings.
    pub entries: u64,
    /// Number of events in all streams.
    pub records: u64,
    /// Hash of the last entry, in hexadecimal.
    pub head: String,
    /// Size in bytes of an unfinished last line, which the next open cuts off.
    pub torn: u64,
    /// `true` if the high-water mark is at the last entry, as after a clean close.
    pub marked: bool,
}

/// Reads every segment, checks the hash chain and the high-water mark, and compares the index with a freshly
/// built one.
///
/// # Errors
/// The first damage found, or an error if the store is in use. Nothing is repaired.
pub fn verify(directory: &Path) -> Result<Report, OpenError> {
    let (options, layout) = (Options::maintenance(directory), Layout::of(directory));
    lock::existing(&layout)?;
    let _lock = lock::lock(&layout.lock, options.lock_wait)?;
    let mut records = 0_u64;
    let end =
        integrity::check_whole(&layout, &mut |line| records = records.saturating_add(line.records().len() as u64))?;
    let marked = match sidecar::read::<Mark>(&layout.mark).map_err(OpenError::io("read", &layout.mark))? {
        Found::Whole(mark) => mark.seq == end.position.seq,
        Found::Damaged => {
            let reason = "a mark whose checksum does not match; the next start makes it anew".to_owned();
            return Err(Damage::Segment { segment: layout.mark, reason }.into());
        }
        Found::Missing => false,
    };
    compare_index(&options, &layout, &end)?;
    let segments = segment::list(&layout.journal)?.len();
    let head = hex::encode(end.position.hash);
    Ok(Report { segments, entries: end.position.seq, records, head, torn: end.torn, marked })
}

/// Compares a copy of the index with a freshly built one, key by key. It works on a copy because opening an index
/// writes to it, and verification must not.
fn compare_index(options: &Options, layout: &Layout, end: &End) -> Result<(), OpenError> {
    if !layout.index.exists() {
        return Err(OpenError::NoIndex { path: layout.root.clone(), entries: end.position.seq });
    }
    let scratch = layout.root.join("verify");
    let _ = fs::remove_dir_all(&scratch);
    let copy = scratch.join("copy");
    let result = copy_tree(&layout.index, &copy).map_err(OpenError::io("copy the index to", &copy)).and_then(|()| {
        let reader = Arc::new(Reader::new(&layout.journal));
        let broken = |Broken(reason)| OpenError::from(Damage::Index(reason));
        let fresh_layout = Layout { index: scratch.join("fresh"), ..layout.clone() };
        let (found, ledger) =
            open::probe(options, &Layout { index: copy, ..layout.clone() }, reader.clone(), true)?.map_err(broken)?;
        if ledger.applied.seq > end.position.seq {
            let (witness, seen, last) = ("the index".to_owned(), ledger.applied.seq, end.position.seq);
            return Err(Damage::Short { witness, seen, last }.into());
        }
        let (fresh, mut fresh_ledger) = open::probe(options, &fresh_layout, reader, false)?.map_err(broken)?;
        open::catch_up(&mut fresh_ledger, Position::genesis(), &fresh_layout, Some(ledger.applied.seq))?;
        guard(|| same(&found, &fresh)).map_err(broken)
    });
    let _ = fs::remove_dir_all(&scratch);
    result
}

fn same(found: &Index, fresh: &Index) -> Result<(), Broken> {
    let (mut found, mut fresh) = (found.all(), fresh.all());
    loop {
        match (found.next().transpose()?, fresh.next().transpose()?) {
            (None, None) => return Ok(()),
            (Some(left), Some(right)) if left == right => {}
            (left, right) => {
                let key = left.or(right).map(|(key, _)| key.escape_ascii().to_string());
                return Err(Broken(format!("at key {}", key.unwrap_or_default())));
            }
        }
    }
}

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Writes the journal as JSON lines, followed by a trailer, and returns the number of entries. Takes no lock: a
/// running store only appends.
///
/// # Errors
/// If an entry is damaged, or the output cannot be written.
pub fn export(directory: &Path, output: &mut dyn Write) -> Result<u64, OpenError> {
    let layout = Layout::of(directory);
    let end = segment::scan(&layout.journal, Position::genesis(), &mut |_, _, bytes| {
        output.write_all(bytes).map_err(OpenError::io("export", &layout.journal))
    })?;
    let Position { seq, hash, .. } = end.position;
    trailer::write(output, seq, &hash)
        .and_then(|()| output.flush())
        .map_err(OpenError::io("export", &layout.journal))?;
    Ok(seq)
}

/// The result of a successful import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Number of imported entries.
    pub entries: u64,
    /// Hash of the last entry, in hexadecimal.
    pub head: String,
}

/// Creates a store from an export, including its index, and checks the hash chain and the trailer.
///
/// # Errors
/// If the directory is not empty, a line is not the next line of a journal, or the end of the export is missing. The
/// directory then contains no store.
pub fn import(directory: &Path, input: &mut dyn BufRead, trailer: Trailer) -> Result<Imported, OpenError> {
    let (options, layout) = (Options::maintenance(directory), Layout::of(directory));
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(OpenError::NotEmpty { path: directory.to_owned() });
    }
    lock::directories(&layout)?;
    let _lock = lock::lock(&layout.lock, options.lock_wait)?;
    let result = import_lines(&options, &layout, input, trailer);
    if result.is_err() {
        let _ = fs::remove_dir_all(&layout.journal);
        let _ = fs::remove_dir_all(&layout.index);
        for file in [&layout.mark, &layout.checkpoint, &layout.lock] {
            let _ = fs::remove_file(file);
        }
    }
    result
}

fn import_lines(
    options: &Options,
    layout: &Layout,
    input: &mut dyn BufRead,
    trailer: Trailer,
) -> Result<Imported, OpenError> {
    let start = End { position: Position::genesis(), torn: 0 };
    let mut tail = Tail::open(options.disk.clone(), layout.journal.clone(), options.segment_bytes, &start)?;
    let (mut seq, mut hash, mut group, mut bytes) = (0_u64, Hash::default(), Vec::new(), Vec::new());
    let (mut last, mut ended): (Option<Place>, bool) = (None, false);
    let failed = || OpenError::io("write", &layout.journal);
    loop {
        bytes.clear();
        let read = input.read_until(b'\n', &mut bytes).map_err(OpenError::io("read the import for", &layout.root))?;
        if let Some(place) = last.take_if(|_| read == 0 || group.len() > 1 << 20) {
            tail.append(&group, place).map_err(failed())?;
            group.clear();
            tail.roll(seq.saturating_add(1)).map_err(failed())?;
        }
        if read == 0 {
            break;
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let wrong = |reason: String| OpenError::Import { line: seq.saturating_add(1), reason };
        if ended {
            let reason = "something follows the trailer".to_owned();
            return Err(OpenError::Import { line: seq.saturating_add(2), reason });
        }
        if trailer::is_one(text) {
            trailer::check(text, seq, &hash).map_err(wrong)?;
            ended = true;
            continue;
        }
        let line = entry::decode(text).map_err(|unreadable| wrong(unreadable.to_string()))?;
        if line.seq != seq.saturating_add(1) || line.prev != hash {
            return Err(wrong("it does not follow the one before it".to_owned()));
        }
        last = Some(tail.place(group.len(), text.len().saturating_add(1)));
        group.extend_from_slice(text);
        group.push(b'\n');
        (seq, hash) = (line.seq, line.hash);
    }
    if seq == 0 {
        return Err(OpenError::Import { line: 1, reason: "there is no entry".to_owned() });
    }
    if !ended && trailer == Trailer::Required {
        return Err(OpenError::NoTrailer { entries: seq });
    }
    let head = hex::encode(hash);
    let mark = Mark { seq, hash: head.clone() };
    sidecar::replace(&MachineDisk, &layout.mark, &mark).map_err(OpenError::io("write", &layout.mark))?;
    index_imported(options, layout, &tail, &mark)?;
    Ok(Imported { entries: seq, head })
}

/// Builds the index of a newly imported journal and writes a checkpoint.
fn index_imported(options: &Options, layout: &Layout, tail: &Tail, mark: &Mark) -> Result<(), OpenError> {
    let (index, ledger) = open::rebuild(options, layout, &Arc::new(Reader::new(&layout.journal)))?;
    let state = tail.checkpoint(mark.seq, &ledger.applied.hash);
    checkpoint::write(&*options.disk, layout, &index, &state)
        .map_err(|reason| OpenError::Index { path: layout.index.clone(), reason })?;
    open::close_index(layout)
}

/// Discards the index, rebuilds it from the journal, and closes the store.
///
/// # Errors
/// If the store is in use or the journal is damaged.
pub fn rebuild(directory: &Path) -> Result<(), OpenError> {
    let (options, layout) = (Options::maintenance(directory), Layout::of(directory));
    lock::existing(&layout)?;
    let lock = lock::lock(&layout.lock, options.lock_wait)?;
    open::mark_suspect(&layout).map_err(OpenError::io("write", &layout.suspect))?;
    drop(lock);
    drop(Embedded::open(options)?);
    Ok(())
}

/// Loads the current journal into a read-only in-memory journal. Takes no lock, so it can run beside the bot. Claims
/// are not included.
///
/// # Errors
/// If an entry is damaged.
pub fn snapshot(directory: &Path, clock: Arc<dyn Clock>) -> Result<Memory, OpenError> {
    let layout = Layout::of(directory);
    let memory = Memory::new(clock);
    segment::scan(&layout.journal, Position::genesis(), &mut |line, place, _| {
        let Some((made, receipt)) = line.made().zip(line.receipt()) else {
            return Ok(());
        };
        memory.replay(&made.commit, &receipt).map_err(|error| {
            let segment = segment::path(&layout.journal, place.segment);
            let (seq, reason) = (line.seq, format!("it does not fit the ones before it ({error})"));
            Damage::Record { segment, line: 0, offset: place.offset, seq, reason }.into()
        })
    })?;
    memory.freeze("this is a read-only view of a stored journal");
    Ok(memory)
}
