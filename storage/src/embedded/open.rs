//! Opens a store: verifies the journal, decides whether the index can be trusted, and brings it up to date.
//!
//! The journal is not changed before all witnesses have been checked for missing entries.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use super::append::Tail;
use super::checkpoint::checksums;
use super::entry::{self, EntryRef, FORMAT};
use super::error::OpenError;
use super::index::{Applied, Broken, Index, guard};
use super::integrity::{Witnesses, check_journal, not_short};
use super::lock::{self, patiently};
use super::options::{Layout, Options};
use super::segment::{self, End, Position, Reader};
use super::sidecar::{self, Checkpoint};
use super::state::State;

/// Number of replayed entries per write to the index.
const REPLAY: usize = 512;

/// A store that is ready for writing.
pub(crate) struct Ready {
    pub(crate) index: Arc<Index>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) ledger: State,
    pub(crate) tail: Tail,
    pub(crate) end: Position,
    pub(crate) checkpointed: u64,
}

/// Opens the store; the caller holds its lock.
pub(crate) fn open(options: &Options, layout: &Layout) -> Result<Ready, OpenError> {
    let witnesses = Witnesses::read(layout)?;
    let end = check_journal(options.verify_bytes, layout, &witnesses, &mut |_| {})?;
    let reader = Arc::new(Reader::new(&layout.journal));
    let trusted = trust(options, layout, &witnesses, &end, &reader)?;
    let mut tail = Tail::open(options.disk.clone(), layout.journal.clone(), options.segment_bytes, &end)?;
    tail.write_again(witnesses.checkpoint.whole()).map_err(OpenError::io("write", &layout.journal))?;
    let checkpointed = witnesses.checkpoint.whole().map_or(0, |checkpoint| checkpoint.seq);
    let caught_up = trusted.and_then(|(index, mut ledger)| {
        let from = continue_from(&index, &ledger.applied, layout).ok()?;
        catch_up(&mut ledger, from, layout, None).ok().filter(|last| last.seq == end.position.seq)?;
        Some((index, ledger))
    });
    let (index, ledger) = match caught_up {
        Some(ready) => ready,
        None => rebuild(options, layout, &reader)?,
    };
    let mut ready = Ready { index, reader, ledger, tail, end: end.position, checkpointed };
    close_index(layout)?;
    begin(options, layout, &mut ready)?;
    let _ = fs::remove_file(&layout.suspect);
    Ok(ready)
}

type Opened = (Arc<Index>, State);

/// Opens the index if it can be trusted; returns `None` if it must be rebuilt.
fn trust(
    options: &Options,
    layout: &Layout,
    witnesses: &Witnesses,
    end: &End,
    reader: &Arc<Reader>,
) -> Result<Option<Opened>, OpenError> {
    let checkpoint = witnesses.checkpoint.whole();
    let sums = checkpoint.and_then(|checkpoint| checkpoint.index.as_ref());
    let intact = sums.map(|sums| checksums(&layout.index).is_ok_and(|found| found == *sums));
    if !layout.index.exists() || layout.suspect.exists() || intact == Some(false) {
        return Ok(None);
    }
    if let Some(checkpoint) = checkpoint.filter(|checkpoint| checkpoint.index.is_some()) {
        // From here on the index changes, so its checksums become invalid.
        let open = Checkpoint { index: None, ..checkpoint.clone() };
        sidecar::replace(&*options.disk, &layout.checkpoint, &open)
            .map_err(OpenError::io("write", &layout.checkpoint))?;
    }
    let small = segment::list(&layout.journal)?.iter().map(|(_, size)| *size).sum::<u64>() <= options.verify_bytes;
    let count = intact.is_none() && small;
    let opened = match probe(options, layout, reader.clone(), count)? {
        Ok(opened) => opened,
        Err(Broken(reason)) => {
            tracing::warn!(index.reason = reason, "the index is damaged and is built anew");
            return Ok(None);
        }
    };
    not_short("the index", opened.1.applied.seq, end)?;
    Ok(Some(opened))
}

/// Opens the index on a separate thread, so that a panic or an endless loop of sled does no harm. The inner error
/// means that the index is damaged.
pub(crate) fn probe(
    options: &Options,
    layout: &Layout,
    reader: Arc<Reader>,
    count: bool,
) -> Result<Result<Opened, Broken>, OpenError> {
    let (answer, wait) = mpsc::sync_channel(1);
    let (path, cache, lock_wait) = (layout.index.clone(), options.cache_bytes, options.lock_wait);
    let probing = move || {
        let opened = guard(|| {
            let index = Arc::new(open_patiently(&path, cache, lock_wait)?);
            let ledger = State::load(index.clone(), reader)?;
            if count {
                ledger.count()?;
            }
            Ok((index, ledger))
        });
        let _ = answer.send(opened);
    };
    let thread = std::thread::Builder::new().name("index-probe".to_owned()).spawn(probing);
    thread.map_err(OpenError::io("start a thread for", &layout.index))?;
    Ok(wait.recv_timeout(options.probe_wait).unwrap_or_else(|_| Err(Broken("it does not open in time".to_owned()))))
}

/// Opens the index and retries while sled reports it as locked: sled releases its lock with a delay.
fn open_patiently(path: &std::path::Path, cache: u64, wait: std::time::Duration) -> Result<Index, Broken> {
    let mut last = Broken("it is locked".to_owned());
    let opened = patiently(wait, || match guard(|| Index::open(path, cache)) {
        Err(broken) if broken.0.contains("could not acquire lock") => {
            last = broken;
            None
        }
        result => Some(result),
    });
    opened.unwrap_or(Err(last))
}

/// Returns the journal position after the last entry in the index.
fn continue_from(index: &Index, applied: &Applied, layout: &Layout) -> Result<Position, Broken> {
    if applied.seq == 0 {
        return Ok(Position::genesis());
    }
    let slot = guard(|| index.slot(applied.seq))?.ok_or_else(|| Broken("its last entry is missing".to_owned()))?;
    let line = Reader::new(&layout.journal).read(slot.place, applied.seq).map_err(Broken)?;
    if line.hash == applied.hash {
        Ok(Position::behind(&line, slot.place))
    } else {
        Err(Broken("it is of another journal".into()))
    }
}

/// Replays the entries after `from` into the index, up to and including the entry `until` if given.
pub(crate) fn catch_up(
    ledger: &mut State,
    from: Position,
    layout: &Layout,
    until: Option<u64>,
) -> Result<Position, OpenError> {
    let broken = |Broken(reason)| OpenError::Index { path: layout.index.clone(), reason };
    let end = segment::scan(&layout.journal, from, &mut |line, place, _| {
        if until.is_some_and(|until| line.seq > until) {
            return Ok(());
        }
        guard(|| ledger.replay(line, place)).map_err(broken)?;
        if ledger.ops.len() >= REPLAY { ledger.flush().map_err(broken) } else { Ok(()) }
    })?;
    if !ledger.ops.is_empty() {
        ledger.flush().map_err(broken)?;
    }
    Ok(end.position)
}

/// Removes the access of other users from the index files.
pub(crate) fn close_index(layout: &Layout) -> Result<(), OpenError> {
    lock::close_index(&layout.index).map_err(OpenError::io("set the modes of", &layout.index))
}

/// Rebuilds the index from the whole journal.
pub(crate) fn rebuild(options: &Options, layout: &Layout, reader: &Arc<Reader>) -> Result<Opened, OpenError> {
    let aside = set_aside(layout).map_err(OpenError::io("move aside", &layout.index))?;
    let mut opened = probe(options, layout, reader.clone(), false)?
        .map_err(|Broken(reason)| OpenError::Index { path: layout.index.clone(), reason })?;
    catch_up(&mut opened.1, Position::genesis(), layout, None)?;
    if let Some(aside) = aside {
        let _ = fs::remove_dir_all(aside);
    }
    Ok(opened)
}

/// Creates the marker file that makes the next open rebuild the index.
pub(crate) fn mark_suspect(layout: &Layout) -> std::io::Result<()> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&layout.suspect).map(drop)
}

/// Moves the index aside and returns its new path. It is deleted once the new index is complete.
fn set_aside(layout: &Layout) -> std::io::Result<Option<PathBuf>> {
    if !layout.index.exists() {
        return Ok(None);
    }
    let aside = layout.root.join("index.aside");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(&layout.index, &aside)?;
    Ok(Some(aside))
}

/// Appends an entry for this opening to the journal, with a new epoch for its fences.
fn begin(options: &Options, layout: &Layout, ready: &mut Ready) -> Result<(), OpenError> {
    let Ready { ledger, tail, end, .. } = ready;
    let (seq, epoch) = (end.seq.saturating_add(1), ledger.applied.epoch.saturating_add(1));
    let failed = || OpenError::io("write", &layout.journal);
    tail.roll(seq).map_err(failed())?;
    let at = options.clock.now().max(end.at);
    let mut bytes = Vec::new();
    let hash = entry::encode(&mut bytes, seq, &end.hash, at, &EntryRef::Opened { epoch, format: FORMAT })
        .map_err(std::io::Error::other)
        .map_err(failed())?;
    let place = tail.place(0, bytes.len());
    tail.append(&bytes, place).map_err(failed())?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = entry::decode(text).map_err(std::io::Error::other).map_err(failed())?;
    let index = |Broken(reason)| OpenError::Index { path: layout.index.clone(), reason };
    guard(|| ledger.replay(&line, place)).map_err(index)?;
    ledger.flush().map_err(index)?;
    *end = Position { seq, hash, at, segment: place.segment, start: place.offset, end: place.end() };
    Ok(())
}
