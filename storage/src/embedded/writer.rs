//! The writer thread: owns the tail of the journal and the in-memory state.
//!
//! It works in groups: drain the queue, answer the queries on the state as of the last group, then check the commits,
//! write and sync them, apply them to the index, reply, and wake the readers. No reply is sent before the sync, not
//! even a refusal, because a refusal may depend on another commit of the group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::append::Tail;
use super::checkpoint;
use super::entry::{self, EntryRef, MadeRef};
use super::index::{Broken, Index, guard};
use super::options::{Layout, Options};
use super::segment::Place;
use super::shared::Shared;
use super::sidecar::{Mark, Tip};
use super::state::{Admitted, Refused, State};
use crate::clock::Timestamp;
use crate::error::CommitError;
use crate::record::{Commit, CommitId, Receipt};

/// Maximum number of requests in a group.
const GROUP: usize = 256;
/// Maximum time to wait until a group has as many requests as the last one had commits.
const GATHER: Duration = Duration::from_micros(100);

pub(crate) type Reply = oneshot::Sender<Result<Receipt, CommitError>>;
/// A query on the in-memory state; gets the reason instead if the store is poisoned.
pub(crate) type Ask = Box<dyn FnOnce(Result<(&mut State, Timestamp), String>) + Send>;

pub(crate) enum Request {
    Commit(Box<Commit>, Reply),
    Ask(Ask),
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    pub(crate) options: Options,
    pub(crate) layout: Layout,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ledger: State,
    pub(crate) tail: Tail,
    pub(crate) tip: Tip,
    pub(crate) checkpointed: u64,
}

/// A reply to send once the group is durable.
struct Pending {
    id: CommitId,
    reply: Reply,
    answer: Result<Receipt, CommitError>,
}

#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    last: Option<Place>,
    pending: Vec<Pending>,
}

impl Writer {
    /// Runs until the store is closed or dropped.
    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut closing = None;
        let mut company = 0;
        while closing.is_none() {
            let Some(first) = requests.blocking_recv() else { break };
            let (mut commits, mut asks) = (Vec::new(), Vec::new());
            for request in gather(first, &mut requests, company) {
                match request {
                    Request::Commit(commit, reply) => commits.push((commit, reply)),
                    Request::Ask(ask) => asks.push(ask),
                    Request::Close(done) => closing = Some(done),
                }
            }
            company = commits.len();
            self.serve(commits, asks);
        }
        requests.close();
        self.finish();
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Answers the queries first, so that they do not wait for the sync, then commits the group.
    fn serve(&mut self, commits: Vec<(Box<Commit>, Reply)>, asks: Vec<Ask>) {
        let now = self.shared.now();
        for ask in asks {
            match self.shared.poisoned() {
                Some(reason) => ask(Err(reason)),
                None => ask(Ok((&mut self.ledger, now))),
            }
        }
        if !commits.is_empty() && self.commit(commits) {
            self.housekeeping();
        }
    }

    /// Commits a group; returns `true` if entries were written and the store is not poisoned.
    fn commit(&mut self, commits: Vec<(Box<Commit>, Reply)>) -> bool {
        let now = self.shared.now();
        let mut group = Group::default();
        let mut commits = commits.into_iter();
        let mut trouble = self.shared.poisoned();
        for (commit, reply) in commits.by_ref() {
            let id = commit.id.clone();
            let answer = match &trouble {
                Some(reason) => Err(CommitError::Fatal(reason.clone())),
                None => match self.admit(&commit, now, &mut group) {
                    Ok(answer) => answer,
                    Err(broken) => {
                        let reason = self.suspect(&broken);
                        trouble = Some(reason.clone());
                        Err(CommitError::Fatal(reason))
                    }
                },
            };
            group.pending.push(Pending { id, reply, answer });
        }
        let (written, answer) = match (trouble, group.last) {
            (Some(reason), _) => (false, Some(Failure::NotWritten(reason))),
            (None, None) => (false, None),
            (None, Some(last)) => {
                let failure = self.make_durable(&group.bytes, last, now);
                (failure.is_none(), failure.map(Failure::Uncertain))
            }
        };
        for Pending { id, reply, answer: decided } in group.pending {
            // The caller may have stopped waiting; the commit is valid anyway.
            let _ = reply.send(match &answer {
                Some(failure) => failure.answer(id, decided.is_ok()),
                None => decided,
            });
        }
        if written {
            self.shared.wake.send_modify(|count| *count = count.wrapping_add(1));
        }
        written
    }

    /// Checks a commit and adds its line to the group.
    fn admit(
        &mut self,
        commit: &Commit,
        now: Timestamp,
        group: &mut Group,
    ) -> Result<Result<Receipt, CommitError>, Broken> {
        let (receipt, leases) = match guard(|| Ok(self.ledger.check(commit, now)))? {
            Ok(Admitted::New(receipt, leases)) => (receipt, leases),
            Ok(Admitted::Repeated(receipt)) => return Ok(Ok(receipt)),
            Err(Refused::Commit(error)) => return Ok(Err(error)),
            Err(Refused::Index(broken)) => return Err(broken),
        };
        let start = group.bytes.len();
        let entry = EntryRef::Commit(MadeRef { commit, versions: &receipt.versions, fences: &receipt.fences });
        let hash = entry::encode(&mut group.bytes, receipt.seq.0, &self.ledger.applied.hash, receipt.at, &entry);
        let hash = match hash {
            Ok(hash) => hash,
            Err(reason) => {
                group.bytes.truncate(start);
                return Ok(Err(CommitError::Malformed(reason)));
            }
        };
        let place = self.tail.place(start, group.bytes.len().saturating_sub(start));
        guard(|| self.ledger.apply(commit, &receipt, leases, hash, place))?;
        group.last = Some(place);
        Ok(Ok(receipt))
    }

    /// Writes, syncs and indexes a group; returns the reason if that fails.
    fn make_durable(&mut self, bytes: &[u8], last: Place, at: Timestamp) -> Option<String> {
        if let Err(error) = self.tail.append(bytes, last) {
            if error.kind() == std::io::ErrorKind::StorageFull {
                // Frees the space that the next start needs.
                let _ = std::fs::remove_file(&self.layout.reserve);
            }
            let reason = format!("writing the journal in {} failed: {error}", self.layout.journal.display());
            self.shared.poison(&reason);
            return Some(reason);
        }
        let mark = Mark { seq: self.ledger.applied.seq, hash: hex::encode(self.ledger.applied.hash) };
        // The tip is only an additional witness: if the write fails, it is outdated but not wrong.
        let _ = self.tip.note(&mark);
        if let Err(broken) = self.ledger.flush() {
            return Some(self.suspect(&broken));
        }
        let leases = self.ledger.changed_leases();
        self.shared.advance(&self.ledger.applied, leases, at);
        None
    }

    /// Poisons the store after a failure of the index. No data is lost, but the next open must rebuild the index.
    fn suspect(&self, broken: &Broken) -> String {
        let _ = super::open::mark_suspect(&self.layout);
        let reason = format!("the index failed ({}): restart, and it is built anew from the journal", broken.0);
        self.shared.poison(&reason);
        reason
    }

    fn housekeeping(&mut self) {
        let next = self.ledger.applied.seq.saturating_add(1);
        let done =
            self.tail.roll(next).map_err(|e| format!("a new journal segment cannot be made: {e}")).and_then(|rolled| {
                if rolled || next.saturating_sub(self.checkpointed) > self.options.checkpoint_every {
                    self.checkpoint()?;
                }
                Ok(())
            });
        if let Err(reason) = done {
            self.shared.poison(&reason);
        }
    }

    fn checkpoint(&mut self) -> Result<(), String> {
        let Some(index) = self.shared.index() else {
            return Ok(());
        };
        let state = self.tail.checkpoint(self.ledger.applied.seq, &self.ledger.applied.hash);
        checkpoint::write(&*self.options.disk, &self.layout, &index, &state)?;
        self.checkpointed = self.ledger.applied.seq;
        Ok(())
    }

    /// Writes the last checkpoint, with the checksums of the index files, so that the next open is fast.
    fn finish(mut self) {
        if self.shared.poisoned().is_none()
            && let Err(reason) = self.checkpoint()
        {
            self.shared.poison(&reason);
        }
        let clean = self.shared.poisoned().is_none();
        let state = self.tail.checkpoint(self.ledger.applied.seq, &self.ledger.applied.hash);
        let Self { options, layout, shared, ledger, .. } = self;
        let index = shared.close();
        drop(ledger);
        // A read in progress keeps the index open. There are no checksums then, and the next open verifies more.
        let alone: Option<Index> = index.and_then(Arc::into_inner);
        if let Some(index) = alone {
            let closed = guard(|| {
                drop(index);
                Ok(())
            });
            if clean
                && closed.is_ok()
                && let Err(error) = checkpoint::seal(&*options.disk, &layout, state)
            {
                tracing::warn!(store.error = %error, "the clean close could not be recorded");
            }
        }
    }
}

/// Returns the first request and those that wait behind it. The callers of the last group have just been answered and
/// often send their next request together, so this waits for equally many, for a time that is short compared with a
/// sync. A single caller does not wait.
fn gather(first: Request, requests: &mut mpsc::Receiver<Request>, company: usize) -> Vec<Request> {
    let mut group = vec![first];
    let started = Instant::now();
    while group.len() < GROUP && !matches!(group.last(), Some(Request::Close(_))) {
        match requests.try_recv() {
            Ok(request) => group.push(request),
            Err(_) if group.len() < company && started.elapsed() < GATHER => std::thread::yield_now(),
            Err(_) => break,
        }
    }
    group
}

/// The reason that a group was not made durable.
enum Failure {
    /// Nothing of the group was written.
    NotWritten(String),
    /// The group may have been written.
    Uncertain(String),
}

impl Failure {
    fn answer(&self, id: CommitId, accepted: bool) -> Result<Receipt, CommitError> {
        Err(match self {
            Self::Uncertain(_) if accepted => CommitError::Unknown(id),
            Self::Uncertain(reason) | Self::NotWritten(reason) => CommitError::Fatal(reason.clone()),
        })
    }
}
