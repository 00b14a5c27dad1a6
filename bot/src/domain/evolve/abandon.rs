//! The effect of abandoning a run on its state.

use std::collections::BTreeSet;

use hotfix_adapters::ids::DeployKey;

use super::invalidate;
use crate::domain::hotfix::{Abandoned, DeployState, Hotfix, Phase, StepState};
use crate::domain::id::PersonId;
use crate::domain::playbook::StepKind;

/// Ends everything except what is still due: the mainline step stays open if production has the fix or may have it.
pub(super) fn apply(
    state: &mut Hotfix,
    (by, asked_by): (PersonId, Option<PersonId>),
    reason: &str,
    believed: &BTreeSet<DeployKey>,
) {
    invalidate::void(state);
    state.phase = Phase::Underway;
    state.lane_released = true;
    state.abandon_requested = None;
    state.override_requested.clear();
    state.holds.clear();
    state.requested_deploy = None;
    state.stuck.clear();
    state.rebase_conflict = None;
    let found = std::mem::take(&mut state.drifts).into_iter().map(|(production, drift)| (production, drift.found));
    state.rebased_onto.extend(found);
    for deploy in state.deploys.iter_mut().filter(|deploy| deploy.state.is_open()) {
        deploy.state = DeployState::Failed("the run was abandoned while it was open".to_owned());
    }
    let captain = asked_by.clone().unwrap_or_else(|| by.clone());
    let (reason, believed) = (reason.to_owned(), believed.clone());
    state.abandoned = Some(Abandoned { by, asked_by, reason, believed });
    let owes = state.owes_mainline();
    for (spec, step) in state.plan.steps.iter().zip(&mut state.steps) {
        let stays = owes && matches!(spec.kind, StepKind::Mainline { .. });
        match step {
            StepState::Ahead | StepState::Current { .. } if stays => *step = StepState::Ahead,
            StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. } => {
                *step = StepState::Skipped { by: Some(captain.clone()), reason: "the run was abandoned".to_owned() };
            }
            StepState::Done { .. } | StepState::Skipped { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
