//! Reports the effect that a run is blocked on: one that keeps failing and is being retried. Read from the outbox and
//! not from the run, because failed attempts do not change the run.

use hotfix_adapters::chat::Card;
use hotfix_storage::WorkState;

use super::outbox::{Task, UNDER_WAY, act};
use super::{Engine, EngineError};
use crate::domain::id::HotfixId;
use crate::view::{self, Stall};

impl Engine {
    /// Adds the failing effect of a run to its card, if there is one.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub(super) async fn with_stall(&self, id: HotfixId, card: Card) -> Result<Card, EngineError> {
        Ok(match self.stall(id).await? {
            Some(hitch) => view::held_up(card, &hitch, self.now()),
            None => card,
        })
    }

    /// Returns the failing effect of a run, if there is one. An effect in progress does not count.
    async fn stall(&self, id: HotfixId) -> Result<Option<Stall>, EngineError> {
        let unsettled = self.journal.unsettled().await?;
        let mut acts = unsettled.into_iter().filter(|view| view.work.queue == act());
        Ok(acts.find_map(|view| {
            let task = serde_json::from_str::<Task>(view.work.payload.get()).ok().filter(|task| task.run == id)?;
            let reason = view.last_failure.filter(|reason| reason != UNDER_WAY)?;
            let waits = matches!(view.state, WorkState::Waiting | WorkState::Claimed { .. });
            let next = jiff::Timestamp::from_millisecond(view.work.not_before.0).ok().filter(|_| waits)?;
            Some(Stall { what: task.effect.describe(), reason, tries: view.attempt, next })
        }))
    }
}
