//! Checkpoints: make the index durable and record its position. sled's flush does not sync, so its files are
//! synced here.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::index::{Index, guard};
use super::options::Layout;
use super::sidecar::{self, Checkpoint, Mark};

/// Flushes and syncs the index, then moves the high-water mark and the checkpoint.
pub(crate) fn write(disk: &dyn Disk, layout: &Layout, index: &Index, state: &Checkpoint) -> Result<(), String> {
    guard(|| index.flush()).map_err(|broken| format!("the index cannot be flushed: {}", broken.0))?;
    record(disk, layout, state).map_err(|e| format!("a checkpoint cannot be written: {e}"))
}

fn record(disk: &dyn Disk, layout: &Layout, state: &Checkpoint) -> io::Result<()> {
    for path in files(&layout.index)? {
        disk.sync(&File::open(path)?)?;
    }
    sidecar::sync_directory(&layout.index)?;
    sidecar::replace(disk, &layout.mark, &Mark { seq: state.seq, hash: state.hash.clone() })?;
    sidecar::replace(disk, &layout.checkpoint, state)
}

/// Replaces the checkpoint after a clean close by one with the checksums of the index files.
pub(crate) fn seal(disk: &dyn Disk, layout: &Layout, state: Checkpoint) -> io::Result<()> {
    let sums = checksums(&layout.index)?;
    record(disk, layout, &Checkpoint { index: Some(sums), ..state })
}

/// Returns the path, size and CRC-32 of every file of the index.
pub(crate) fn checksums(index: &Path) -> io::Result<Vec<(String, u64, u32)>> {
    let mut sums = Vec::new();
    let mut buffer = vec![0; 1 << 18];
    for path in files(index)? {
        let (mut file, mut size, mut crc) = (File::open(&path)?, 0_u64, crc32fast::Hasher::new());
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            size = size.saturating_add(read as u64);
            crc.update(buffer.get(..read).unwrap_or_default());
        }
        let name = path.strip_prefix(index).unwrap_or(&path).to_string_lossy().into_owned();
        sums.push((name, size, crc.finalize()));
    }
    Ok(sums)
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
