//! What people did and what takes too long to be answered at once: it waits in the journal until it is handled, and is
//! handled after a crash.

use std::time::Duration;

use hotfix_adapters::chat::Inbound;
use hotfix_storage::{Commit, CommitError, Lane, TimerChange, Work, WorkKey};

use super::form::Response;
use super::mailbox::raw;
use super::{Engine, EngineError};

/// What is being handled is left alone for so long; after that, whoever handled it is gone.
const GRACE: Duration = Duration::from_secs(60);

/// The lane of what people did.
pub(super) fn inbox() -> Lane {
    Lane::new("inbox")
}

impl Engine {
    /// Keeps an act until it is handled. The same act again is the same piece of work.
    ///
    /// # Errors
    /// When the journal does not take it: then nothing is promised.
    pub async fn keep(&self, inbound: &Inbound) -> Result<(), EngineError> {
        let work = Work {
            key: key(inbound),
            lane: inbox(),
            order_key: inbound.from.id.clone(),
            not_before: self.journal.now().after(GRACE),
            payload: raw(inbound)?,
        };
        self.timer(TimerChange::Set(work)).await
    }

    /// An act that was kept is handled.
    ///
    /// # Errors
    /// When the journal does not take it: then the act is handled again, which its key makes harmless.
    pub async fn kept_no_more(&self, inbound: &Inbound) -> Result<(), EngineError> {
        self.timer(TimerChange::Cancel(key(inbound))).await
    }

    /// Handles an act that was kept. Its sender may have gone, so what there is to say is said where they spoke.
    pub(super) async fn unpack(&self, inbound: &Inbound) -> Result<(), EngineError> {
        // The moment in which a form could be shown is long over.
        let inbound = Inbound { can_ask: false, ..inbound.clone() };
        let Response::Said(reply) = self.hear(&inbound).await? else { return Ok(()) };
        if let Err(failure) = self.outside.chat.whisper(&inbound.channel, &inbound.from, &reply.card).await {
            tracing::info!(%failure, "a late answer could not be given");
        }
        Ok(())
    }

    async fn timer(&self, change: TimerChange) -> Result<(), EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.timers.push(change);
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
