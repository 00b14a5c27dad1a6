//! Why a store does not open: what is wrong, where, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a store did not open, or a maintenance command did not run.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error(
        "another process holds {}: stop it, or use another directory (`fuser {}` names the process)",
        path.display(),
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Others may read the store.
    #[error("{} has mode {mode:o}, so others can read it: run `chmod {fix:o} {}`", path.display(), path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        fix: u32,
    },
    /// The store belongs to another user.
    #[error("{} belongs to user {owner}, this process runs as {process}: run it as that user, or `chown -R {process}` the directory", path.display())]
    Foreign {
        /// The file or directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        process: u32,
    },
    /// The journal is damaged. Nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The index could not be built, although the journal is whole.
    #[error("the index in {} cannot be built ({reason}): free space or fix the disk, delete that directory, and start again", path.display())]
    Index {
        /// The index's directory.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
    /// A store is not made where something is already.
    #[error("{} is not empty: import into a new directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The input of an import is not a journal.
    #[error("line {line} of the import: {reason}")]
    Import {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The input of an import ends without a trailer.
    #[error(
        "the import has no trailer behind its {entries} entries, so its end may be missing: export it again, or add \
         `--without-trailer` to take what is there"
    )]
    NoTrailer {
        /// How many entries there are.
        entries: u64,
    },
    /// The journal is whole, and there is no index beside it.
    #[error(
        "{} has no index beside its journal of {entries} entries, which is whole: run `hotfix store rebuild`",
        path.display()
    )]
    NoIndex {
        /// The store's directory.
        path: PathBuf,
        /// How many entries the journal has.
        entries: u64,
    },
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// Reports whether the journal is whole and only its index has to be made anew, which the next start does as well.
    #[must_use]
    pub fn is_of_the_index(&self) -> bool {
        matches!(self, Self::NoIndex { .. } | Self::Damaged(Damage::Index(_)))
    }

    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }
}

/// Damage that cannot be repaired from what is in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// A record in the middle of the journal is not what was written.
    #[error(
        "{} line {line} (byte {offset}), record {seq}, is damaged: {reason}. Nothing was changed. Restore the journal directory \
         from a backup or an export (`hotfix store import`), then start again; records before {seq} are whole", segment.display()
    )]
    Record {
        /// The segment file.
        segment: PathBuf,
        /// The line in it, from 1; when the check started behind the beginning, counted from there.
        line: u64,
        /// Where the line begins.
        offset: u64,
        /// The number the record should have.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
    /// A segment is missing or shorter than it was.
    #[error("segment {} is {reason}. Nothing was changed. Restore it from a backup, then start again", segment.display())]
    Segment {
        /// The segment file.
        segment: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The journal ends before a record that was acknowledged.
    #[error(
        "the journal ends at record {last}, but {witness} has seen record {seen}: acknowledged records are missing. Nothing was changed. \
         Restore the journal directory from a backup. To go on with the shorter journal and lose those records on purpose, \
         remove mark.json, tip.json, checkpoint.json and index/ from the store's directory"
    )]
    Short {
        /// What has seen more.
        witness: String,
        /// The last record it has seen.
        seen: u64,
        /// The journal's last record.
        last: u64,
    },
    /// The journal holds another record than the one that was acknowledged.
    #[error(
        "record {seq} of the journal is not the one that {witness} has seen: the journal was replaced. Nothing was changed. Restore the \
         journal directory, or remove mark.json, tip.json, checkpoint.json and index/ to go on with this journal on purpose"
    )]
    Replaced {
        /// What has seen another record.
        witness: String,
        /// Its number.
        seq: u64,
    },
    /// The index does not say what the journal says.
    #[error("the index differs from the journal ({0}): run `hotfix store rebuild`")]
    Index(String),
}
