//! Effects that were refused permanently. Each one is kept until it is retried, done, or no longer needed.

use hotfix_adapters::ids::Environment;

use crate::domain::effect::Effect;
use crate::domain::hotfix::{Hotfix, RequestedDeploy, StepState, Stuck};
use crate::domain::id::StepId;
use crate::domain::playbook::StepKind;

/// Records a refused effect. If the effect is the check of a deployment, the request is moved here from the run, and
/// `retry` requests it again.
pub(super) fn refused(state: &mut Hotfix, effect: &Effect, reason: &str) {
    forget(state, |known| known == effect);
    let asked = match effect {
        Effect::CheckDeploy { .. } => state.requested_deploy.take(),
        Effect::TakeSnapshot
        | Effect::Announce
        | Effect::CreateBranch { .. }
        | Effect::Pick { .. }
        | Effect::Unpick { .. }
        | Effect::Rebase { .. }
        | Effect::OpenPull
        | Effect::OpenReturn
        | Effect::RequestVotes { .. }
        | Effect::AnnounceBreakGlass { .. }
        | Effect::Deploy { .. }
        | Effect::Merge { .. }
        | Effect::FindIncludedChanges { .. }
        | Effect::RestoreBranch { .. }
        | Effect::DeleteBranch { .. }
        | Effect::PostEvent { .. }
        | Effect::SendDirectMessage { .. }
        | Effect::Audit { .. }
        | Effect::RemindCountersign
        | Effect::Remind { .. } => None,
    };
    state.stuck.push(Stuck { effect: effect.clone(), reason: reason.to_owned(), asked });
}

/// Drops the stuck effects that match.
pub(super) fn forget(state: &mut Hotfix, pointless: impl Fn(&Effect) -> bool) {
    state.stuck.retain(|stuck| !pointless(&stuck.effect));
}

/// Drops the stuck effects of a completed step.
pub(super) fn step_over(state: &mut Hotfix) {
    forget(state, Effect::serves_step);
}

/// Drops the stuck effects of a step that is skipped while it is current.
pub(super) fn left_out(state: &mut Hotfix, step: &StepId) {
    if matches!(state.state_of(step), Some(StepState::Current { .. })) {
        step_over(state);
    }
}

/// Drops requested deployments, and those whose facts could not be read, because they would ship something else.
/// Rollbacks stay.
pub(super) fn void(state: &mut Hotfix) {
    void_unless(state, |_| false);
}

/// Drops requested deployments whose step is no longer reached because a step before it was reopened. Rollbacks stay.
pub(super) fn out_of_turn(state: &mut Hotfix) {
    let at = state.current().map_or(state.steps.len(), |(at, _)| at + 1);
    let reached = state.plan.steps.iter().zip(&state.steps).take(at);
    let turns: Vec<Environment> = reached
        .filter_map(|(spec, step)| match (&spec.kind, step) {
            (StepKind::Deploy { environment, .. }, StepState::Current { .. } | StepState::Offered { .. }) => {
                Some(environment.clone())
            }
            _other => None,
        })
        .collect();
    void_unless(state, |asked| turns.contains(&asked.environment));
}

/// Drops requested deployments unless `stays` keeps them. A rollback is always kept.
fn void_unless(state: &mut Hotfix, stays: impl Fn(&RequestedDeploy) -> bool) {
    let stays = |asked: &RequestedDeploy| asked.rollback || stays(asked);
    state.requested_deploy.take_if(|asked| !stays(asked));
    state.stuck.retain(|stuck| stuck.asked.as_ref().is_none_or(stays));
}

#[cfg(test)]
mod tests;
