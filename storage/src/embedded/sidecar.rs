//! The small files beside the journal: the high-water mark, the checkpoint and the tip. Each contains a hash of its
//! content, so that a damaged file is recognized.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{Disk, write_all};

/// The last journal entry that was known to be durable when the file was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) seq: u64,
    pub(crate) hash: String,
}

/// The entry up to which the index is durable, and the layout of the journal at that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) seq: u64,
    pub(crate) hash: String,
    /// Segment of that entry; `start` and `end` are the offsets of the entry in it.
    pub(crate) segment: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The segments before that one: number of the first entry, size in bytes.
    pub(crate) finished: Vec<(u64, u64)>,
    /// Path, size and CRC-32 of each index file after a clean close; `None` while the store is open.
    pub(crate) index: Option<Vec<(String, u64, u32)>>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    value: T,
    hash: String,
}

/// The result of reading a sidecar file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    Whole(T),
    Damaged,
    Missing,
}

impl<T> Found<T> {
    pub(crate) fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Damaged | Self::Missing => None,
        }
    }
}

/// Reads a sidecar file and verifies its hash.
pub(crate) fn read<T: Serialize + DeserializeOwned>(path: &Path) -> io::Result<Found<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(error) => return Err(error),
    };
    let Ok(sealed) = serde_json::from_slice::<Sealed<T>>(&bytes) else {
        return Ok(Found::Damaged);
    };
    Ok(if seal(&sealed.value)? == sealed.hash { Found::Whole(sealed.value) } else { Found::Damaged })
}

/// Replaces a sidecar file atomically: after a crash it has the old or the new content.
pub(crate) fn replace<T: Serialize>(disk: &dyn Disk, path: &Path, value: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Sealed { hash: seal(value)?, value })?;
    let draft = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    write_all(disk, &file, &bytes)?;
    disk.sync(&file)?;
    fs::rename(&draft, path)?;
    sync_directory(path.parent().unwrap_or(path))
}

/// Syncs a directory, so that created and renamed files survive a power failure.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn seal<T: Serialize>(value: &T) -> io::Result<String> {
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(value)?)))
}

/// The tip file: the last durable entry, written after every group without a sync. It survives a killed process and,
/// after a short time, a power failure. Writes alternate between two slots, so that at least one is intact at
/// any time.
pub(crate) struct Tip {
    file: File,
    turn: bool,
}

/// Size of a slot in bytes; a mark takes about 150.
const SLOT: usize = 256;

impl Tip {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, turn: false })
    }

    pub(crate) fn note(&mut self, mark: &Mark) -> io::Result<()> {
        let mut slot = serde_json::to_vec(&Sealed { hash: seal(mark)?, value: mark })?;
        slot.resize(SLOT.saturating_sub(1), b' ');
        slot.push(b'\n');
        self.turn = !self.turn;
        self.file.write_all_at(&slot, if self.turn { 0 } else { SLOT as u64 })
    }

    /// Returns the newest intact mark in the file, or `None` if there is none.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Mark>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let slots = bytes.chunks(SLOT).filter_map(|slot| serde_json::from_slice::<Sealed<Mark>>(slot).ok());
        let whole = slots.filter(|slot| seal(&slot.value).is_ok_and(|hash| hash == slot.hash));
        Ok(whole.map(|slot| slot.value).max_by_key(|mark| mark.seq))
    }
}
