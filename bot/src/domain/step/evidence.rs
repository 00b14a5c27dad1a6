//! What a completed step rests on, and whether that still holds. A step is not done for good: until the act that relies on it
//! has begun, it is judged again whenever its evidence changes, and once more from fresh facts before the act (security
//! case 91). A kind of step that rests on something declares it in [`evidence`].

use hotfix_adapters::ids::Environment;
use jiff::Timestamp;

use super::{Progress, Wait, progress, releasable};
use crate::domain::hotfix::{DeployState, Hotfix, StepState};
use crate::domain::id::StepId;
use crate::domain::plan::environment_of;
use crate::domain::playbook::{MainlineBy, StepKind, StepSpec};

/// Something that can change after a step was completed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The checks of the head.
    Checks,
    /// The approvals of exactly the head.
    Approvals,
    /// Requests for changes.
    ChangesRequested,
    /// Whether the pull request is open.
    Open,
    /// Whether the pull request is a draft.
    Draft,
    /// The labels that hold the pull request back.
    HoldLabels,
    /// The branch that the pull request goes into.
    Target,
    /// The checks of main.
    MainChecks,
    /// The labels that block releases.
    Blockers,
    /// The checks of the merge that is released.
    MergeChecks,
    /// What people said they saw.
    Words,
    /// The votes, and who cast them.
    Votes,
    /// What the tag of the pinned image names.
    Tag,
}

/// What a kind of step rests on. What is settled once, or set back as a whole when the branch moves, rests on nothing here.
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
        // Read once, when the run begins.
        StepKind::Triage { .. }
        | StepKind::Target
        | StepKind::Base { .. }
        | StepKind::Withheld
        | StepKind::Capability { .. }
        // Done once, and nothing takes it back.
        | StepKind::Announce
        | StepKind::Agree { .. }
        | StepKind::Branch { .. }
        | StepKind::Deploy { .. }
        | StepKind::RideAlong
        | StepKind::Postmortem { .. }
        // Set back with everything behind it when a fix is added or the branch moves.
        | StepKind::OnMain
        | StepKind::BuildJob { .. }
        | StepKind::Change { .. }
        | StepKind::VersionOrder { .. }
        // Watched by itself.
        | StepKind::OnEnvironment { .. }
        | StepKind::Mainline { .. }
        | StepKind::Expire => &[],
    }
}

/// The completed steps that do not hold any more and that an act still to begin relies on, each with what changed. While a
/// deployment of the run is on its way nothing is set back. Votes have a judgement of their own, which names the voters; so
/// has a moved image.
#[must_use]
pub fn unsound(state: &Hotfix, now: Timestamp) -> Vec<(StepId, String)> {
    if state.deploys.iter().any(|deploy| deploy.state.is_open()) {
        return Vec::new();
    }
    lost(state, now).into_iter().filter(|(at, _, _)| is_relied_on(state, *at)).map(|(_, id, why)| (id, why)).collect()
}

/// Returns the completed steps that do not hold any more although production was deployed on the strength of them: that is
/// told, and nothing is set back. What is not out any more concerns nobody.
#[must_use]
pub fn outdated(state: &Hotfix, now: Timestamp) -> Vec<(StepId, String)> {
    let open = state.deploys.iter().any(|deploy| deploy.state.is_open());
    let told = |(at, _, _): &(usize, StepId, String)| {
        let out = state.plan.steps.get(*at).is_some_and(|spec| where_out(state, &spec.kind).is_some());
        out && (open || !is_relied_on(state, *at))
    };
    lost(state, now).into_iter().filter(told).map(|(_, id, why)| (id, why)).collect()
}

/// Returns the production that runs what went out on the strength of such a step: the one that the step is about, or else the
/// last one that still runs it. It is `None` when the step is about an environment that runs something else by now, and when
/// nothing of this run is in production any more.
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

/// Returns whether what this run deployed to an environment is there, or on its way there: it was not rolled back since, and
/// nobody put anything else in its place.
#[must_use]
pub fn is_out(state: &Hotfix, environment: &Environment) -> bool {
    let here = state.deploys.iter().rev().filter(|deploy| &deploy.intent.environment == environment);
    let last = here.into_iter().find(|deploy| !matches!(deploy.state, DeployState::Failed(_)));
    let by_others = state.drifts.contains_key(environment)
        || state.rebased_onto.contains_key(environment)
        || state.superseded.contains_key(environment);
    last.is_some_and(|deploy| !deploy.intent.rollback) && !by_others
}

/// What stands between now and an act at this place of the plan: steps before it that are open, or that do not hold any more.
#[must_use]
pub fn in_the_way(state: &Hotfix, act: usize, now: Timestamp) -> Vec<(StepId, String)> {
    let before = state.plan.steps.iter().zip(&state.steps).enumerate().take(act);
    let open = before.filter_map(|(at, (spec, step))| match step {
        StepState::Ahead | StepState::Current { .. } => {
            Some((spec.id.clone(), problem(state, spec, now).unwrap_or_else(|| "it is not done yet".to_owned())))
        }
        StepState::Done { .. } if judged(&spec.kind) => Some((spec.id.clone(), holds(state, at, now)?)),
        // An option that nobody took stands in nobody's way.
        StepState::Done { .. } | StepState::Skipped { .. } | StepState::Offered { .. } => None,
    });
    open.collect()
}

/// The place of the deployment to an environment in the plan.
#[must_use]
pub fn place_of_deploy(state: &Hotfix, environment: &Environment) -> Option<usize> {
    let deploys = |spec: &StepSpec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment);
    state.plan.steps.iter().position(deploys)
}

/// Whether a step is judged again here.
fn judged(kind: &StepKind) -> bool {
    !evidence(kind).is_empty() && !matches!(kind, StepKind::Approve { .. } | StepKind::Image)
}

fn lost(state: &Hotfix, now: Timestamp) -> Vec<(usize, StepId, String)> {
    let steps = state.plan.steps.iter().zip(&state.steps).enumerate();
    let done = steps.filter(|(_, (spec, step))| matches!(step, StepState::Done { .. }) && judged(&spec.kind));
    done.filter_map(|(at, (spec, _))| Some((at, spec.id.clone(), holds(state, at, now)?))).collect()
}

/// What changed, when a completed step does not hold any more.
fn holds(state: &Hotfix, at: usize, now: Timestamp) -> Option<String> {
    let spec = state.plan.steps.get(at)?;
    // Main goes on while the fix is made: what is not known of its newest commit yet takes nothing back.
    if spec.kind == StepKind::Releasable {
        return releasable::blocked(state);
    }
    problem(state, spec, now)
}

/// What keeps a step from being done, in words.
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

/// Whether an act that is still to begin relies on the step at this place of the plan.
fn is_relied_on(state: &Hotfix, at: usize) -> bool {
    let later = state.plan.steps.iter().zip(&state.steps).skip(at);
    later.filter(|(_, step)| !step.is_behind()).any(|(spec, _)| is_to_begin(state, &spec.kind))
}

/// Whether a step is an act that has not begun.
fn is_to_begin(state: &Hotfix, kind: &StepKind) -> bool {
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other step reads or asks")]
    match kind {
        StepKind::Deploy { environment, .. } => !state.has_begun(environment),
        StepKind::Merge { .. } => !merged,
        // What is live already goes back to main, whatever became of its evidence since.
        StepKind::Mainline { by: MainlineBy::Merge(_), .. } => !merged && state.live_at.is_none(),
        _other => false,
    }
}

/// Whether a step that waits for its turn, or has it, is entered anew once a step before it is done again: nothing of it has
/// begun.
pub(crate) fn starts_over(state: &Hotfix, kind: &StepKind) -> bool {
    is_to_begin(state, kind)
}

#[cfg(test)]
mod tests;
