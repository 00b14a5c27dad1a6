//! Which question an act on a message is about, and what is said of one that is closed (security cases 32 and 35). Nothing
//! that an act brings along decides it: the journal knows the message of every question, and what it asked.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hotfix_adapters::vocabulary::{MessageRef, PersonRef};
use hotfix_storage::{Commit, CommitError, Receipt};

use super::ask::{Asker, Reply};
use super::form::Response;
use super::{Engine, EngineError};
use crate::domain::hotfix::Hotfix;
use crate::domain::refusal::Refusal;
use crate::view;

/// Why a question is closed whose time is not over.
const OTHERWISE: &str = "what it asked about is not what is asked now";

/// What a message is, as a question.
pub(super) enum Question {
    /// Votes on it count.
    Open(Box<Hotfix>),
    /// This run asked it, and nothing on it counts any more.
    Closed(Box<Hotfix>),
    /// It is none, as far as the journal knows: a copy, or something else.
    None,
}

/// Who was told that which question is closed: a reaction is no conversation.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeSet<(MessageRef, PersonRef)>>);

impl Told {
    /// Whether this is the first time.
    fn first(&self, message: &MessageRef, whom: &PersonRef) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((message.clone(), whom.clone()))
    }
}

impl Engine {
    /// The question that a message is.
    pub(super) async fn question(&self, message: &MessageRef) -> Question {
        let (states, now) = (self.states().await, self.now());
        let mut asked = states.into_iter().filter(|run| run.has_asked(message));
        match asked.next() {
            Some(run) if run.open_question(message, now).is_some() => Question::Open(Box::new(run)),
            Some(run) => Question::Closed(Box::new(run)),
            None => Question::None,
        }
    }

    /// A button of a question that is closed was pressed.
    pub(super) async fn pressed_late(
        &self,
        asker: &Asker,
        run: &Hotfix,
        message: &MessageRef,
    ) -> Result<Response, EngineError> {
        Ok(Response::Said(match self.seen_before(asker).await? {
            Some(first) => Reply::again(Some(&first)),
            None => Reply::no(&[self.closed(asker, run, message)]),
        }))
    }

    /// Somebody reacted to a question that is closed: they are told so, once. What nobody would count from them anyway, and
    /// what comes again after it counted, is nothing to talk about.
    pub(super) async fn reacted_late(
        &self,
        asker: &Asker,
        run: &Hotfix,
        message: &MessageRef,
    ) -> Result<Response, EngineError> {
        let known = self.person(Some(&asker.account)).is_some();
        if !known || !self.told.first(message, &asker.account) || self.seen_before(asker).await?.is_some() {
            return Ok(Response::Silent);
        }
        Ok(Response::Said(Reply::no(&[self.closed(asker, run, message)])))
    }

    /// What came of this very act before, if it came before.
    async fn seen_before(&self, asker: &Asker) -> Result<Option<Receipt>, EngineError> {
        let Some(seen) = &asker.seen else { return Ok(None) };
        let mut commit = Commit::new(self.commit_id());
        commit.seen = Some(seen.clone());
        match self.commit(commit).await {
            Ok(_) => Ok(None),
            Err(CommitError::AlreadySeen(first)) => Ok(Some(first)),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }

    /// Why a question is closed, and what stands. Whoever may not see the run learns nothing of it (security case 81).
    fn closed(&self, asker: &Asker, run: &Hotfix, message: &MessageRef) -> Refusal {
        let late = run.asked(message).is_some_and(|(environment, prompt)| {
            run.ends(environment, prompt) <= self.now() && Some(&prompt.commit) == run.ships_to(environment)
        });
        self.shut(asker, run, if late { "its time is over" } else { OTHERWISE })
    }

    /// The same for a form: while somebody wrote why not, something else came to be asked.
    pub(super) fn closed_meanwhile(&self, asker: &Asker, run: &Hotfix) -> Refusal {
        self.shut(asker, run, OTHERWISE)
    }

    fn shut(&self, asker: &Asker, run: &Hotfix, why: &str) -> Refusal {
        let reason = format!("That question is closed: {why}, so nothing was counted.");
        let newest = "Look at the newest question in the thread, and vote there.";
        if self.looks(asker, &run.plan.service).is_err() {
            return Refusal::new("vote.stale", reason, newest);
        }
        let asks = run.prompts.values().any(|prompt| run.open_question(&prompt.message, self.now()).is_some());
        let next = match (run.is_over(), asks) {
            (true, _) => format!("See `timeline {}` for what came of it.", run.id),
            (false, true) => newest.to_owned(),
            (false, false) => "When votes are wanted, a new question comes in the thread.".to_owned(),
        };
        let stands = view::stands(run, &self.audience(), self.now());
        Refusal::new("vote.stale", format!("{reason} {} now: {stands}.", run.id), next)
    }
}

/// A button that stands on no question of ours, such as on a copy of one.
pub(super) fn no_question() -> Refusal {
    let next = "Look at the question in the thread of the run, and vote there.";
    Refusal::new("vote.copy", "That message is no question that I asked, so nothing was counted.", next)
}

/// A button that is not one of those that were put on the question it stands on.
pub(super) fn not_its_button() -> Refusal {
    let next = "Look at the newest question in the thread, and vote there.";
    Refusal::new("vote.button", "That button is not of the question that it stands on, so nothing was counted.", next)
}
