//! The order of versions. Operators are upgraded along versions that contain the commit count: the count of the hotfix
//! must be greater than that of production and not greater than the next one of main (SRE-11, SRE-X2). A commit that
//! only restores the order goes onto the hotfix branch, never to main.

use super::{Progress, Wait};
use crate::domain::event::CommitCounts;
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, prefix: &str) -> Progress {
    let Some(counts) = state.counts.as_ref().filter(|counts| Some(&counts.commit) == state.deployable()) else {
        return Progress::Waiting(Wait::Bot("counting the commits behind the versions"));
    };
    let version = version(prefix, counts);
    if counts.in_order() {
        return Progress::done(format!(
            "{version} comes after production ({prefix}.{}) and not after the next of main ({prefix}.{})",
            counts.production,
            counts.main + 1
        ));
    }
    Progress::Waiting(Wait::VersionOrder { version, after: counts.production, until: counts.main + 1 })
}

fn version(prefix: &str, counts: &CommitCounts) -> String {
    format!("{prefix}.{}-{}", counts.ships, counts.commit.short())
}

#[cfg(test)]
mod tests;
