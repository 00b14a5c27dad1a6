//! Invalidation: reopens steps, and voids votes and rejections that were given for other content.

use hotfix_adapters::ids::CommitId;

use crate::domain::event::HeadSeen;
use crate::domain::hotfix::{FixState, Hotfix, Mainline, StepState};
use crate::domain::id::StepId;
use crate::domain::playbook::{StepKind, VerifyPlace};
use crate::domain::step::starts_over;

/// Records a new head and voids everything that was given for the old one (APPLY-14, security case 25).
pub(super) fn move_head(state: &mut Hotfix, head: &HeadSeen, adapts: &[CommitId]) {
    state.head = Some(head.clone());
    state.branch_gone = false;
    state.passed_over.clear();
    super::stuck::step_over(state);
    if head.on_base {
        state.rebase_conflict = None;
        state.rebase_from = None;
    }
    for fix in &mut state.fixes {
        if adapts.contains(&fix.source) && matches!(fix.state, FixState::Conflicted(_)) {
            fix.state = FixState::Adapted;
        }
    }
    void(state);
    reopen_from(state, |kind| matches!(kind, StepKind::Change { .. }));
}

/// Voids votes, rejections, break-glass uses, vote requests and requested deployments: they are bound to the content
/// that they were given for.
pub(super) fn void(state: &mut Hotfix) {
    state.votes.clear();
    state.rejections.clear();
    super::break_glass::void(state);
    state.close_vote_requests();
    super::stuck::void(state);
    state.included_changes = None;
}

/// Reopens the first step that matches and every step behind it.
pub(super) fn reopen_from(state: &mut Hotfix, matches: impl Fn(&StepKind) -> bool) {
    let Some(first) = state.plan.steps.iter().position(|spec| matches(&spec.kind)) else {
        return;
    };
    for step in state.steps.iter_mut().skip(first) {
        *step = StepState::Ahead;
    }
    skip_mainline(state);
    if state.rolled_in {
        skip_deployments(state);
    }
}

/// Puts the current steps behind a reopened step back to [`StepState::Ahead`] if their action has not begun, so that
/// they are entered again later.
pub(super) fn start_over_behind(state: &mut Hotfix, step: &StepId) {
    let Some(at) = state.plan.position(step) else { return };
    let over: Vec<bool> = state.plan.steps.iter().map(|spec| starts_over(state, &spec.kind)).collect();
    for (step, _) in state.steps.iter_mut().zip(over).skip(at + 1).filter(|(_, over)| *over) {
        if matches!(step, StepState::Current { .. }) {
            *step = StepState::Ahead;
        }
    }
}

/// Reopens the image step and the steps behind it after the tag was moved to another image: the deployed and tested
/// image is not the one that would ship. Skipped steps stay skipped, unless skipping one meant that the image was good
/// enough (HOCS-15, HOCS-31).
pub(super) fn image_moved(state: &mut Hotfix) {
    let Some(first) = state.plan.steps.iter().position(|spec| matches!(spec.kind, StepKind::Image)) else {
        return;
    };
    for (spec, step) in state.plan.steps.iter().zip(&mut state.steps).skip(first) {
        let attests = matches!(spec.kind, StepKind::Verify { .. } | StepKind::Image);
        if attests || !matches!(step, StepState::Skipped { .. }) {
            *step = StepState::Ahead;
        }
    }
    skip_mainline(state);
    if state.rolled_in {
        skip_deployments(state);
    }
}

/// Marks the mainline steps as skipped if a captain waived the merge back.
pub(super) fn skip_mainline(state: &mut Hotfix) {
    let Mainline::Waived { by, reason } = &state.mainline else { return };
    let steps = state.plan.steps.iter().zip(&mut state.steps);
    for (_, step) in steps.filter(|(spec, _)| matches!(spec.kind, StepKind::Mainline { .. })) {
        if !step.is_behind() {
            *step = StepState::Skipped { by: Some(by.clone()), reason: format!("given up: {reason}") };
        }
    }
}

/// Skips the image, approval, deployment and verification steps, because the regular release deploys the fix
/// (APPLY-17). Steps that a user skipped before keep their reason.
pub(super) fn skip_deployments(state: &mut Hotfix) {
    for (spec, step) in state.plan.steps.iter().zip(&mut state.steps) {
        let deploys = matches!(
            spec.kind,
            StepKind::Approve { .. }
                | StepKind::Deploy { .. }
                | StepKind::Verify { place: VerifyPlace::Environment(_) | VerifyPlace::Watch(_), .. }
                | StepKind::Image
        );
        if deploys && !matches!(step, StepState::Done { .. } | StepState::Skipped { .. }) {
            *step = StepState::Skipped { by: None, reason: "rolled into the regular release".to_owned() };
        }
    }
}

#[cfg(test)]
mod tests;
