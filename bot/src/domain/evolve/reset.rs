//! What does not hold any more: steps that have to be fulfilled again, words that were said of something else.

use hotfix_adapters::vocabulary::CommitId;

use crate::domain::event::HeadSeen;
use crate::domain::hotfix::{FixState, Hotfix, StepState};
use crate::domain::playbook::{StepKind, VerifyPlace};

/// The branch moved: what was said of the old head is void (APPLY-14, security case 25).
pub(super) fn move_head(state: &mut Hotfix, head: &HeadSeen, adapts: &[CommitId]) {
    state.head = Some(head.clone());
    state.stuck = None;
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

/// Votes and words are bound to what they were said of; of anything else they say nothing.
pub(super) fn void(state: &mut Hotfix) {
    state.votes.clear();
    state.vetoes.clear();
    super::glass::void(state);
    state.close_questions();
    state.asked_deploy = None;
    state.riders = None;
}

/// Sets the first step that matches and every one behind it back, so that each has to be fulfilled again.
pub(super) fn reopen_from(state: &mut Hotfix, matches: impl Fn(&StepKind) -> bool) {
    let Some(first) = state.plan.steps.iter().position(|spec| matches(&spec.kind)) else {
        return;
    };
    for step in state.steps.iter_mut().skip(first) {
        *step = StepState::Ahead;
    }
    if state.rolled_in {
        skip_deployments(state);
    }
}

/// The tag names another image: what was deployed and attested was not the one that would ship, so it is done again. What
/// people left out stays left out, unless leaving it out said that the image was good enough (HOCS-15, HOCS-31).
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
    if state.rolled_in {
        skip_deployments(state);
    }
}

/// The regular release deploys the fix: this run does not, and asks nobody about it (APPLY-17).
pub(super) fn skip_deployments(state: &mut Hotfix) {
    for (spec, step) in state.plan.steps.iter().zip(&mut state.steps) {
        let deploys = matches!(
            spec.kind,
            StepKind::Approve { .. }
                | StepKind::Deploy { .. }
                | StepKind::Verify { place: VerifyPlace::Environment(_) | VerifyPlace::Watch(_), .. }
                | StepKind::Image
                | StepKind::Expire
        );
        if deploys && !matches!(step, StepState::Done { .. }) {
            *step = StepState::Skipped { by: None, reason: "rolled into the regular release".to_owned() };
        }
    }
}
