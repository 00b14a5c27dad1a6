//! Brings the cards up to date. Display is level-triggered: a card is drawn from the state as it is, so a lost update
//! costs nothing but a moment.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Engine, EngineError, Run};
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
        let (troubles, news) = (self.troubles_of(id), self.has_news_of_troubles(id));
        let (state, shown, is_true) = {
            let run = run.lock().await;
            // A run is large, and most cards are true.
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
    /// The open questions to the voters say what is open again before them, and say it no more once it is put right. What they
    /// show is not known after a restart.
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

/// A run that ended a day before this process started shows its last card already.
fn ended_long_ago(state: &Hotfix, now: Timestamp) -> bool {
    match &state.phase {
        Phase::Ended { at, .. } => now.duration_since(*at) > SignedDuration::from_hours(24),
        Phase::ReadingWorld | Phase::Underway => false,
    }
}
