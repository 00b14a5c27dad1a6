//! Deployment and drift events: deployments by the run, and those by others that it observes.

use hotfix_adapters::ids::DeployKey;
use jiff::Timestamp;

use super::{invalidate, person, stuck};
use crate::domain::break_glass::{BreakGlassUse, Review};
use crate::domain::effect::Effect;
use crate::domain::event::{DeployIntent, DriftChoice, Entry, Event};
use crate::domain::hotfix::{DeployState, Deployment, Drift, Hotfix, RequestedDeploy, StepState};
use crate::domain::playbook::StepKind;

/// Applies an event about deployments or drift.
#[expect(clippy::wildcard_enum_match_arm, reason = "`apply` sorts the events, and is exhaustive")]
pub(super) fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::DeployRequested { environment, commit, rollback, typed, reason } => {
            stuck::forget(state, |effect| matches!(effect, Effect::CheckDeploy { .. }));
            state.requested_deploy = Some(RequestedDeploy {
                environment: environment.clone(),
                commit: commit.clone(),
                rollback: *rollback,
                typed: *typed,
                reason: reason.clone(),
                by: person(entry),
            });
        }
        Event::DeployRefused { .. } => state.requested_deploy = None,
        Event::DeployStarted(intent) => {
            if state.deploys.iter().any(|deploy| deploy.state.is_open()) {
                return Err("another deployment of this run is still open".to_owned());
            }
            let asked_by = state.requested_deploy.take().and_then(|asked| asked.by);
            state.superseded.remove(&intent.environment);
            state.rebased_onto.remove(&intent.environment);
            rest_on_glass(state, intent, entry.at);
            let deploy = Deployment {
                intent: intent.clone(),
                state: DeployState::Running,
                asked_by,
                at: entry.at,
                merged_at: None,
                confirmed_by: None,
            };
            state.deploys.push(deploy);
        }
        Event::RolloutBegan { key } => {
            set_deploy(state, key, DeployState::RollingOut)?;
            if let Some(deploy) = state.deploys.iter_mut().find(|deploy| &deploy.intent.key == key) {
                deploy.merged_at = Some(entry.at);
            }
            state.notes.remove(key);
            followed(state, key);
        }
        Event::DeployAwaitsConfirmation { key, instructions } => {
            set_deploy(state, key, DeployState::AwaitingConfirmation)?;
            if let Some(instructions) = instructions {
                state.notes.insert(key.clone(), instructions.clone());
            }
            followed(state, key);
        }
        Event::DeployNoted { key, note } => {
            state.notes.insert(key.clone(), note.clone());
        }
        Event::DeployEnded { key, failure } => {
            let ended = failure.as_ref().map_or(DeployState::Succeeded, |why| DeployState::Failed(why.clone()));
            set_deploy(state, key, ended)?;
            state.notes.remove(key);
            if let Some(deploy) = state.deploys.iter_mut().find(|deploy| &deploy.intent.key == key) {
                deploy.confirmed_by = person(entry);
            }
            state.abandon_requested = None;
            followed(state, key);
            deployment_ended(state, key, entry.at);
        }
        Event::Drifted { environment, expected, found, .. } => {
            if state.abandoned.is_some() {
                // Nobody decides on a drift of an abandoned run, so the found commit becomes the expected one.
                state.rebased_onto.insert(environment.clone(), found.clone());
                return Ok(());
            }
            let drift = Drift { expected: expected.clone(), found: found.clone() };
            state.drifts.insert(environment.clone(), drift);
        }
        Event::DriftSettled { choice } => settle_drift(state, *choice)?,
        Event::RebaseConflicted { files } => state.rebase_conflict = Some(files.clone()),
        Event::Superseded { environment, by } => {
            state.drifts.remove(environment);
            state.superseded.insert(environment.clone(), by.clone());
        }
        other => return Err(format!("{other:?} is not about deployments")),
    }
    Ok(())
}

/// Drops the stuck effect of this deployment.
fn followed(state: &mut Hotfix, ended: &DeployKey) {
    stuck::forget(state, |effect| matches!(effect, Effect::Deploy { key, .. } if key == ended));
}

/// Marks a break-glass as due for a countersign if this deployment relies on it.
fn rest_on_glass(state: &mut Hotfix, intent: &DeployIntent, at: Timestamp) {
    let Some(who) = &intent.glass else { return };
    let authors = state.contributors().into_iter().cloned().collect();
    let used = |broken: &&mut BreakGlassUse| !broken.void && &broken.glass.person == who;
    if let Some(broken) = state.break_glass.iter_mut().rev().find(used)
        && broken.review == Review::NotNeeded
    {
        broken.review = Review::Due { since: at, authors };
    }
}

fn deployment_ended(state: &mut Hotfix, key: &DeployKey, at: Timestamp) {
    let Some(deploy) = state.deploy(key).cloned() else {
        return;
    };
    let production = state.plan.reaches_production(&deploy.intent.environment);
    if deploy.state != DeployState::Succeeded || !production {
        return;
    }
    if deploy.intent.rollback {
        // The rollback decides what runs there, so a pending drift needs no answer.
        state.drifts.remove(&deploy.intent.environment);
        // A run that only waits to expire has reached its end. In any other run, the new version must be approved and
        // verified again.
        let expires = state.plan.steps.iter().position(|spec| matches!(spec.kind, StepKind::Expire));
        if expires.is_some_and(|at| state.steps.iter().take(at).all(StepState::is_behind)) {
            return;
        }
        state.rolled_back = state.deployable_to(&deploy.intent.environment).cloned();
        invalidate::reopen_from(
            state,
            |kind| matches!(kind, StepKind::Approve { environment } if *environment == deploy.intent.environment),
        );
        state.votes.clear();
        super::break_glass::void(state);
        state.close_vote_requests();
    } else if state.live_at.is_none() {
        state.live_at = Some(at);
    }
}

fn settle_drift(state: &mut Hotfix, choice: DriftChoice) -> Result<(), String> {
    let drifts = std::mem::take(&mut state.drifts);
    let found = drifts.values().next().ok_or("production did not change")?.found.clone();
    match choice {
        DriftChoice::Rebase => {
            state.rolled_in = false;
            state.rebase_from = state.rebase_from.take().or_else(|| state.base.clone());
            state.base = Some(found);
            state.rebased_onto.extend(drifts.into_iter().map(|(production, drift)| (production, drift.found)));
            if let Some(head) = &mut state.head {
                head.on_base = false;
            }
            invalidate::void(state);
            invalidate::reopen_from(state, |kind| matches!(kind, StepKind::Change { .. }));
        }
        DriftChoice::Roll => {
            invalidate::void(state);
            state.rolled_in = true;
            // The externally deployed commit is expected until a release brings the fix.
            state.rebased_onto.extend(drifts.into_iter().map(|(production, drift)| (production, drift.found)));
            invalidate::skip_deployments(state);
        }
        DriftChoice::Abort => {}
    }
    Ok(())
}

fn set_deploy(state: &mut Hotfix, key: &DeployKey, to: DeployState) -> Result<(), String> {
    let deploy = state.deploys.iter_mut().find(|deploy| &deploy.intent.key == key);
    let deploy = deploy.ok_or_else(|| format!("there is no deployment {key}"))?;
    if !deploy.state.is_open() {
        return Err(format!("deployment {key} ended before"));
    }
    deploy.state = to;
    Ok(())
}

#[cfg(test)]
mod tests;
