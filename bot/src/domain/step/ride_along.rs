//! The included changes: commits of others that were merged in between and go out with the fix (MAIN-8). Their authors
//! are notified; they block nothing.

use super::{Progress, Wait, count};
use crate::domain::effect::Effect;
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    match &state.included_changes {
        Some(riders) if riders.is_empty() => Progress::done("nothing else goes out"),
        Some(riders) => Progress::done(format!("with it goes out: {} of others", count(riders.len(), "commit"))),
        None => Progress::Waiting(Wait::Bot("finding out what else goes out")),
    }
}

pub(super) fn enter(state: &Hotfix) -> Vec<Effect> {
    state.deployable().map(|to| Effect::FindIncludedChanges { to: to.clone() }).into_iter().collect()
}
