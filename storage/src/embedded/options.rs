//! How a store is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, MachineDisk};
use crate::clock::{Clock, SystemClock};

/// How a store is opened. The defaults of [`Options::new`] are the ones to use; the rest is for tests and odd machines.
#[derive(Clone)]
pub struct Options {
    /// The store's directory; it is made when it is missing.
    pub directory: PathBuf,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// A new segment is begun when the last one has this many bytes.
    pub segment_bytes: u64,
    /// The size of the file that is kept to be freed when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// The index is made durable, and the high-water mark moved, after this many journal entries.
    pub checkpoint_every: u64,
    /// A journal up to this size is verified whole at every open; of a larger one, what is behind the checkpoint.
    pub verify_bytes: u64,
    /// How much memory the index may use for its cache.
    pub cache_bytes: u64,
    /// How long to wait for another process to let go of the store.
    pub lock_wait: Duration,
    /// How long the index may take to open before it counts as damaged.
    pub probe_wait: Duration,
    /// The disk.
    pub disk: Arc<dyn Disk>,
}

impl Options {
    /// The defaults, for this directory and clock.
    pub fn new(directory: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory: directory.into(),
            clock,
            segment_bytes: 64 << 20,
            reserve_bytes: 32 << 20,
            checkpoint_every: 10_000,
            verify_bytes: 32 << 20,
            cache_bytes: 64 << 20,
            lock_wait: Duration::from_secs(5),
            probe_wait: Duration::from_secs(60),
            disk: Arc::new(MachineDisk),
        }
    }

    /// The defaults for maintenance of the store in this directory.
    pub(crate) fn maintenance(directory: &Path) -> Self {
        Self::new(directory, Arc::new(SystemClock))
    }
}

/// Where the parts of a store are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) index: PathBuf,
    pub(crate) lock: PathBuf,
    pub(crate) mark: PathBuf,
    pub(crate) tip: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) reserve: PathBuf,
    /// Left behind when the index failed while the store was open: the next open builds it anew.
    pub(crate) suspect: PathBuf,
}

impl Layout {
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            journal: root.join("journal"),
            index: root.join("index"),
            lock: root.join("lock"),
            mark: root.join("mark.json"),
            tip: root.join("tip.json"),
            checkpoint: root.join("checkpoint.json"),
            reserve: root.join("reserve"),
            suspect: root.join("index.suspect"),
        }
    }
}
