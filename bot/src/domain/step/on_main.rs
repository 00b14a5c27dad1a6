//! The fix goes into main first, by the team's usual process; it is picked from there, so that it is not lost when
//! production returns to main (SRE-8, SRE-10).

use hotfix_adapters::vocabulary::CommitId;

use super::{Progress, Wait, change, count};
use crate::domain::hotfix::{FixState, Hotfix};

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.fixes.is_empty() {
        return Progress::Waiting(Wait::FixOnMain(Vec::new()));
    }
    if let Some(wait) = change::reverted(state) {
        return Progress::Waiting(wait);
    }
    let missing = missing(state);
    if missing.is_empty() {
        return Progress::done(format!("{} on {}", count(state.fixes.len(), "commit"), state.plan.main));
    }
    Progress::Waiting(Wait::FixOnMain(missing))
}

/// The fixes that are not known to be on main, and never were, less those that are about to leave.
fn missing(state: &Hotfix) -> Vec<CommitId> {
    let known = |source: &CommitId| state.on_main.contains(source) || state.reverted.contains_key(source);
    let absent = state.fixes.iter().filter(|fix| fix.state != FixState::Leaving && !known(&fix.source));
    absent.map(|fix| fix.source.clone()).collect()
}
