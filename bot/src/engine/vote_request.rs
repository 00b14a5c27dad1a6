//! Maps a message to its vote request, and answers interactions with a closed one (security cases 32 and 35). Only the
//! journal decides this, never the content of the interaction: it knows the message of each vote request and
//! what it asked.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hotfix_adapters::ids::{Environment, MessageRef, PersonRef};
use hotfix_storage::{Commit, CommitError, Receipt, WorkState};
use tokio::time::timeout;

use super::forms::Response;
use super::interactions::{Caller, Reply};
use super::outbox::Task;
use super::{Engine, EngineError};
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::step;
use crate::domain::vote_request::VoteRequest;
use crate::view;

/// Maximum time that a typed vote waits for its vote request to be posted.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The reason why a vote request takes no votes.
enum Shut {
    /// The vote request has expired.
    Late,
    /// The commit or environment of the vote request is not what the run asks about anymore.
    Otherwise,
    /// A step before the votes is open again. Holds the title of that step.
    Held(String),
}

/// The vote request behind a message.
pub(super) enum ButtonPress {
    /// An open vote request: votes on it count.
    Open(Box<Hotfix>),
    /// A closed vote request of this run: votes on it do not count.
    Closed(Box<Hotfix>),
    /// Possibly a vote request that is being posted. Users see the message before the chat has returned its id
    /// to the bot.
    OnItsWay,
    /// No vote request that the journal knows, such as a copy of one.
    None,
}

/// The callers who were already informed that a vote request is closed. Each is informed once per message.
#[derive(Debug, Default)]
pub(super) struct NotifiedOnce(Mutex<BTreeSet<(MessageRef, PersonRef)>>);

impl NotifiedOnce {
    /// Returns `true` for the first call with this message and account.
    fn first(&self, message: &MessageRef, whom: &PersonRef) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((message.clone(), whom.clone()))
    }
}

impl Engine {
    /// Finds the vote request behind a message.
    pub(super) async fn question(&self, message: &MessageRef) -> Result<ButtonPress, EngineError> {
        // Read before the runs: a vote request that is recorded in between is then found among the runs.
        let asking = self.is_asking(|_| true).await?;
        let (states, now) = (self.states().await, self.now());
        let mut asked = states.into_iter().filter(|run| run.is_vote_request(message));
        Ok(match asked.next() {
            Some(run) if run.open_vote_request(message, now).is_some() => ButtonPress::Open(Box::new(run)),
            Some(run) => ButtonPress::Closed(Box::new(run)),
            None if asking => ButtonPress::OnItsWay,
            None => ButtonPress::None,
        })
    }

    /// Returns `true` if a vote request of a matching run is being posted. One that was set aside as dead
    /// does not count.
    async fn is_asking(&self, of: impl Fn(&Hotfix) -> bool) -> Result<bool, EngineError> {
        let runs: Vec<_> = self.runs.lock().await.values().cloned().collect();
        let mut asking: BTreeSet<HotfixId> = BTreeSet::new();
        for run in runs {
            let run = run.lock().await;
            asking.extend((of(&run.state) && run.state.awaits_vote_request()).then_some(run.state.id));
        }
        if asking.is_empty() {
            return Ok(false);
        }
        let unsettled = self.journal.unsettled().await?;
        let goes_on = unsettled.iter().filter(|view| !matches!(view.state, WorkState::Dead { .. }));
        let mut tasks = goes_on.filter_map(|view| serde_json::from_str::<Task>(view.work.payload.get()).ok());
        Ok(tasks.any(|task| asking.contains(&task.run) && matches!(task.effect, Effect::RequestVotes { .. })))
    }

    /// Waits briefly for the vote request of a run that is being posted. A typed vote names no message and would mean
    /// something else later, so it is not deferred.
    pub(super) async fn until_asked(&self, id: HotfixId) -> Result<(), EngineError> {
        let mut wake = self.journal.wake();
        let asked = async {
            while self.is_asking(|run| run.id == id).await? {
                if wake.changed().await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        timeout(ON_ITS_WAY, asked).await.unwrap_or(Ok(()))
    }

    /// Handles a click on a button of a closed vote request.
    pub(super) async fn pressed_late(
        &self,
        asker: &Caller,
        run: &Hotfix,
        message: &MessageRef,
    ) -> Result<Response, EngineError> {
        Ok(Response::Said(match self.seen_before(asker).await? {
            Some(first) => Reply::again(Some(&first)),
            None => Reply::no(&[self.closed(asker, run, message)]),
        }))
    }

    /// Handles a reaction on a closed vote request: informs the voter once. Unknown accounts and redeliveries
    /// get no reply.
    pub(super) async fn reacted_late(
        &self,
        asker: &Caller,
        run: &Hotfix,
        message: &MessageRef,
    ) -> Result<Response, EngineError> {
        let known = self.person(Some(&asker.account)).is_some();
        if !known || !self.told.first(message, &asker.account) || self.seen_before(asker).await?.is_some() {
            return Ok(Response::Silent);
        }
        Ok(Response::Said(Reply::no(&[self.closed(asker, run, message)])))
    }

    /// Returns the receipt of the first delivery of this interaction; `None` if this is the first. Records
    /// the dedupe key.
    async fn seen_before(&self, asker: &Caller) -> Result<Option<Receipt>, EngineError> {
        let Some(seen) = &asker.seen else { return Ok(None) };
        let mut commit = Commit::new(self.commit_id());
        commit.seen = Some(seen.clone());
        match self.commit(commit).await {
            Ok(_) => Ok(None),
            Err(CommitError::AlreadySeen(first)) => Ok(Some(first)),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }

    /// Returns the refusal for a closed vote request, with the state of the run. A caller who may not see the run
    /// learns nothing of it (security case 81).
    fn closed(&self, asker: &Caller, run: &Hotfix, message: &MessageRef) -> Refusal {
        let why = match run
            .vote_request(message)
            .filter(|(place, prompt)| Some(&prompt.commit) == run.deployable_to(place))
        {
            Some((place, prompt)) if run.ends(place, prompt) <= self.now() => Shut::Late,
            Some((place, prompt)) => self.held(run, place, prompt).map_or(Shut::Otherwise, Shut::Held),
            None => Shut::Otherwise,
        };
        self.shut(asker, run, why)
    }

    /// Returns the refusal for a rejection form whose vote request was closed while the form was open.
    pub(super) fn closed_meanwhile(&self, asker: &Caller, run: &Hotfix) -> Refusal {
        let held = run.vote_requests.iter().find_map(|(place, prompt)| self.held(run, place, prompt));
        self.shut(asker, run, held.map_or(Shut::Otherwise, Shut::Held))
    }

    /// Returns the title of the step that is open again before the votes, if this is the newest vote request and only
    /// that step keeps it closed.
    fn held(&self, run: &Hotfix, environment: &Environment, prompt: &VoteRequest) -> Option<String> {
        let newest = run.vote_requests.get(environment) == Some(prompt)
            && Some(&prompt.commit) == run.deployable_to(environment);
        let mut steps = run.plan.steps.iter();
        let turn =
            steps.position(|spec| matches!(&spec.kind, StepKind::Approve { environment: e } if e == environment));
        let before = |turn: &usize| run.current().is_some_and(|(at, _)| at < *turn);
        let turn = turn.filter(|turn| newest && !run.is_over() && before(turn))?;
        let (open, _) = step::in_the_way(run, turn, self.now()).into_iter().next()?;
        run.plan.steps.iter().find(|spec| spec.id == open).map(|spec| spec.title.clone())
    }

    fn shut(&self, asker: &Caller, run: &Hotfix, why: Shut) -> Refusal {
        let newest = "Look at the newest question in the thread, and vote there.";
        let (sees, over) = (self.looks(asker, &run.plan.service).is_ok(), run.is_over());
        let reason = match &why {
            Shut::Held(step) if sees => {
                format!("Votes are held back until “{step}” is in order again, so nothing was counted.")
            }
            Shut::Late => "That question is closed: its time is over, so nothing was counted.".to_owned(),
            Shut::Otherwise | Shut::Held(_) => {
                "That question is closed: what it asked about is not what is asked now, so nothing was counted."
                    .to_owned()
            }
        };
        if !sees {
            return Refusal::new("vote.stale", reason, newest);
        }
        let asks =
            run.vote_requests.values().any(|prompt| run.open_vote_request(&prompt.message, self.now()).is_some());
        let next = match (over, asks, &why) {
            (true, _, _) => format!("See `timeline {}` for what came of it.", run.id),
            (false, true, _) => newest.to_owned(),
            (false, false, Shut::Held(_)) => "The question stays: vote on it then.".to_owned(),
            (false, false, Shut::Late | Shut::Otherwise) => {
                "When votes are wanted, a new question comes in the thread.".to_owned()
            }
        };
        let stands = view::stands(run, &self.audience(), self.now());
        Refusal::new("vote.stale", format!("{reason} {} now: {stands}.", run.id), next)
    }
}

/// Returns the refusal for a button on a message that is no vote request of the bot, such as a copy.
pub(super) fn no_question() -> Refusal {
    let next = "Look at the question in the thread of the run, and vote there.";
    Refusal::new("vote.copy", "That message is no question that I asked, so nothing was counted.", next)
}

/// Returns the refusal for a button that does not belong to its vote request.
pub(super) fn not_its_button() -> Refusal {
    let next = "Look at the newest question in the thread, and vote there.";
    Refusal::new("vote.button", "That button is not of the question that it stands on, so nothing was counted.", next)
}
