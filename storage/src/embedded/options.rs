//! The settings of a store and the layout of its directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, MachineDisk};
use crate::clock::{Clock, SystemClock};

/// The settings of a store. Production code should use the defaults of [`Options::new`]; the fields exist for tests
/// and unusual machines.
#[derive(Clone)]
pub struct Options {
    /// Directory of the store; created if missing.
    pub directory: PathBuf,
    /// Source of the journal's time.
    pub clock: Arc<dyn Clock>,
    /// Size in bytes at which a journal segment is full and a new one is started.
    pub segment_bytes: u64,
    /// Size in bytes of the reserve file, which is deleted when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// Number of journal entries after which the index is synced and the high-water mark is moved.
    pub checkpoint_every: u64,
    /// Size in bytes up to which the whole journal is verified at every open. Of a larger journal, only the part
    /// after the checkpoint is verified.
    pub verify_bytes: u64,
    /// Memory limit of the index cache, in bytes.
    pub cache_bytes: u64,
    /// Maximum time to wait for another process to release the store's lock.
    pub lock_wait: Duration,
    /// Maximum time for opening the index; after that it counts as damaged.
    pub probe_wait: Duration,
    /// Implementation of durable writes; tests inject failures here.
    pub disk: Arc<dyn Disk>,
}

impl Options {
    /// Returns the defaults for this directory and clock.
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

    /// Returns the defaults for maintenance of the store in this directory.
    pub(crate) fn maintenance(directory: &Path) -> Self {
        Self::new(directory, Arc::new(SystemClock))
    }
}

/// The paths of the parts of a store.
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
    /// Marker file, left behind if the index fails while the store is open: the next open rebuilds the index.
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
