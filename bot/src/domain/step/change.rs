//! The fix on the branch: picked by the bot from named commits, or pushed by a user. Then the bot opens the pull
//! request into main, which is reviewed now and merged at its step (APPLY-7, APPLY-8, MAIN-5, MAIN-6).

use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;

use super::{Progress, Wait, count, extra_commits};
use crate::domain::effect::Effect;
use crate::domain::hotfix::{FixState, Hotfix};

pub(super) fn progress(state: &Hotfix, large_lines: u32, pulls: bool) -> Progress {
    if is_leaving(state) {
        return Progress::Waiting(Wait::Bot("taking a fix off the branch"));
    }
    let strays = extra_commits::unexpected_commits(state);
    if !strays.is_empty() {
        return Progress::Waiting(Wait::Strays(strays.into_iter().map(|(at, why)| (at.clone(), why)).collect()));
    }
    if let Some(wait) = reverted(state) {
        return Progress::Waiting(wait);
    }
    if let Some(files) = conflict(state) {
        return Progress::Waiting(Wait::Conflict(files));
    }
    let Some(head) = state.head.as_ref().filter(|head| head.total > 0) else {
        let waiting = state.fixes.iter().any(|fix| fix.state == FixState::Waiting);
        return Progress::Waiting(if waiting { Wait::Bot("picking the fix") } else { Wait::Fix });
    };
    // No later step begins while a pick is pending, whatever else is on the branch.
    if !state.has_change() {
        return Progress::Waiting(Wait::Bot("picking the fix"));
    }
    if !head.on_base {
        return Progress::Waiting(Wait::Bot("putting the fix on top of the new base"));
    }
    let review = match &state.pull {
        Some(pull) => format!(", pull request #{}", pull.number.0),
        None if pulls => return Progress::Waiting(Wait::Bot("opening the pull request")),
        None => adapted(state),
    };
    let lines = head.size.insertions + head.size.deletions;
    let large = usize::try_from(large_lines).is_ok_and(|limit| limit > 0 && lines > limit);
    let warning = if large { ", which is large for a hotfix" } else { "" };
    let commits = count(head.total, "commit");
    Progress::done(format!(
        "{commits}, +{} −{} in {}{warning}{review}",
        head.size.insertions,
        head.size.deletions,
        count(head.size.files, "file"),
    ))
}

/// Describes the fixes that a user adapted. The evidence must name them: they are not the patches of main (SRE-10).
pub(super) fn adapted(state: &Hotfix) -> String {
    let adapted = state.fixes.iter().filter(|fix| fix.state == FixState::Adapted).count();
    if adapted == 0 { String::new() } else { format!(", of which a person adapted {adapted}") }
}

pub(super) fn enter(state: &Hotfix, now: Timestamp, pulls: bool) -> Vec<Effect> {
    if is_leaving(state)
        || conflict(state).is_some()
        || !extra_commits::unexpected_commits(state).is_empty()
        || reverted(state).is_some()
    {
        return Vec::new();
    }
    if let (Some(head), Some(base)) = (state.head.as_ref().filter(|head| !head.on_base), &state.base) {
        // The base of the run has changed, but the commits on the branch still start at the old one.
        let from = state.rebase_from.clone().unwrap_or_else(|| base.clone());
        return vec![Effect::Rebase { from, head: head.tip.clone(), onto: base.clone(), at: now }];
    }
    if let Some(fix) = state.fixes.iter().find(|fix| fix.state == FixState::Waiting) {
        return vec![Effect::Pick { source: fix.source.clone(), at: now }];
    }
    if pulls && state.has_change() && state.pull.is_none() {
        return vec![Effect::OpenPull];
    }
    Vec::new()
}

/// Returns the wait for fixes that main reverted: they are not picked until a user confirms that they ship anyway.
pub(super) fn reverted(state: &Hotfix) -> Option<Wait> {
    let sources: Vec<CommitId> = state.unconfirmed().map(|(source, _)| source.clone()).collect();
    (!sources.is_empty()).then_some(Wait::Reverted(sources))
}

/// Returns `true` while a fix is being taken off the branch; nothing is picked meanwhile.
fn is_leaving(state: &Hotfix) -> bool {
    state.fixes.iter().any(|fix| fix.state == FixState::Leaving)
}

/// Returns the files of an unresolved pick or rebase conflict.
pub(crate) fn conflict(state: &Hotfix) -> Option<Vec<String>> {
    let picked = state.fixes.iter().find_map(|fix| match &fix.state {
        FixState::Conflicted(files) => Some(files.clone()),
        FixState::Waiting | FixState::Picked | FixState::Adapted | FixState::Leaving => None,
    });
    picked.or_else(|| state.rebase_conflict.clone())
}

#[cfg(test)]
mod tests;
