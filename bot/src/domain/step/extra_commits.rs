//! What is on the branch beyond the picks that were asked for, and whether it may be. A person's way of settling a conflict
//! may, once for each conflict, and so may one commit that mends the order of versions after it was found broken. Everything
//! else is a stray, and with one on the branch the run does not go on (SRE-4, SRE-10, SRE-11).

use hotfix_adapters::ids::CommitId;

use crate::domain::event::{Beyond, Origins};
use crate::domain::hotfix::{FixState, Hotfix};
use crate::domain::playbook::StepKind;

/// What a commit is that nobody asked for in so many words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraKind {
    /// A person adapted a fix that did not apply.
    Adapted,
    /// It mends the order of versions.
    Order,
    /// Main has the same change, and it does not ship with this hotfix.
    Withheld,
    /// Nobody knows: it is not on main, and settles nothing.
    Unknown,
}

impl ExtraKind {
    /// Whether it must not be there.
    #[must_use]
    pub fn is_unexpected(self) -> bool {
        match self {
            Self::Withheld | Self::Unknown => true,
            Self::Adapted | Self::Order => false,
        }
    }
}

/// The commits of the branch that are no picks of what was asked for, oldest first, each with what it is.
#[must_use]
pub fn extra_commits(state: &Hotfix) -> Vec<(&CommitId, ExtraKind)> {
    let Some(head) = &state.head else { return Vec::new() };
    let mut free = places(state, &head.origins);
    let why = |one: &Beyond| {
        if one.withheld { ExtraKind::Withheld } else { free.next().unwrap_or(ExtraKind::Unknown) }
    };
    let whys: Vec<ExtraKind> = head.origins.beyond.iter().map(why).collect();
    head.origins.beyond.iter().map(|one| &one.commit).zip(whys).collect()
}

/// The commits that must not be on the branch.
#[must_use]
pub fn unexpected_commits(state: &Hotfix) -> Vec<(&CommitId, ExtraKind)> {
    extra_commits(state).into_iter().filter(|(_, why)| why.is_unexpected()).collect()
}

/// What commits may be there for: a fix that is there as a pick after all needs no other commit.
fn places(state: &Hotfix, origins: &Origins) -> impl Iterator<Item = ExtraKind> {
    let adapted = state.fixes.iter().filter(|fix| fix.state == FixState::Adapted);
    let adapted = adapted.filter(|fix| !origins.asked.contains(&fix.source)).count();
    let orders = state.plan.steps.iter().any(|spec| matches!(spec.kind, StepKind::VersionOrder { .. }));
    std::iter::repeat_n(ExtraKind::Adapted, adapted).chain((orders && state.order_broken).then_some(ExtraKind::Order))
}

#[cfg(test)]
mod tests;
