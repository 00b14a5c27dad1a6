//! The fix on main, merged by the team's usual process before the run picks it from there. Otherwise the fix would be
//! lost when production returns to main (SRE-8, SRE-10).

use std::collections::BTreeSet;

use hotfix_adapters::ids::CommitId;

use super::{Progress, Wait, change, count};
use crate::domain::hotfix::{Fix, FixState, Hotfix};
use crate::domain::id::PersonId;
use crate::domain::people::all_marked;

pub(super) fn progress(state: &Hotfix) -> Progress {
    if state.fixes.is_empty() {
        return Progress::Waiting(Wait::FixOnMain(Vec::new()));
    }
    if let Some(wait) = change::reverted(state) {
        return Progress::Waiting(wait);
    }
    let missing = missing(state);
    if missing.is_empty() {
        return Progress::done(evidence(state));
    }
    Progress::Waiting(Wait::FixOnMain(missing))
}

/// Returns the evidence in words: the fixes on main, and those that main reverted but a user confirmed.
fn evidence(state: &Hotfix) -> String {
    let is_reverted = |fix: &&Fix| !state.on_main.contains(&fix.source) && state.reverted.contains_key(&fix.source);
    let reverted: Vec<&Fix> = state.fixes.iter().filter(is_reverted).collect();
    let main = &state.plan.main;
    let there = format!("{} on {main}", count(state.fixes.len() - reverted.len(), "commit"));
    if reverted.is_empty() {
        return there;
    }
    let confirmed = reverted.iter().filter_map(|fix| state.reverted.get(&fix.source)?.confirmed.as_ref());
    let by = all_marked(confirmed.collect::<BTreeSet<&PersonId>>());
    if reverted.len() == state.fixes.len() {
        return format!("reverted on {main}, wanted all the same by {by}");
    }
    format!("{there}; {} reverted there, wanted all the same by {by}", count(reverted.len(), "commit"))
}

/// Returns the fixes that are not known to be or have been on main, without those that are being unpicked.
fn missing(state: &Hotfix) -> Vec<CommitId> {
    let known = |source: &CommitId| state.on_main.contains(source) || state.reverted.contains_key(source);
    let absent = state.fixes.iter().filter(|fix| fix.state != FixState::Leaving && !known(&fix.source));
    absent.map(|fix| fix.source.clone()).collect()
}

#[cfg(test)]
mod tests;
