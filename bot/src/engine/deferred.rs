//! What people did and what takes too long to be answered at once: it waits in the journal until it is handled, and is
//! handled after a crash. So do the answers that the chat did not take.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use hotfix_adapters::chat::{DeferredReply, Inbound};
use hotfix_adapters::failure::Failure;
use hotfix_storage::{Claimed, Commit, CommitError, Lane, Settlement, TimerChange, Work, WorkKey};

use super::forms::Response;
use super::mailbox::raw;
use super::outbox::{MOST_FAULTS, backoff};
use super::{Engine, EngineError};

/// How often an answer is tried to be given late: for some ten minutes. Behind that nobody waits for it any more.
const LATE_TRIES: u32 = 15;

/// The lane of what people did.
pub(super) fn inbox() -> Lane {
    Lane::new("inbox")
}

impl Engine {
    /// Keeps an act until it is handled, and leaves it alone for so long. The same act again is the same piece of work.
    ///
    /// # Errors
    /// When the journal does not take it: then nothing is promised.
    pub async fn keep(&self, inbound: &Inbound, grace: Duration) -> Result<(), EngineError> {
        let work = Work {
            key: key(inbound),
            lane: inbox(),
            order_key: inbound.from.id.clone(),
            not_before: self.journal.now().after(grace),
            payload: raw(inbound)?,
        };
        let mut commit = Commit::new(self.commit_id());
        commit.enqueue.push(work);
        self.durable(commit).await
    }

    /// An act that was kept is handled.
    ///
    /// # Errors
    /// When the journal does not take it: then the act is handled again, which its key makes harmless.
    pub async fn kept_no_more(&self, inbound: &Inbound) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.timers.push(TimerChange::Cancel(key(inbound)));
        self.durable(commit).await
    }

    /// Handles an act that was kept. Its sender may have gone, so what there is to say is said where they spoke.
    pub(super) async fn unpack(&self, claimed: &Claimed) -> Result<(), EngineError> {
        if let Ok(unsaid) = serde_json::from_str::<DeferredReply>(claimed.work.payload.get()) {
            return self.say_again(claimed, &unsaid).await;
        }
        let Ok(inbound) = serde_json::from_str::<Inbound>(claimed.work.payload.get()) else {
            let reason = "this program cannot read it".to_owned();
            return self.settle(claimed, Settlement::Dead { reason }).await;
        };
        // The moment in which a form could be shown is long over.
        let inbound = Inbound { can_ask: false, ..inbound };
        match AssertUnwindSafe(self.handle_inbound(&inbound)).catch_unwind().await {
            Ok(Ok(Response::NotNow(_))) => {
                let again = self.again(backoff(claimed.attempt), "the chat cannot be asked who acted");
                return self.settle(claimed, again).await;
            }
            Ok(Ok(response)) => self.say_late(&inbound, response).await?,
            Ok(Err(error)) => return Err(error),
            Err(_) if self.count_fault(&claimed.work.key) < MOST_FAULTS => {
                tracing::error!(key = %inbound.dedupe_key, "what a person did broke off by a fault of the bot; it will be tried again");
                let again = self.again(backoff(claimed.attempt), "it broke off by a fault of the bot");
                return self.settle(claimed, again).await;
            }
            Err(_) => {
                // What always breaks is set aside, so that it holds up nobody else (security case 19).
                tracing::error!(key = %inbound.dedupe_key, "what a person did is set aside: it breaks off every time");
                let reason = "it broke off by a fault of the bot, every time".to_owned();
                return self.settle(claimed, Settlement::Dead { reason }).await;
            }
        }
        self.settle(claimed, Settlement::Done).await
    }

    async fn say_late(&self, inbound: &Inbound, response: Response) -> Result<(), EngineError> {
        let Some(card) = response.late() else { return Ok(()) };
        self.keep_answer(&DeferredReply { channel: inbound.channel.clone(), to: inbound.from.clone(), card }).await
    }

    /// Keeps an answer that could not be given, and gives it as soon as the chat takes it.
    ///
    /// # Errors
    /// When the journal does not take it: then the answer is lost.
    pub async fn keep_answer(&self, unsaid: &DeferredReply) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        let key = format!("answer/{}", commit.id);
        commit.enqueue.push(Work {
            key: WorkKey::new(key.clone()),
            lane: inbox(),
            // It holds up nothing that the same person did.
            order_key: key,
            not_before: self.journal.now(),
            payload: raw(unsaid)?,
        });
        self.durable(commit).await
    }

    async fn say_again(&self, claimed: &Claimed, unsaid: &DeferredReply) -> Result<(), EngineError> {
        let settlement = match self.outside.chat.whisper(&unsaid.channel, &unsaid.to, &unsaid.card).await {
            Err(Failure::Retry { reason, after }) if claimed.attempt < LATE_TRIES => {
                self.again(after.unwrap_or_else(|| backoff(claimed.attempt)), &reason)
            }
            Err(failure) => {
                tracing::warn!(%failure, "a late answer could not be given; the act stands all the same");
                Settlement::Done
            }
            Ok(()) => Settlement::Done,
        };
        self.settle(claimed, settlement).await
    }

    async fn durable(&self, commit: Commit) -> Result<(), EngineError> {
        match self.commit(commit).await {
            Ok(_) => Ok(()),
            Err(
                error @ (CommitError::AlreadySeen(_)
                | CommitError::Conflict { .. }
                | CommitError::FenceLost(_)
                | CommitError::LeaseLost(_)
                | CommitError::LeaseBusy(_)
                | CommitError::Malformed(_)
                | CommitError::Unknown(_)
                | CommitError::Fatal(_)),
            ) => Err(EngineError::Journal(error.to_string())),
        }
    }
}

fn key(inbound: &Inbound) -> WorkKey {
    WorkKey::new(format!("inbox/{}", inbound.dedupe_key))
}
