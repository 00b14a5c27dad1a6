//! Commits on the branch that are not picks of requested fixes. Two kinds are allowed: one adapted commit per conflict,
//! and one commit that restores the order of versions after it was broken. Any other commit is unexpected and stops the
//! run (SRE-4, SRE-10, SRE-11).

use hotfix_adapters::ids::CommitId;

use crate::domain::event::{ExtraCommit, Origins};
use crate::domain::hotfix::{FixState, Hotfix};
use crate::domain::playbook::StepKind;

/// The classification of a commit that is no pick of a requested fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraKind {
    /// A user adapted a fix that did not apply.
    Adapted,
    /// The commit restores the order of versions.
    Order,
    /// Main has the same change, but it is held back from this hotfix.
    Withheld,
    /// Unexplained: the commit is not on main and resolves nothing.
    Unknown,
}

impl ExtraKind {
    /// Returns `true` if the commit must not be on the branch.
    #[must_use]
    pub fn is_unexpected(self) -> bool {
        match self {
            Self::Withheld | Self::Unknown => true,
            Self::Adapted | Self::Order => false,
        }
    }
}

/// Returns the commits on the branch that are no picks of requested fixes, oldest first.
#[must_use]
pub fn extra_commits(state: &Hotfix) -> Vec<(&CommitId, ExtraKind)> {
    let Some(head) = &state.head else { return Vec::new() };
    let mut free = places(state, &head.origins);
    let why = |one: &ExtraCommit| {
        if one.withheld { ExtraKind::Withheld } else { free.next().unwrap_or(ExtraKind::Unknown) }
    };
    let whys: Vec<ExtraKind> = head.origins.extra.iter().map(why).collect();
    head.origins.extra.iter().map(|one| &one.commit).zip(whys).collect()
}

/// Returns the commits that must not be on the branch.
#[must_use]
pub fn unexpected_commits(state: &Hotfix) -> Vec<(&CommitId, ExtraKind)> {
    extra_commits(state).into_iter().filter(|(_, why)| why.is_unexpected()).collect()
}

/// Returns the allowed reasons for extra commits. A fix that was picked after all needs no adapted commit.
fn places(state: &Hotfix, origins: &Origins) -> impl Iterator<Item = ExtraKind> {
    let adapted = state.fixes.iter().filter(|fix| fix.state == FixState::Adapted);
    let adapted = adapted.filter(|fix| !origins.asked.contains(&fix.source)).count();
    let orders = state.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::VersionOrder { .. }));
    std::iter::repeat_n(ExtraKind::Adapted, adapted).chain((orders && state.order_broken).then_some(ExtraKind::Order))
}

#[cfg(test)]
mod tests;
