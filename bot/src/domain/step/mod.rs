//! The kinds of steps, one file each. A step is two pure functions of the run: `progress`, whether it is fulfilled by the
//! evidence there is, and `enter`, what the bot has to do when its turn comes.
//!
//! To add a kind: a variant of [`StepKind`], a file here, and the arms that the compiler asks for.

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

/// Whether a step is fulfilled.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It is.
    Done {
        /// Why, in words.
        evidence: String,
        /// What follows from it.
        events: Vec<Event>,
    },
    /// It is not, and this is what it waits for.
    Waiting(Wait),
    /// It never will be: the run may not go on.
    Impossible(Vec<Refusal>),
}

impl Progress {
    fn done(evidence: impl Into<String>) -> Self {
        Self::Done { evidence: evidence.into(), events: Vec::new() }
    }
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The bot, which is at it.
    Bot(&'static str),
    /// Somebody to push a fix, or to name one.
    Fix,
    /// Somebody to take commits off the branch that must not be there, or to ask for them.
    Strays(Vec<(CommitId, ExtraKind)>),
    /// Somebody to confirm fixes that main reverted.
    Reverted(Vec<CommitId>),
    /// Somebody to settle a conflict in these files.
    Conflict(Vec<String>),
    /// Reviewers and checks.
    Review {
        /// Approvals that count.
        have: u32,
        /// Approvals wanted.
        need: u32,
        /// Checks that are not green, each with how it stands.
        checks: Vec<String>,
        /// Who asked for changes.
        against: Vec<String>,
        /// What holds the pull request itself back.
        pull: Vec<String>,
    },
    /// The checks of main, which are pending or not reported yet.
    MainChecks(Vec<String>),
    /// Main to be releasable again: these speak against it.
    MainBlocked(Vec<String>),
    /// The checks of the merge that would be released.
    MergeChecks {
        /// The merge.
        commit: CommitId,
        /// Those that are not green, each with how it stands.
        checks: Vec<String>,
        /// Whether one of them failed.
        failed: bool,
    },
    /// Somebody's word on what they see there.
    Word {
        /// Where.
        place: String,
        /// The question.
        question: String,
        /// Whether a word was a no.
        failed: bool,
        /// The parties who have not spoken yet; empty when anybody may.
        missing: Vec<String>,
    },
    /// The requester to answer the questions of the triage.
    Triage {
        /// How many are open.
        open: usize,
        /// The questions.
        criteria: Vec<String>,
    },
    /// People of a party to agree.
    Agreement {
        /// Which party.
        party: String,
        /// How many of them are missing.
        missing: u32,
        /// To what.
        question: String,
    },
    /// Somebody to say in this file that images are built of the hotfix branch.
    BuildJob {
        /// The file.
        file: String,
    },
    /// These fixes to be merged into main; none when nobody named one yet.
    FixOnMain(Vec<CommitId>),
    /// An environment to run the fix, by others' doing.
    OnEnvironment(Environment),
    /// Somebody to mend the order of the versions.
    VersionOrder {
        /// What would be made now.
        version: String,
        /// The count of production, after which it has to come.
        after: usize,
        /// The count of the next version of main, after which it must not come.
        until: usize,
    },
    /// The build to publish the image.
    Image,
    /// Somebody to roll back, or to release something that has the fix.
    Expiry(Vec<Environment>),
    /// A release that has the fix, on these productions: the run deploys nothing more.
    Release(Vec<Environment>),
    /// Votes.
    Votes {
        /// For which environment.
        environment: Environment,
        /// What is missing.
        missing: Vec<ApprovalRule>,
        /// How many noes stand.
        vetoes: usize,
    },
    /// Somebody to let the pull request go again into the branch that the plan names: nobody is asked for votes before.
    Retargeted {
        /// Which pull request.
        number: PullNumber,
        /// Where it goes now.
        into: BranchName,
    },
    /// Somebody to say `deploy`.
    DeployCommand(Environment),
    /// A deployment to end.
    Deploying(Environment),
    /// What is merged to be rolled out.
    RollingOut(Environment),
    /// Somebody to say whether what is merged runs: nothing else can tell.
    RolloutWord(Environment),
    /// Somebody to deploy by hand, and say how it went.
    DeployByHand(Environment),
    /// A failed deployment to be tried again.
    DeployFailed(Environment),
    /// The fix to be on main.
    Mainline,
    /// The post-mortem.
    Postmortem {
        /// When it is due.
        due: Option<Timestamp>,
    },
}

/// "1 check", "2 checks".
fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Whether a step is fulfilled by the evidence there is.
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
        StepKind::Withheld => withheld::progress(state),
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

/// What the bot has to do when a step's turn comes.
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
        | StepKind::Withheld
        | StepKind::Releasable
        | StepKind::Capability { .. }
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::Deploy { .. }
        | StepKind::Postmortem { .. } => Vec::new(),
    }
}

/// Whether the plan releases main or a merge, and a deployment of it is still to begin: then both are looked at.
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

/// Whether two people can set a step aside. Without the others the run would not know what it ships, or would ship it by no way
/// at all.
#[must_use]
pub fn can_be_overridden(state: &Hotfix, kind: &StepKind) -> bool {
    match kind {
        // Once it is merged only the checks of the merge are left.
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
        | StepKind::Withheld
        | StepKind::Announce
        | StepKind::Review { .. }
        | StepKind::Verify { .. }
        | StepKind::RideAlong
        | StepKind::Postmortem { .. } => true,
    }
}

/// Returns whether a step is offered, and the run goes on without it: the runbook calls it an option, or it is a triage for
/// which nothing waits (HOCS-0, APPLY-3).
#[must_use]
pub fn is_option(spec: &StepSpec) -> bool {
    spec.level == Level::May || matches!(spec.kind, StepKind::Triage { ask: false, .. })
}

/// Whether people are asked for something by a line of its own when a step's turn comes. Votes are asked for by a prompt,
/// unless something has to be put right before.
#[must_use]
pub fn asks_at_once(state: &Hotfix, kind: &StepKind) -> bool {
    matches!(kind, StepKind::Agree { .. } | StepKind::Triage { ask: true, .. } | StepKind::OnMain | StepKind::Expire)
        || matches!(kind, StepKind::Approve { .. } if state.wrong_base().is_some())
}

/// Everything that speaks against beginning, from all the steps that look at the world before anything is done.
#[must_use]
pub fn objections(state: &Hotfix, now: Timestamp) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = base::unknown_fixes(state);
    for spec in &state.plan.steps {
        let looks_first = match &spec.kind {
            StepKind::Base { .. }
            | StepKind::Target
            | StepKind::Withheld
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
