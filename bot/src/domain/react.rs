//! What follows from an event outside: effects for the outbox, timers. Pure; the engine commits them with the event.

use std::time::Duration;

use hotfix_adapters::vocabulary::Environment;
use jiff::Timestamp;

use super::effect::Effect;
use super::event::{Closing, DriftChoice, Entry, Event};
use super::hotfix::{BranchState, Hotfix, StepState};
use super::id::StepId;
use super::playbook::StepKind;
use super::step;
use super::vote::is_backed;

/// What follows from one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reaction {
    /// To be done as soon as possible, in order.
    pub effects: Vec<Effect>,
    /// To be reminded of, after so long.
    pub remind: Vec<(Reminder, Duration)>,
    /// Not to be reminded of any more.
    pub forget: Vec<Reminder>,
}

/// What people are reminded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reminder {
    /// A step that waits for them.
    Step(StepId),
    /// A broken glass that waits for a review.
    Countersign,
}

/// After so long without a review of a broken glass people are reminded of it, again and again.
const COUNTERSIGN: Duration = Duration::from_secs(30 * 60);

/// What follows from an event, given the run right after it. `version` is the event's.
#[must_use]
pub fn react(state: &Hotfix, entry: &Entry, version: u64) -> Reaction {
    let mut reaction = Reaction { effects: acts(state, entry, version), ..Reaction::default() };
    timers(state, entry, &mut reaction);
    reaction.effects.extend(talk(state, entry, version));
    reaction
}

fn acts(state: &Hotfix, entry: &Entry, version: u64) -> Vec<Effect> {
    let now = entry.at;
    match &entry.event {
        Event::Opened(_) => vec![Effect::Survey],
        Event::StepEntered { step } => entered(state, step, now),
        // Nothing moved, so the step is not entered again; the next pick, or the pull request, follows from here.
        Event::FixPicked { commit: None, .. } => {
            let current = state.current().filter(|(_, spec)| matches!(spec.kind, StepKind::Change { .. }));
            current.map(|(_, spec)| step::enter(state, spec, now)).unwrap_or_default()
        }
        Event::DeployAsked { environment, commit, .. } => {
            let key = format!("{}-{environment}-{}", state.id.to_string().to_lowercase(), state.version);
            let (environment, commit) = (environment.clone(), commit.clone());
            key.parse().map(|key| Effect::CheckDeploy { environment, commit, key }).into_iter().collect()
        }
        Event::DeployStarted(intent) => vec![Effect::Deploy {
            key: intent.key.clone(),
            environment: intent.environment.clone(),
            commit: intent.commit.clone(),
        }],
        Event::QuestionClosed { why: Closing::Expired, environment } => asked_anew(state, environment, now),
        Event::Proven { .. } => delete_branch(state),
        Event::GlassBroken(_) => vec![Effect::AnnounceGlass { version }],
        Event::Retried if state.survey.is_none() => vec![Effect::Survey],
        Event::Retried => {
            let current = state.current().map(|(_, spec)| spec.id.clone());
            let untold = state.glasses.last().filter(|broken| broken.told.is_none() && !broken.void);
            let tell = untold.map(|broken| Effect::AnnounceGlass { version: broken.version });
            tell.into_iter().chain(current.map(|step| entered(state, &step, now)).unwrap_or_default()).collect()
        }
        Event::Surveyed(_)
        | Event::Refused { .. }
        | Event::StepDone { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideAsked { .. }
        | Event::StepOverridden { .. }
        | Event::StepReopened { .. }
        | Event::TriageAnswered { .. }
        | Event::Agreed { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::Counted(_)
        | Event::ImageFound { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::BaseFound { .. }
        | Event::Announced { .. }
        | Event::BranchCreated { .. }
        | Event::BranchDeleted
        | Event::FixRequested { .. }
        | Event::FixPicked { commit: Some(_), .. }
        | Event::HeadMoved { .. }
        | Event::FixConflicted { .. }
        | Event::PullOpened { .. }
        | Event::PullSeen(_)
        | Event::Prompted { .. }
        | Event::QuestionClosed { why: Closing::Retargeted, .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::Vetoed { .. }
        | Event::VetoWithdrawn { .. }
        | Event::GlassAnnounced { .. }
        | Event::GlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployRefused { .. }
        | Event::DeployAwaitsWord { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { choice: DriftChoice::Abort | DriftChoice::Rebase | DriftChoice::Roll }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::RidersFound { .. }
        | Event::MainlineLost { .. }
        | Event::MergebackWaived { .. }
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::Aborted { .. }
        | Event::Closed { .. } => Vec::new(),
    }
}

fn entered(state: &Hotfix, step: &StepId, now: Timestamp) -> Vec<Effect> {
    let spec = state.plan.steps.iter().find(|spec| &spec.id == step);
    spec.map(|spec| step::enter(state, spec, now)).unwrap_or_default()
}

/// The question is closed and votes are still missing, so people are asked anew.
fn asked_anew(state: &Hotfix, environment: &Environment, now: Timestamp) -> Vec<Effect> {
    let current = state.current().filter(|(_, spec)| asks_for(&spec.kind, environment));
    current.map(|(_, spec)| step::enter(state, spec, now)).unwrap_or_default()
}

fn asks_for(kind: &StepKind, environment: &Environment) -> bool {
    matches!(kind, StepKind::Approve { environment: e } if e == environment)
}

fn delete_branch(state: &Hotfix) -> Vec<Effect> {
    let wanted =
        state.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::Mainline { delete_branch: true, .. }));
    match &state.head {
        Some(head) if wanted && state.branch == BranchState::Present => {
            vec![Effect::DeleteBranch { at: head.tip.clone() }]
        }
        Some(_) | None => Vec::new(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an event has no timer unless it says so")]
fn timers(state: &Hotfix, entry: &Entry, reaction: &mut Reaction) {
    match &entry.event {
        Event::StepEntered { step } | Event::Reminded { step, .. } => {
            let spec = state.plan.steps.iter().find(|spec| &spec.id == step);
            let minutes = spec.map_or(0, |spec| spec.remind_minutes);
            let current = matches!(state.state_of(step), Some(StepState::Current { .. }));
            if minutes > 0 && current {
                reaction.remind.push((Reminder::Step(step.clone()), Duration::from_secs(u64::from(minutes) * 60)));
            }
        }
        Event::StepDone { step, .. } | Event::StepSkipped { step, .. } | Event::StepOverridden { step, .. } => {
            reaction.forget.push(Reminder::Step(step.clone()));
        }
        Event::DeployStarted(intent) if intent.glass.is_some() => {
            reaction.remind.push((Reminder::Countersign, COUNTERSIGN));
        }
        Event::CountersignReminded { .. } => reaction.remind.push((Reminder::Countersign, COUNTERSIGN)),
        Event::Countersigned { .. } => reaction.forget.push(Reminder::Countersign),
        Event::Refused { .. } | Event::Aborted { .. } | Event::Closed { .. } => {
            reaction.forget.extend(state.plan.steps.iter().map(|spec| Reminder::Step(spec.id.clone())));
        }
        _other => {}
    }
}

/// Whether an event is said in the thread, and to whom directly. Every event that people care about is (MAIN-17).
fn talk(state: &Hotfix, entry: &Entry, version: u64) -> Vec<Effect> {
    let said = match &entry.event {
        Event::Refused { .. }
        | Event::Agreed { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::ImageFound { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideAsked { .. }
        | Event::StepOverridden { .. }
        | Event::StepReopened { .. }
        | Event::BranchCreated { .. }
        | Event::FixPicked { .. }
        | Event::FixConflicted { .. }
        | Event::HeadMoved { .. }
        | Event::PullOpened { .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::Vetoed { .. }
        | Event::VetoWithdrawn { .. }
        | Event::GlassBroken(_)
        | Event::GlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::DeployAwaitsWord { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::RidersFound { .. }
        | Event::Proven { .. }
        | Event::MainlineLost { .. }
        | Event::MergebackWaived { .. }
        | Event::BranchDeleted
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::Retried
        | Event::Aborted { .. }
        | Event::Closed { .. } => true,
        Event::StepDone { step, .. } => told_when_done(state, step),
        Event::StepEntered { step } => told_when_entered(state, step),
        Event::Opened(_)
        | Event::TriageAnswered { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::Counted(_)
        | Event::Surveyed(_)
        | Event::BaseFound { .. }
        | Event::Announced { .. }
        | Event::FixRequested { .. }
        | Event::PullSeen(_)
        | Event::Prompted { .. }
        | Event::QuestionClosed { .. }
        | Event::GlassAnnounced { .. }
        | Event::DeployAsked { .. } => false,
    };
    let mut talk = if said { vec![Effect::Say { version }] } else { Vec::new() };
    if audited(&entry.event) {
        talk.push(Effect::Audit { version });
    }
    talk.extend(told(state, entry).into_iter().map(|person| Effect::Tell { version, person }));
    talk
}

/// What went out by a broken glass, and what somebody thinks of it, stands in the audit channel too.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event is not for the audit channel unless it says so")]
fn audited(event: &Event) -> bool {
    match event {
        Event::DeployStarted(intent) => intent.glass.is_some(),
        Event::Countersigned { .. } => true,
        _other => false,
    }
}

/// A step whose end is not another event already.
fn told_when_done(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.steps.iter().find(|spec| &spec.id == step);
    spec.is_some_and(|spec| {
        matches!(spec.kind, StepKind::Review { .. } | StepKind::Approve { .. } | StepKind::Triage { ask: true, .. })
    })
}

/// A step that asks somebody for something, and has no prompt of its own.
fn told_when_entered(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.steps.iter().find(|spec| &spec.id == step);
    spec.is_some_and(|spec| step::asks_at_once(state, &spec.kind))
}

/// Whom an event concerns directly: the team members who cannot read the channel, whoever's commits ride along, and whose
/// vote does not count yet.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event is told to nobody in person unless it says so")]
fn told(state: &Hotfix, entry: &Entry) -> Vec<super::id::PersonId> {
    match &entry.event {
        Event::Voted(vote) if !is_backed(state, vote, None) => vec![vote.person.clone()],
        Event::Announced { missed, .. } => missed.iter().cloned().collect(),
        Event::RidersFound { riders, .. } => {
            let people = riders.iter().flat_map(|rider| &rider.people).filter_map(|who| who.person.clone());
            people.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        }
        _other => Vec::new(),
    }
}
