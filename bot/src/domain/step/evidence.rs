//! The evidence behind completed steps. A step is not completed for good: until the action that relies on it begins, it
//! is judged again whenever its evidence changes, and once more on fresh facts right before the action (security case
//! 91). Each kind of step declares its evidence in [`evidence`].

use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::{Progress, Wait, progress, releasable};
use crate::domain::hotfix::{DeployState, Hotfix, StepState};
use crate::domain::id::StepId;
use crate::domain::plan::environment_of;
use crate::domain::playbook::{MainlineBy, StepKind, StepSpec};

/// A fact that can change after it completed a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Checks of the head.
    Checks,
    /// Approving reviews of exactly the head commit.
    Approvals,
    /// Reviews that request changes.
    ChangesRequested,
    /// Open or closed state of the pull request.
    Open,
    /// Draft state of the pull request.
    Draft,
    /// Labels that hold the pull request back.
    HoldLabels,
    /// Base branch of the pull request.
    Target,
    /// Checks of main.
    MainChecks,
    /// Labels that block releases.
    Blockers,
    /// Checks of the released merge commit.
    MergeChecks,
    /// Attestations at the place of the step, for the commit that runs there.
    Words,
    /// Votes, and the roles of the voters.
    Votes,
    /// The digest that the tag of the pinned image points to.
    Tag,
}

/// Returns the evidence of a kind of step. Empty for steps that are settled once, and for those that are reopened as a
/// whole when the branch moves.
#[must_use]
pub fn evidence(kind: &StepKind) -> &'static [Evidence] {
    match kind {
        StepKind::Review { .. } => &[
            Evidence::Checks,
            Evidence::Approvals,
            Evidence::ChangesRequested,
            Evidence::Open,
            Evidence::Draft,
            Evidence::HoldLabels,
        ],
        StepKind::Releasable => &[Evidence::MainChecks, Evidence::Blockers],
        StepKind::Merge { .. } => &[Evidence::MergeChecks],
        StepKind::Verify { .. } => &[Evidence::Words],
        StepKind::Approve { .. } => &[Evidence::Votes, Evidence::Target],
        StepKind::Image => &[Evidence::Tag],
        // Read once, from the snapshot.
        StepKind::Triage { .. }
        | StepKind::Target
        | StepKind::Base { .. }
        | StepKind::HeldBack
        | StepKind::Capability { .. }
        // Done once, and never undone.
        | StepKind::Announce
        | StepKind::Agree { .. }
        | StepKind::Branch { .. }
        | StepKind::Deploy { .. }
        | StepKind::RideAlong
        | StepKind::Postmortem { .. }
        // Reopened with all steps behind it when a fix is added or the branch moves.
        | StepKind::OnMain
        | StepKind::BuildJob { .. }
        | StepKind::Change { .. }
        | StepKind::VersionOrder { .. }
        // Polled while current.
        | StepKind::OnEnvironment { .. }
        | StepKind::Mainline { .. }
        | StepKind::Expire => &[],
    }
}

/// Returns the completed steps that no longer hold and that a future action relies on, each with the reason. Empty
/// while a deployment of the run is open. Votes and a moved image are judged elsewhere: votes individually, and the
/// image when it moves.
#[must_use]
pub fn unsound(state: &Hotfix, now: Timestamp) -> Vec<(StepId, String)> {
    if state.deploys.iter().any(|deploy| deploy.state.is_open()) {
        return Vec::new();
    }
    lost(state, now).into_iter().filter(|(at, _, _)| is_relied_on(state, *at)).map(|(_, id, why)| (id, why)).collect()
}

/// Returns the completed steps that no longer hold although production was deployed on the strength of them. They are
/// reported and not reopened. Steps whose deployments are no longer in production are left out.
#[must_use]
pub fn outdated(state: &Hotfix, now: Timestamp) -> Vec<(StepId, String)> {
    let open = state.deploys.iter().any(|deploy| deploy.state.is_open());
    let told = |(at, _, _): &(usize, StepId, String)| {
        let out = state.plan.steps.get(*at).is_some_and(|spec| where_out(state, &spec.kind).is_some());
        out && (open || !is_relied_on(state, *at))
    };
    lost(state, now).into_iter().filter(told).map(|(_, id, why)| (id, why)).collect()
}

/// Returns the production whose deployment relied on such a step: the environment of the step, or else the latest
/// production that still runs it. `None` if the environment of the step runs something else by now, or if no production
/// runs a deployment of this run.
#[must_use]
pub fn where_out<'a>(state: &'a Hotfix, kind: &'a StepKind) -> Option<&'a Environment> {
    let about = environment_of(kind);
    if let Some(environment) = about.filter(|environment| state.last_deploy(environment).is_some()) {
        if !is_out(state, environment) {
            return None;
        }
        if state.plan.reaches_production(environment) {
            return Some(environment);
        }
    }
    let deployed = state.deploys.iter().rev().map(|deploy| &deploy.intent.environment);
    deployed.into_iter().find(|environment| state.plan.reaches_production(environment) && is_out(state, environment))
}

/// Returns `true` if the environment runs this run's deployment, or will once it ends: it was not rolled back, and
/// nobody deployed anything else since.
#[must_use]
pub fn is_out(state: &Hotfix, environment: &Environment) -> bool {
    let here = state.deploys.iter().rev().filter(|deploy| &deploy.intent.environment == environment);
    let last = here.into_iter().find(|deploy| !matches!(deploy.state, DeployState::Failed(_)));
    let by_others = state.drifts.contains_key(environment)
        || state.rebased_onto.contains_key(environment)
        || state.superseded.contains_key(environment);
    last.is_some_and(|deploy| !deploy.intent.rollback) && !by_others
}

/// Returns the obstacles to the action at index `act` of the plan: earlier steps that are open or no longer hold, each
/// with the reason.
#[must_use]
pub fn in_the_way(state: &Hotfix, act: usize, now: Timestamp) -> Vec<(StepId, String)> {
    let before = state.plan.steps.iter().zip(&state.steps).enumerate().take(act);
    let open = before.filter_map(|(at, (spec, step))| match step {
        StepState::Ahead | StepState::Current { .. } => {
            Some((spec.id.clone(), problem(state, spec, now).unwrap_or_else(|| "it is not done yet".to_owned())))
        }
        StepState::Done { .. } if judged(&spec.kind) => Some((spec.id.clone(), holds(state, at, now)?)),
        // Offered and skipped steps are no obstacle.
        StepState::Done { .. } | StepState::Skipped { .. } | StepState::Offered { .. } => None,
    });
    open.collect()
}

/// Returns the index of the deployment step of an environment in the plan.
#[must_use]
pub fn place_of_deploy(state: &Hotfix, environment: &Environment) -> Option<usize> {
    let deploys = |spec: &StepSpec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment);
    state.plan.steps.iter().position(deploys)
}

/// Returns `true` if this module judges completed steps of this kind again.
fn judged(kind: &StepKind) -> bool {
    !evidence(kind).is_empty() && !matches!(kind, StepKind::Approve { .. } | StepKind::Image)
}

fn lost(state: &Hotfix, now: Timestamp) -> Vec<(usize, StepId, String)> {
    let steps = state.plan.steps.iter().zip(&state.steps).enumerate();
    let done = steps.filter(|(_, (spec, step))| matches!(step, StepState::Done { .. }) && judged(&spec.kind));
    done.filter_map(|(at, (spec, _))| Some((at, spec.id.clone(), holds(state, at, now)?))).collect()
}

/// Returns the reason if a completed step no longer holds.
fn holds(state: &Hotfix, at: usize, now: Timestamp) -> Option<String> {
    let spec = state.plan.steps.get(at)?;
    // Main receives commits during the run. Checks that its newest commit has not reported yet invalidate nothing.
    if spec.kind == StepKind::Releasable {
        return releasable::blocked(state);
    }
    problem(state, spec, now)
}

/// Returns the obstacle to completing a step, in words; `None` if it is fulfilled.
fn problem(state: &Hotfix, spec: &StepSpec, now: Timestamp) -> Option<String> {
    match progress(state, spec, now) {
        Progress::Done { .. } => None,
        Progress::Impossible(refusals) => {
            Some(refusals.iter().map(|refusal| refusal.reason.as_str()).collect::<Vec<_>>().join(" "))
        }
        Progress::Waiting(Wait::Review { have, need, checks, against, pull }) => {
            let approvals = (have < need).then(|| format!("{have} of {need} approvals of the present head"));
            let against = (!against.is_empty()).then(|| format!("{} asked for changes", against.join(" and ")));
            let parts: Vec<String> = pull.into_iter().chain(checks).chain(against).chain(approvals).collect();
            Some(parts.join("; "))
        }
        Progress::Waiting(Wait::MainChecks(checks) | Wait::MainBlocked(checks) | Wait::MergeChecks { checks, .. }) => {
            Some(checks.join("; "))
        }
        Progress::Waiting(Wait::Word { failed: true, .. }) => Some("the last word is that it is not good".to_owned()),
        Progress::Waiting(Wait::Word { .. }) => Some("nobody has said yet that what is there is good".to_owned()),
        Progress::Waiting(_) => Some("it is not done yet".to_owned()),
    }
}

/// Returns `true` if an action that has not begun relies on the step at index `at` of the plan.
fn is_relied_on(state: &Hotfix, at: usize) -> bool {
    let later = state.plan.steps.iter().zip(&state.steps).skip(at);
    later.filter(|(_, step)| !step.is_behind()).any(|(spec, _)| is_to_begin(state, &spec.kind))
}

/// Returns `true` if the step is an action that has not begun.
fn is_to_begin(state: &Hotfix, kind: &StepKind) -> bool {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other step reads or asks")]
    match kind {
        StepKind::Deploy { environment, .. } => !state.has_begun(environment),
        StepKind::Merge { .. } => !merged,
        // A fix that is live is merged back whatever became of its evidence.
        StepKind::Mainline { by: MainlineBy::Merge(_), .. } => !merged && state.live_at.is_none(),
        _other => false,
    }
}

/// Returns `true` if a current step of this kind is entered again after an earlier step was reopened and completed: its
/// action has not begun.
pub(crate) fn starts_over(state: &Hotfix, kind: &StepKind) -> bool {
    is_to_begin(state, kind)
}

#[cfg(test)]
mod tests;
