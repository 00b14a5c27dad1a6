//! The kinds of steps, one file each. A step is two pure functions of the run: `progress`, whether it is fulfilled by the
//! evidence there is, and `enter`, what the bot has to do when its turn comes.
//!
//! To add a kind: a variant of [`StepKind`], a file here, and the arms that the compiler asks for.

mod announce;
mod approve;
mod base;
mod branch;
mod capability;
mod change;
mod deploy;
mod mainline;
mod merge;
mod postmortem;
mod releasable;
mod review;
mod ride_along;
mod triage;
mod verify;
mod withheld;

use hotfix_adapters::vocabulary::Environment;
use jiff::Timestamp;

use super::effect::Effect;
use super::event::Event;
use super::hotfix::Hotfix;
use super::playbook::{StepKind, StepSpec};
use super::refusal::Refusal;
use super::service::ApprovalRule;

pub use verify::commit_at;

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
    },
    /// Somebody's word on what they see there.
    Word {
        /// Where.
        place: String,
        /// The question.
        question: String,
        /// Whether the last word was a no.
        failed: bool,
    },
    /// Votes.
    Votes {
        /// For which environment.
        environment: Environment,
        /// What is missing.
        missing: Vec<ApprovalRule>,
        /// How many noes stand.
        vetoes: usize,
    },
    /// Somebody to say `deploy`.
    DeployCommand(Environment),
    /// A deployment to end.
    Deploying(Environment),
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
        StepKind::Triage { criteria } => triage::progress(state, criteria),
        StepKind::Base { from } => base::progress(state, *from),
        StepKind::Withheld => withheld::progress(state),
        StepKind::Releasable => releasable::progress(state),
        StepKind::Capability { needs } => capability::progress(state, needs),
        StepKind::Announce => announce::progress(state),
        StepKind::Branch => branch::progress(state),
        StepKind::Change { large_lines } => change::progress(state, *large_lines),
        StepKind::Review { approvals } => review::progress(state, *approvals),
        StepKind::Verify { place, question } => verify::progress(state, place, question),
        StepKind::Approve { environment } => approve::progress(state, environment, now),
        StepKind::Deploy { environment, .. } => deploy::progress(state, environment),
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
        StepKind::Branch => branch::enter(state),
        StepKind::Change { .. } => change::enter(state, now),
        StepKind::Approve { environment } => approve::enter(state, environment, now),
        StepKind::Merge { method } => merge::enter(state, *method),
        StepKind::RideAlong => ride_along::enter(state),
        StepKind::Mainline { method, .. } => mainline::enter(state, *method),
        StepKind::Triage { .. }
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

/// Everything that speaks against beginning, from all the steps that look at the world before anything is done.
#[must_use]
pub fn objections(state: &Hotfix, now: Timestamp) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = base::unknown_fixes(state);
    for spec in &state.plan.steps {
        let looks_first = match &spec.kind {
            StepKind::Base { .. } | StepKind::Withheld | StepKind::Releasable | StepKind::Capability { .. } => true,
            StepKind::Branch => {
                all.extend(branch::objections(state));
                false
            }
            StepKind::Triage { .. }
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
