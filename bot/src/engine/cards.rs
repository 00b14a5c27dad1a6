//! Refreshes the cards. A card is always rendered from the current state, so a lost update is repaired by the next one.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Engine, EngineError, Run};
use crate::domain::hotfix::{Hotfix, Phase};
use crate::domain::id::HotfixId;
use crate::view;

impl Engine {
    /// Updates every card that shows an older version of its run, and returns the number of updated cards.
    ///
    /// # Errors
    /// Never because of the chat: a failed update is retried by the next call.
    pub async fn present(&self) -> Result<usize, EngineError> {
        self.tell_of_the_clock().await;
        let mut updated = 0;
        for run in self.ids().await {
            updated += usize::from(self.present_run(run).await);
        }
        Ok(updated)
    }

    /// Updates the card of one run, and returns `true` if it did. The caller ensures that only one update per run
    /// is in progress.
    pub(crate) async fn present_run(&self, id: HotfixId) -> bool {
        let Some(run) = self.run(id).await else { return false };
        let (troubles, news) = (self.troubles_of(id), self.has_news_of_troubles(id));
        let (state, shown, is_true) = {
            let run = run.lock().await;
            // Checked before the clone: a run is large, and most cards are up to date.
            let is_true = run.shown == Some(run.state.version) && run.troubles == troubles;
            if run.state.card.is_none() || (is_true && (run.state.is_over() || !news)) {
                return false;
            }
            (run.state.clone(), run.shown, is_true)
        };
        self.tell_of_troubles(&state).await;
        if is_true {
            return false;
        }
        let Some(message) = state.card.as_ref() else { return false };
        if shown.is_none() && ended_long_ago(&state, self.now()) {
            run.lock().await.shown = Some(state.version);
            return false;
        }
        self.present_questions(&run, &state, shown.is_some()).await;
        let card = view::card(&state, &self.audience(), self.now());
        let card = view::unreadable_things(card, &troubles, self.now());
        match self.outside.chat.update(message, &card).await {
            Ok(()) => {
                let mut run = run.lock().await;
                (run.shown, run.troubles) = (Some(state.version), troubles);
                true
            }
            Err(failure) => {
                tracing::info!(run = %state.id, reason = %failure, "the card could not be updated; it will be tried again");
                false
            }
        }
    }
}

impl Engine {
    /// Updates the open vote requests: they list the steps that hold their votes back. After a restart it is unknown
    /// what the messages show, so all of them are updated.
    async fn present_questions(&self, run: &Arc<Mutex<Run>>, state: &Hotfix, known: bool) {
        for (environment, prompt) in &state.vote_requests {
            let held = !view::held_back(state, environment, &self.audience(), self.now()).is_empty();
            if known && run.lock().await.held.contains(&prompt.message) == held {
                continue;
            }
            let Ok(card) = view::prompt(state, environment, &self.audience(), self.now()) else { continue };
            match self.outside.chat.update(&prompt.message, &card).await {
                Ok(()) if held => drop(run.lock().await.held.insert(prompt.message.clone())),
                Ok(()) => drop(run.lock().await.held.remove(&prompt.message)),
                Err(failure) => tracing::info!(run = %state.id, reason = %failure, "a question could not be updated"),
            }
        }
    }
}

/// Returns `true` if a run ended more than a day ago. Its card already shows the final state.
fn ended_long_ago(state: &Hotfix, now: Timestamp) -> bool {
    match &state.phase {
        Phase::Ended { at, .. } => now.duration_since(*at) > SignedDuration::from_hours(24),
        Phase::ReadingWorld | Phase::Underway => false,
    }
}
