//! The fold over the events of a run: applies one event to the state. It rejects impossible events, so every replay
//! also validates the journal.

mod abandon;
mod break_glass;
mod deploy;
mod invalidate;
mod statements;
mod stuck;

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;
use thiserror::Error;

use super::attribution::Identified;
use super::effect::Effect;
use super::event::{Actor, Ending, Entry, Event, HeadSeen, MainSeen, Opened};
use super::hotfix::{
    BranchState, Fix, FixState, Hotfix, Mainline, Phase, PinnedImage, Pull, Requested, Reverted, StepState,
};
use super::id::{HotfixId, PersonId, StepId};
use super::playbook::{BranchRole, StepKind, StepSpec};
use super::step::{on_record, where_out};

/// The error for an event that cannot follow the state of the run: the journal or the decider is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event {version} of {id} cannot have happened: {why}")]
pub struct InvalidEvent {
    /// The run whose stream holds the event.
    pub id: HotfixId,
    /// Version of the rejected event: its position in the stream, starting at 1.
    pub version: u64,
    /// The violated rule, as a phrase that completes "cannot have happened: …".
    pub why: String,
}

/// Applies one event and returns the next state. `state` is `None` only for the first event.
///
/// # Errors
/// Returns [`InvalidEvent`] if the event cannot follow.
pub fn evolve(id: HotfixId, state: Option<Hotfix>, entry: &Entry) -> Result<Hotfix, InvalidEvent> {
    let version = state.as_ref().map_or(0, |state| state.version) + 1;
    let impossible = |why: &str| InvalidEvent { id, version, why: why.to_owned() };
    let Some(mut state) = state else {
        let (Event::Opened(opened), Actor::Person(requester)) = (&entry.event, &entry.by) else {
            return Err(impossible("a run begins with its opening, by a person"));
        };
        return Ok(open(id, opened, requester.clone(), entry.at));
    };
    if state.is_over() && !matches!(entry.event, Event::Noted { .. }) {
        return Err(impossible("the run is over"));
    }
    state.version = version;
    apply(&mut state, entry).map_err(|why| impossible(&why))?;
    stuck::out_of_turn(&mut state);
    forget_told(&mut state);
    Ok(state)
}

/// Replays all events of a run. Returns `None` if there are none.
///
/// # Errors
/// Returns [`InvalidEvent`] at the first event that cannot follow.
pub fn replay<'a>(id: HotfixId, entries: impl IntoIterator<Item = &'a Entry>) -> Result<Option<Hotfix>, InvalidEvent> {
    entries.into_iter().try_fold(None, |state, entry| evolve(id, state, entry).map(Some))
}

fn open(id: HotfixId, opened: &Opened, requester: PersonId, at: Timestamp) -> Hotfix {
    Hotfix {
        id,
        version: 1,
        title: opened.title.clone(),
        requester,
        opened_at: at,
        incident: opened.incident.clone(),
        ticket: opened.ticket.clone(),
        asked: Requested {
            fixes: opened.fixes.clone(),
            from: opened.from.clone(),
            target: opened.target.clone(),
            schema: opened.schema.clone(),
        },
        steps: vec![StepState::Ahead; opened.plan.steps.len()],
        plan_digest: opened.plan.digest(),
        plan: opened.plan.clone(),
        phase: Phase::ReadingWorld,
        snapshot: None,
        main_seen: None,
        main_before: None,
        outdated: BTreeMap::new(),
        base: None,
        card: None,
        branch: BranchState::Absent,
        branch_gone: false,
        branch_merged: false,
        reverted: Default::default(),
        into: BranchState::Absent,
        target: None,
        triage: BTreeMap::new(),
        agreed: BTreeMap::new(),
        build_job: None,
        on_main: BTreeSet::new(),
        reached: BTreeMap::new(),
        counts: None,
        order_broken: false,
        image: None,
        passed_over: Vec::new(),
        edits: BTreeMap::new(),
        return_pull: None,
        live_moved: None,
        notes: BTreeMap::new(),
        head: None,
        fixes: Vec::new(),
        attributions: BTreeMap::new(),
        identified: BTreeMap::new(),
        joined: BTreeSet::new(),
        pull: None,
        vote_requests: BTreeMap::new(),
        past_vote_requests: Vec::new(),
        approvals: BTreeMap::new(),
        votes: Vec::new(),
        rejections: BTreeMap::new(),
        break_glass: Vec::new(),
        countersign_reminders: 0,
        holds: BTreeMap::new(),
        attestations: BTreeMap::new(),
        requested_deploy: None,
        rolled_back: None,
        deploys: Vec::new(),
        override_requested: BTreeMap::new(),
        rolled_in: false,
        superseded: BTreeMap::new(),
        rebase_from: None,
        drifts: BTreeMap::new(),
        rebased_onto: BTreeMap::new(),
        rebase_conflict: None,
        mainline: Mainline::NotMerged,
        rewritten: None,
        reminders: BTreeMap::new(),
        live_at: None,
        stuck: Vec::new(),
        abandon_requested: None,
        abandoned: None,
        lane_released: false,
        postmortem: None,
        included_changes: None,
        included_changes_total: 0,
        acknowledged: BTreeSet::new(),
    }
}

fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    let at = entry.at;
    match &entry.event {
        Event::Opened(_) => return Err("it was opened before".to_owned()),
        Event::SnapshotTaken(survey) => {
            state.snapshot = Some((**survey).clone());
            state.main_seen = survey.main.clone().map(|commit| MainSeen {
                commit,
                checks: survey.main_checks.clone(),
                blockers: survey.blockers.clone(),
            });
            // Fixes that others asked for while the snapshot was taken follow the fixes of the requester.
            let joined = std::mem::take(&mut state.fixes);
            let waiting = |source: &CommitId| Fix { source: source.clone(), state: FixState::Waiting };
            state.fixes = survey.fixes.iter().map(waiting).collect();
            state.fixes.extend(joined.into_iter().filter(|fix| !survey.fixes.contains(&fix.source)));
            state.phase = Phase::Underway;
        }
        Event::Refused { refusals } => {
            state.phase = Phase::Ended { ending: Ending::Refused, at, refusals: refusals.clone() };
        }
        Event::StepEntered { step } => set_step(state, step, StepState::Current { since: at })?,
        Event::StepOffered { step } => set_step(state, step, StepState::Offered { since: at })?,
        Event::StepDone { step, evidence } => {
            set_step(state, step, StepState::Done { at, evidence: evidence.clone() })?;
            state.reminders.remove(step);
            stuck::step_over(state);
        }
        Event::StepSkipped { step, reason } => {
            stuck::left_out(state, step);
            set_step(state, step, StepState::Skipped { by: person(entry), reason: reason.clone() })?;
        }
        Event::OverrideRequested { step, reason, incident } => {
            let by = require_person(entry)?;
            state.override_requested.insert(step.clone(), (by, reason.clone(), incident.clone()));
        }
        Event::StepOverridden { step, asked_by, reason, .. } => {
            if person(entry).as_ref() == Some(asked_by) {
                return Err("an override takes two people".to_owned());
            }
            stuck::left_out(state, step);
            set_step(state, step, StepState::Skipped { by: person(entry), reason: format!("overridden: {reason}") })?;
            state.override_requested.remove(step);
        }
        Event::StepReopened { step, .. } => {
            set_step(state, step, StepState::Ahead)?;
            invalidate::start_over_behind(state, step);
        }
        Event::EvidenceChanged { step, problem: Some(problem) } => {
            state.outdated.insert(step.clone(), problem.clone());
        }
        Event::EvidenceChanged { step, problem: None } => {
            state.outdated.remove(step);
        }
        Event::HeldBackFound { base, without, changes, total } => {
            let survey = state.snapshot.as_mut().ok_or("nothing was surveyed")?;
            (survey.held_back_since, survey.held_back_without) = (Some(base.clone()), without.clone());
            (survey.held_back, survey.held_back_total) = (changes.clone(), *total);
        }
        Event::BaseFound { commit, .. } => state.base = Some(commit.clone()),
        Event::Announced { message, .. } => state.card = Some(message.clone()),
        Event::TriageAnswered { answers } => {
            state.triage.extend(answers.iter().copied());
            answer_on_record(state);
        }
        Event::Targeted { commit } => state.target = Some(commit.clone()),
        Event::JobFound { file } => state.build_job = Some(file.clone()),
        Event::FixesOnMain { sources } => state.on_main.extend(sources.iter().cloned()),
        Event::Reached { environment, commit } => {
            state.reached.insert(environment.clone(), commit.clone());
        }
        Event::Counted(counts) => {
            state.order_broken |= !counts.in_order();
            state.counts = Some(counts.clone());
        }
        Event::ImageFound { commit, published, .. } => {
            state.image = Some(PinnedImage { commit: commit.clone(), published: published.clone() });
            state.passed_over.clear();
        }
        Event::ImagesPassedOver { why, .. } => state.passed_over.clone_from(why),
        Event::EditsRead { environment, edits } => {
            state.votes.retain(|vote| &vote.environment != environment || vote.edits.as_ref() == Some(&edits.digest));
            state.edits.insert(environment.clone(), edits.clone());
        }
        Event::ImageMoved { .. } => {
            state.image = None;
            invalidate::void(state);
            invalidate::image_moved(state);
        }
        Event::LiveBranchMoved { from, to } => {
            let back = to.as_ref() == Some(from);
            state.live_moved = if back { None } else { Some(to.clone()) };
        }
        Event::ReturnOpened { number, .. } => state.return_pull = Some(*number),
        Event::BranchCreated { which: BranchRole::Integration, .. } => state.into = BranchState::Present,
        Event::BranchCreated { which: BranchRole::Fix, at } => {
            state.branch = BranchState::Present;
            let base = state.base.clone().unwrap_or_else(|| at.clone());
            let on_base = &base == at;
            state.head = Some(HeadSeen {
                tip: at.clone(),
                commits: Vec::new(),
                total: 0,
                size: Default::default(),
                base,
                on_base,
                origins: Default::default(),
                people: Default::default(),
                pushers: Default::default(),
            });
        }
        Event::BranchDeleted => {
            state.branch = BranchState::Deleted;
            stuck::forget(state, |effect| matches!(effect, Effect::DeleteBranch { .. }));
            state.branch_gone = false;
        }
        Event::BranchGone { .. } => state.branch_gone = true,
        Event::BranchBack { .. } => {
            state.branch_gone = false;
            stuck::forget(state, |effect| matches!(effect, Effect::RestoreBranch { .. }));
        }
        Event::BranchMerged { .. } => state.branch_merged = true,
        Event::FixReverted { source, by, why } => {
            let reverted = Reverted { by: by.clone(), why: why.clone(), confirmed: None };
            state.reverted.insert(source.clone(), reverted);
            state.on_main.remove(source);
            invalidate::reopen_from(state, |kind| matches!(kind, StepKind::OnMain | StepKind::Change { .. }));
        }
        Event::FixBack { source } => {
            state.reverted.remove(source);
        }
        Event::FixConfirmed { source } => {
            let person = require_person(entry)?;
            state.reverted.get_mut(source).ok_or("main did not revert it")?.confirmed = Some(person);
        }
        Event::FixRequested { source } => {
            state.fixes.push(Fix { source: source.clone(), state: FixState::Waiting });
            // An environment that was observed to run the other fixes need not run this one.
            state.reached.clear();
            invalidate::reopen_from(state, |kind| matches!(kind, StepKind::OnMain | StepKind::Change { .. }));
        }
        Event::FixAttributed(attribution) => {
            state.attributions.insert(attribution.source.clone(), attribution.clone());
        }
        Event::Identified { unknown, person, words } => {
            let identified = Identified { by: require_person(entry)?, person: person.clone(), words: words.clone() };
            state.identified.insert(unknown.clone(), identified);
        }
        Event::OthersPushed { people } => {
            state.head.as_mut().ok_or("there is no branch")?.people.extend(people.iter().cloned());
        }
        Event::FixesOrdered { .. } => {}
        Event::FixRemovalRequested { source } => {
            let fix = state.fixes.iter_mut().find(|fix| &fix.source == source);
            fix.ok_or_else(|| format!("nobody asked for {source}"))?.state = FixState::Leaving;
            invalidate::reopen_from(state, |kind| matches!(kind, StepKind::OnMain | StepKind::Change { .. }));
        }
        Event::FixRemoved { source, .. } => {
            state.fixes.retain(|fix| &fix.source != source);
            state.on_main.remove(source);
            state.reverted.remove(source);
            stuck::forget(state, |effect| is_about(effect, source));
            invalidate::reopen_from(state, |kind| matches!(kind, StepKind::OnMain | StepKind::Change { .. }));
        }
        Event::FixKept { source, .. } => {
            let fix = state.fixes.iter_mut().find(|fix| &fix.source == source && fix.state == FixState::Leaving);
            fix.ok_or_else(|| format!("{source} is not being taken off"))?.state = FixState::Picked;
            stuck::forget(state, |effect| is_about(effect, source));
        }
        Event::FixPicked { source, .. } => set_fix(state, source, FixState::Picked)?,
        Event::FixConflicted { source, files } => set_fix(state, source, FixState::Conflicted(files.clone()))?,
        Event::HeadMoved { head, adapts, .. } => invalidate::move_head(state, head, adapts),
        Event::PullOpened { number, author, url } => {
            state.pull = Some(Pull {
                number: *number,
                author: author.clone(),
                url: url.clone(),
                seen: Default::default(),
                merged: None,
            });
        }
        Event::PullSeen(seen) => state.pull.as_mut().ok_or("there is no pull request")?.seen = seen.clone(),
        Event::MainSeen(seen) => main_seen(state, seen),
        Event::Merged { commit, .. } => {
            state.pull.as_mut().ok_or("there is no pull request")?.merged = Some(commit.clone());
        }
        Event::Agreed { .. }
        | Event::VoteRequested { .. }
        | Event::VoteRequestClosed { .. }
        | Event::ApprovalChanged { .. }
        | Event::Voted(_)
        | Event::VoteWithdrawn { .. }
        | Event::VoteRejected { .. }
        | Event::RejectionWithdrawn { .. }
        | Event::Acknowledged
        | Event::Held { .. }
        | Event::Unheld { .. }
        | Event::Attested { .. } => statements::apply(state, entry)?,
        Event::DeployRequested { .. }
        | Event::DeployRefused { .. }
        | Event::DeployStarted(_)
        | Event::RolloutBegan { .. }
        | Event::DeployAwaitsConfirmation { .. }
        | Event::DeployNoted { .. }
        | Event::DeployEnded { .. }
        | Event::Drifted { .. }
        | Event::DriftSettled { .. }
        | Event::RebaseConflicted { .. }
        | Event::Superseded { .. } => deploy::apply(state, entry)?,
        Event::BreakGlassUsed(_)
        | Event::BreakGlassAnnounced { .. }
        | Event::BreakGlassVoided { .. }
        | Event::Countersigned { .. }
        | Event::CountersignReminded { .. } => break_glass::apply(state, entry)?,
        Event::IncludedChangesFound { riders, total } => {
            state.included_changes = Some(riders.clone());
            state.included_changes_total = *total;
        }
        Event::MainlineMerged { how, main } => state.mainline = Mainline::Merged(how.clone(), main.clone()),
        Event::MainlineRewritten { by, main } => state.rewritten = Some((by.commit.clone(), main.clone())),
        Event::MainlineConfirmed { .. } => {
            let (by, main) = state.rewritten.clone().ok_or("nothing was rewritten")?;
            state.mainline = Mainline::Merged(Containment::Rewritten { by }, main);
        }
        Event::MainlineReverted { by, .. } => {
            state.mainline = Mainline::Reverted(by.commit.clone());
            // The mainline step is open again, so the run cannot close. The steps behind it keep their state.
            let is_mainline = |spec: &StepSpec| matches!(spec.kind, StepKind::Mainline { .. });
            for (_, step) in state.plan.steps.iter().zip(&mut state.steps).filter(|(spec, _)| is_mainline(spec)) {
                if matches!(step, StepState::Done { .. }) {
                    *step = StepState::Ahead;
                }
            }
        }
        Event::MergebackWaived { reason } => {
            state.mainline = Mainline::Waived { by: require_person(entry)?, reason: reason.clone() };
            if state.is_current(|kind| matches!(kind, StepKind::Mainline { .. })) {
                stuck::step_over(state);
            }
            invalidate::skip_mainline(state);
        }
        Event::PostmortemFiled { url } => state.postmortem = Some(url.clone()),
        Event::Joined { title } => {
            state.joined.insert((require_person(entry)?, title.clone()));
        }
        Event::Noted { .. } => {}
        Event::Reminded { step, times } => {
            state.reminders.insert(step.clone(), *times);
        }
        Event::Stuck { effect, reason } => stuck::refused(state, effect, reason),
        Event::Retried { .. } => {
            state.stuck.clear();
            state.rolled_back = None;
        }
        Event::LanesReleased => state.lane_released = true,
        Event::LanesTaken => state.lane_released = false,
        Event::AbandonRequested { reason } => state.abandon_requested = Some((require_person(entry)?, reason.clone())),
        Event::Abandoned { reason, asked_by, believed } => {
            let by = require_person(entry)?;
            if asked_by.as_ref() == Some(&by) {
                return Err("it takes a second person".to_owned());
            }
            abandon::apply(state, (by, asked_by.clone()), reason, believed);
        }
        Event::Aborted { .. } => state.phase = Phase::Ended { ending: Ending::Aborted, at, refusals: Vec::new() },
        Event::Closed { ending } => state.phase = Phase::Ended { ending: ending.clone(), at, refusals: Vec::new() },
    }
    Ok(())
}

/// Replaces the observed state of main. Keeps the previous one, unless it had no checks or is of the same commit.
fn main_seen(state: &mut Hotfix, seen: &MainSeen) {
    let before = state.main_seen.replace(seen.clone());
    if let Some(before) = before.filter(|before| before.commit != seen.commit && !before.checks.is_empty()) {
        state.main_before = Some(before);
    }
}

/// Drops reports of outdated evidence for steps that are open again or whose deployments are no longer in production.
/// Otherwise the bot would report that their evidence holds again, which would be wrong.
fn forget_told(state: &mut Hotfix) {
    let stays = |step: &StepId| {
        let spec = state.plan.step(step);
        let done = matches!(state.state_of(step), Some(StepState::Done { .. }));
        done && spec.is_some_and(|spec| where_out(state, &spec.kind).is_some())
    };
    let gone: Vec<StepId> = state.outdated.keys().filter(|step| !stays(step)).cloned().collect();
    for step in gone {
        state.outdated.remove(&step);
    }
}

/// Adds triage answers to the evidence of a triage step that the run has already passed.
fn answer_on_record(state: &mut Hotfix) {
    let answered = state.plan.steps.iter().map(|spec| {
        if let StepKind::Triage { criteria, ask: false } = &spec.kind { Some(on_record(state, criteria)) } else { None }
    });
    let answered: Vec<Option<String>> = answered.collect();
    for (step, now) in state.steps.iter_mut().zip(answered) {
        if let (StepState::Done { evidence, .. }, Some(now)) = (step, now) {
            *evidence = now;
        }
    }
}

fn set_step(state: &mut Hotfix, step: &StepId, to: StepState) -> Result<(), String> {
    let at = state.plan.position(step).ok_or_else(|| format!("the plan has no step {step}"))?;
    let slot = state.steps.get_mut(at).ok_or_else(|| format!("step {step} has no state"))?;
    *slot = to;
    Ok(())
}

/// Returns `true` if the effect puts this fix onto the branch or takes it off.
fn is_about(effect: &Effect, fix: &CommitId) -> bool {
    matches!(effect, Effect::Pick { source, .. } | Effect::Unpick { source, .. } if source == fix)
}

fn set_fix(state: &mut Hotfix, source: &CommitId, to: FixState) -> Result<(), String> {
    let fix = state.fixes.iter_mut().find(|fix| &fix.source == source && fix.state == FixState::Waiting);
    fix.ok_or_else(|| format!("nobody asked for {source}"))?.state = to;
    Ok(())
}

fn person(entry: &Entry) -> Option<PersonId> {
    match &entry.by {
        Actor::Person(person) => Some(person.clone()),
        Actor::Bot => None,
    }
}

fn require_person(entry: &Entry) -> Result<PersonId, String> {
    person(entry).ok_or_else(|| "it takes a person".to_owned())
}

#[cfg(test)]
mod tests;
