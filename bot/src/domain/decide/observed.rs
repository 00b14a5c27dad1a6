//! Observations, effect results and reminders: turns each one into events. Facts that the run already knows change
//! nothing.

use std::collections::BTreeSet;

use hotfix_adapters::deploy::DeployStatus;
use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::{CommitId, DeployKey, Digest, Environment};
use hotfix_adapters::registry::Published;

use super::user::ordered;
use super::{Decider, deploy, unpick, votes};
use crate::domain::attribution::Attribution;
use crate::domain::command::{EffectResult, Observation, PickResult, Rebased};
use crate::domain::effect::Effect;
use crate::domain::event::{Contribution, Event, ExtraCommit, HeadSeen, MainSeen, PullSeen};
use crate::domain::hotfix::{BranchState, DeployState, Fix, FixState, Hotfix, Mainline, StepState};
use crate::domain::id::StepId;
use crate::domain::observation::StampedObservation;
use crate::domain::playbook::BranchRole;
use crate::domain::refusal::Refusal;
use crate::domain::step;

type Decided = Result<(), Vec<Refusal>>;

pub(super) fn saw(draft: &mut Decider, observation: &StampedObservation) -> Decided {
    match &observation.observation {
        Observation::Head(Some(head)) => head_seen(draft, head, true),
        Observation::Head(None) => branch_gone(draft),
        Observation::Pull { seen, merged } => {
            pull_seen(draft, (seen, merged.as_ref()), &|vote| observation.judges(vote))
        }
        Observation::Main(seen) => main_seen(draft, seen),
        Observation::Production { environment, running, has_fix, brings, total } => {
            production_seen(draft, environment, running, *has_fix, (brings, *total))
        }
        Observation::Job { file } if draft.state.build_job.is_none() => {
            draft.bot(Event::JobFound { file: file.clone() })
        }
        Observation::Job { .. } => Ok(()),
        Observation::OnMain(sources) => {
            let new: BTreeSet<CommitId> = sources.difference(&draft.state.on_main).cloned().collect();
            if new.is_empty() { Ok(()) } else { draft.bot(Event::FixesOnMain { sources: new }) }
        }
        Observation::Reached { environment, commit } if draft.state.reached.get(environment) != Some(commit) => {
            draft.bot(Event::Reached { environment: environment.clone(), commit: commit.clone() })
        }
        Observation::Reached { .. } => Ok(()),
        Observation::HeldBack { base, without, changes, total } if step::withheld_is_due(&draft.state) => {
            let (base, without, changes) = (base.clone(), without.clone(), changes.clone());
            draft.bot(Event::HeldBackFound { base, without, changes, total: *total })
        }
        Observation::HeldBack { .. } => Ok(()),
        Observation::Counts(counts) if draft.state.counts.as_ref() != Some(counts) => {
            draft.bot(Event::Counted(counts.clone()))
        }
        Observation::Counts(_) => Ok(()),
        Observation::Image { commit, published, by } if draft.state.deployable() == Some(commit) => {
            image_seen(draft, commit, published, by)
        }
        Observation::Image { .. } => Ok(()),
        Observation::ImagesPassedOver { commit, why }
            if draft.state.deployable() == Some(commit) && &draft.state.passed_over != why =>
        {
            draft.bot(Event::ImagesPassedOver { commit: commit.clone(), why: why.clone() })
        }
        Observation::ImagesPassedOver { .. } => Ok(()),
        Observation::Edits { environment, edits } => votes::edits_read(draft, environment, edits),
        Observation::Tag(digest) => tag_seen(draft, digest.as_ref()),
        Observation::LiveBranch(to) => live_branch_seen(draft, to.as_ref()),
        Observation::Rules { policy_version, roles: standing, approvals } => {
            votes::rules_seen(draft, (policy_version, standing), approvals, observation)
        }
        Observation::FixReverted { source, by, why } => fix_reverted(draft, source, by, why),
        Observation::FixBack(source) if draft.state.reverted.contains_key(source) => {
            draft.bot(Event::FixBack { source: source.clone() })
        }
        Observation::FixBack(_) => Ok(()),
        Observation::BranchMerged(by) if !draft.state.branch_merged => {
            draft.bot(Event::BranchMerged { by: by.clone() })
        }
        Observation::BranchMerged(_) => Ok(()),
        Observation::Mainline { how, main, by } => mainline_seen(draft, how, main, by.as_ref()),
    }
}

/// Handles a new state of the pull request, from a poll or from the facts read right before an action.
pub(super) fn pull_seen(
    draft: &mut Decider,
    (seen, merged): (&PullSeen, Option<&CommitId>),
    judges: votes::Judges<'_>,
) -> Decided {
    let Some(pull) = draft.state.pull.clone() else {
        return Ok(());
    };
    if &pull.seen != seen {
        draft.bot(Event::PullSeen(seen.clone()))?;
        votes::void_unbacked(draft, &pull.seen.reviews, judges)?;
    }
    match (&pull.seen.astray, &seen.astray) {
        (before, Some(_)) if before != &seen.astray => votes::retargeted(draft)?,
        (Some(_), None) => votes::begin_again(draft)?,
        (Some(_) | None, Some(_)) | (None, None) => {}
    }
    match merged {
        Some(commit) if pull.merged.is_none() => {
            let early = is_early(&draft.state);
            draft.bot(Event::Merged { number: pull.number, commit: commit.clone(), early })
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn main_seen(draft: &mut Decider, seen: &MainSeen) -> Decided {
    if draft.state.main_seen.as_ref() == Some(seen) { Ok(()) } else { draft.bot(Event::MainSeen(seen.clone())) }
}

pub(super) fn head_seen(draft: &mut Decider, head: &HeadSeen, by_a_person: bool) -> Decided {
    let merged = draft.state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    if draft.state.branch != BranchState::Present || merged {
        return Ok(());
    }
    let Some(old) = draft.state.head.clone() else {
        return Ok(());
    };
    if draft.state.branch_gone && old.tip == head.tip {
        draft.bot(Event::BranchBack { at: head.tip.clone() })?;
    }
    // The run may have been rebased while the head was read or pushed.
    let on_base = head.on_base && Some(&head.base) == draft.state.base.as_ref();
    let head = &HeadSeen { on_base, ..head.clone() };
    if old.tip == head.tip && old.on_base == head.on_base && old.origins == head.origins {
        return Ok(());
    }
    let picks = draft.state.plan.picks();
    let own = |one: &&ExtraCommit| !one.withheld && !old.origins.extra.contains(one);
    let own = head.origins.extra.iter().any(|one| own(&one));
    // In a plan that accounts for every commit, only a commit that can be the resolution settles a conflict.
    let settles = |fix: &&Fix| !picks || own || head.origins.asked.contains(&fix.source);
    let conflicted = draft.state.fixes.iter().filter(|fix| matches!(fix.state, FixState::Conflicted(_)));
    let conflicted = conflicted.filter(settles);
    let adapts = if by_a_person && old.tip != head.tip {
        conflicted.map(|fix| fix.source.clone()).collect()
    } else {
        Vec::new()
    };
    draft.bot(Event::HeadMoved { from: old.tip, head: head.clone(), adapts })
}

/// Reports a deleted branch at once, and not only when the branch is needed next: the run cannot go on without it.
fn branch_gone(draft: &mut Decider) -> Decided {
    let merged = draft.state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    let needed = draft.state.branch == BranchState::Present && !draft.state.branch_gone && !merged;
    match draft.state.head.as_ref().filter(|_| needed).map(|head| head.tip.clone()) {
        Some(at) => draft.bot(Event::BranchGone { at }),
        None => Ok(()),
    }
}

/// Returns `true` if a merge into main is too early: the plan deploys the branch first, and production does not run it
/// yet (APPLY-X3, security case 100).
fn is_early(state: &Hotfix) -> bool {
    !state.plan.merges_first() && state.plan.into == state.plan.main && state.live_at.is_none() && !state.rolled_in
}

/// Records that main reverted a fix, unless a deployment has begun. The fix then ships only if a user confirms it
/// (security case 101).
fn fix_reverted(draft: &mut Decider, source: &CommitId, by: &Contribution, why: &str) -> Decided {
    let state = &draft.state;
    let known = state.reverted.get(source).is_some_and(|reverted| reverted.by.commit == by.commit);
    let begun = state.live_at.is_some() || state.rolled_in || state.deploys.iter().any(|deploy| deploy.state.is_open());
    if known || begun || !state.fixes.iter().any(|fix| &fix.source == source) {
        return Ok(());
    }
    draft.bot(Event::FixReverted { source: source.clone(), by: by.clone(), why: why.to_owned() })
}

/// Compares the commit that production runs with the one that this run expects (APPLY-16).
fn production_seen(
    draft: &mut Decider,
    environment: &Environment,
    running: &CommitId,
    has_fix: bool,
    (brings, total): (&[Contribution], usize),
) -> Decided {
    let Some(expected) = draft.state.expected_in(environment).cloned() else {
        return Ok(());
    };
    let known = draft.state.drifts.get(environment).is_some_and(|drift| &drift.found == running);
    // Such a plan goes live with a release of main; until then, regular deployments by others are expected.
    let before_release = draft.state.plan.ships_main() && draft.state.live_at.is_none();
    if running == &expected || known || before_release {
        return Ok(());
    }
    let environment = environment.clone();
    if (draft.state.live_at.is_some() || draft.state.rolled_in) && has_fix {
        return draft.bot(Event::Superseded { environment, by: running.clone() });
    }
    draft.bot(Event::Drifted { environment, expected, found: running.clone(), brings: brings.to_vec(), total })
}

fn image_seen(draft: &mut Decider, commit: &CommitId, published: &Published, by: &str) -> Decided {
    if draft.state.digest() == Some(&published.image.digest) {
        return Ok(());
    }
    let (commit, published, by) = (commit.clone(), published.clone(), by.to_owned());
    draft.bot(Event::ImageFound { commit, published, by })
}

/// Records that the image tag points to another digest than the one that was tested and approved: the tag of a branch
/// can be rebuilt (HOCS-15).
pub(super) fn tag_seen(draft: &mut Decider, digest: Option<&Digest>) -> Decided {
    let pinned = draft.state.digest();
    if pinned.is_none() || pinned == digest {
        return Ok(());
    }
    draft.bot(Event::ImageMoved { to: digest.cloned() })
}

/// Records a push to a hotfix branch that production runs. The push rebuilds its image tag, and a restart would then
/// ship an unapproved image (HOCS-15).
fn live_branch_seen(draft: &mut Decider, to: Option<&CommitId>) -> Decided {
    let Some(from) = draft.state.deployable().cloned() else { return Ok(()) };
    let known = match &draft.state.live_moved {
        Some(moved) => moved.as_ref() == to,
        None => Some(&from) == to,
    };
    if draft.state.live_at.is_none() || known {
        return Ok(());
    }
    draft.bot(Event::LiveBranchMoved { from, to: to.cloned() })
}

/// Tracks whether main has the fix. It can lose it again by a revert, or by a merge that drops it. If its lines were
/// rewritten, the last known answer stays and the requester is asked once (APPLY-12, security case 101).
fn mainline_seen(draft: &mut Decider, how: &Containment, main: &CommitId, by: Option<&Contribution>) -> Decided {
    let named = |commit: &CommitId| {
        let unnamed = || Contribution { commit: commit.clone(), subject: String::new(), people: Vec::new() };
        by.filter(|by| &by.commit == commit).cloned().unwrap_or_else(unnamed)
    };
    match (&draft.state.mainline, how) {
        (Mainline::Waived { .. }, _) => Ok(()),
        (Mainline::Reverted(known), Containment::Reverted { by, .. }) if known == by => Ok(()),
        (Mainline::NotMerged | Mainline::Reverted(_) | Mainline::Merged(..), Containment::Reverted { by, partly }) => {
            draft.bot(Event::MainlineReverted { by: named(by), partly: *partly })
        }
        (Mainline::NotMerged | Mainline::Reverted(_) | Mainline::Merged(..), Containment::Rewritten { by }) => {
            if draft.state.rewritten.is_some() {
                return Ok(());
            }
            draft.bot(Event::MainlineRewritten { by: named(by), main: main.clone() })
        }
        (
            Mainline::NotMerged | Mainline::Reverted(_),
            Containment::Ancestor | Containment::Patch | Containment::Squash | Containment::Lines,
        ) => draft.bot(Event::MainlineMerged { how: how.clone(), main: main.clone() }),
        (
            Mainline::Merged(..),
            Containment::Ancestor | Containment::Patch | Containment::Squash | Containment::Lines,
        )
        | (Mainline::NotMerged | Mainline::Reverted(_) | Mainline::Merged(..), Containment::Missing { .. }) => Ok(()),
    }
}

pub(super) fn came(draft: &mut Decider, outcome: &EffectResult) -> Decided {
    match outcome {
        EffectResult::SnapshotTaken(survey) if draft.state.snapshot.is_none() => {
            draft.bot(Event::SnapshotTaken(survey.clone()))?;
            let refusals = step::objections(&draft.state, draft.now);
            if !refusals.is_empty() {
                return draft.bot(Event::Refused { refusals });
            }
            ordered(draft, survey.reordered, survey.fixes.clone())
        }
        EffectResult::SnapshotTaken(_) => Ok(()),
        EffectResult::Announced { message, reached, missed } if draft.state.card.is_none() => {
            draft.bot(Event::Announced { message: message.clone(), reached: reached.clone(), missed: missed.clone() })
        }
        EffectResult::Announced { .. } => Ok(()),
        EffectResult::BranchCreated { which, at } if is_absent(&draft.state, *which) => {
            draft.bot(Event::BranchCreated { which: *which, at: at.clone() })
        }
        EffectResult::BranchCreated { .. } => Ok(()),
        EffectResult::Picked { source, by, result } => picked(draft, source, by, result),
        EffectResult::Unpicked { source, result } => unpick::came(draft, source, result),
        EffectResult::PullOpened { number, author, url } if draft.state.pull.is_none() => {
            draft.bot(Event::PullOpened { number: *number, author: author.clone(), url: url.clone() })
        }
        EffectResult::PullOpened { .. } => Ok(()),
        EffectResult::ReturnOpened { number, url } if draft.state.return_pull.is_none() => {
            draft.bot(Event::ReturnOpened { number: *number, url: url.clone() })
        }
        EffectResult::ReturnOpened { .. } => Ok(()),
        EffectResult::VoteRequested { environment, commit, message }
            if draft.state.deployable_to(environment) == Some(commit) =>
        {
            let (environment, commit, message) = (environment.clone(), commit.clone(), message.clone());
            draft.bot(Event::VoteRequested { environment, commit, message })
        }
        EffectResult::VoteRequested { .. } => Ok(()),
        EffectResult::BreakGlassAnnounced { version, message } => {
            let last = draft.state.break_glass.last().filter(|broken| broken.announced.is_none());
            if last.is_none_or(|broken| broken.version != *version) {
                return Ok(());
            }
            draft.bot(Event::BreakGlassAnnounced { message: message.clone() })
        }
        EffectResult::DeployChecked { environment, commit, key, facts } => {
            deploy::checked(draft, environment, commit, key, facts)
        }
        EffectResult::DeployStatus { key, status } => deploy_status(draft, key, status),
        EffectResult::DeployByHand { key, instructions } => by_hand(draft, key, instructions.as_deref()),
        EffectResult::Rebased(Rebased::Done(head)) => head_seen(draft, head, false),
        EffectResult::Rebased(Rebased::Conflict(files))
            if draft.state.head.as_ref().is_some_and(|head| !head.on_base) =>
        {
            draft.bot(Event::RebaseConflicted { files: files.clone() })
        }
        EffectResult::Rebased(Rebased::Conflict(_)) => Ok(()),
        EffectResult::Merged { number, commit } => {
            let open = draft.state.pull.as_ref().is_some_and(|pull| pull.number == *number && pull.merged.is_none());
            let merged = Event::Merged { number: *number, commit: commit.clone(), early: false };
            if open { draft.bot(merged) } else { Ok(()) }
        }
        EffectResult::IncludedChanges { riders, total } if draft.state.included_changes.is_none() => {
            draft.bot(Event::IncludedChangesFound { riders: riders.clone(), total: *total })
        }
        EffectResult::IncludedChanges { .. } => Ok(()),
        EffectResult::BranchRestored { at } if draft.state.branch_gone => {
            draft.bot(Event::BranchBack { at: at.clone() })
        }
        EffectResult::BranchRestored { .. } => Ok(()),
        EffectResult::BranchDeleted if draft.state.branch == BranchState::Present => draft.bot(Event::BranchDeleted),
        EffectResult::BranchDeleted | EffectResult::Nothing => Ok(()),
        EffectResult::Refused { effect, reason } if has_point(&draft.state, effect) => {
            draft.bot(Event::Stuck { effect: effect.clone(), reason: reason.clone() })
        }
        EffectResult::Refused { .. } => Ok(()),
    }
}

/// Returns `true` if the refused effect is still needed: the deployment, for instance, may have been voided or ended in
/// the meantime.
fn has_point(state: &Hotfix, effect: &Effect) -> bool {
    match effect {
        Effect::CheckDeploy { environment, commit, .. } => {
            state.requested_deploy.as_ref().is_some_and(|a| &a.environment == environment && &a.commit == commit)
        }
        Effect::Deploy { key, .. } => state.deploy(key).is_some_and(|deploy| deploy.state == DeployState::Running),
        Effect::DeleteBranch { .. } => state.branch == BranchState::Present,
        Effect::RestoreBranch { .. } => state.branch_gone,
        Effect::Unpick { source, .. } => {
            state.fixes.iter().any(|fix| &fix.source == source && fix.state == FixState::Leaving)
        }
        Effect::TakeSnapshot
        | Effect::Announce
        | Effect::CreateBranch { .. }
        | Effect::Pick { .. }
        | Effect::Rebase { .. }
        | Effect::OpenPull
        | Effect::OpenReturn
        | Effect::RequestVotes { .. }
        | Effect::AnnounceBreakGlass { .. }
        | Effect::Merge { .. }
        | Effect::FindIncludedChanges { .. }
        | Effect::PostEvent { .. }
        | Effect::SendDirectMessage { .. }
        | Effect::Audit { .. }
        | Effect::RemindCountersign
        | Effect::Remind { .. } => true,
    }
}

fn is_absent(state: &Hotfix, which: BranchRole) -> bool {
    let branch = match which {
        BranchRole::Fix => state.branch,
        BranchRole::Integration => state.into,
    };
    branch == BranchState::Absent
}

fn picked(draft: &mut Decider, source: &CommitId, by: &Attribution, result: &PickResult) -> Decided {
    let waits = |state: &Hotfix| state.fixes.iter().any(|fix| &fix.source == source && fix.state == FixState::Waiting);
    if !waits(&draft.state) {
        return Ok(());
    }
    if draft.state.attributions.get(source) != Some(by) {
        draft.bot(Event::FixAttributed(by.clone()))?;
    }
    match result {
        PickResult::Done { commit, head } => {
            draft.bot(Event::FixPicked { source: source.clone(), commit: Some(commit.clone()), empty: false })?;
            head_seen(draft, head, false)
        }
        PickResult::Reverted { by, why } => fix_reverted(draft, source, by, why),
        PickResult::AlreadyThere => draft.bot(Event::FixPicked { source: source.clone(), commit: None, empty: false }),
        PickResult::Empty => draft.bot(Event::FixPicked { source: source.clone(), commit: None, empty: true }),
        PickResult::Conflict { files } => {
            draft.bot(Event::FixConflicted { source: source.clone(), files: files.clone() })
        }
    }
}

/// Marks a deployment as done by hand. If its declaration is already merged, the user only reports whether it has
/// rolled out.
fn by_hand(draft: &mut Decider, key: &DeployKey, instructions: Option<&str>) -> Decided {
    let instructions = match draft.state.deploy(key).map(|deploy| &deploy.state) {
        Some(DeployState::Running) => instructions.map(str::to_owned),
        Some(DeployState::RollingOut) => None,
        Some(DeployState::AwaitingConfirmation | DeployState::Succeeded | DeployState::Failed(_)) | None => {
            return Ok(());
        }
    };
    draft.bot(Event::DeployAwaitsConfirmation { key: key.clone(), instructions })
}

fn deploy_status(draft: &mut Decider, key: &DeployKey, status: &DeployStatus) -> Decided {
    let Some(state) = draft.state.deploy(key).map(|deploy| deploy.state.clone()) else {
        return Ok(());
    };
    match (state, status) {
        (DeployState::Running, DeployStatus::RollingOut { .. }) => draft.bot(Event::RolloutBegan { key: key.clone() }),
        (DeployState::Running | DeployState::RollingOut, DeployStatus::AwaitingWord) => {
            draft.bot(Event::DeployAwaitsConfirmation { key: key.clone(), instructions: None })
        }
        (
            DeployState::Running | DeployState::RollingOut | DeployState::AwaitingConfirmation,
            DeployStatus::Succeeded { .. },
        ) => draft.bot(Event::DeployEnded { key: key.clone(), failure: None }),
        (
            DeployState::Running | DeployState::RollingOut | DeployState::AwaitingConfirmation,
            DeployStatus::Failed { reason },
        ) => draft.bot(Event::DeployEnded { key: key.clone(), failure: Some(reason.clone()) }),
        (DeployState::Running, DeployStatus::InProgress { note: Some(note) })
        | (DeployState::RollingOut, DeployStatus::RollingOut { note: Some(note), .. }) => {
            if draft.state.notes.get(key) == Some(note) {
                return Ok(());
            }
            draft.bot(Event::DeployNoted { key: key.clone(), note: note.clone() })
        }
        (
            DeployState::Running
            | DeployState::RollingOut
            | DeployState::AwaitingConfirmation
            | DeployState::Succeeded
            | DeployState::Failed(_),
            DeployStatus::InProgress { .. }
            | DeployStatus::RollingOut { .. }
            | DeployStatus::AwaitingWord
            | DeployStatus::Succeeded { .. }
            | DeployStatus::Failed { .. },
        ) => Ok(()),
    }
}

pub(super) fn remind(draft: &mut Decider, step: &StepId) -> Decided {
    let current = matches!(draft.state.state_of(step), Some(StepState::Current { .. }));
    if draft.state.is_over() || !current {
        return Ok(());
    }
    let times = draft.state.reminders.get(step).copied().unwrap_or(0).saturating_add(1);
    draft.bot(Event::Reminded { step: step.clone(), times })
}

#[cfg(test)]
mod tests;
