//! The fix goes into main first, by the team's usual process; it is picked from there, so that it is not lost when
//! production returns to main (SRE-8, SRE-10).

use hotfix_adapters::vocabulary::CommitId;

use super::{Progress, Wait, count};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.fixes.is_empty() {
        return Progress::Waiting(Wait::FixOnMain(Vec::new()));
    }
    let missing = missing(state);
    if missing.is_empty() {
        return Progress::done(format!("{} on {}", count(state.fixes.len(), "commit"), state.plan.main));
    }
    Progress::Waiting(Wait::FixOnMain(missing))
}

/// The fixes that are not known to be on main.
fn missing(state: &Hotfix) -> Vec<CommitId> {
    let absent = state.fixes.iter().filter(|fix| !state.on_main.contains(&fix.source));
    absent.map(|fix| fix.source.clone()).collect()
}
