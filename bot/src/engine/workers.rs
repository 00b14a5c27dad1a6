//! The pool: work is claimed as soon as there is a place for it, and each piece goes on by itself. So nothing waits for the
//! slowest: not the work of another run, not the talk of the same one. Order is the journal's: of a lane and an order key it
//! hands out one piece at a time. Called by `serve`; tests do the same work step by step, see [`Engine::work`](super::Engine::work).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use hotfix_storage::Lane;
use tokio::task::{JoinError, JoinSet};

use super::outbox::LANES;
use super::{Current, EngineError};

/// How many pieces of each lane are done at the same time. A lane has places of its own, so that a chat that hangs does not
/// take those of the acts, and a forge that hangs not those of the talk.
const PLACES: usize = 16;
/// The longest sleep when nothing is due: polling is the truth, waking a hint.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The shortest one, for what is due at this very moment.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// Work that goes on at the same time, up to a limit.
pub struct WorkerPool {
    engine: Current,
    held: JoinSet<(Lane, Result<(), EngineError>)>,
    free: BTreeMap<Lane, usize>,
}

impl WorkerPool {
    /// A pool with nothing in it.
    #[must_use]
    pub fn new(engine: impl Into<Current>) -> Self {
        let free = LANES.iter().map(|lane| (lane(), PLACES)).collect();
        Self { engine: engine.into(), held: JoinSet::new(), free }
    }

    /// Gets the outbox done, for ever. May be dropped at any moment: what is in flight stays in the pool.
    ///
    /// # Errors
    /// When the journal is out of order; what the world refuses is not an error of the engine.
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

    /// Claims nothing more and waits for what is in flight. What takes longer than `patience` is cut off, as a crash would;
    /// the next start looks it up before it repeats it.
    ///
    /// # Errors
    /// When the journal is out of order.
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
        for (lane, free) in self.free.iter_mut().filter(|(_, free)| **free > 0) {
            for claimed in engine.claim(vec![lane.clone()], *free).await? {
                *free = free.saturating_sub(1);
                let (engine, lane) = (engine.clone(), lane.clone());
                self.held.spawn(async move { (lane, engine.run_claimed(&claimed).await) });
            }
        }
        Ok(())
    }

    /// Until something is due. A lane that is full wakes up when a place is free, however long its work has been due.
    async fn nap(&self) -> Result<Duration, EngineError> {
        if self.free.values().any(|free| *free == 0) {
            return Ok(LONGEST_SLEEP);
        }
        let engine = self.engine.engine();
        let journal = engine.journal();
        let due = journal.next_due().await?;
        Ok(due.map_or(LONGEST_SLEEP, |due| due.since(journal.now())).clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
    }

    fn freed(&mut self, done: Result<(Lane, Result<(), EngineError>), JoinError>) -> Result<(), EngineError> {
        match done {
            Ok((lane, done)) => {
                if let Some(free) = self.free.get_mut(&lane) {
                    *free += 1;
                }
                done
            }
            // Panics of work are caught where it is done. Whose place this was nobody knows any more.
            Err(error) => Err(EngineError::Broken(error.to_string())),
        }
    }
}
