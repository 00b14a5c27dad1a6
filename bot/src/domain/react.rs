//! Reactions: the effects and timers that follow from an event. Pure; the engine writes them to the outbox in the same
//! journal commit as the event.

use std::collections::BTreeSet;
use std::time::Duration;

use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::effect::Effect;
use super::event::{CloseReason, DriftChoice, Entry, Event};
use super::hotfix::{BranchState, Hotfix, Mainline, StepState};
use super::id::{PersonId, StepId};
use super::playbook::StepKind;
use super::step;
use super::vote::is_backed;

/// The effects and timers that follow from one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reaction {
    /// Effects to perform as soon as possible, in order.
    pub effects: Vec<Effect>,
    /// Reminder timers to start, each with its delay.
    pub remind: Vec<(Reminder, Duration)>,
    /// Reminder timers to cancel.
    pub forget: Vec<Reminder>,
}

/// The subject of a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reminder {
    /// A step that waits for users.
    Step(StepId),
    /// A break-glass that waits for a review.
    Countersign,
}

/// Interval between reminders of a missing countersign.
const COUNTERSIGN: Duration = Duration::from_secs(30 * 60);

/// Derives the reaction to an event. `state` is the run right after the event, and `version` is the event's version.
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
        Event::Opened(_) => vec![Effect::TakeSnapshot],
        Event::StepEntered { step } => entered(state, step, now),
        // The head did not move, so the step is not entered again. The next pick or the pull request follows from here.
        Event::FixPicked { commit: None, .. } | Event::FixConfirmed { .. } | Event::FixBack { .. } => {
            let current = state.current().filter(|(_, spec)| matches!(spec.kind, StepKind::Change { .. }));
            current.map(|(_, spec)| step::enter(state, spec, now)).unwrap_or_default()
        }
        Event::FixRemovalRequested { source } => vec![Effect::Unpick { source: source.clone(), at: now }],
        Event::DeployRequested { environment, commit, .. } => {
            let key = format!("{}-{environment}-{}", state.id.to_string().to_lowercase(), state.version);
            let (environment, commit) = (environment.clone(), commit.clone());
            key.parse().map(|key| Effect::CheckDeploy { environment, commit, key }).into_iter().collect()
        }
        Event::DeployStarted(intent) => vec![Effect::Deploy {
            key: intent.key.clone(),
            environment: intent.environment.clone(),
            commit: intent.commit.clone(),
            resumed: false,
        }],
        Event::VoteRequestClosed { why: CloseReason::Expired | CloseReason::Edits, environment } => {
            asked_anew(state, environment, now)
        }
        // Not earlier: after an early merge, the deployment still needs the branch.
        Event::StepDone { step, .. } if is_mainline(state, step) => delete_branch(state),
        Event::MainlineMerged { .. } | Event::MainlineConfirmed { .. } if state.abandoned.is_some() => {
            delete_branch(state)
        }
        Event::BreakGlassUsed(_) => vec![Effect::AnnounceBreakGlass { version }],
        Event::Retried { effects } => effects.clone(),
        Event::SnapshotTaken(_)
        | Event::Refused { .. }
        | Event::StepOffered { .. }
        | Event::StepDone { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideRequested { .. }
        | Event::StepOverridden { .. }
        | Event::StepReopened { .. }
        | Event::EvidenceChanged { .. }
        | Event::TriageAnswered { .. }
        | Event::Agreed { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::Counted(_)
        | Event::ImageFound { .. }
        | Event::ImagesPassedOver { .. }
        | Event::EditsRead { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::HeldBackFound { .. }
        | Event::BaseFound { .. }
        | Event::Announced { .. }
        | Event::BranchCreated { .. }
        | Event::BranchDeleted
        | Event::BranchGone { .. }
        | Event::BranchBack { .. }
        | Event::BranchMerged { .. }
        | Event::FixReverted { .. }
        | Event::FixRequested { .. }
        | Event::FixAttributed(_)
        | Event::Identified { .. }
        | Event::OthersPushed { .. }
        | Event::FixesOrdered { .. }
        | Event::FixRemoved { .. }
        | Event::FixKept { .. }
        | Event::FixPicked { commit: Some(_), .. }
        | Event::HeadMoved { .. }
        | Event::FixConflicted { .. }
        | Event::PullOpened { .. }
        | Event::PullSeen(_)
        | Event::MainSeen(_)
        | Event::VoteRequested { .. }
        | Event::VoteRequestClosed { why: CloseReason::Retargeted, .. }
        | Event::ApprovalChanged { .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::VoteRejected { .. }
        | Event::RejectionWithdrawn { .. }
        | Event::BreakGlassAnnounced { .. }
        | Event::BreakGlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployRefused { .. }
        | Event::RolloutBegan { .. }
        | Event::DeployAwaitsConfirmation { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { choice: DriftChoice::Abort | DriftChoice::Rebase | DriftChoice::Roll }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::IncludedChangesFound { .. }
        | Event::MainlineReverted { .. }
        | Event::MainlineRewritten { .. }
        | Event::MainlineConfirmed { .. }
        | Event::MainlineMerged { .. }
        | Event::MergebackWaived { .. }
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::LanesReleased
        | Event::LanesTaken
        | Event::AbandonRequested { .. }
        | Event::Abandoned { .. }
        | Event::Aborted { .. }
        | Event::Closed { .. } => Vec::new(),
    }
}

fn entered(state: &Hotfix, step: &StepId, now: Timestamp) -> Vec<Effect> {
    let spec = state.plan.step(step);
    spec.map(|spec| step::enter(state, spec, now)).unwrap_or_default()
}

/// Requests votes again after a vote request was closed while the approval step is current.
fn asked_anew(state: &Hotfix, environment: &Environment, now: Timestamp) -> Vec<Effect> {
    let current = state.current().filter(|(_, spec)| asks_for(&spec.kind, environment));
    current.map(|(_, spec)| step::enter(state, spec, now)).unwrap_or_default()
}

fn asks_for(kind: &StepKind, environment: &Environment) -> bool {
    matches!(kind, StepKind::Approve { environment: e } if e == environment)
}

fn is_mainline(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| matches!(spec.kind, StepKind::Mainline { .. }))
}

/// Deletes the branch once its content is on main, if the playbook says so.
fn delete_branch(state: &Hotfix) -> Vec<Effect> {
    if !matches!(state.mainline, Mainline::Merged(..)) {
        return Vec::new();
    }
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
            let spec = state.plan.step(step);
            let minutes = spec.map_or(0, |spec| spec.remind_minutes);
            let current = matches!(state.state_of(step), Some(StepState::Current { .. }));
            if minutes > 0 && current {
                reaction.remind.push((Reminder::Step(step.clone()), Duration::from_secs(u64::from(minutes) * 60)));
            }
        }
        Event::Abandoned { .. } => {
            reaction.forget.extend(state.plan.steps.iter().map(|spec| Reminder::Step(spec.id.clone())));
        }
        Event::StepDone { step, .. } | Event::StepSkipped { step, .. } | Event::StepOverridden { step, .. } => {
            reaction.forget.push(Reminder::Step(step.clone()));
        }
        Event::MergebackWaived { .. } => {
            let given_up = state.plan.steps.iter().filter(|spec| matches!(spec.kind, StepKind::Mainline { .. }));
            reaction.forget.extend(given_up.map(|spec| Reminder::Step(spec.id.clone())));
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

/// Returns the messages about an event: in the thread, in the audit channel and to individual people. All events of
/// interest to users are reported (MAIN-17).
fn talk(state: &Hotfix, entry: &Entry, version: u64) -> Vec<Effect> {
    let said = match &entry.event {
        Event::Refused { .. }
        | Event::Agreed { .. }
        | Event::FixesOnMain { .. }
        | Event::Reached { .. }
        | Event::ImageFound { .. }
        | Event::ImagesPassedOver { .. }
        | Event::ImageMoved { .. }
        | Event::LiveBranchMoved { .. }
        | Event::ReturnOpened { .. }
        | Event::DeployNoted { .. }
        | Event::StepSkipped { .. }
        | Event::OverrideRequested { .. }
        | Event::StepOverridden { .. }
        | Event::StepReopened { .. }
        | Event::EvidenceChanged { .. }
        | Event::BranchCreated { .. }
        | Event::Identified { .. }
        | Event::OthersPushed { .. }
        | Event::FixPicked { .. }
        | Event::FixConflicted { .. }
        | Event::FixesOrdered { .. }
        | Event::FixRemovalRequested { .. }
        | Event::FixRemoved { .. }
        | Event::FixKept { .. }
        | Event::HeadMoved { .. }
        | Event::PullOpened { .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::VoteRejected { .. }
        | Event::RejectionWithdrawn { .. }
        | Event::ApprovalChanged { .. }
        | Event::BreakGlassUsed(_)
        | Event::BreakGlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::RolloutBegan { .. }
        | Event::DeployAwaitsConfirmation { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. }
        | Event::Merged { .. }
        | Event::IncludedChangesFound { .. }
        | Event::MainlineMerged { .. }
        | Event::MainlineReverted { .. }
        | Event::MainlineRewritten { .. }
        | Event::MainlineConfirmed { .. }
        | Event::MergebackWaived { .. }
        | Event::BranchDeleted
        | Event::BranchGone { .. }
        | Event::BranchBack { .. }
        | Event::BranchMerged { .. }
        | Event::FixReverted { .. }
        | Event::FixBack { .. }
        | Event::FixConfirmed { .. }
        | Event::PostmortemFiled { .. }
        | Event::Joined { .. }
        | Event::Noted { .. }
        | Event::Reminded { .. }
        | Event::Stuck { .. }
        | Event::Retried { .. }
        | Event::LanesReleased
        | Event::LanesTaken
        | Event::AbandonRequested { .. }
        | Event::Abandoned { .. }
        | Event::Aborted { .. }
        | Event::Closed { .. } => true,
        Event::StepDone { step, .. } => told_when_done(state, step),
        // The announcement already asks the questions of an optional triage.
        Event::StepOffered { step } => !is_triage(state, step),
        // The merge will not be released as it is, so a user has to act.
        Event::MainSeen(_) => step::merge_failed(state),
        Event::StepEntered { step } => told_when_entered(state, step),
        Event::Opened(_)
        | Event::TriageAnswered { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::Counted(_)
        | Event::SnapshotTaken(_)
        | Event::HeldBackFound { .. }
        | Event::BaseFound { .. }
        | Event::Announced { .. }
        | Event::FixRequested { .. }
        | Event::FixAttributed(_)
        | Event::PullSeen(_)
        | Event::EditsRead { .. }
        | Event::VoteRequested { .. }
        | Event::VoteRequestClosed { .. }
        | Event::BreakGlassAnnounced { .. }
        | Event::DeployRequested { .. } => false,
    };
    let mut talk = if said { vec![Effect::PostEvent { version }] } else { Vec::new() };
    if audited(&entry.event) {
        talk.push(Effect::Audit { version });
    }
    talk.extend(told(state, entry).into_iter().map(|person| Effect::SendDirectMessage { version, person }));
    talk
}

/// Returns `true` for the events that are also reported in the break-glass audit channel: the deployment
/// and its review.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event is not for the audit channel unless it says so")]
fn audited(event: &Event) -> bool {
    match event {
        Event::DeployStarted(intent) => intent.glass.is_some(),
        Event::Countersigned { .. } => true,
        _other => false,
    }
}

/// Returns `true` for steps whose completion no other event reports.
fn told_when_done(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| {
        matches!(spec.kind, StepKind::Review { .. } | StepKind::Approve { .. } | StepKind::Triage { ask: true, .. })
    })
}

pub(crate) fn is_triage(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| matches!(spec.kind, StepKind::Triage { ask: false, .. }))
}

fn is_vote(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| matches!(spec.kind, StepKind::Approve { .. }))
}

/// Returns `true` for steps that wait for users and post no message of their own.
fn told_when_entered(state: &Hotfix, step: &StepId) -> bool {
    let spec = state.plan.step(step);
    spec.is_some_and(|spec| step::asks_at_once(state, &spec.kind))
}

/// Returns the people who get a direct message about an event, such as team members who cannot read the channel,
/// authors of included changes, and voters whose vote lacks its backing.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event is told to nobody in person unless it says so")]
fn told(state: &Hotfix, entry: &Entry) -> Vec<PersonId> {
    match &entry.event {
        Event::Voted(vote) if !is_backed(state, vote, None) => vec![vote.person.clone()],
        // Voters already learn of a reopened approval step from the messages about their votes.
        Event::StepReopened { step, .. } if !is_vote(state, step) => {
            let voters = state.votes.iter().map(|vote| vote.person.clone());
            voters.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
        }
        Event::FixReverted { by, .. } => by.people.iter().filter_map(|who| who.person.clone()).collect(),
        Event::Announced { missed, .. } => missed.iter().cloned().collect(),
        Event::DeployStarted(intent) if intent.rollback => {
            let own = state.contributors().into_iter().cloned();
            let concerned: BTreeSet<_> =
                own.chain(intent.removes.iter().cloned()).chain(riders_of(state, &intent.environment)).collect();
            concerned.into_iter().filter(|person| person != &state.requester).collect()
        }
        Event::IncludedChangesFound { riders, .. } => {
            let people = riders.iter().flat_map(|rider| &rider.people).filter_map(|who| who.person.clone());
            people.collect::<BTreeSet<_>>().into_iter().collect()
        }
        _other => Vec::new(),
    }
}

/// Returns the contributors of the changes included in a promotion or a release of main. A rollback removes those
/// changes too.
fn riders_of(state: &Hotfix, environment: &Environment) -> BTreeSet<PersonId> {
    let with_it = state.plan.ships_main() && state.plan.reaches_production(environment);
    let riders = state.included_changes.iter().flatten().filter(|_| with_it);
    riders.flat_map(|rider| &rider.people).filter_map(|who| who.person.clone()).collect()
}

#[cfg(test)]
mod tests;
