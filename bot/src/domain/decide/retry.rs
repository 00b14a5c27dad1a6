//! `retry`: repeats effects that were refused permanently, and deployments that failed.

use super::user::{Decided, no};
use super::{Decider, deploy};
use crate::domain::effect::Effect;
use crate::domain::event::{Actor, Event};
use crate::domain::hotfix::{BranchState, DeployState, FixState, Hotfix, Mainline, RequestedDeploy, Stuck};
use crate::domain::people::Grant;
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::step;
use jiff::Timestamp;

pub(super) fn retry(draft: &mut Decider, grant: &Grant) -> Decided {
    let state = &draft.state;
    let unread = state.stuck.iter().find_map(|stuck| stuck.asked.clone());
    let asked = unread.or_else(|| failed(state));
    let gone = state.head.as_ref().filter(|_| state.branch_gone);
    let mut effects: Vec<Effect> =
        gone.map(|head| Effect::RestoreBranch { at: head.tip.clone() }).into_iter().collect();
    let leaving = state.fixes.iter().filter(|fix| fix.state == FixState::Leaving);
    effects.extend(leaving.map(|fix| Effect::Unpick { source: fix.source.clone(), at: draft.now }));
    for effect in state.stuck.iter().flat_map(|stuck| again(state, stuck, draft.now)) {
        if !effects.contains(&effect) {
            effects.push(effect);
        }
    }
    let votes_again = taken_back(state);
    if votes_again {
        effects.extend(votes_for(state, draft.now));
    }
    if state.stuck.is_empty() && asked.is_none() && !votes_again && effects.is_empty() {
        return no(Refusal::new(
            "retry.nothing",
            "Nothing can be tried again now.",
            "See `status` for what is waited for.",
        ));
    }
    let refusals = asked.as_ref().map(|asked| deploy::not_again(state, grant, asked)).unwrap_or_default();
    let deploys = asked.filter(|_| refusals.is_empty());
    if effects.is_empty() && !refusals.is_empty() {
        return Err(refusals);
    }
    draft.person(&grant.person, Event::Retried { effects })?;
    let Some(asked) = deploys else { return Ok(()) };
    if asked.rollback {
        let RequestedDeploy { environment, commit, rollback, typed, reason, by: _ } = asked;
        let event = Event::DeployRequested { environment, commit, rollback, typed, reason };
        return draft.ask_to_deploy(Actor::Person(grant.person.clone()), event);
    }
    deploy::ask(draft, &grant.person, &asked.environment)
}

/// Returns the effects that retry a stuck effect in the current state of the run. The match is exhaustive, so every new
/// effect needs a decision here.
fn again(state: &Hotfix, stuck: &Stuck, now: Timestamp) -> Vec<Effect> {
    let effect = stuck.effect.clone();
    match &stuck.effect {
        Effect::TakeSnapshot if state.snapshot.is_none() => vec![effect],
        Effect::TakeSnapshot => Vec::new(),
        // The run may have changed, so the effects of the current step are computed from scratch.
        Effect::Announce
        | Effect::CreateBranch { .. }
        | Effect::Pick { .. }
        | Effect::Rebase { .. }
        | Effect::OpenPull
        | Effect::OpenReturn
        | Effect::RequestVotes { .. }
        | Effect::Merge { .. }
        | Effect::FindIncludedChanges { .. } => {
            state.current().map(|(_, spec)| step::enter(state, spec, now)).unwrap_or_default()
        }
        // Every `retry` restores a missing branch and unpicks leaving fixes, so they are handled by the caller.
        Effect::RestoreBranch { .. } | Effect::Unpick { .. } => Vec::new(),
        // The caller requests the deployment again, so that all its facts are read again.
        Effect::CheckDeploy { .. } => Vec::new(),
        Effect::Deploy { key, environment, commit, .. } => {
            let runs = state.deploy(key).is_some_and(|deploy| deploy.state == DeployState::Running);
            let (key, environment, commit) = (key.clone(), environment.clone(), commit.clone());
            if runs { vec![Effect::Deploy { key, environment, commit, resumed: true }] } else { Vec::new() }
        }
        Effect::DeleteBranch { .. } => {
            let wanted = state.branch == BranchState::Present && matches!(state.mainline, Mainline::Merged(..));
            if wanted { vec![effect] } else { Vec::new() }
        }
        Effect::AnnounceBreakGlass { version } => {
            let last = state.break_glass.last().filter(|broken| broken.announced.is_none() && !broken.void);
            if last.is_some_and(|broken| &broken.version == version) { vec![effect] } else { Vec::new() }
        }
        Effect::PostEvent { .. }
        | Effect::SendDirectMessage { .. }
        | Effect::Audit { .. }
        | Effect::RemindCountersign
        | Effect::Remind { .. } => Vec::new(),
    }
}

/// Returns `true` if the current approval step is for a commit that was rolled back. Such a commit gets no new vote
/// request automatically.
fn taken_back(state: &Hotfix) -> bool {
    let Some((_, spec)) = state.current() else { return false };
    let StepKind::Approve { environment } = &spec.kind else { return false };
    state.is_taken_back(environment)
}

/// Returns the vote request that was not sent because of the rollback.
fn votes_for(state: &Hotfix, now: Timestamp) -> Vec<Effect> {
    let asked = Hotfix { rolled_back: None, ..state.clone() };
    asked.current().map(|(_, spec)| step::enter(&asked, spec, now)).unwrap_or_default()
}

/// Returns the failed deployment that can be retried: the last one if it was a rollback, otherwise the last one to the
/// environment of the current deployment step.
fn failed(state: &Hotfix) -> Option<RequestedDeploy> {
    let is_failed = |state: &DeployState| matches!(state, DeployState::Failed(_));
    if let Some(last) = state.deploys.last().filter(|last| last.intent.rollback && is_failed(&last.state)) {
        let (environment, commit) = (last.intent.environment.clone(), last.intent.commit.clone());
        // `typed` is reset because production is read again: if the rollback would remove foreign commits, the target
        // must be typed again.
        let reason = last.intent.reason.clone();
        return Some(RequestedDeploy { environment, commit, rollback: true, typed: false, reason, by: None });
    }
    let (_, spec) = state.current()?;
    let StepKind::Deploy { environment, .. } = &spec.kind else { return None };
    let last = state.last_deploy(environment).filter(|last| !last.intent.rollback && is_failed(&last.state))?;
    let (environment, commit) = (environment.clone(), last.intent.commit.clone());
    Some(RequestedDeploy { environment, commit, rollback: false, typed: false, reason: None, by: None })
}

#[cfg(test)]
mod tests;
