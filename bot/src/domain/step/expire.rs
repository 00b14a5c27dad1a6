//! The expiry of a hotfix in production: production is rolled back, or a release that contains the fix replaces it
//! (HOCS-13, HOCS-34, HOCS-37). People are reminded until then.

use hotfix_adapters::ids::Environment;

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.rolled_in {
        let productions = state.plan.productions().map(|production| &production.name);
        let missing: Vec<Environment> =
            productions.filter(|name| !state.superseded.contains_key(*name)).cloned().collect();
        if !missing.is_empty() {
            return Progress::Waiting(Wait::Release(missing));
        }
    }
    let standing: Vec<Environment> = state
        .plan
        .productions()
        .map(|production| &production.name)
        .filter(|name| state.is_live_in(name) && !state.superseded.contains_key(*name))
        .cloned()
        .collect();
    if !standing.is_empty() {
        return Progress::Waiting(Wait::Expiry(standing));
    }
    if reverted(state) {
        return Progress::done("production is back at what it ran before");
    }
    Progress::done("a release that has the fix took its place")
}

/// Returns `true` if the hotfix was rolled back instead of replaced by a release.
pub(crate) fn reverted(state: &Hotfix) -> bool {
    state.superseded.is_empty() && !state.is_live()
}

#[cfg(test)]
mod tests;
