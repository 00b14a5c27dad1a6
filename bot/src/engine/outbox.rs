//! The outbox: claims due work, performs it, and commits the effect result together with the settlement of the work.
//!
//! If a performer panics, its work item is retried like one that failed. After a few panics the item is set aside as
//! dead and the run is informed. Neither other work nor the process is affected.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use hotfix_adapters::failure::Failure;
use hotfix_storage::{ClaimRequest, Claimed, Commit, Queue, Settle, Settlement, WorkKey, WorkState};
use serde::{Deserialize, Serialize};

use super::deferred::inbox;
use super::mailbox::{CommitExtras, Submitted};
use super::{Engine, EngineError};
use crate::domain::command::{Command, EffectResult};
use crate::domain::effect::Effect;
use crate::domain::id::HotfixId;

/// Lifetime of a claim without renewal. A worker that does not renew in time is considered dead.
const HOLD: Duration = Duration::from_secs(120);
/// Interval at which a claim is renewed while its work runs.
pub(super) const RENEWAL: Duration = Duration::from_secs(40);
/// Time limit of one attempt. After it the worker gives up, and the next attempt looks the effect up before it repeats
/// it. Every remote call has a timeout of its own; this limit catches a call without one.
const LONGEST_TRY: Duration = Duration::from_secs(600);
/// Number of panics after which a work item is set aside.
pub(super) const MOST_FAULTS: u32 = 5;
/// Maximum number of work items that one pass claims.
const BATCH: usize = 16;
/// Maximum pause between two attempts of work that keeps failing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Retry reason of a work item that makes progress and is polled again.
pub(super) const UNDER_WAY: &str = "it is under way";

/// Returns the queue of effects on forges and environments.
pub(super) fn act() -> Queue {
    Queue::new("act")
}

/// Returns the queue of chat messages. It is separate, so that a chat outage does not delay other effects.
pub(super) fn talk() -> Queue {
    Queue::new("talk")
}

/// Returns the queue of timers, such as reminders.
pub(super) fn time() -> Queue {
    Queue::new("time")
}

/// All queues of the outbox.
pub(super) const QUEUES: [fn() -> Queue; 4] = [act, talk, time, inbox];

/// Payload of a work item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) run: HotfixId,
    #[serde(flatten)]
    pub(super) effect: Effect,
}

/// The result of a performer that did not fail.
pub(super) enum Performed {
    /// The effect is complete, with this result.
    Finished(Box<EffectResult>),
    /// The effect is in progress; ask again after this pause.
    Pending(Duration),
}

impl Performed {
    pub(super) fn came(outcome: EffectResult) -> Self {
        Self::Finished(Box::new(outcome))
    }
}

/// Marker: an attempt took longer than [`LONGEST_TRY`].
struct TooLong;

/// The result of one pass over the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batch {
    /// Number of work items that were claimed.
    pub claimed: usize,
}

impl Engine {
    /// Performs one batch of the work that is due now, and waits until all of it is settled. This is one iteration of
    /// the [`super::WorkerPool`].
    ///
    /// # Errors
    /// If the journal fails. A refusal by a remote system is not an error of the engine.
    pub async fn work(&self) -> Result<Batch, EngineError> {
        self.pulse.passed();
        let claimed = self.claim(QUEUES.map(|queue| queue()).into(), BATCH).await?;
        let results = futures::future::join_all(claimed.iter().map(|work| self.run_claimed(work))).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(Batch { claimed: claimed.len() })
    }

    /// Claims work that is due now.
    pub(super) async fn claim(&self, queues: Vec<Queue>, max: usize) -> Result<Vec<Claimed>, EngineError> {
        Ok(self.journal.claim(ClaimRequest { queues, max, hold: HOLD }).await?)
    }

    /// Performs one claimed work item up to its settlement, also if the attempt fails or panics.
    pub(super) async fn run_claimed(&self, claimed: &Claimed) -> Result<(), EngineError> {
        if claimed.work.queue == inbox() {
            return match self.under_claim(claimed, self.unpack(claimed)).await {
                Some(Ok(done)) => done,
                Some(Err(TooLong)) => {
                    tracing::error!(work = %claimed.work.key, "what a person did took too long and was given up; it will be handled again");
                    self.settle(claimed, self.again(backoff(claimed.attempt), "it took too long")).await
                }
                None => Ok(()),
            };
        }
        let Ok(task) = serde_json::from_str::<Task>(claimed.work.payload.get()) else {
            let reason = "this program cannot read it".to_owned();
            return self.settle(claimed, Settlement::Dead { reason }).await;
        };
        let _act = (claimed.work.queue == act()).then(|| self.acting.begin(task.run, &self.hints));
        // Unwinding leaves no partial state in memory: a run is changed by one assignment, after its commit.
        let tried = AssertUnwindSafe(self.attempt(claimed, &task)).catch_unwind();
        match self.under_claim(claimed, tried).await {
            None => Ok(()),
            Some(Ok(Ok(done))) => done,
            Some(Ok(Err(_))) => self.on_panic(claimed, &task).await,
            Some(Err(TooLong)) => {
                tracing::error!(run = %task.run, effect = %task.effect.describe(), "work took too long and was given up; it will be looked up");
                self.settle(claimed, self.again(backoff(claimed.attempt), "it took too long")).await
            }
        }
    }

    /// Runs an attempt while the claim is kept, up to the time limit of an attempt. Returns `None` if the claim was
    /// lost: the worker that holds it then looks up and settles the work.
    async fn under_claim<T>(&self, claimed: &Claimed, tried: impl Future<Output = T>) -> Option<Result<T, TooLong>> {
        tokio::select! {
            tried = tried => Some(Ok(tried)),
            ended = self.renew(claimed) => ended.map(Err),
        }
    }

    /// Renews the claim until this future is dropped. Ends with [`TooLong`] if the attempt exceeds its time limit, and
    /// with `None` if another worker has the claim.
    async fn renew(&self, claimed: &Claimed) -> Option<TooLong> {
        let began = self.journal.now();
        loop {
            tokio::time::sleep(self.renewal).await;
            if self.journal.now().since(began) >= LONGEST_TRY {
                return Some(TooLong);
            }
            match self.journal.renew(&claimed.work.key, claimed.fence, HOLD).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    tracing::warn!(work = %claimed.work.key, "somebody else claimed this work meanwhile; it is left to them");
                    return None;
                }
                Err(error) => tracing::warn!(work = %claimed.work.key, %error, "a claim could not be renewed"),
            }
        }
    }

    /// Handles work that panicked. It is retried a few times, then set aside: it stays visible as dead, and the run is
    /// marked as stuck. A chat message is only set aside, because the notice about it could not be posted either.
    async fn on_panic(&self, claimed: &Claimed, task: &Task) -> Result<(), EngineError> {
        let (run, effect) = (task.run, task.effect.describe());
        let faults = self.count_fault(&claimed.work.key);
        if faults < MOST_FAULTS {
            tracing::error!(%run, %effect, faults, "work broke off by a fault of the bot; it will be tried again");
            return self.settle(claimed, self.again(backoff(faults), "it broke off by a fault of the bot")).await;
        }
        tracing::error!(%run, %effect, faults, "work broke off by a fault of the bot; it is set aside");
        let reason = format!("The bot broke off {faults} times by a fault of its own; its log says where");
        let dead = Settlement::Dead { reason: reason.clone() };
        if task.effect.is_talk() {
            return self.settle(claimed, dead).await;
        }
        let settle = Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: dead.clone() };
        let command = Command::Finished(EffectResult::Refused { effect: task.effect.clone(), reason });
        let told = self.submit(run, &command, CommitExtras { seen: None, settle: Some(settle) });
        match AssertUnwindSafe(told).catch_unwind().await {
            Ok(Ok(Submitted::Done(..) | Submitted::SeenBefore(_) | Submitted::TooLate)) => Ok(()),
            Ok(Err(error)) => Err(error),
            // The command that reports the failure is what fails here, so only the work item is settled.
            Ok(Ok(Submitted::Refused(_))) | Err(_) => self.settle(claimed, dead).await,
        }
    }

    pub(super) fn count_fault(&self, work: &WorkKey) -> u32 {
        let mut faults = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = faults.entry(work.clone()).or_default();
        *count += 1;
        *count
    }

    /// Returns the number of unsettled work items, without timers.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn backlog(&self) -> Result<usize, EngineError> {
        let unsettled = self.journal.unsettled().await?;
        let waits = |state: &WorkState| matches!(state, WorkState::Waiting | WorkState::Claimed { .. });
        Ok(unsettled.iter().filter(|view| waits(&view.state) && view.work.queue != time()).count())
    }

    async fn attempt(&self, claimed: &Claimed, task: &Task) -> Result<(), EngineError> {
        // An earlier process or attempt may have performed the effect, so its performer must look it up first.
        let fresh = self.fresh_work(|known| known.remove(claimed.work.key.as_str()));
        let first = fresh && claimed.attempt == 0;
        if let Effect::Remind { step } = &task.effect {
            return self.submit_result(claimed, task, &Command::Timer(step.clone())).await;
        }
        if task.effect == Effect::RemindCountersign {
            return self.submit_result(claimed, task, &Command::CountersignTimer).await;
        }
        match self.perform(task, claimed.work.key.as_str(), first).await {
            Ok(Performed::Finished(outcome)) => self.submit_result(claimed, task, &Command::Finished(*outcome)).await,
            Ok(Performed::Pending(after)) => self.settle(claimed, self.again(after, UNDER_WAY)).await,
            Err(Failure::Rejected { reason }) => {
                tracing::warn!(run = %task.run, effect = %task.effect.describe(), %reason, "the other side refused");
                let outcome = if task.effect.is_talk() {
                    EffectResult::Nothing
                } else {
                    EffectResult::Refused { effect: task.effect.clone(), reason }
                };
                self.submit_result(claimed, task, &Command::Finished(outcome)).await
            }
            Err(Failure::Retry { reason, after }) => {
                tracing::info!(run = %task.run, effect = %task.effect.describe(), %reason, attempt = claimed.attempt, "will be tried again");
                let pause = after.unwrap_or_else(|| backoff(claimed.attempt));
                self.settle(claimed, self.again(pause, &reason)).await
            }
            Err(Failure::Uncertain { reason }) => {
                tracing::warn!(run = %task.run, effect = %task.effect.describe(), %reason, "its outcome is uncertain; it will be looked up");
                self.settle(claimed, self.again(backoff(claimed.attempt), &reason)).await
            }
        }
    }

    pub(super) fn again(&self, after: Duration, reason: &str) -> Settlement {
        Settlement::Retry { not_before: self.journal.now().after(after), reason: reason.to_owned() }
    }

    /// Submits an effect result as a command, in the commit that settles its work item.
    async fn submit_result(&self, claimed: &Claimed, task: &Task, command: &Command) -> Result<(), EngineError> {
        let settle = Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: Settlement::Done };
        match self.submit(task.run, command, CommitExtras { seen: None, settle: Some(settle) }).await? {
            Submitted::Done(..) | Submitted::SeenBefore(_) | Submitted::TooLate => Ok(()),
            Submitted::Refused(refusals) => {
                // A result states a fact, so `decide` accepts it unless the bot has a bug or the lease was stolen.
                let reason = refusals.iter().map(|r| r.reason.as_str()).collect::<Vec<_>>().join(" ");
                tracing::error!(run = %task.run, %reason, "what came of an act was refused");
                let outcome = EffectResult::Refused { effect: task.effect.clone(), reason };
                let settle =
                    Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: Settlement::Done };
                self.submit(task.run, &Command::Finished(outcome), CommitExtras { seen: None, settle: Some(settle) })
                    .await
                    .map(|_| ())
            }
        }
    }

    pub(super) async fn settle(&self, claimed: &Claimed, settlement: Settlement) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.settle.push(Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement });
        match self.commit(commit).await {
            Ok(_) | Err(hotfix_storage::CommitError::FenceLost(_)) => Ok(()),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }
}

/// Returns the pause before the next attempt: it doubles with every failure, up to a minute.
pub(super) fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(attempt.min(10))).min(LONGEST_PAUSE)
}
