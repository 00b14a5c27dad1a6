//! Looks at the open runs, each by itself: a forge that hangs keeps nobody from looking at the runs of another. A run is
//! looked at by one look at a time. Called by `serve`; tests look step by step, see [`Engine::look`](super::Engine::look).

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

/// The shortest time between two looks that hints ask for. A busy repository must not use up what the forge grants an hour.
const HINT_PAUSE: Duration = Duration::from_secs(2);
/// After this a look is given up. Every call has a time-out of its own; this is for the one that was forgotten.
const LONGEST_LOOK: Duration = Duration::from_secs(300);

/// The looks that are under way.
pub struct Poller {
    engine: Current,
    looks: JoinSet<(HotfixId, Result<usize, EngineError>)>,
    /// The runs that are being looked at, and whether they have to be looked at again after that.
    at: BTreeMap<HotfixId, bool>,
}

impl Poller {
    /// Nobody looks yet.
    #[must_use]
    pub fn new(engine: impl Into<Current>) -> Self {
        Self { engine: engine.into(), looks: JoinSet::new(), at: BTreeMap::new() }
    }

    /// Looks at every open run each `poll`, and sooner where hints say so, for ever.
    ///
    /// # Errors
    /// When the journal is out of order. A world that does not answer is looked at again next time.
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
                // What is being looked at was perhaps read before the hint's cause.
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
                // A hint that comes too soon after another waits for its time.
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
                // Nothing of a look is kept but what it commits, so nothing is left half done by one that breaks off.
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
