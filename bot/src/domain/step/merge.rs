//! The merge into main before the deployment: the standard release takes it from there (MAIN-8).

use hotfix_adapters::forge::MergeMethod;

use super::{Progress, Wait};
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    match state.pull.as_ref().and_then(|pull| pull.merged.as_ref()) {
        Some(commit) => Progress::done(format!("merged as {}", commit.short())),
        None => Progress::Waiting(Wait::Bot("merging the pull request")),
    }
}

pub(super) fn enter(state: &Hotfix, method: MergeMethod) -> Vec<Effect> {
    match (&state.pull, &state.head) {
        (Some(pull), Some(head)) if pull.merged.is_none() => {
            vec![Effect::Merge { number: pull.number, head: head.tip.clone(), method }]
        }
        (Some(_) | None, Some(_) | None) => Vec::new(),
    }
}
