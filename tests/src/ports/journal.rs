//! The fault-injecting wrapper of the journal: a stop is possible before and after every commit. It records all
//! operations that change the journal, so that [`replayed`] can rebuild the journal of an earlier moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_storage::{
    ClaimRequest, Claimed, Clock as _, Commit, CommitError, CommitId, Cursor, Expected, Fence, Health, Journal,
    LeaseView, Memory, ReadError, Receipt, Record, StreamId, Timestamp, Version, WorkKey, WorkView,
};
use tokio::sync::watch;

use super::Cut;
use crate::clock::FakeClock;

/// An operation that changed the journal, with its time.
#[derive(Clone)]
pub enum Op {
    /// A commit, accepted or not.
    Commit(Timestamp, Commit),
    /// A claim of work items.
    Claim(Timestamp, ClaimRequest),
    /// A restart of the bot.
    Restart(Timestamp),
}

/// Builds an in-memory journal from these operations. The clock shows the same time before and after.
///
/// # Panics
/// Never panics: an operation that was refused before is refused again, and the result is ignored.
pub async fn replayed(ops: &[Op], clock: &Arc<FakeClock>) -> Arc<Memory> {
    let now = clock.now();
    let memory = Arc::new(Memory::new(clock.clone()));
    for op in ops {
        match op {
            Op::Commit(at, commit) => {
                clock.set(*at);
                let _ = memory.commit(commit.clone()).await;
            }
            Op::Claim(at, request) => {
                clock.set(*at);
                let _ = memory.claim(request.clone()).await;
            }
            Op::Restart(at) => {
                clock.set(*at);
                memory.restart();
            }
        }
    }
    clock.set(now);
    memory
}

/// Returns the name of the effect in the payload of a work item. `None` if the payload is not an effect.
fn effect(payload: &str) -> Option<String> {
    let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
    payload.get("effect")?.as_str().map(str::to_owned)
}

/// A journal that fails when the fault injector says so.
pub struct CutJournal {
    /// The wrapped journal.
    pub inner: Arc<dyn Journal>,
    /// The fault injector.
    pub cut: Arc<Cut>,
    /// The clock that the recorded operations are stamped with.
    pub clock: Arc<FakeClock>,
    /// The operations recorded so far, in order.
    pub ops: Arc<Mutex<Vec<Op>>>,
}

impl CutJournal {
    fn keep(&self, op: Op) {
        self.ops.lock().unwrap_or_else(PoisonError::into_inner).push(op);
    }

    fn readable(&self) -> Result<(), ReadError> {
        self.cut.alive().map_err(|failure| ReadError::Unavailable(failure.to_string()))
    }
}

#[async_trait]
impl Journal for CutJournal {
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let id = commit.id.clone();
        self.cut.here(&format!("before the commit {id}")).map_err(|failure| CommitError::Fatal(failure.to_string()))?;
        self.keep(Op::Commit(self.clock.now(), commit.clone()));
        let opens = commit.append.iter().any(|append| append.expected == Expected::Exactly(Version(0)));
        let answer = self.inner.commit(commit).await;
        if opens {
            // The commit is durable, but its author does not know yet.
            let _down = self.cut.enter("journal", "new runs").await;
        }
        self.cut.here(&format!("after the commit {id}")).map_err(|_| CommitError::Unknown(id))?;
        answer
    }

    async fn outcome(&self, id: &CommitId) -> Result<Option<Receipt>, ReadError> {
        self.readable()?;
        self.inner.outcome(id).await
    }

    async fn stream(&self, stream: &StreamId, after: Version, max: usize) -> Result<Vec<Record>, ReadError> {
        self.readable()?;
        self.inner.stream(stream, after, max).await
    }

    async fn feed(&self, after: Cursor, max: usize) -> Result<Vec<Record>, ReadError> {
        self.readable()?;
        self.inner.feed(after, max).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, ReadError> {
        self.readable()?;
        self.keep(Op::Claim(self.clock.now(), request.clone()));
        let claimed = self.inner.claim(request).await?;
        self.cut.claimed(claimed.iter().filter_map(|one| effect(one.work.payload.get())).collect());
        Ok(claimed)
    }

    async fn renew(&self, work: &WorkKey, fence: Fence, hold: Duration) -> Result<Option<Timestamp>, ReadError> {
        self.readable()?;
        self.inner.renew(work, fence, hold).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, ReadError> {
        self.readable()?;
        self.inner.next_due().await
    }

    async fn unsettled(&self) -> Result<Vec<WorkView>, ReadError> {
        self.readable()?;
        self.inner.unsettled().await
    }

    async fn leases(&self) -> Result<Vec<LeaseView>, ReadError> {
        self.readable()?;
        self.cut.reaches("leases").map_err(|failure| ReadError::Unavailable(failure.to_string()))?;
        self.inner.leases().await
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.inner.wake()
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn clock_warning(&self) -> Option<String> {
        self.inner.clock_warning()
    }

    async fn health(&self) -> Health {
        self.inner.health().await
    }
}
