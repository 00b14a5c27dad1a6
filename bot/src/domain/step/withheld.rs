//! The held-back changes: commits on main that must not ship yet. If there are none, a normal deployment is enough
//! (APPLY-4).

use std::collections::BTreeSet;

use hotfix_adapters::ids::CommitId;

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(survey) = &state.snapshot else {
        return Progress::Waiting(Wait::Bot("reading what main holds"));
    };
    if survey.held_back_total > 0 {
        return Progress::done(format!("main holds {} commits that do not ship with it", survey.held_back_total));
    }
    let base_is_known = survey.running.is_some() || survey.last_success.is_some() || survey.from.is_some();
    if !base_is_known {
        // The base step reports the unknown base; to say that nothing is held back would be wrong.
        return Progress::Waiting(Wait::Bot("reading what main holds"));
    }
    let (reason, next) = if survey.held_back_without.is_empty() {
        let reason =
            "Nothing is withheld: production runs everything that is on main, so a hotfix would only be a detour.";
        (reason, "Merge the fix to main and deploy as usual.")
    } else {
        let reason = "Nothing is withheld: apart from the fix itself, production runs everything that is on main, so a \
                      hotfix would only be a detour.";
        (reason, "Merge the fix to main, if it is not there yet, and deploy as usual.")
    };
    Progress::Impossible(vec![Refusal::new("held-back.nothing", reason, next).because_of("APPLY-4")])
}

/// Returns `true` if the held-back changes were computed for another base or other fixes than the run has now.
#[must_use]
pub fn is_due(state: &Hotfix) -> bool {
    let (Some(survey), Some(base)) = (&state.snapshot, &state.base) else { return false };
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
    let fixes: BTreeSet<&CommitId> = state.fixes.iter().map(|fix| &fix.source).collect();
    let as_is = survey.held_back_since.as_ref() == Some(base) && survey.held_back_without.iter().eq(fixes);
    !as_is && !merged && !state.plan.ships_main()
}

#[cfg(test)]
mod tests;
