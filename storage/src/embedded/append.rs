//! The tail of the journal: appends groups of entries, starts new segments, and owns the reserve file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, write_all};
use super::entry::Hash;
use super::error::OpenError;
use super::segment::{self, End, Place};
use super::sidecar::{Checkpoint, sync_directory};

/// Size in bytes of the chunks in which [`Tail::write_again`] rewrites a segment.
const CHUNK: usize = 1 << 20;

pub(crate) struct Tail {
    disk: Arc<dyn Disk>,
    journal: PathBuf,
    file: File,
    segment_bytes: u64,
    /// Number of the current segment; `size` is its length in bytes.
    segment: u64,
    size: u64,
    finished: Vec<(u64, u64)>,
    /// Position of the last entry: segment, start offset, end offset.
    last: (u64, u64, u64),
}

impl Tail {
    /// Opens the journal after its last whole entry and cuts off the unfinished line, if any.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        journal: PathBuf,
        segment_bytes: u64,
        end: &End,
    ) -> Result<Self, OpenError> {
        let mut finished = segment::list(&journal)?;
        let (segment, size) = finished.pop().unwrap_or((1, 0));
        let path = segment::path(&journal, segment);
        let io = |what| OpenError::io(what, &path);
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(io("open"))?;
        if end.torn > 0 {
            tracing::warn!(
                journal.segment = segment,
                journal.torn_bytes = end.torn,
                "the last, unfinished line of the journal is cut off"
            );
            file.set_len(size.saturating_sub(end.torn)).map_err(io("cut off the unfinished line of"))?;
        }
        sync_directory(&journal).map_err(OpenError::io("sync", &journal))?;
        let position = &end.position;
        let last = (position.segment, position.start, position.end);
        let size = size.saturating_sub(end.torn);
        Ok(Self { disk, journal, file, segment_bytes, segment, size, finished, last })
    }

    /// Rewrites and syncs the part of the current segment after the checkpoint. A process may have been killed before
    /// it synced that part. A sync alone is not enough: after a failed sync the system may treat the pages as clean,
    /// and a second sync would do nothing. The bytes do not change, so a crash in between does no harm.
    pub(crate) fn write_again(&mut self, checkpoint: Option<&Checkpoint>) -> io::Result<()> {
        let from = match checkpoint {
            Some(checkpoint) if checkpoint.segment == self.segment => checkpoint.end.min(self.size),
            Some(_) | None => 0,
        };
        let path = segment::path(&self.journal, self.segment);
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut chunk = vec![0; CHUNK];
        let mut at = from;
        while at < self.size {
            let wanted = usize::try_from(self.size.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
            let part = chunk.get_mut(..wanted).unwrap_or_default();
            file.read_exact_at(part, at)?;
            file.seek(SeekFrom::Start(at))?;
            write_all(&*self.disk, &file, part)?;
            at = at.saturating_add(part.len() as u64);
        }
        self.disk.sync(&self.file)
    }

    /// Returns the place of an entry that starts `behind` bytes into the group; `length` includes its newline.
    pub(crate) fn place(&self, behind: usize, length: usize) -> Place {
        let length = u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX);
        Place { segment: self.segment, offset: self.size.saturating_add(behind as u64), length }
    }

    /// Writes a group and syncs it. After an error, the tail must not be written to again.
    pub(crate) fn append(&mut self, group: &[u8], last: Place) -> io::Result<()> {
        write_all(&*self.disk, &self.file, group)?;
        self.disk.sync(&self.file)?;
        self.size = self.size.saturating_add(group.len() as u64);
        self.last = (last.segment, last.offset, last.end());
        Ok(())
    }

    /// Starts a new segment if the current one is full, and returns `true` if so. `next` is the number of the
    /// next entry.
    pub(crate) fn roll(&mut self, next: u64) -> io::Result<bool> {
        if self.size < self.segment_bytes.max(1) {
            return Ok(false);
        }
        let path = segment::path(&self.journal, next);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        self.disk.sync(&file)?;
        sync_directory(&self.journal)?;
        self.finished.push((self.segment, self.size));
        (self.file, self.segment, self.size) = (file, next, 0);
        Ok(true)
    }

    pub(crate) fn checkpoint(&self, seq: u64, hash: &Hash) -> Checkpoint {
        let (segment, start, end) = self.last;
        let finished = self.finished.iter().filter(|(first, _)| *first < segment).copied().collect();
        Checkpoint { seq, hash: hex::encode(hash), segment, start, end, finished, index: None }
    }
}

/// Allocates the reserve file, which is deleted when the disk is full. On failure, removes it and returns the error;
/// the caller may continue without it.
pub(crate) fn reserve(path: &std::path::Path, bytes: u64) -> io::Result<()> {
    if bytes == 0 || fs::metadata(path).is_ok_and(|found| found.len() == bytes) {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let made = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).map_err(io::Error::from);
    if let Err(error) = made.and_then(|()| file.sync_all()) {
        fs::remove_file(path)?;
        return Err(error);
    }
    Ok(())
}
