//! What the other side refused for good: kept until it is tried again, is done, or has lost its point.

use crate::domain::effect::Effect;
use crate::domain::hotfix::{Hotfix, StepState, Stuck};
use crate::domain::id::StepId;

/// Keeps what was refused. A deployment whose facts could not be read is not asked for any more: `retry` asks for it again.
pub(super) fn refused(state: &mut Hotfix, effect: &Effect, reason: &str) {
    forget(state, |known| known == effect);
    let asked = match effect {
        Effect::CheckDeploy { .. } => state.asked_deploy.take(),
        Effect::Survey
        | Effect::Announce
        | Effect::CreateBranch { .. }
        | Effect::Pick { .. }
        | Effect::Unpick { .. }
        | Effect::Rebase { .. }
        | Effect::OpenPull
        | Effect::OpenReturn
        | Effect::Prompt { .. }
        | Effect::AnnounceGlass { .. }
        | Effect::Deploy { .. }
        | Effect::Merge { .. }
        | Effect::FindRiders { .. }
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

/// Forgets a deployment whose facts could not be read and that would not ship any more. What ran before can still be put back.
pub(super) fn void(state: &mut Hotfix) {
    state.stuck.retain(|stuck| stuck.asked.as_ref().is_none_or(|asked| asked.rollback));
}

#[cfg(test)]
mod tests;
