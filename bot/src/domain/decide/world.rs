//! What the bot saw, and what came of its acts. What is known already changes nothing.

use std::collections::BTreeSet;

use hotfix_adapters::deploy::DeployStatus;
use hotfix_adapters::forge::Containment;
use hotfix_adapters::registry::Published;
use hotfix_adapters::vocabulary::{CommitId, DeployKey, Digest, Environment};

use super::{Draft, ballot, deploy};
use crate::domain::command::{Outcome, PickResult, Rebased, Sighting};
use crate::domain::event::{Beyond, Event, HeadSeen};
use crate::domain::hotfix::{BranchState, DeployState, Fix, FixState, Hotfix, Mainline, StepState};
use crate::domain::id::StepId;
use crate::domain::playbook::Which;
use crate::domain::refusal::Refusal;
use crate::domain::step;

type Decided = Result<(), Vec<Refusal>>;

pub(super) fn saw(draft: &mut Draft, sighting: &Sighting) -> Decided {
    match sighting {
        Sighting::Head(Some(head)) => head_seen(draft, head, true),
        // A branch that is gone is missed when it is needed: by the check before a deployment, and by the merge.
        Sighting::Head(None) => Ok(()),
        Sighting::Pull { seen, merged } => {
            let Some(pull) = draft.state.pull.clone() else {
                return Ok(());
            };
            if &pull.seen != seen {
                draft.bot(Event::PullSeen(seen.clone()))?;
                ballot::void_unbacked(draft, &pull.seen.reviews)?;
            }
            match (&pull.seen.astray, &seen.astray) {
                (before, Some(_)) if before != &seen.astray => ballot::retargeted(draft)?,
                (Some(_), None) => ballot::begin_again(draft)?,
                (Some(_) | None, Some(_)) | (None, None) => {}
            }
            match merged {
                Some(commit) if pull.merged.is_none() => {
                    draft.bot(Event::Merged { number: pull.number, commit: commit.clone() })
                }
                Some(_) | None => Ok(()),
            }
        }
        Sighting::Production { environment, running, has_fix } => {
            production_seen(draft, environment, running, *has_fix)
        }
        Sighting::Job { file } if draft.state.build_job.is_none() => draft.bot(Event::JobFound { file: file.clone() }),
        Sighting::Job { .. } => Ok(()),
        Sighting::OnMain(sources) => {
            let new: BTreeSet<CommitId> = sources.difference(&draft.state.on_main).cloned().collect();
            if new.is_empty() { Ok(()) } else { draft.bot(Event::FixesOnMain { sources: new }) }
        }
        Sighting::Reached { environment, commit } if draft.state.reached.get(environment) != Some(commit) => {
            draft.bot(Event::Reached { environment: environment.clone(), commit: commit.clone() })
        }
        Sighting::Reached { .. } => Ok(()),
        Sighting::Counts(counts) if draft.state.counts.as_ref() != Some(counts) => {
            draft.bot(Event::Counted(counts.clone()))
        }
        Sighting::Counts(_) => Ok(()),
        Sighting::Image { commit, published, by } if draft.state.ships() == Some(commit) => {
            image_seen(draft, commit, published, by)
        }
        Sighting::Image { .. } => Ok(()),
        Sighting::Tag(digest) => tag_seen(draft, digest.as_ref()),
        Sighting::LiveBranch(to) => live_branch_seen(draft, to.as_ref()),
        Sighting::Rules { policy_version, standing } => super::ballot::rules_seen(draft, policy_version, standing),
        Sighting::Mainline { how, main } => mainline_seen(draft, how, main),
    }
}

fn head_seen(draft: &mut Draft, head: &HeadSeen, by_a_person: bool) -> Decided {
    let merged = draft.state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    if draft.state.branch != BranchState::Present || merged {
        return Ok(());
    }
    let Some(old) = draft.state.head.clone() else {
        return Ok(());
    };
    if old.tip == head.tip && old.on_base == head.on_base && old.origins == head.origins {
        return Ok(());
    }
    let picks = draft.state.plan.picks();
    let own = |one: &&Beyond| !one.withheld && !old.origins.beyond.contains(one);
    let own = head.origins.beyond.iter().any(|one| own(&one));
    // Where all commits are accounted for, a conflict is settled by a commit that could be the answer to it.
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

/// Production is compared with what this run left there (APPLY-16).
fn production_seen(draft: &mut Draft, environment: &Environment, running: &CommitId, has_fix: bool) -> Decided {
    let Some(expected) = draft.state.expected_in(environment).cloned() else {
        return Ok(());
    };
    let known = draft.state.drifts.get(environment).is_some_and(|drift| &drift.found == running);
    // A release from main is how this plan goes live: until then others may deploy as they always do.
    let before_release = draft.state.plan.ships_main() && draft.state.live_at.is_none();
    if running == &expected || known || before_release {
        return Ok(());
    }
    let environment = environment.clone();
    if draft.state.live_at.is_some() && has_fix {
        return draft.bot(Event::Superseded { environment, by: running.clone() });
    }
    draft.bot(Event::Drifted { environment, expected, found: running.clone() })
}

fn image_seen(draft: &mut Draft, commit: &CommitId, published: &Published, by: &str) -> Decided {
    if draft.state.digest() == Some(&published.image.digest) {
        return Ok(());
    }
    let (commit, published, by) = (commit.clone(), published.clone(), by.to_owned());
    draft.bot(Event::ImageFound { commit, published, by })
}

/// A tag of a branch can be built again: then it names another image than the one that was tested and approved (HOCS-15).
pub(super) fn tag_seen(draft: &mut Draft, digest: Option<&Digest>) -> Decided {
    let pinned = draft.state.digest();
    if pinned.is_none() || pinned == digest {
        return Ok(());
    }
    draft.bot(Event::ImageMoved { to: digest.cloned() })
}

/// Nothing is pushed to a hotfix branch that production runs: the tag of its image would be built anew, and a restart would
/// ship what nobody approved (HOCS-15).
fn live_branch_seen(draft: &mut Draft, to: Option<&CommitId>) -> Decided {
    let Some(from) = draft.state.ships().cloned() else { return Ok(()) };
    let known = match &draft.state.live_moved {
        Some(moved) => moved.as_ref() == to,
        None => Some(&from) == to,
    };
    if draft.state.live_at.is_none() || known {
        return Ok(());
    }
    draft.bot(Event::LiveBranchMoved { from, to: to.cloned() })
}

fn mainline_seen(draft: &mut Draft, how: &Containment, main: &CommitId) -> Decided {
    match (&draft.state.mainline, how) {
        (Mainline::Waived { .. }, _) => Ok(()),
        (Mainline::Proven(..), Containment::Reverted { by }) => draft.bot(Event::MainlineLost { by: by.clone() }),
        (Mainline::Open | Mainline::Lost(_), how) if how.holds() => {
            draft.bot(Event::Proven { how: how.clone(), main: main.clone() })
        }
        (Mainline::Open | Mainline::Lost(_) | Mainline::Proven(..), _) => Ok(()),
    }
}

pub(super) fn came(draft: &mut Draft, outcome: &Outcome) -> Decided {
    match outcome {
        Outcome::Surveyed(survey) if draft.state.survey.is_none() => {
            draft.bot(Event::Surveyed(survey.clone()))?;
            let refusals = step::objections(&draft.state, draft.now);
            if refusals.is_empty() { Ok(()) } else { draft.bot(Event::Refused { refusals }) }
        }
        Outcome::Surveyed(_) => Ok(()),
        Outcome::Announced { message, reached, missed } if draft.state.card.is_none() => {
            draft.bot(Event::Announced { message: message.clone(), reached: reached.clone(), missed: missed.clone() })
        }
        Outcome::Announced { .. } => Ok(()),
        Outcome::BranchCreated { which, at } if is_absent(&draft.state, *which) => {
            draft.bot(Event::BranchCreated { which: *which, at: at.clone() })
        }
        Outcome::BranchCreated { .. } => Ok(()),
        Outcome::Picked { source, result } => picked(draft, source, result),
        Outcome::PullOpened { number, author, url } if draft.state.pull.is_none() => {
            draft.bot(Event::PullOpened { number: *number, author: author.clone(), url: url.clone() })
        }
        Outcome::PullOpened { .. } => Ok(()),
        Outcome::ReturnOpened { number, url } if draft.state.return_pull.is_none() => {
            draft.bot(Event::ReturnOpened { number: *number, url: url.clone() })
        }
        Outcome::ReturnOpened { .. } => Ok(()),
        Outcome::Prompted { environment, commit, message } if draft.state.ships_to(environment) == Some(commit) => {
            let (environment, commit, message) = (environment.clone(), commit.clone(), message.clone());
            draft.bot(Event::Prompted { environment, commit, message })
        }
        Outcome::Prompted { .. } => Ok(()),
        Outcome::GlassAnnounced { version, message } => {
            let last = draft.state.glasses.last().filter(|broken| broken.told.is_none());
            if last.is_none_or(|broken| broken.version != *version) {
                return Ok(());
            }
            draft.bot(Event::GlassAnnounced { message: message.clone() })
        }
        Outcome::DeployChecked { environment, commit, key, facts } => {
            deploy::checked(draft, environment, commit, key, facts)
        }
        Outcome::DeployStatus { key, status } => deploy_status(draft, key, status),
        Outcome::Rebased(Rebased::Done(head)) => head_seen(draft, head, false),
        Outcome::Rebased(Rebased::Conflict(files)) if draft.state.head.as_ref().is_some_and(|head| !head.on_base) => {
            draft.bot(Event::RebaseConflicted { files: files.clone() })
        }
        Outcome::Rebased(Rebased::Conflict(_)) => Ok(()),
        Outcome::Merged { number, commit } => {
            let open = draft.state.pull.as_ref().is_some_and(|pull| pull.number == *number && pull.merged.is_none());
            if open { draft.bot(Event::Merged { number: *number, commit: commit.clone() }) } else { Ok(()) }
        }
        Outcome::Riders { riders, total } if draft.state.riders.is_none() => {
            draft.bot(Event::RidersFound { riders: riders.clone(), total: *total })
        }
        Outcome::Riders { .. } => Ok(()),
        Outcome::BranchDeleted if draft.state.branch == BranchState::Present => draft.bot(Event::BranchDeleted),
        Outcome::BranchDeleted | Outcome::Nothing => Ok(()),
        Outcome::Refused { effect, reason } => {
            draft.bot(Event::Stuck { what: effect.describe(), reason: reason.clone() })
        }
    }
}

fn is_absent(state: &Hotfix, which: Which) -> bool {
    let branch = match which {
        Which::Fix => state.branch,
        Which::Into => state.into,
    };
    branch == BranchState::Absent
}

fn picked(draft: &mut Draft, source: &CommitId, result: &PickResult) -> Decided {
    let waits = |state: &Hotfix| state.fixes.iter().any(|fix| &fix.source == source && fix.state == FixState::Waiting);
    if !waits(&draft.state) {
        return Ok(());
    }
    match result {
        PickResult::Done { commit, head } => {
            draft.bot(Event::FixPicked { source: source.clone(), commit: Some(commit.clone()) })?;
            head_seen(draft, head, false)
        }
        PickResult::AlreadyThere => draft.bot(Event::FixPicked { source: source.clone(), commit: None }),
        PickResult::Conflict { files } => {
            draft.bot(Event::FixConflicted { source: source.clone(), files: files.clone() })
        }
    }
}

fn deploy_status(draft: &mut Draft, key: &DeployKey, status: &DeployStatus) -> Decided {
    let Some(state) = draft.state.deploy(key).map(|deploy| deploy.state.clone()) else {
        return Ok(());
    };
    match (state, status) {
        (DeployState::Running, DeployStatus::AwaitingWord) => draft.bot(Event::DeployAwaitsWord { key: key.clone() }),
        (DeployState::Running | DeployState::AwaitingWord, DeployStatus::Succeeded { .. }) => {
            draft.bot(Event::DeployEnded { key: key.clone(), failure: None })
        }
        (DeployState::Running | DeployState::AwaitingWord, DeployStatus::Failed { reason }) => {
            draft.bot(Event::DeployEnded { key: key.clone(), failure: Some(reason.clone()) })
        }
        (DeployState::Running, DeployStatus::InProgress { note: Some(note) }) => {
            if draft.state.notes.get(key) == Some(note) {
                return Ok(());
            }
            draft.bot(Event::DeployNoted { key: key.clone(), note: note.clone() })
        }
        (
            DeployState::Running | DeployState::AwaitingWord | DeployState::Succeeded | DeployState::Failed(_),
            DeployStatus::InProgress { .. }
            | DeployStatus::AwaitingWord
            | DeployStatus::Succeeded { .. }
            | DeployStatus::Failed { .. },
        ) => Ok(()),
    }
}

pub(super) fn remind(draft: &mut Draft, step: &StepId) -> Decided {
    let current = matches!(draft.state.state_of(step), Some(StepState::Current { .. }));
    if draft.state.is_over() || !current {
        return Ok(());
    }
    let times = draft.state.reminders.get(step).copied().unwrap_or(0).saturating_add(1);
    draft.bot(Event::Reminded { step: step.clone(), times })
}
