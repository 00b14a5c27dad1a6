//! Performers for chat messages. A post is found again by its key. Messages are the only effects that may happen twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hotfix_adapters::chat::{Card, Destination, Post};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{CommitId, Environment, MessageRef, PersonRef};
use hotfix_storage::WorkState;

use crate::domain::command::{Command, EffectResult};
use crate::domain::effect::Effect;
use crate::domain::event::{Entry, Event};
use crate::domain::evolve::evolve;
use crate::domain::hotfix::{Hotfix, StepState};
use crate::domain::id::PersonId;
use crate::domain::observation::StampedObservation;
use crate::domain::playbook::StepKind;
use crate::engine::Engine;
use crate::engine::branch_tips::Tips;
use crate::engine::mailbox::CommitExtras;
use crate::engine::outbox::{self, Performed, Task};
use crate::view;

/// Pause of a message that waits until the card of its run is posted.
const CARD_SOON: Duration = Duration::from_secs(1);
/// Pause of a vote request that waits for the messages before it.
const LINES_SOON: Duration = Duration::from_millis(200);

/// The time at which a vote request is posted.
enum Turn {
    Now,
    Later,
    Never,
}

impl Engine {
    async fn post_once(&self, place: Destination, key: &str, card: Card, first: bool) -> Result<MessageRef, Failure> {
        if !first && let Some(message) = self.outside.chat.find(&place, key).await? {
            return Ok(message);
        }
        self.outside.chat.post(&Post { destination: place, key: key.to_owned(), card }).await
    }

    /// Posts the card, and finds out which team members can read it (APPLY-15).
    pub(super) async fn announce(&self, state: &Hotfix, key: &str, first: bool) -> Result<Performed, Failure> {
        let channel = &state.plan.channel;
        let card = view::card(state, &self.audience(), self.now());
        let message = self.post_once(Destination::Channel(channel.clone()), key, card, first).await?;
        let started = view::started(state, &self.audience(), self.now());
        self.post_once(Destination::Thread(message.clone()), &format!("{key}/started"), started, first).await?;
        let team = state.plan.team.iter().filter_map(|id| self.config.people.get(id));
        let accounts: Vec<PersonRef> = team.flat_map(|person| &person.accounts).cloned().collect();
        let here: Vec<PersonRef> =
            accounts.into_iter().filter(|account| account.platform == self.outside.platform).collect();
        let audience = self.outside.chat.readers_among(channel, &here).await?;
        let reading: BTreeSet<PersonId> = audience.iter().filter_map(|account| self.person(Some(account))).collect();
        let missed = state.plan.team.iter().filter(|person| !reading.contains(*person)).cloned().collect();
        let reached = state.plan.team.iter().filter(|person| reading.contains(*person)).cloned().collect();
        Ok(Performed::came(EffectResult::Announced { message, reached, missed }))
    }

    /// Posts a vote request in the thread. A vote request that does not fit into one message is refused
    /// (security case 29).
    pub(super) async fn prompt(
        &self,
        state: &Hotfix,
        environment: &Environment,
        commit: &CommitId,
        key: &str,
        first: bool,
    ) -> Result<Performed, Failure> {
        if state.deployable_to(environment) != Some(commit) || state.wrong_base().is_some() {
            return Ok(Performed::came(EffectResult::Nothing));
        }
        let Some(root) = &state.card else {
            return Ok(Performed::Pending(CARD_SOON));
        };
        match self.turn_of(state, environment, key).await? {
            Turn::Now => {}
            Turn::Later => return Ok(Performed::Pending(LINES_SOON)),
            Turn::Never => return Ok(Performed::came(EffectResult::Nothing)),
        }
        self.see_edits(state, environment).await?;
        let gone = || Failure::rejected(format!("there is no run {}", state.id));
        let state = &self.state(state.id).await.ok_or_else(gone)?;
        let card = view::prompt(state, environment, &self.audience(), self.now())
            .map_err(|too_much| Failure::rejected(not_asked(state, &too_much)))?;
        let message = self.post_once(Destination::Thread(root.clone()), key, card, first).await?;
        let (environment, commit) = (environment.clone(), commit.clone());
        Ok(Performed::came(EffectResult::VoteRequested { environment, commit, message }))
    }

    /// Decides when a vote request is posted: after the messages of earlier events, except those that failed, and never
    /// if a newer vote request for the same environment is queued.
    async fn turn_of(&self, state: &Hotfix, environment: &Environment, key: &str) -> Result<Turn, Failure> {
        let version = |key: &str| key.split('/').nth(1).and_then(|version| version.parse::<u64>().ok());
        let unsettled = self.journal.unsettled().await.map_err(|error| Failure::retry(error.to_string()))?;
        let run = state.id.to_string();
        let mut turn = Turn::Now;
        let live = |state: &WorkState| !matches!(state, WorkState::Dead { .. });
        for view in unsettled.iter().filter(|view| view.work.order_key == run && live(&view.state)) {
            let Some((its, own)) = version(view.work.key.as_str()).zip(version(key)) else { continue };
            if view.work.queue == outbox::talk() && view.attempt == 0 && its < own {
                turn = Turn::Later;
            }
            let task = serde_json::from_str::<Task>(view.work.payload.get());
            let asks =
                |effect: &Effect| matches!(effect, Effect::RequestVotes { environment: e, .. } if e == environment);
            if its > own && task.is_ok_and(|task| asks(&task.effect)) {
                return Ok(Turn::Never);
            }
        }
        Ok(turn)
    }

    /// Returns an event and the run right after it. Messages are posted in order, so this replays from the last one.
    async fn at_version(&self, state: &Hotfix, version: u64) -> Result<Option<Arc<(Entry, Hotfix)>>, Failure> {
        let run = self.run(state.id).await.ok_or_else(|| Failure::rejected(format!("there is no run {}", state.id)))?;
        let said = run.lock().await.said.clone().filter(|said| said.1.version <= version);
        if let Some(said) = said.as_ref().filter(|said| said.1.version == version) {
            return Ok(Some(said.clone()));
        }
        let after = said.as_ref().map_or(0, |said| said.1.version);
        let entries = self.entries_between(state.id, after, version).await;
        let entries = entries.map_err(|error| Failure::retry(error.to_string()))?;
        let mut then = said.map(|said| said.1.clone());
        for entry in &entries {
            let next = evolve(state.id, then, entry).map_err(|error| Failure::rejected(error.to_string()))?;
            then = Some(next);
        }
        let (Some(entry), Some(then)) = (entries.into_iter().next_back(), then.filter(|then| then.version == version))
        else {
            return Ok(None);
        };
        let said = Arc::new((entry, then));
        run.lock().await.said = Some(said.clone());
        Ok(Some(said))
    }

    pub(super) async fn say(&self, state: &Hotfix, version: u64, key: &str, first: bool) -> Result<Performed, Failure> {
        let Some(said) = self.at_version(state, version).await? else {
            return Ok(Performed::came(EffectResult::Nothing));
        };
        let (entry, then) = said.as_ref();
        if asks_for_what_is_over(state, &entry.event) || self.is_fulfilled_already(state, &entry.event).await? {
            return Ok(Performed::came(EffectResult::Nothing));
        }
        let went_on = state.is_over() || place_of(state) != place_of(then);
        let line = if went_on { view::late_message } else { view::line };
        let Some(mut card) = line(then, entry, &self.audience()) else {
            return Ok(Performed::came(EffectResult::Nothing));
        };
        if matches!(entry.event, Event::Reminded { .. }) {
            let with = self.with_stall(state.id, card).await;
            card = with.map_err(|error| Failure::retry(error.to_string()))?;
        }
        let place = match &state.card {
            Some(root) if is_loud(then, &entry.event) => Destination::ThreadAndChannel(root.clone()),
            Some(root) => Destination::Thread(root.clone()),
            // A run can fail before its card is posted. That message goes to the channel, or it would be lost.
            None if state.is_over() || state.abandoned.is_some() || !state.stuck.is_empty() => {
                Destination::Channel(state.plan.channel.clone())
            }
            None => return Ok(Performed::Pending(CARD_SOON)),
        };
        self.post_once(place, key, card, first).await?;
        Ok(Performed::came(EffectResult::Nothing))
    }

    /// Returns `true` if the entered step is already satisfied, so that nobody is asked to merge a fix that main has.
    /// Polls once to find out.
    async fn is_fulfilled_already(&self, state: &Hotfix, event: &Event) -> Result<bool, Failure> {
        let Event::StepEntered { step } = event else { return Ok(false) };
        let waits = state.current().filter(|(_, spec)| &spec.id == step && matches!(spec.kind, StepKind::OnMain));
        if waits.is_none() {
            return Ok(false);
        }
        if let Some(seen) = self.observe_step(state, &Tips::default()).await? {
            let seen = Command::Observed(StampedObservation::new(&Arc::new(state.clone()), seen));
            let saw = self.submit(state.id, &seen, CommitExtras::default()).await;
            saw.map_err(|error| Failure::retry(error.to_string()))?;
        }
        let now = self.state(state.id).await;
        Ok(now.is_some_and(|now| now.state_of(step).is_some_and(StepState::is_behind)))
    }

    /// Announces the break-glass in the audit channel. It must be announced before its deployment begins
    /// (security case 90).
    pub(super) async fn announce_glass(
        &self,
        state: &Hotfix,
        version: u64,
        key: &str,
        first: bool,
    ) -> Result<Performed, Failure> {
        Ok(match self.said_to_audit(state, version, key, first).await? {
            Some(message) => Performed::came(EffectResult::BreakGlassAnnounced { version, message }),
            None => Performed::came(EffectResult::Nothing),
        })
    }

    pub(super) async fn audit(
        &self,
        state: &Hotfix,
        version: u64,
        key: &str,
        first: bool,
    ) -> Result<Performed, Failure> {
        self.said_to_audit(state, version, key, first).await?;
        Ok(Performed::came(EffectResult::Nothing))
    }

    /// Posts an event in the audit channel that was configured at the break-glass.
    async fn said_to_audit(
        &self,
        state: &Hotfix,
        version: u64,
        key: &str,
        first: bool,
    ) -> Result<Option<MessageRef>, Failure> {
        let Some(said) = self.at_version(state, version).await? else { return Ok(None) };
        let (entry, then) = said.as_ref();
        let channel = then.break_glass.last().map(|broken| broken.glass.audit.clone());
        let (Some(channel), Some(card)) = (channel, view::audit(then, entry, &self.audience())) else {
            return Ok(None);
        };
        Ok(Some(self.post_once(Destination::Channel(channel), key, card, first).await?))
    }

    pub(super) async fn tell(
        &self,
        state: &Hotfix,
        version: u64,
        person: &PersonId,
        key: &str,
        first: bool,
    ) -> Result<Performed, Failure> {
        let Some(said) = self.at_version(state, version).await? else {
            return Ok(Performed::came(EffectResult::Nothing));
        };
        let (entry, then) = said.as_ref();
        let account = self.config.people.get(person).and_then(|person| person.account(self.outside.platform));
        let (Some(account), Some(card)) = (account, view::tell(then, entry, &self.audience(), person)) else {
            return Ok(Performed::came(EffectResult::Nothing));
        };
        self.post_once(Destination::Direct(account.clone()), key, card, first).await?;
        Ok(Performed::came(EffectResult::Nothing))
    }
}

/// Returns the reason why a vote request is too large to post, and where the full change can be read.
fn not_asked(state: &Hotfix, too_much: &view::TooLarge) -> String {
    let url = state.pull.as_ref().and_then(|pull| pull.url.as_deref());
    let read = url.map_or_else(String::new, |url| format!(" All of it can be read at {url} ."));
    format!("{too_much}.{read} Make the change smaller, and say `retry`.")
}

/// Returns the index of the current step.
fn place_of(state: &Hotfix) -> Option<usize> {
    state.current().map(|(at, _)| at)
}

/// Returns `true` if a message asks for something that is over, or is not the latest reminder of its step. Such a
/// message is late because the chat was down.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event asks nobody for anything unless it says so")]
fn asks_for_what_is_over(now: &Hotfix, event: &Event) -> bool {
    let over = |step| now.is_over() || !matches!(now.state_of(step), Some(StepState::Current { .. }));
    match event {
        Event::StepEntered { step } => over(step),
        Event::Reminded { step, times } => over(step) || now.reminders.get(step).is_some_and(|last| last > times),
        _other => false,
    }
}

/// Returns `true` if an event is posted in the channel too: failures, ends of a run, the start and end of a rollback,
/// and lane changes, because they tell others if they may deploy.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event is said quietly unless it says so")]
fn is_loud(then: &Hotfix, event: &Event) -> bool {
    match event {
        Event::Drifted { .. }
        | Event::Stuck { .. }
        | Event::AbandonRequested { .. }
        | Event::Abandoned { .. }
        | Event::Aborted { .. }
        | Event::Closed { .. }
        | Event::MainlineReverted { .. }
        | Event::Merged { early: true, .. }
        | Event::BranchMerged { .. }
        | Event::FixReverted { .. }
        | Event::LanesReleased
        | Event::LanesTaken
        | Event::BreakGlassUsed(_)
        | Event::Countersigned { ok: false, .. } => true,
        Event::DeployEnded { key, failure } => {
            failure.is_some() || then.deploy(key).is_some_and(|deploy| deploy.intent.rollback)
        }
        Event::DeployStarted(intent) => intent.rollback,
        _other => false,
    }
}
