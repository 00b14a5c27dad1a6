//! The small files beside the journal: the high-water mark, the checkpoint, and the tip. All are sealed with a hash, so that
//! what is read is either a true statement or recognisably not one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{Disk, write_all};

/// The last journal entry that was known to be durable when this was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) seq: u64,
    pub(crate) hash: String,
}

/// Up to where the index is durable, and what the journal looked like then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) seq: u64,
    pub(crate) hash: String,
    /// The segment of that entry, and where the entry begins and ends in it.
    pub(crate) segment: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The segments before, and their sizes.
    pub(crate) finished: Vec<(u64, u64)>,
    /// After a clean close: the checksums of the index's files, by path. `None` while the store is open.
    pub(crate) index: Option<Vec<(String, u64, u32)>>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    value: T,
    hash: String,
}

/// What is in a small file.
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

/// Reads and checks.
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

/// Puts a new version in the place of the old one; after a crash there is the one or the other.
pub(crate) fn replace<T: Serialize>(disk: &dyn Disk, path: &Path, value: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Sealed { hash: seal(value)?, value })?;
    let draft = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    write_all(disk, &file, &bytes)?;
    disk.sync(&file)?;
    fs::rename(&draft, path)?;
    sync_directory(path.parent().unwrap_or(path))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn seal<T: Serialize>(value: &T) -> io::Result<String> {
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(value)?)))
}

/// The last durable entry, noted after every group without a sync of its own: it outlives a killed process, and shortly
/// after also a power cut. Two slots take turns, so that one is whole whenever the process dies.
pub(crate) struct Tip {
    file: File,
    turn: bool,
}

/// The size of a slot; a mark is some 150 bytes.
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

    /// The newest mark in the file that is whole.
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
