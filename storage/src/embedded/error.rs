//! Errors of opening and maintaining a store: the problem, the file, and how to fix it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The reason that a store did not open, or that a maintenance command failed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// An operation of the file system failed.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// The failed operation, as a verb for the message.
        what: &'static str,
        /// Path that the operation was applied to.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error(
        "another process holds {}: stop it, or use another directory (`fuser {}` names the process)",
        path.display(),
        path.display()
    )]
    Locked {
        /// Path of the lock file.
        path: PathBuf,
    },
    /// A file or directory of the store is accessible to other users.
    #[error("{} has mode {mode:o}, so others can read it: run `chmod {fix:o} {}`", path.display(), path.display())]
    Exposed {
        /// Path of the file or directory.
        path: PathBuf,
        /// Its current permission bits.
        mode: u32,
        /// The permission bits it must have.
        fix: u32,
    },
    /// A file or directory of the store belongs to another user.
    #[error("{} belongs to user {owner}, this process runs as {process}: run it as that user, or `chown -R {process}` the directory", path.display())]
    Foreign {
        /// Path of the file or directory.
        path: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// Effective user id of this process.
        process: u32,
    },
    /// The journal is damaged. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The index could not be built, although the journal is intact.
    #[error("the index in {} cannot be built ({reason}): free space or fix the disk, delete that directory, and start again", path.display())]
    Index {
        /// Directory of the index.
        path: PathBuf,
        /// The error of the index engine.
        reason: String,
    },
    /// The target directory of an import is not empty.
    #[error("{} is not empty: import into a new directory", path.display())]
    NotEmpty {
        /// The target directory.
        path: PathBuf,
    },
    /// A line of an import is not the next line of a journal.
    #[error("line {line} of the import: {reason}")]
    Import {
        /// Line number, starting at 1.
        line: u64,
        /// The problem with the line.
        reason: String,
    },
    /// The input of an import ends without a trailer.
    #[error(
        "the import has no trailer behind its {entries} entries, so its end may be missing: export it again, or add \
         `--without-trailer` to take what is there"
    )]
    NoTrailer {
        /// Number of entries that were read.
        entries: u64,
    },
    /// The journal is intact, but the store has no index.
    #[error(
        "{} has no index beside its journal of {entries} entries, which is whole: run `hotfix store rebuild`",
        path.display()
    )]
    NoIndex {
        /// Directory of the store.
        path: PathBuf,
        /// Number of entries in the journal.
        entries: u64,
    },
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Reports whether the journal is intact and only the index must be rebuilt, which the next start also does.
    #[must_use]
    pub fn is_of_the_index(&self) -> bool {
        matches!(self, Self::NoIndex { .. } | Self::Damaged(Damage::Index(_)))
    }

    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}

/// Damage that cannot be repaired from the contents of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// An entry of the journal, not the unfinished last line, is not valid.
    #[error(
        "{} line {line} (byte {offset}), record {seq}, is damaged: {reason}. Nothing was changed. Restore the journal directory \
         from a backup or an export (`hotfix store import`), then start again; records before {seq} are whole", segment.display()
    )]
    Record {
        /// Path of the segment file.
        segment: PathBuf,
        /// Line number in the segment, starting at 1 where the scan of the segment started.
        line: u64,
        /// Byte offset of the line in the segment.
        offset: u64,
        /// The sequence number that the entry should have.
        seq: u64,
        /// The problem with the line.
        reason: String,
    },
    /// A segment is missing or has the wrong size, or a sidecar file is damaged.
    #[error(
        "{} was written in format {found}; this version of hotfix reads and writes format {known} only. Nothing was changed. \
         Run the version that wrote it, or set `store` to an empty directory", segment.display()
    )]
    Format {
        /// The segment file.
        segment: PathBuf,
        /// Format of the store.
        found: u32,
        /// Format of this version.
        known: u32,
    },
    /// A segment file that is missing or shorter than it was.
    #[error("segment {} is {reason}. Nothing was changed. Restore it from a backup, then start again", segment.display())]
    Segment {
        /// Path of the file.
        segment: PathBuf,
        /// The problem, as the rest of a sentence about the file.
        reason: String,
    },
    /// The journal ends before an entry that was acknowledged.
    #[error(
        "the journal ends at record {last}, but {witness} has seen record {seen}: acknowledged records are missing. Nothing was changed. \
         Restore the journal directory from a backup. To go on with the shorter journal and lose those records on purpose, \
         remove mark.json, tip.json, checkpoint.json and index/ from the store's directory"
    )]
    Short {
        /// The sidecar file, or the index, that recorded a later entry.
        witness: String,
        /// Sequence number of the entry that the witness recorded.
        seen: u64,
        /// Sequence number of the journal's last entry.
        last: u64,
    },
    /// An entry of the journal has another hash than the acknowledged entry of that number.
    #[error(
        "record {seq} of the journal is not the one that {witness} has seen: the journal was replaced. Nothing was changed. Restore the \
         journal directory, or remove mark.json, tip.json, checkpoint.json and index/ to go on with this journal on purpose"
    )]
    Replaced {
        /// The sidecar file that recorded the other hash.
        witness: String,
        /// Sequence number of the entry.
        seq: u64,
    },
    /// The index differs from the journal.
    #[error("the index differs from the journal ({0}): run `hotfix store rebuild`")]
    Index(String),
}
