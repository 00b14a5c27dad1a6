//! Step kinds, one file each. A step is two pure functions of the run's state: `progress` judges whether the evidence
//! fulfills the step, and `enter` returns the effects to begin when the step becomes current.
//!
//! To add a kind, add a variant of [`StepKind`], a file here, and the match arms that the compiler asks for.

mod agree;
mod announce;
mod approve;
mod base;
mod branch;
mod build_job;
mod capability;
mod change;
mod checks;
mod deploy;
mod evidence;
mod expire;
mod extra_commits;
mod image;
mod mainline;
mod merge;
mod on_environment;
mod on_main;
mod postmortem;
mod releasable;
mod review;
mod ride_along;
mod target;
mod triage;
mod verify;
mod version_order;
mod withheld;

use hotfix_adapters::forge::PullNumber;
use hotfix_adapters::ids::{BranchName, CommitId, Environment};
use jiff::Timestamp;

use super::effect::Effect;
use super::event::Event;
use super::hotfix::Hotfix;
use super::playbook::{Level, StepKind, StepSpec};
use super::refusal::Refusal;
use super::service::ApprovalRule;

pub(crate) use evidence::starts_over;
pub use evidence::{Evidence, evidence, in_the_way, is_out, outdated, place_of_deploy, unsound, where_out};
pub(crate) use expire::reverted;
pub use extra_commits::{ExtraKind, extra_commits, unexpected_commits};
pub(crate) use merge::failed as merge_failed;
pub(crate) use triage::{letter, on_record};
pub use verify::commit_at;
pub(crate) use verify::speaks_for;
pub use withheld::is_due as withheld_is_due;

/// The judgment of a step by the present evidence.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The step is fulfilled.
    Done {
        /// The reason in words, as shown in the plan and the timeline.
        evidence: String,
        /// Events that follow from it; appended before the step is completed.
        events: Vec<Event>,
    },
    /// The step is not fulfilled yet and waits for this.
    Waiting(Wait),
    /// The step can never be fulfilled: the run is refused.
    Impossible(Vec<Refusal>),
}

impl Progress {
    fn done(evidence: impl Into<String>) -> Self {
        Self::Done { evidence: evidence.into(), events: Vec::new() }
    }
}

/// The condition that a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// An effect or a reading of the bot that is in progress, in words.
    Bot(&'static str),
    /// A fix: a user must push one or name one.
    Fix,
    /// The removal of commits that must not be on the branch, or a request to include them.
    Strays(Vec<(CommitId, ExtraKind)>),
    /// A user's confirmation of fixes that main reverted.
    Reverted(Vec<CommitId>),
    /// A user's resolution of a conflict in these files.
    Conflict(Vec<String>),
    /// Approving reviews and green checks of the pull request.
    Review {
        /// Number of approvals that count.
        have: u32,
        /// Number of approvals required.
        need: u32,
        /// Checks that are not green, each with its state.
        checks: Vec<String>,
        /// Names of the reviewers who requested changes.
        against: Vec<String>,
        /// Obstacles of the pull request itself: it is closed, is a draft, or carries a hold label.
        pull: Vec<String>,
    },
    /// Checks of main that are pending or not reported yet.
    MainChecks(Vec<String>),
    /// The reasons why main is not releasable: failed checks and release blockers.
    MainBlocked(Vec<String>),
    /// Checks of the merge commit that would be released.
    MergeChecks {
        /// Full id of the merge commit.
        commit: CommitId,
        /// Checks that are not green, each with its state.
        checks: Vec<String>,
        /// `true` if at least one of them failed.
        failed: bool,
    },
    /// An attestation that the fix works at a place.
    Word {
        /// Name of the place to verify.
        place: String,
        /// Question that is asked.
        question: String,
        /// `true` if an attestation was negative.
        failed: bool,
        /// Parties that have not attested yet; empty if anyone may attest.
        missing: Vec<String>,
    },
    /// Answers to the triage questions.
    Triage {
        /// Number of unanswered questions.
        open: usize,
        /// All questions, answered or not.
        criteria: Vec<String>,
    },
    /// Agreement of members of a party.
    Agreement {
        /// Name of the party.
        party: String,
        /// Number of agreements that are still missing.
        missing: u32,
        /// Question that they are asked to agree to.
        question: String,
    },
    /// A line in this file that makes the build job build the hotfix branch.
    BuildJob {
        /// Path of the file.
        file: String,
    },
    /// The merge of these fixes into main; empty if no fix was named yet.
    FixOnMain(Vec<CommitId>),
    /// A deployment by others that brings the fix to this environment.
    OnEnvironment(Environment),
    /// A commit that restores the order of the versions.
    VersionOrder {
        /// Version that would be built now.
        version: String,
        /// Commit count of production; the version must come after it.
        after: usize,
        /// Commit count of the next version of main; the version must not come after it.
        until: usize,
    },
    /// The published image of the deployable commit.
    Image,
    /// A rollback of these productions, or a release to them that contains the fix.
    Expiry(Vec<Environment>),
    /// A release to these productions that contains the fix; the run deploys nothing more.
    Release(Vec<Environment>),
    /// Votes on a deployment.
    Votes {
        /// Environment of the deployment.
        environment: Environment,
        /// Approval rules that are not satisfied yet, with the missing counts.
        missing: Vec<ApprovalRule>,
        /// Number of rejections that stand.
        vetoes: usize,
    },
    /// A change of the pull request's base back to the planned branch; no votes are requested before.
    Retargeted {
        /// Number of the pull request on the forge.
        number: PullNumber,
        /// Branch that it targets now.
        into: BranchName,
    },
    /// The `deploy` command for this environment.
    DeployCommand(Environment),
    /// The end of a running deployment.
    Deploying(Environment),
    /// The rollout of a merged declaration.
    RollingOut(Environment),
    /// A user's report on whether a merged declaration has rolled out: nothing can observe it.
    RolloutWord(Environment),
    /// A manual deployment and a user's report on its result.
    DeployByHand(Environment),
    /// The retry of a failed deployment.
    DeployFailed(Environment),
    /// Proof that main contains the fix, or the waiver of a captain.
    Mainline,
    /// The post-mortem document, or the decision that the timeline is enough.
    Postmortem {
        /// Due time; `None` before the fix is live.
        due: Option<Timestamp>,
    },
}

/// Formats a number with its noun: "1 check", "2 checks".
fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Judges a step by the present evidence.
#[must_use]
pub fn progress(state: &Hotfix, spec: &StepSpec, now: Timestamp) -> Progress {
    match &spec.kind {
        StepKind::Triage { criteria, ask } => triage::progress(state, criteria, *ask),
        StepKind::Target => target::progress(state),
        StepKind::Agree { party, count, question } => agree::progress(state, &spec.id, party, *count, question),
        StepKind::BuildJob { file, .. } => build_job::progress(state, file),
        StepKind::OnMain => on_main::progress(state),
        StepKind::OnEnvironment { environment } => on_environment::progress(state, environment),
        StepKind::VersionOrder { prefix } => version_order::progress(state, prefix),
        StepKind::Image => image::progress(state),
        StepKind::Expire => expire::progress(state),
        StepKind::Base { from } => base::progress(state, *from),
        StepKind::HeldBack => withheld::progress(state),
        StepKind::Releasable => releasable::progress(state),
        StepKind::Capability { needs } => capability::progress(state, needs),
        StepKind::Announce => announce::progress(state),
        StepKind::Branch { which } => branch::progress(state, *which),
        StepKind::Change { large_lines, pull } => change::progress(state, *large_lines, *pull),
        StepKind::Review { approvals } => review::progress(state, *approvals),
        StepKind::Verify { place, question, by } => verify::progress(state, place, question, by),
        StepKind::Approve { environment } => approve::progress(state, environment, now),
        StepKind::Deploy { environment, trigger, .. } => deploy::progress(state, &spec.id, environment, *trigger),
        StepKind::Merge { .. } => merge::progress(state),
        StepKind::RideAlong => ride_along::progress(state),
        StepKind::Mainline { .. } => mainline::progress(state),
        StepKind::Postmortem { due_days } => postmortem::progress(state, *due_days),
    }
}

/// Returns the effects to begin when a step becomes current.
#[must_use]
pub fn enter(state: &Hotfix, spec: &StepSpec, now: Timestamp) -> Vec<Effect> {
    match &spec.kind {
        StepKind::Announce => announce::enter(state),
        StepKind::Branch { which } => branch::enter(state, *which),
        StepKind::Change { pull, .. } => change::enter(state, now, *pull),
        StepKind::Approve { environment } => approve::enter(state, environment, now),
        StepKind::Merge { method } => merge::enter(state, *method),
        StepKind::RideAlong => ride_along::enter(state),
        StepKind::Mainline { by, .. } => mainline::enter(state, *by),
        StepKind::Triage { .. }
        | StepKind::Target
        | StepKind::Agree { .. }
        | StepKind::BuildJob { .. }
        | StepKind::OnMain
        | StepKind::OnEnvironment { .. }
        | StepKind::VersionOrder { .. }
        | StepKind::Image
        | StepKind::Expire
        | StepKind::Base { .. }
        | StepKind::HeldBack
        | StepKind::Releasable
        | StepKind::Capability { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::Deploy { .. }
        | StepKind::Postmortem { .. } => Vec::new(),
    }
}

/// Returns `true` if the plan releases main or a merge commit and a deployment is still to begin. Main and the merge
/// are polled while this is so.
#[must_use]
pub fn releases(state: &Hotfix) -> bool {
    let mut rests = state.plan.steps.iter().map(|spec| &spec.kind);
    let rests = rests.any(|kind| matches!(kind, StepKind::Releasable | StepKind::Merge { .. }));
    let mut steps = state.plan.steps.iter().zip(&state.steps).filter(|(_, at)| !at.is_behind());
    rests
        && steps.any(
            |(spec, _)| matches!(&spec.kind, StepKind::Deploy { environment, .. } if !state.has_begun(environment)),
        )
}

/// Returns `true` if two people can override a step of this kind. The others determine what ships and how
/// it is approved and shipped.
#[must_use]
pub fn can_be_overridden(state: &Hotfix, kind: &StepKind) -> bool {
    match kind {
        // After the merge, only the checks of the merge commit are open.
        StepKind::Merge { .. } => state.pull.as_ref().is_some_and(|pull| pull.merged.is_some()),
        StepKind::Base { .. }
        | StepKind::Branch { .. }
        | StepKind::Target
        | StepKind::Image
        | StepKind::VersionOrder { .. }
        | StepKind::Expire
        | StepKind::Change { .. }
        | StepKind::Deploy { .. }
        | StepKind::Approve { .. }
        | StepKind::Mainline { .. }
        | StepKind::Releasable
        | StepKind::Capability { .. } => false,
        StepKind::Triage { .. }
        | StepKind::Agree { .. }
        | StepKind::BuildJob { .. }
        | StepKind::OnMain
        | StepKind::OnEnvironment { .. }
        | StepKind::HeldBack
        | StepKind::Announce
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::RideAlong
        | StepKind::Postmortem { .. } => true,
    }
}

/// Returns `true` if a step is offered while the run continues without it: the runbook calls it optional, or it is a
/// triage that does not block the run (HOCS-0, APPLY-3).
#[must_use]
pub fn is_option(spec: &StepSpec) -> bool {
    spec.level == Level::May || matches!(spec.kind, StepKind::Triage { ask: false, .. })
}

/// Returns `true` if a separate message asks people to act when the step becomes current. For votes, the vote request
/// does that, unless the pull request must be retargeted first.
#[must_use]
pub fn asks_at_once(state: &Hotfix, kind: &StepKind) -> bool {
    matches!(kind, StepKind::Agree { .. } | StepKind::Triage { ask: true, .. } | StepKind::OnMain | StepKind::Expire)
        || matches!(kind, StepKind::Approve { .. } if state.wrong_base().is_some())
}

/// Returns all objections to the start of the run, from the steps that judge the snapshot before anything is done.
#[must_use]
pub fn objections(state: &Hotfix, now: Timestamp) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = base::unknown_fixes(state);
    for spec in &state.plan.steps {
        let looks_first = match &spec.kind {
            StepKind::Base { .. }
            | StepKind::Target
            | StepKind::HeldBack
            | StepKind::Releasable
            | StepKind::Capability { .. } => true,
            StepKind::Branch { which } => {
                all.extend(branch::objections(state, *which));
                false
            }
            StepKind::Triage { .. }
            | StepKind::Agree { .. }
            | StepKind::BuildJob { .. }
            | StepKind::OnMain
            | StepKind::OnEnvironment { .. }
            | StepKind::VersionOrder { .. }
            | StepKind::Image
            | StepKind::Expire
            | StepKind::Announce
            | StepKind::Change { .. }
            | StepKind::Review { .. }
            | StepKind::Verify { .. }
            | StepKind::Approve { .. }
            | StepKind::Deploy { .. }
            | StepKind::Merge { .. }
            | StepKind::RideAlong
            | StepKind::Mainline { .. }
            | StepKind::Postmortem { .. } => false,
        };
        if !looks_first {
            continue;
        }
        if let Progress::Impossible(refusals) = progress(state, spec, now) {
            all.extend(refusals);
        }
    }
    all
}

#[cfg(test)]
mod tests;
