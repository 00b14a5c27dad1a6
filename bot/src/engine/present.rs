//! Brings the cards up to date. Display is level-triggered: a card is drawn from the state as it is, so a lost update
//! costs nothing but a moment.

use jiff::{SignedDuration, Timestamp};

use super::{Engine, EngineError};
use crate::domain::hotfix::{Hotfix, Phase};
use crate::domain::id::HotfixId;
use crate::view;

impl Engine {
    /// Updates every card that shows an older version of its run, and says how many those were.
    ///
    /// # Errors
    /// Never for the chat's sake: a chat that is down is tried again next time.
    pub async fn present(&self) -> Result<usize, EngineError> {
        self.tell_of_the_clock().await;
        let mut updated = 0;
        for run in self.ids().await {
            updated += usize::from(self.present_run(run).await);
        }
        Ok(updated)
    }

    /// Updates the card of one run, and says whether it did. Whoever calls this takes care that nobody does it meanwhile.
    pub(crate) async fn present_run(&self, id: HotfixId) -> bool {
        let Some(run) = self.run(id).await else { return false };
        let (state, shown) = {
            let run = run.lock().await;
            // A run is large, and most cards are true.
            if run.state.card.is_none() || run.shown == Some(run.state.version) {
                return false;
            }
            (run.state.clone(), run.shown)
        };
        let Some(message) = state.card.as_ref() else { return false };
        if shown.is_none() && ended_long_ago(&state, self.now()) {
            run.lock().await.shown = Some(state.version);
            return false;
        }
        let card = view::card(&state, &self.audience(), self.now());
        match self.outside.chat.update(message, &card).await {
            Ok(()) => {
                run.lock().await.shown = Some(state.version);
                true
            }
            Err(failure) => {
                tracing::info!(run = %state.id, reason = %failure, "the card could not be updated; it will be tried again");
                false
            }
        }
    }
}

/// A run that ended a day before this process started shows its last card already.
fn ended_long_ago(state: &Hotfix, now: Timestamp) -> bool {
    match &state.phase {
        Phase::Ended { at, .. } => now.duration_since(*at) > SignedDuration::from_hours(24),
        Phase::Surveying | Phase::Underway => false,
    }
}
