//! What the other side refused for good: kept until it is tried again, is done, or has lost its point.

use hotfix_adapters::ids::Environment;

use crate::domain::effect::Effect;
use crate::domain::hotfix::{AskedDeploy, Hotfix, StepState, Stuck};
use crate::domain::id::StepId;
use crate::domain::playbook::StepKind;

/// Keeps what was refused. A deployment whose facts could not be read is not asked for any more: `retry` asks for it again.
pub(super) fn refused(state: &mut Hotfix, effect: &Effect, reason: &str) {
    forget(state, |known| known == effect);
    let asked = match effect {
        Effect::CheckDeploy { .. } => state.asked_deploy.take(),
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
        | Effect::Say { .. }
        | Effect::Tell { .. }
        | Effect::Audit { .. }
        | Effect::RemindCountersign
        | Effect::Remind { .. } => None,
    };
    state.stuck.push(Stuck { effect: effect.clone(), reason: reason.to_owned(), asked });
}

/// Forgets what was refused of these.
pub(super) fn forget(state: &mut Hotfix, pointless: impl Fn(&Effect) -> bool) {
    state.stuck.retain(|stuck| !pointless(&stuck.effect));
}

/// Forgets what served a step that the run is past.
pub(super) fn step_over(state: &mut Hotfix) {
    forget(state, Effect::serves_step);
}

/// Forgets what served a step that is left out, when its turn was now.
pub(super) fn left_out(state: &mut Hotfix, step: &StepId) {
    if matches!(state.state_of(step), Some(StepState::Current { .. })) {
        step_over(state);
    }
}

/// Forgets a deployment that was asked for, or whose facts could not be read, when it would not ship any more.
pub(super) fn void(state: &mut Hotfix) {
    void_unless(state, |_| false);
}

/// Forgets a deployment that was asked for in its turn, once a step before it is open again.
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

/// Putting back what ran before is never void.
fn void_unless(state: &mut Hotfix, stays: impl Fn(&AskedDeploy) -> bool) {
    let stays = |asked: &AskedDeploy| asked.rollback || stays(asked);
    state.asked_deploy.take_if(|asked| !stays(asked));
    state.stuck.retain(|stuck| stuck.asked.as_ref().is_none_or(stays));
}

#[cfg(test)]
mod tests;
