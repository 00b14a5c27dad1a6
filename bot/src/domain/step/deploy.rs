//! The deployment of exactly the approved commit (APPLY-10, APPLY-11, MAIN-9). Events drive the deployment itself; this
//! file only judges its progress.

use hotfix_adapters::ids::Environment;

use super::{Progress, Wait};
use crate::domain::hotfix::{DeployState, Hotfix, StepState};
use crate::domain::id::StepId;
use crate::domain::people::marked;
use crate::domain::playbook::Trigger;

pub(super) fn progress(state: &Hotfix, step: &StepId, environment: &Environment, trigger: Trigger) -> Progress {
    let here = environment.clone();
    if state.requested_deploy.as_ref().is_some_and(|asked| &asked.environment == environment) {
        return Progress::Waiting(Wait::Bot("reading the facts once more"));
    }
    let mine = state.last_deploy(environment).filter(|deploy| state.is_deployable(&deploy.intent));
    match mine.map(|deploy| &deploy.state) {
        Some(DeployState::Succeeded) => {
            let commit = state.deployable_to(environment).map_or("it", |commit| commit.short());
            let said_by = mine.and_then(|deploy| deploy.confirmed_by.as_ref());
            let said_by = said_by.map_or_else(String::new, |person| format!(", says {}", marked(person)));
            Progress::done(if state.plan.only_in(environment).is_empty() {
                format!("{commit} runs on {environment}{said_by}")
            } else {
                format!("{commit} is promoted to {}{said_by}", state.plan.place(environment))
            })
        }
        Some(DeployState::Running) => Progress::Waiting(Wait::Deploying(here)),
        Some(DeployState::RollingOut) => Progress::Waiting(Wait::RollingOut(here)),
        Some(DeployState::AwaitingConfirmation) if mine.is_some_and(|deploy| deploy.merged_at.is_some()) => {
            Progress::Waiting(Wait::RolloutWord(here))
        }
        Some(DeployState::AwaitingConfirmation) => Progress::Waiting(Wait::DeployByHand(here)),
        Some(DeployState::Failed(_)) => Progress::Waiting(Wait::DeployFailed(here)),
        None if trigger == Trigger::Auto && state.state_of(step) == Some(&StepState::Ahead) => {
            Progress::Waiting(Wait::Bot("beginning the deployment"))
        }
        // An automatic deployment was requested when the step was entered. If it has not begun, it was refused.
        None => Progress::Waiting(Wait::DeployCommand(here)),
    }
}

#[cfg(test)]
mod tests;
