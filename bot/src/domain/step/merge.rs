//! The merge into main before the deployment; the standard release takes it from there (MAIN-8). The merge commit is
//! what is released, so its own checks must be green, and not only those of the head (security case 92).

use hotfix_adapters::forge::MergeMethod;

use super::{Progress, Wait, checks};
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::StepKind;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(commit) = state.pull.as_ref().and_then(|pull| pull.merged.as_ref()) else {
        return Progress::Waiting(Wait::Bot("merging the pull request"));
    };
    let seen = state.main_seen.as_ref().filter(|seen| &seen.commit == commit);
    let checks = seen.map(|seen| seen.checks.as_slice()).unwrap_or_default();
    let verdict = checks::of_merge(state, checks);
    let failed = !verdict.failed.is_empty();
    let failing = verdict.all();
    if !failing.is_empty() {
        return Progress::Waiting(Wait::MergeChecks { commit: commit.clone(), checks: failing, failed });
    }
    let green = checks::green(&state.plan, checks);
    Progress::done(format!("merged as {}, {green}", commit.short()))
}

/// Returns `true` if the run waits at the merge step because a check of the merge commit failed.
pub(crate) fn failed(state: &Hotfix) -> bool {
    let merged = state.pull.as_ref().and_then(|pull| pull.merged.as_ref());
    let seen = state.main_seen.as_ref().filter(|seen| Some(&seen.commit) == merged);
    let current = state.is_current(|kind| matches!(kind, StepKind::Merge { .. }));
    current && seen.is_some_and(|seen| !checks::of_merge(state, &seen.checks).failed.is_empty())
}

pub(super) fn enter(state: &Hotfix, method: MergeMethod) -> Vec<Effect> {
    match (&state.pull, &state.head) {
        (Some(pull), Some(head)) if pull.merged.is_none() => {
            vec![Effect::Merge { number: pull.number, head: head.tip.clone(), method }]
        }
        (Some(_) | None, Some(_) | None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
