//! The worker pool: claims work as soon as it has capacity, and runs each work item in a task of its own. No work item
//! waits for a slow one of another run or another queue. The journal keeps the order: it hands out one work item at a
//! time per queue and order key. Called by `serve`; tests do the same work step by step, see
//! [`Engine::work`](super::Engine::work).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use hotfix_storage::Queue;
use tokio::task::{JoinError, JoinSet};

use super::outbox::QUEUES;
use super::{Current, EngineError};

/// Maximum number of concurrent work items per queue. Each queue has its own limit, so that a chat that hangs does not
/// block effects on forges, and the reverse.
const PLACES: usize = 16;
/// Maximum sleep if nothing is due. The pool polls; a wakeup of the journal only shortens the wait.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Minimum sleep, for work that is due at this moment.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// A pool of workers with a limit on concurrent work per queue.
pub struct WorkerPool {
    engine: Current,
    held: JoinSet<(Queue, Result<(), EngineError>)>,
    free: BTreeMap<Queue, usize>,
}

impl WorkerPool {
    /// Creates a pool without any claimed work.
    #[must_use]
    pub fn new(engine: impl Into<Current>) -> Self {
        let free = QUEUES.iter().map(|queue| (queue(), PLACES)).collect();
        Self { engine: engine.into(), held: JoinSet::new(), free }
    }

    /// Processes the outbox forever. Cancel safe: if the future is dropped, work in flight stays in the pool.
    ///
    /// # Errors
    /// If the journal fails. A refusal by a remote system is not an error of the engine.
    pub async fn keep_going(&mut self) -> Result<Infallible, EngineError> {
        let mut wake = self.engine.engine().journal().wake();
        loop {
            wake.borrow_and_update();
            self.fill().await?;
            let nap = self.nap().await?;
            tokio::select! {
                Some(done) = self.held.join_next() => self.freed(done)?,
                _ = wake.changed() => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// Stops claiming and waits for the work in flight. Work that takes longer than `patience` is aborted, as by a
    /// crash; the next start looks it up before it repeats it.
    ///
    /// # Errors
    /// If the journal fails.
    pub async fn drain(&mut self, patience: Duration) -> Result<(), EngineError> {
        let drained = tokio::time::timeout(patience, async {
            while let Some(done) = self.held.join_next().await {
                self.freed(done)?;
            }
            Ok(())
        });
        match drained.await {
            Ok(drained) => drained,
            Err(_) => {
                tracing::warn!(
                    pieces = self.held.len(),
                    "some work was cut off at the stop; it is looked up at the next start"
                );
                self.held.shutdown().await;
                Ok(())
            }
        }
    }

    async fn fill(&mut self) -> Result<(), EngineError> {
        let engine = self.engine.engine();
        engine.pulse().passed();
        for (queue, free) in self.free.iter_mut().filter(|(_, free)| **free > 0) {
            for claimed in engine.claim(vec![queue.clone()], *free).await? {
                *free = free.saturating_sub(1);
                let (engine, queue) = (engine.clone(), queue.clone());
                self.held.spawn(async move { (queue, engine.run_claimed(&claimed).await) });
            }
        }
        Ok(())
    }

    /// Returns the time until something is due. If a queue is full, this is the maximum sleep: its due work must not
    /// cause a busy loop, and the pool wakes up when a worker becomes free.
    async fn nap(&self) -> Result<Duration, EngineError> {
        if self.free.values().any(|free| *free == 0) {
            return Ok(LONGEST_SLEEP);
        }
        let engine = self.engine.engine();
        let journal = engine.journal();
        let due = journal.next_due().await?;
        Ok(due.map_or(LONGEST_SLEEP, |due| due.since(journal.now())).clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
    }

    fn freed(&mut self, done: Result<(Queue, Result<(), EngineError>), JoinError>) -> Result<(), EngineError> {
        match done {
            Ok((queue, done)) => {
                if let Some(free) = self.free.get_mut(&queue) {
                    *free += 1;
                }
                done
            }
            // Panics of work are caught where it runs. This error does not say which queue the task belonged to, so the
            // pool cannot go on.
            Err(error) => Err(EngineError::Broken(error.to_string())),
        }
    }
}
