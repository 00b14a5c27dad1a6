//! The messages that events post in the thread of their run. [`line`] dispatches by event; the submodules hold the
//! texts by subject.

mod code;
mod deploy;
mod drift;
mod ending;
mod found;
mod glass;
mod mainline;
mod step;
#[cfg(test)]
mod tests;
mod word;

use hotfix_adapters::chat::{Card, Text, Tone};
use jiff::Timestamp;

use super::Audience;
use super::group_mentions::called;
use crate::domain::event::{Actor, Entry, Event};
use crate::domain::group::Moment;
use crate::domain::hotfix::Hotfix;

/// Renders an event as a thread message, given the run right after it. `None` for an event that is not posted, or is
/// posted elsewhere.
#[must_use]
pub fn line(state_after: &Hotfix, entry: &Entry, audience: &Audience<'_>) -> Option<Card> {
    let card = said(
        &EventMessage { state: state_after, by: &entry.by, at: entry.at, to: audience, asks: true },
        &entry.event,
    )?;
    Some(match moment(state_after, &entry.event) {
        Some(moment) => called(card, state_after, moment, audience),
        None => card,
    })
}

/// Returns the moment at which groups are mentioned that this event is, if any.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event calls nobody unless it says so")]
fn moment(state: &Hotfix, event: &Event) -> Option<Moment> {
    match event {
        Event::Stuck { .. } | Event::DeployEnded { failure: Some(_), .. } => Some(Moment::Failed),
        Event::DeployEnded { key, failure: None } => {
            let intent = &state.deploy(key)?.intent;
            (!intent.rollback && state.plan.reaches_production(&intent.environment)).then_some(Moment::Live)
        }
        _other => None,
    }
}

/// Renders an event that is posted late, after the run moved on: it leaves out the asks of the next step.
#[must_use]
pub fn late_message(state_after: &Hotfix, entry: &Entry, audience: &Audience<'_>) -> Option<Card> {
    said(&EventMessage { state: state_after, by: &entry.by, at: entry.at, to: audience, asks: false }, &entry.event)
}

fn said(told: &EventMessage<'_>, event: &Event) -> Option<Card> {
    match event {
        // The card, the announcement and the vote request show these events.
        Event::Opened(_)
        | Event::SnapshotTaken(_)
        | Event::TriageAnswered { .. }
        | Event::Targeted { .. }
        | Event::JobFound { .. }
        | Event::Counted(_)
        | Event::HeldBackFound { .. }
        | Event::BaseFound { .. }
        | Event::Announced { .. }
        | Event::FixRequested { .. }
        | Event::FixAttributed(_)
        | Event::PullSeen(_)
        | Event::VoteRequested { .. }
        | Event::EditsRead { .. }
        | Event::VoteRequestClosed { .. }
        | Event::BreakGlassAnnounced { .. }
        | Event::DeployRequested { .. } => None,
        Event::MainSeen(_) => told.merge_checked(),
        Event::StepEntered { step } => told.step_entered(step),
        Event::Agreed { step } => Some(told.agreed(step)),
        Event::FixesOnMain { sources } => Some(told.fixes_on_main(sources.len())),
        Event::Reached { environment, commit } => Some(told.reached(environment, commit)),
        Event::ImageFound { published, by, .. } => Some(told.image_found(published, by)),
        Event::ImagesPassedOver { commit, why } => told.images_passed_over(commit, why),
        Event::ImageMoved { to } => Some(told.image_moved(to.as_ref())),
        Event::LiveBranchMoved { from, to } => Some(told.live_branch_moved(from, to.as_ref())),
        Event::ReturnOpened { number, url } => Some(told.return_opened(*number, url.as_deref())),
        Event::DeployNoted { key, note } => Some(told.deploy_noted(key, note)),
        Event::StepOffered { step } => told.step_offered(step),
        Event::StepDone { step, evidence } => told.step_done(step, evidence),
        Event::StepSkipped { step, reason } => Some(told.step_skipped(step, reason)),
        Event::OverrideRequested { step, reason, incident } => Some(told.override_asked(step, reason, incident)),
        Event::StepOverridden { step, asked_by, reason, incident } => {
            Some(told.step_overridden(step, asked_by, reason, incident))
        }
        Event::EvidenceChanged { step, problem } => Some(told.evidence_changed(step, problem.as_deref())),
        Event::StepReopened { step, reason } => Some(told.step_reopened(step, reason)),
        Event::Reminded { step, times } => Some(told.reminded(step, *times)),
        Event::BranchCreated { which, at } => Some(told.branch_created(*which, at)),
        Event::Identified { unknown, person, words } => Some(told.identified(unknown, person.as_ref(), words)),
        Event::OthersPushed { people } => Some(told.strangers_pushed(people)),
        Event::FixPicked { source, commit, empty } => Some(told.fix_picked(source, commit.as_ref(), *empty)),
        Event::FixesOrdered { sources } => Some(told.fixes_ordered(sources)),
        Event::FixRemovalRequested { source } => Some(told.fix_removal_asked(source)),
        Event::FixRemoved { source, by_hand } => Some(told.fix_removed(source, *by_hand)),
        Event::FixKept { source, files } => Some(told.fix_kept(source, files)),
        Event::FixConflicted { source, files } => Some(told.fix_conflicted(source, files)),
        Event::HeadMoved { from, head, adapts } => Some(told.head_moved(from, head, adapts)),
        Event::PullOpened { number, url, .. } => Some(told.pull_opened(*number, url.as_deref())),
        Event::Joined { title } => Some(told.joined(title)),
        Event::ApprovalChanged { environment, approval } => Some(told.approval_changed(environment, approval)),
        Event::Voted(vote) => Some(told.voted(vote)),
        Event::VoteWithdrawn { environment, person, why } => Some(told.vote_withdrawn(environment, person, *why)),
        Event::VoteRejected { environment, reason, .. } => Some(told.vetoed(environment, reason)),
        Event::RejectionWithdrawn { environment, person } => Some(told.veto_withdrawn(environment, person)),
        Event::BreakGlassUsed(glass) => Some(told.glass_broken(glass)),
        Event::BreakGlassVoided { reason } => Some(told.glass_voided(reason)),
        Event::Countersigned { ok, note } => Some(told.countersigned(*ok, note.as_deref())),
        Event::CountersignReminded { times } => Some(told.countersign_reminded(*times)),
        Event::Acknowledged => Some(told.acknowledged()),
        Event::Held { reason } => Some(told.held(reason)),
        Event::Unheld { person } => Some(told.unheld(person)),
        Event::Attested { place, commit, pass, note } => Some(told.attested(place, commit, *pass, note.as_deref())),
        Event::Noted { text } => Some(told.noted(text)),
        Event::DeployRefused { environment, refusals } => Some(told.deploy_refused(environment, refusals)),
        Event::DeployStarted(intent) => Some(told.deploy_started(intent)),
        Event::RolloutBegan { key } => Some(told.rollout_began(key)),
        Event::DeployAwaitsConfirmation { key, .. } => Some(told.deploy_awaits_word(key)),
        Event::DeployEnded { key, failure } => Some(told.deploy_ended(key, failure.as_deref())),
        Event::Drifted { environment, expected, found, brings, total } => {
            Some(told.drifted(environment, (expected, found), (brings, *total)))
        }
        Event::DriftSettled { choice } => Some(told.drift_settled(*choice)),
        Event::RebaseConflicted { files } => Some(told.rebase_conflicted(files)),
        Event::Superseded { environment, by } => Some(told.superseded(environment, by)),
        Event::Merged { number, commit, early } => Some(told.merged(*number, commit, *early)),
        Event::IncludedChangesFound { riders, total } => Some(told.riders_found(riders, *total)),
        Event::MainlineMerged { how, main } => Some(told.proven(how, main)),
        Event::MainlineReverted { by, partly } => Some(told.mainline_lost(by, *partly)),
        Event::MainlineRewritten { by, .. } => Some(told.mainline_rewritten(by)),
        Event::MainlineConfirmed { note } => Some(told.mainline_confirmed(note.as_deref())),
        Event::MergebackWaived { reason } => Some(told.mergeback_waived(reason)),
        Event::BranchDeleted => Some(told.branch_deleted()),
        Event::BranchGone { at } => Some(told.branch_gone(at)),
        Event::BranchBack { at } => Some(told.branch_back(at)),
        Event::BranchMerged { by } => Some(told.branch_merged(by)),
        Event::FixReverted { source, by, why } => Some(told.fix_reverted(source, by, why)),
        Event::FixBack { source } => Some(told.fix_back(source)),
        Event::FixConfirmed { source } => Some(told.fix_confirmed(source)),
        Event::PostmortemFiled { url } => Some(told.postmortem_filed(url.as_deref())),
        Event::Refused { refusals } => Some(told.refused(refusals)),
        Event::Stuck { effect, reason } => Some(told.stuck(&effect.describe(), reason)),
        Event::Retried { .. } => Some(told.retried()),
        Event::LanesReleased => Some(told.lanes_released()),
        Event::LanesTaken => Some(told.lanes_taken()),
        Event::AbandonRequested { reason } => Some(told.abandon_asked(reason)),
        Event::Abandoned { reason, asked_by, believed } => Some(told.abandoned(reason, asked_by.as_ref(), believed)),
        Event::Aborted { reason } => Some(told.aborted(reason)),
        Event::Closed { ending } => Some(told.closed(ending)),
    }
}

/// The context in which an event is rendered: the run right after it, its author, its time and the readers.
struct EventMessage<'a> {
    state: &'a Hotfix,
    by: &'a Actor,
    at: Timestamp,
    to: &'a Audience<'a>,
    /// `true` if the message includes the asks of the next step; `false` for a late message.
    asks: bool,
}

impl EventMessage<'_> {
    /// Returns the display name of the author.
    fn who(&self) -> String {
        match self.by {
            Actor::Person(person) => self.to.name(person),
            Actor::Bot => "The bot".to_owned(),
        }
    }
}

/// Builds a message of several lines.
fn lines(tone: Tone, title: Option<Text>, lines: Vec<Text>) -> Card {
    Card { tone, title, lines, ..Card::default() }
}

/// Builds a message of one line.
fn one(tone: Tone, text: Text) -> Card {
    Card::line(tone, text)
}
