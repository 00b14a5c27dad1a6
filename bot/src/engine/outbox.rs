//! The outbox: claims due work, performs it, and commits what came of it together with its settlement.

use std::time::Duration;

use hotfix_adapters::failure::Failure;
use hotfix_storage::{ClaimRequest, Claimed, Commit, Lane, Settle, Settlement, WorkState};
use serde::{Deserialize, Serialize};

use super::mailbox::{Beside, Handled};
use super::{Engine, EngineError};
use crate::domain::command::{Command, Outcome};
use crate::domain::effect::Effect;
use crate::domain::id::HotfixId;

/// How long a claim holds. A worker that needs longer is taken for dead.
const HOLD: Duration = Duration::from_secs(120);
/// Work claimed at a time.
const BATCH: usize = 16;
/// The longest pause between two tries of work that keeps failing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The lane of acts on forges and environments.
pub(super) fn act() -> Lane {
    Lane::new("act")
}

/// The lane of talk: a chat that is down does not hold up the work.
pub(super) fn talk() -> Lane {
    Lane::new("talk")
}

/// The lane of timers.
pub(super) fn time() -> Lane {
    Lane::new("time")
}

/// The payload of a piece of work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) run: HotfixId,
    #[serde(flatten)]
    pub(super) effect: Effect,
}

/// What a performer answers.
pub(super) enum Performed {
    /// It is done, and this came of it.
    Came(Box<Outcome>),
    /// It is under way; ask again after so long.
    Again(Duration),
}

impl Performed {
    pub(super) fn came(outcome: Outcome) -> Self {
        Self::Came(Box::new(outcome))
    }
}

/// What one pass over the outbox did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    /// How much work was claimed.
    pub claimed: usize,
}

impl Engine {
    /// Does all work that is due now, and says how much that was. Work of different runs is done at the same time.
    ///
    /// # Errors
    /// When the journal is out of order; what the world refuses is not an error of the engine.
    pub async fn work(&self) -> Result<Pass, EngineError> {
        self.pulse.passed();
        let request = ClaimRequest { lanes: vec![act(), talk(), time()], max: BATCH, hold: HOLD };
        let claimed = self.journal.claim(request).await?;
        let pass = Pass { claimed: claimed.len() };
        let results = futures::future::join_all(claimed.into_iter().map(|work| self.attempt(work))).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(pass)
    }

    /// How many pieces of work are neither done nor a timer that waits for its time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn backlog(&self) -> Result<usize, EngineError> {
        let unsettled = self.journal.unsettled().await?;
        let waits = |state: &WorkState| matches!(state, WorkState::Waiting | WorkState::Claimed { .. });
        Ok(unsettled.iter().filter(|view| waits(&view.state) && view.work.lane != time()).count())
    }

    async fn attempt(&self, claimed: Claimed) -> Result<(), EngineError> {
        let Ok(task) = serde_json::from_str::<Task>(claimed.work.payload.get()) else {
            let reason = "this program cannot read it".to_owned();
            return self.settle(&claimed, Settlement::Dead { reason }).await;
        };
        // Work of an earlier process may have been done: its performer looks before it acts.
        let fresh = self.fresh_work(|known| known.remove(claimed.work.key.as_str()));
        let first = fresh && claimed.attempt == 0;
        if let Effect::Remind { step } = &task.effect {
            return self.hand_in(&claimed, &task, &Command::Remind(step.clone())).await;
        }
        match self.perform(&task, claimed.work.key.as_str(), first).await {
            Ok(Performed::Came(outcome)) => self.hand_in(&claimed, &task, &Command::Came(*outcome)).await,
            Ok(Performed::Again(after)) => self.settle(&claimed, self.again(after, "it is under way")).await,
            Err(Failure::Rejected { reason }) => {
                tracing::warn!(run = %task.run, effect = %task.effect.describe(), %reason, "the other side refused");
                let outcome = if task.effect.is_talk() {
                    Outcome::Nothing
                } else {
                    Outcome::Refused { effect: task.effect.clone(), reason }
                };
                self.hand_in(&claimed, &task, &Command::Came(outcome)).await
            }
            Err(Failure::Retry { reason, after }) => {
                tracing::info!(run = %task.run, effect = %task.effect.describe(), %reason, attempt = claimed.attempt, "will be tried again");
                let pause = after.unwrap_or_else(|| backoff(claimed.attempt));
                self.settle(&claimed, self.again(pause, &reason)).await
            }
            Err(Failure::Uncertain { reason }) => {
                tracing::warn!(run = %task.run, effect = %task.effect.describe(), %reason, "its outcome is uncertain; it will be looked up");
                self.settle(&claimed, self.again(backoff(claimed.attempt), &reason)).await
            }
        }
    }

    fn again(&self, after: Duration, reason: &str) -> Settlement {
        Settlement::Retry { not_before: self.journal.now().after(after), reason: reason.to_owned() }
    }

    /// What came of work goes through the same door as every command, in the commit that settles the work.
    async fn hand_in(&self, claimed: &Claimed, task: &Task, command: &Command) -> Result<(), EngineError> {
        let settle = Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: Settlement::Done };
        match self.submit(task.run, command, Beside { seen: None, settle: Some(settle) }).await? {
            Handled::Done(..) | Handled::SeenBefore | Handled::TooLate => Ok(()),
            Handled::Refused(refusals) => {
                // The world does not argue with `decide`: this is a mistake of ours, or a lane that was stolen.
                let reason = refusals.iter().map(|r| r.reason.as_str()).collect::<Vec<_>>().join(" ");
                tracing::error!(run = %task.run, %reason, "what came of an act was refused");
                let outcome = Outcome::Refused { effect: task.effect.clone(), reason };
                let settle =
                    Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: Settlement::Done };
                self.submit(task.run, &Command::Came(outcome), Beside { seen: None, settle: Some(settle) })
                    .await
                    .map(|_| ())
            }
        }
    }

    async fn settle(&self, claimed: &Claimed, settlement: Settlement) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.settle.push(Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement });
        match self.commit(commit).await {
            Ok(_) | Err(hotfix_storage::CommitError::FenceLost(_)) => Ok(()),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }
}

/// A pause that doubles with every failure, up to a minute.
fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(attempt.min(10))).min(LONGEST_PAUSE)
}
