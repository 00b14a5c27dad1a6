//! The default journal: an embedded store for one process, in one directory, without a server.
//!
//! `journal/*.jsonl` is the source of truth: append-only JSON lines, each with the hash of the line before it.
//! `index/` serves reads and can be rebuilt from the journal at any time. `mark.json`, `checkpoint.json` and
//! `tip.json` record how far the journal had got, so that a truncated journal is refused.
//!
//! One loss can go undetected: after a power failure, the last whole lines of the journal, if they were acknowledged
//! after the last checkpoint (at most [`Options::checkpoint_every`] entries) and within the half minute that the
//! system takes to write back the tip. The journal is synced before anything is acknowledged, so this requires a disk
//! that loses synced data.

mod append;
mod checkpoint;
mod disk;
mod entry;
mod error;
mod index;
mod index_codec;
mod integrity;
mod lock;
mod maintain;
mod open;
mod options;
mod pending;
mod read;
mod segment;
mod shared;
mod sidecar;
mod state;
mod trailer;
mod writer;

pub use disk::{Disk, MachineDisk};
pub use error::{Damage, OpenError};
pub use maintain::{Imported, Report, export, import, rebuild, snapshot, verify};
pub use options::Options;
pub use trailer::Trailer;

use std::fs::{self, File};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Timestamp;
use crate::error::{CommitError, ReadError};
use crate::lease::LeaseView;
use crate::outbox::{ClaimRequest, Claimed, Fence, WorkKey, WorkView};
use crate::record::{Commit, CommitId, Cursor, Receipt, Record, Seq, StreamId, Version};
use crate::{Health, Journal};
use index::{Broken, Index, guard};
use options::Layout;
use read::{entry, read_feed, read_stream};
use shared::Shared;
use state::State;
use writer::{Ask, Request, Writer};

/// Number of requests that can wait for the writer before callers block.
const QUEUE: usize = 1024;

/// The default journal: an embedded store in one directory.
///
/// Dropping it closes it like [`Embedded::close`], and blocks until the last group and the checkpoint are written.
pub struct Embedded {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
    layout: Layout,
    thread: Mutex<Option<(JoinHandle<()>, File)>>,
}

impl Embedded {
    /// Opens the store in the directory of the options and creates it if there is none. Blocks while it waits for the
    /// lock and while it brings the index up to date.
    ///
    /// # Errors
    /// If the store is in use, is readable by other users, or is damaged beyond what the journal can repair. Each
    /// message says how to fix it.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let layout = Layout::of(&options.directory);
        lock::directories(&layout)?;
        let lock = lock::lock(&layout.lock, options.lock_wait)?;
        let ready = match open::open(&options, &layout) {
            // The reserve file exists for this case: its blocks are the few that opening needs on a full disk.
            Err(error) if error.is_full() && fs::remove_file(&layout.reserve).is_ok() => open::open(&options, &layout)?,
            result => result?,
        };
        if let Err(error) = append::reserve(&layout.reserve, options.reserve_bytes) {
            tracing::warn!(store.error = %error, "there is no room for the reserve file: free space soon");
        }
        let open::Ready { index, reader, ledger, tail, end, checkpointed } = ready;
        let shared = Arc::new(Shared::new(options.clock.clone(), reader, index, &ledger, end.at));
        let (requests, receiver) = mpsc::channel(QUEUE);
        let (writer_layout, writer_shared) = (layout.clone(), shared.clone());
        let tip = sidecar::Tip::open(&layout.tip).map_err(OpenError::io("open", &layout.tip))?;
        let writer = Writer { options, layout: writer_layout, shared: writer_shared, ledger, tail, tip, checkpointed };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(receiver));
        let thread = thread.map_err(OpenError::io("start a thread for", &layout.root))?;
        Ok(Self { requests, shared, layout, thread: Mutex::new(Some((thread, lock))) })
    }

    /// Stops accepting requests, makes the last group durable and writes a checkpoint, so that the next open is fast.
    /// Killing the process instead loses nothing, but the next open has more to verify.
    pub async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.requests.send(Request::Close(done)).await.is_ok() {
            let _ = wait.await;
        }
        self.join();
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((thread, lock)) = thread {
            let _ = thread.join();
            drop(lock);
        }
    }

    /// Runs `question` on the in-memory state, on the writer thread.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut State, Timestamp) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, wait) = oneshot::channel();
        let ask: Ask = Box::new(move |state| {
            let _ = answer.send(state.map(|(ledger, now)| question(ledger, now)));
        });
        let gone = || ReadError::Unavailable(self.stopped());
        self.requests.send(Request::Ask(ask)).await.map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?.map_err(ReadError::Unavailable)
    }

    /// Reads from the index and the journal, on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        reading: impl FnOnce(&Index, &Shared) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, ReadError> {
        let index = self.shared.index().ok_or_else(|| ReadError::Unavailable(self.stopped()))?;
        let (shared, layout) = (self.shared.clone(), self.layout.clone());
        let work = tokio::task::spawn_blocking(move || {
            let result = guard(|| reading(&index, &shared));
            if result.is_err() {
                // Either the index is damaged, and the next open rebuilds it; or the journal is, and the next open
                // reports it.
                let _ = open::mark_suspect(&layout);
            }
            result.map_err(|Broken(reason)| ReadError::Unavailable(reason))
        });
        work.await.map_err(|error| ReadError::Unavailable(error.to_string()))?
    }

    fn stopped(&self) -> String {
        self.shared.poisoned().unwrap_or_else(|| "the store is closed".to_owned())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // The writer stops when the last sender is dropped.
        self.requests = mpsc::channel(1).0;
        self.join();
    }
}

#[async_trait]
impl Journal for Embedded {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let (reply, wait) = oneshot::channel();
        let id = commit.id.clone();
        let sent = self.requests.send(Request::Commit(Box::new(commit), reply)).await;
        sent.map_err(|_| CommitError::Fatal(self.stopped()))?;
        wait.await.unwrap_or(Err(CommitError::Unknown(id)))
    }

    async fn outcome(&self, id: &CommitId) -> Result<Option<Receipt>, ReadError> {
        // A poisoned store does not know which part of its last group reached the disk.
        if let Some(reason) = self.shared.poisoned() {
            return Err(ReadError::Unavailable(reason));
        }
        let id = id.clone();
        self.read(move |index, shared| {
            let Some(seq) = index.commit(&id)? else { return Ok(None) };
            let made = entry(index, shared, seq)?;
            let receipt = made.receipt().filter(|_| made.made().is_some_and(|made| made.commit.id == id));
            receipt.map(Some).ok_or_else(|| Broken(format!("entry {seq} is not commit {id}")))
        })
        .await
    }

    async fn stream(&self, stream: &StreamId, after: Version, max: usize) -> Result<Vec<Record>, ReadError> {
        let stream = stream.clone();
        self.read(move |index, shared| read_stream(index, shared, (&stream, after), max)).await
    }

    async fn feed(&self, after: Cursor, max: usize) -> Result<Vec<Record>, ReadError> {
        self.read(move |index, shared| read_feed(index, shared, after, max)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, ReadError> {
        self.ask(move |ledger, now| ledger.claim(&request, now)).await
    }

    async fn renew(&self, work: &WorkKey, fence: Fence, hold: Duration) -> Result<Option<Timestamp>, ReadError> {
        let work = work.clone();
        self.ask(move |ledger, now| ledger.live.renew(&work, fence, now.after(hold))).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        self.ask(|ledger, _| ledger.live.next_due()).await
    }

    async fn unsettled(&self) -> Result<Vec<WorkView>, ReadError> {
        self.ask(|ledger, now| ledger.live.unsettled(now)).await
    }

    async fn leases(&self) -> Result<Vec<LeaseView>, ReadError> {
        self.shared.leases().map_err(ReadError::Unavailable)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.shared.wake.subscribe()
    }

    fn now(&self) -> Timestamp {
        self.shared.now()
    }

    fn clock_warning(&self) -> Option<String> {
        self.shared.doubt()
    }

    async fn health(&self) -> Health {
        let applied = self.shared.applied();
        Health { seq: Seq(applied.seq), head: hex::encode(applied.hash), poisoned: self.shared.poisoned() }
    }
}
