//! What keeps a run from going on although nobody is waited for: an act that did not succeed so far, and is tried again. It is
//! in the journal's outbox and not in the run, because it changes nothing about what is to be done.

use hotfix_adapters::chat::Card;
use hotfix_storage::WorkState;

use super::outbox::{Task, UNDER_WAY, act};
use super::{Engine, EngineError};
use crate::domain::id::HotfixId;
use crate::view::{self, Stall};

impl Engine {
    /// This card of a run, with what the bot tried in vain so far.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) async fn with_stall(&self, id: HotfixId, card: Card) -> Result<Card, EngineError> {
        Ok(match self.stall(id).await? {
            Some(hitch) => view::held_up(card, &hitch, self.now()),
            None => card,
        })
    }

    /// The act of this run that was tried in vain so far, if there is one. What is merely under way is none.
    async fn stall(&self, id: HotfixId) -> Result<Option<Stall>, EngineError> {
        let unsettled = self.journal.unsettled().await?;
        let mut acts = unsettled.into_iter().filter(|view| view.work.lane == act());
        Ok(acts.find_map(|view| {
            let task = serde_json::from_str::<Task>(view.work.payload.get()).ok().filter(|task| task.run == id)?;
            let reason = view.last_failure.filter(|reason| reason != UNDER_WAY)?;
            let waits = matches!(view.state, WorkState::Waiting | WorkState::Claimed { .. });
            let next = jiff::Timestamp::from_millisecond(view.work.not_before.0).ok().filter(|_| waits)?;
            Some(Stall { what: task.effect.describe(), reason, tries: view.attempt, next })
        }))
    }
}
