//! The merge back: main must contain the fix, proven by ancestry, by patch or by a merge without changes, or a captain
//! waives it. The run does not close before (APPLY-12).

use hotfix_adapters::forge::Containment;

use super::{Progress, Wait};
use crate::domain::effect::Effect;
use crate::domain::hotfix::{Hotfix, Mainline};
use crate::domain::people::marked;
use crate::domain::playbook::MainlineBy;

pub(super) fn progress(state: &Hotfix) -> Progress {
    match &state.mainline {
        Mainline::Merged(how, main) => {
            Progress::done(format!("{} at {}{}", words(how), main.short(), super::change::adapted(state)))
        }
        Mainline::Waived { by, reason } => Progress::done(format!("waived by {}: {reason}", marked(by))),
        Mainline::NotMerged | Mainline::Reverted(_) => Progress::Waiting(Wait::Mainline),
    }
}

pub(super) fn enter(state: &Hotfix, by: MainlineBy) -> Vec<Effect> {
    // An abandoned run only observes main.
    if state.abandoned.is_some() {
        return Vec::new();
    }
    let method = match by {
        MainlineBy::Merge(method) => method,
        MainlineBy::Pull if state.return_pull.is_none() && state.mainline == Mainline::NotMerged => {
            return vec![Effect::OpenReturn];
        }
        MainlineBy::Pull | MainlineBy::Proof => return Vec::new(),
    };
    match (&state.pull, &state.head) {
        (Some(pull), Some(head)) if pull.merged.is_none() && state.mainline == Mainline::NotMerged => {
            vec![Effect::Merge { number: pull.number, head: head.tip.clone(), method }]
        }
        // Merged already, by the bot or by a user; the next poll of main proves it.
        (Some(_) | None, Some(_) | None) => Vec::new(),
    }
}

/// Describes the proof that main contains a change.
pub(crate) fn words(how: &Containment) -> &'static str {
    match how {
        Containment::Ancestor => "main contains the very commits",
        Containment::Patch => "main contains the same patches",
        Containment::Squash => "main contains it as a squash",
        Containment::Lines => "main contains its lines",
        Containment::Rewritten { .. } => "main rewrote its lines since",
        Containment::Reverted { .. } => "main took it out again",
        Containment::Missing { .. } => "main does not contain it",
    }
}

#[cfg(test)]
mod tests;
