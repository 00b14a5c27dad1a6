//! The poller: polls the open runs on a schedule, each in a task of its own, so that a forge that hangs does not delay
//! the runs of another. At most one poll per run is in flight. Called by `serve`; tests poll step
//! by step, see [`Engine::poll`](super::Engine::poll).

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Current, EngineError};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;

/// Minimum time between two polls that webhooks trigger. Protects the forge's rate limit from a busy repository.
const HINT_PAUSE: Duration = Duration::from_secs(2);
/// Time limit of one poll of a run. Every remote call has a timeout of its own; this limit catches a call without one.
const LONGEST_LOOK: Duration = Duration::from_secs(300);

/// A scheduler for polls, with the polls in flight.
pub struct Poller {
    engine: Current,
    looks: JoinSet<(HotfixId, Result<usize, EngineError>)>,
    /// The runs whose poll is in flight. The value is `true` if the run must be polled again afterwards.
    at: BTreeMap<HotfixId, bool>,
}

impl Poller {
    /// Creates a poller without polls in flight.
    #[must_use]
    pub fn new(engine: impl Into<Current>) -> Self {
        Self { engine: engine.into(), looks: JoinSet::new(), at: BTreeMap::new() }
    }

    /// Polls every open run at the interval `poll`, and sooner after a webhook. Runs forever.
    ///
    /// # Errors
    /// If the journal fails. A remote system that does not answer is read again by the next poll.
    pub async fn keep_going(&mut self, poll: Duration) -> Result<Infallible, EngineError> {
        let mut next_look = Instant::now();
        let mut next_hint = next_look;
        loop {
            let now = Instant::now();
            let engine = self.engine.engine();
            if now >= next_look {
                engine.hints.take();
                let open = engine.open_runs(|_| true).await;
                self.look_at(open);
                next_look = now + poll;
            } else if now >= next_hint
                && let Some(hinted) = engine.hinted_runs().await
            {
                // A poll in flight may have read before the cause of the webhook, so it is repeated.
                let known: BTreeSet<HotfixId> = hinted.iter().map(|state| state.id).collect();
                self.at.iter_mut().filter(|(run, _)| known.contains(run)).for_each(|(_, again)| *again = true);
                self.look_at(hinted);
                next_hint = now + HINT_PAUSE;
            }
            tokio::select! {
                Some(looked) = self.looks.join_next() => {
                    let (run, looked) = looked.map_err(|error| EngineError::Broken(error.to_string()))?;
                    looked?;
                    if self.at.remove(&run) == Some(true) {
                        let again = engine.open_runs(|state| state.id == run).await;
                        self.look_at(again);
                    }
                }
                () = sleep_until(next_look) => {}
                // A wakeup shortly after another waits until the minimum time is over.
                () = async { sleep_until(next_hint).await; engine.hinted().await } => {}
            }
        }
    }

    fn look_at(&mut self, runs: Vec<Hotfix>) {
        let newest = self.engine.engine();
        for state in runs {
            if self.at.contains_key(&state.id) {
                continue;
            }
            self.at.insert(state.id, false);
            newest.pulse().looked(1);
            let engine = newest.clone();
            self.looks.spawn(async move {
                // A poll keeps no state except its commits, so a panic leaves nothing half done.
                let look = AssertUnwindSafe(engine.poll_run(&state)).catch_unwind();
                let looked = match timeout(LONGEST_LOOK, look).await {
                    Ok(Ok(looked)) => looked,
                    Ok(Err(_)) => {
                        tracing::error!(run = %state.id, "a look at the world broke off by a fault of the bot; it looks again");
                        Ok(0)
                    }
                    Err(_) => {
                        tracing::warn!(run = %state.id, "a look at the world took too long and was given up; it looks again");
                        Ok(0)
                    }
                };
                (state.id, looked)
            });
        }
    }
}
