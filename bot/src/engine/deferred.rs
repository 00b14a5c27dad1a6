//! Interactions that cannot be handled within the chat's time limit, and replies that the chat did not accept. Both
//! wait in the journal, so they survive a crash.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use hotfix_adapters::chat::{DeferredReply, Inbound};
use hotfix_adapters::failure::Failure;
use hotfix_storage::{Claimed, Commit, CommitError, Queue, Settlement, TimerChange, Work, WorkKey};

use super::forms::Response;
use super::mailbox::raw;
use super::outbox::{MOST_FAULTS, backoff};
use super::{Engine, EngineError};

/// Maximum number of attempts to send a deferred reply, about ten minutes in all. A later reply is of no use.
const LATE_TRIES: u32 = 15;

/// Returns the queue of deferred interactions and replies.
pub(super) fn inbox() -> Queue {
    Queue::new("inbox")
}

impl Engine {
    /// Queues an interaction that the caller is about to handle. The queue takes over after `grace` if the caller did
    /// not finish. Idempotent per interaction.
    ///
    /// # Errors
    /// If the journal does not accept it. Then the interaction must not be acknowledged.
    pub async fn keep(&self, inbound: &Inbound, grace: Duration) -> Result<(), EngineError> {
        let work = Work {
            key: key(inbound),
            queue: inbox(),
            order_key: inbound.from.id.clone(),
            not_before: self.journal.now().after(grace),
            payload: raw(inbound)?,
        };
        let mut commit = Commit::new(self.commit_id());
        commit.enqueue.push(work);
        self.durable(commit).await
    }

    /// Removes an interaction from the queue after it was handled.
    ///
    /// # Errors
    /// If the journal does not accept it. Then the interaction is handled again, which its dedupe key makes harmless.
    pub async fn kept_no_more(&self, inbound: &Inbound) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.timers.push(TimerChange::Cancel(key(inbound)));
        self.durable(commit).await
    }

    /// Handles a queued interaction. The chat no longer waits for a response, so the reply is sent as a message
    /// of its own.
    pub(super) async fn unpack(&self, claimed: &Claimed) -> Result<(), EngineError> {
        if let Ok(unsaid) = serde_json::from_str::<DeferredReply>(claimed.work.payload.get()) {
            return self.say_again(claimed, &unsaid).await;
        }
        let Ok(inbound) = serde_json::from_str::<Inbound>(claimed.work.payload.get()) else {
            let reason = "this program cannot read it".to_owned();
            return self.settle(claimed, Settlement::Dead { reason }).await;
        };
        // The chat accepts a form only within seconds of the interaction.
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
                // An interaction that always panics is set aside, so that it does not block later ones of the same
                // account (security case 19).
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

    /// Queues a reply that could not be delivered, and sends it when the chat accepts it.
    ///
    /// # Errors
    /// If the journal does not accept it. Then the reply is lost.
    pub async fn keep_answer(&self, unsaid: &DeferredReply) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        let key = format!("answer/{}", commit.id);
        commit.enqueue.push(Work {
            key: WorkKey::new(key.clone()),
            queue: inbox(),
            // An order key of its own, so that it does not block interactions of the same account.
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
