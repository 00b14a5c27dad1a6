//! The outbox: claims due work, performs it, and commits what came of it together with its settlement.
//!
//! A piece of work can go wrong by a fault of the bot too: then it is tried again like one that failed, and after a few tries
//! it is set aside, and the run is told. Neither the other work nor the process is hurt by it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use hotfix_adapters::failure::Failure;
use hotfix_storage::{ClaimRequest, Claimed, Commit, Lane, Settle, Settlement, WorkKey, WorkState};
use serde::{Deserialize, Serialize};

use super::deferred::inbox;
use super::mailbox::{CommitExtras, Submitted};
use super::{Engine, EngineError};
use crate::domain::command::{Command, EffectResult};
use crate::domain::effect::Effect;
use crate::domain::id::HotfixId;

/// How long a claim holds when nobody renews it. A worker that does not is taken for dead.
const HOLD: Duration = Duration::from_secs(120);
/// How often a claim is renewed while its work goes on.
pub(super) const RENEWAL: Duration = Duration::from_secs(40);
/// After this a piece of work is given up, and looked up before it is done again. Every call outside has a time-out of its
/// own; this is for the one that was forgotten.
const LONGEST_TRY: Duration = Duration::from_secs(600);
/// How often a piece of work may break off by a fault of the bot.
pub(super) const MOST_FAULTS: u32 = 5;
/// Work that a pass claims.
const BATCH: usize = 16;
/// The longest pause between two tries of work that keeps failing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why work is asked about again that goes well.
pub(super) const UNDER_WAY: &str = "it is under way";

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

/// All of them.
pub(super) const LANES: [fn() -> Lane; 4] = [act, talk, time, inbox];

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
    Finished(Box<EffectResult>),
    /// It is under way; ask again after so long.
    Pending(Duration),
}

impl Performed {
    pub(super) fn came(outcome: EffectResult) -> Self {
        Self::Finished(Box::new(outcome))
    }
}

/// A try took longer than [`LONGEST_TRY`].
struct TooLong;

/// What one pass over the outbox did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batch {
    /// How much work was claimed.
    pub claimed: usize,
}

impl Engine {
    /// Does the work that is due now, a batch of it, to the end, and says how much that was: one step of what a
    /// [`super::WorkerPool`] does without end.
    ///
    /// # Errors
    /// When the journal is out of order; what the world refuses is not an error of the engine.
    pub async fn work(&self) -> Result<Batch, EngineError> {
        self.pulse.passed();
        let claimed = self.claim(LANES.map(|lane| lane()).into(), BATCH).await?;
        let results = futures::future::join_all(claimed.iter().map(|work| self.run_claimed(work))).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(Batch { claimed: claimed.len() })
    }

    /// Claims work that is due now.
    pub(super) async fn claim(&self, lanes: Vec<Lane>, max: usize) -> Result<Vec<Claimed>, EngineError> {
        Ok(self.journal.claim(ClaimRequest { lanes, max, hold: HOLD }).await?)
    }

    /// Does one piece of claimed work, up to its settlement, whatever becomes of it.
    pub(super) async fn run_claimed(&self, claimed: &Claimed) -> Result<(), EngineError> {
        if claimed.work.lane == inbox() {
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
        let _act = (claimed.work.lane == act()).then(|| self.acting.begin(task.run, &self.hints));
        // Nothing is left half done in memory: a run is changed by one assignment, behind the commit.
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

    /// Tries for as long as the claim can be kept, and not longer than a try may take. `None` when the claim was lost: whoever
    /// has it now looks up what was begun, and settles it.
    async fn under_claim<T>(&self, claimed: &Claimed, tried: impl Future<Output = T>) -> Option<Result<T, TooLong>> {
        tokio::select! {
            tried = tried => Some(Ok(tried)),
            ended = self.renew(claimed) => ended.map(Err),
        }
    }

    /// Keeps the claim for as long as this is waited for; ends when the try takes too long, or somebody else has the claim.
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

    /// Work that broke off by a fault of the bot is tried again, a few times. Then it is set aside: it stays visible as dead,
    /// and the run says that it is stuck. What fails to be said is only set aside, for it cannot be said either.
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
            // The run cannot be told: what is broken is what tells it.
            Ok(Ok(Submitted::Refused(_))) | Err(_) => self.settle(claimed, dead).await,
        }
    }

    pub(super) fn count_fault(&self, work: &WorkKey) -> u32 {
        let mut faults = self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = faults.entry(work.clone()).or_default();
        *count += 1;
        *count
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

    async fn attempt(&self, claimed: &Claimed, task: &Task) -> Result<(), EngineError> {
        // Work of an earlier process may have been done: its performer looks before it acts.
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

    /// What came of work goes through the same door as every command, in the commit that settles the work.
    async fn submit_result(&self, claimed: &Claimed, task: &Task, command: &Command) -> Result<(), EngineError> {
        let settle = Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement: Settlement::Done };
        match self.submit(task.run, command, CommitExtras { seen: None, settle: Some(settle) }).await? {
            Submitted::Done(..) | Submitted::SeenBefore(_) | Submitted::TooLate => Ok(()),
            Submitted::Refused(refusals) => {
                // The world does not argue with `decide`: this is a mistake of ours, or a lane that was stolen.
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

/// A pause that doubles with every failure, up to a minute.
pub(super) fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(attempt.min(10))).min(LONGEST_PAUSE)
}
