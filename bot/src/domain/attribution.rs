//! Attribution: determines the contributors of the work that a run would ship. The contributors of a fix are those of
//! its source commit, not of the pick. A contributor who is not in `people.toml` counts as an unknown person and is
//! never ignored (security cases 23, 93 and 94).

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::forge::PullNumber;
use hotfix_adapters::ids::{CommitId, PersonRef, Platform};
use serde::{Deserialize, Serialize};

use super::event::{Contribution, Contributor};
use super::hotfix::Hotfix;
use super::id::PersonId;
use super::people::Role;
use super::service::ApprovalRule;
use hotfix_adapters::ids::Environment;

/// The contributors of one fix, determined from its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The requested commit.
    pub source: CommitId,
    /// `true` if it is a merge commit. The author of its pick is the person who merged.
    pub merge: bool,
    /// Number of commits that it introduced, including those of its pull requests.
    pub commits: usize,
    /// The pull requests that brought it to main, with their titles. A list, because a map with numeric keys
    /// would not deserialize.
    pub pulls: Vec<(PullNumber, String)>,
    /// Authors, committers and co-authors of all these commits, plus authors and pushers of the pull requests.
    pub people: BTreeSet<Contributor>,
}

/// A captain's statement about an unknown contributor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The captain.
    pub by: PersonId,
    /// The matching person in `people.toml`; `None` when the contributor is not listed there.
    pub person: Option<PersonId>,
    /// The captain's description of the contributor.
    pub words: String,
}

/// Formats a git address or an account for users: `jo@example.org`, `github:583231`.
#[must_use]
pub fn handle(account: &PersonRef) -> String {
    let platform = match account.platform {
        Platform::Git => return account.id.clone(),
        Platform::Console => "console",
        Platform::Slack => "slack",
        Platform::Discord => "discord",
        Platform::Github => "github",
        Platform::Gitlab => "gitlab",
    };
    format!("{platform}:{}", account.id)
}

impl Hotfix {
    /// Returns all contributors of the branch, the requested fixes and the pull request, known or not. Included changes
    /// of a promotion are not among them.
    fn behind(&self) -> impl Iterator<Item = &Contributor> {
        let commits = self.head.iter().flat_map(|head| &head.commits).flat_map(|commit| &commit.people);
        let all = self.head.iter().flat_map(|head| &head.people);
        let asked = |source: &CommitId| self.fixes.iter().any(|fix| &fix.source == source);
        let sources = self.attributions.iter().filter(move |(source, _)| asked(source));
        let sources = sources.flat_map(|(_, attribution)| &attribution.people);
        commits.chain(all).chain(sources).chain(self.pull.iter().filter_map(|pull| pull.author.as_ref()))
    }

    /// Returns the known contributors, including pushers and identified people. They must not approve the change
    /// (security case 23).
    #[must_use]
    pub fn contributors(&self) -> BTreeSet<&PersonId> {
        let people = self.behind().filter_map(|who| who.person.as_ref());
        let pushers = self.head.iter().flat_map(|head| &head.pushers);
        let identified = self.identified.values().filter_map(|identified| identified.person.as_ref());
        people.chain(pushers).chain(identified).collect()
    }

    /// Returns the unknown contributors that no captain has identified: their name, keyed by address or account
    /// (security case 94). For a promotion, this includes the authors of the included changes.
    #[must_use]
    pub fn unknown(&self) -> BTreeMap<&PersonRef, &str> {
        let promoted = self.included_changes.iter().flatten().filter(|_| self.plan.is_promotion());
        let all = self.behind().chain(promoted.flat_map(|rider| &rider.people));
        let unknown = all.filter_map(|who| Some((who.unknown.as_ref()?, who.name.as_str())));
        unknown.filter(|(account, _)| !self.identified.contains_key(*account)).collect()
    }

    /// Returns the votes that a deployment requires. One more than planned if there is an unknown contributor, who
    /// could be one of the voters (security case 94).
    #[must_use]
    pub fn approval_rules(&self, environment: &Environment) -> Vec<ApprovalRule> {
        let mut rules = self.approval(environment).map_or_else(Vec::new, |approval| approval.rules.clone());
        if !self.unknown().is_empty()
            && let Some(rule) = rules.iter_mut().max_by_key(|rule| rule.role == Role::Approver)
        {
            rule.count = rule.count.saturating_add(1);
        }
        rules
    }

    /// Returns `true` if the person is known to be a contributor of the commit.
    #[must_use]
    pub fn wrote(&self, commit: &Contribution, person: &PersonId) -> bool {
        let identified = |account: &PersonRef| self.identified.get(account).and_then(|one| one.person.as_ref());
        commit.people.iter().any(|who| {
            who.person.as_ref().or_else(|| who.unknown.as_ref().and_then(identified)).is_some_and(|who| who == person)
        })
    }

    /// Returns `true` if the person identified an unknown contributor. They cannot vote in this run.
    #[must_use]
    pub fn has_identified(&self, person: &PersonId) -> bool {
        self.identified.values().any(|identified| &identified.by == person)
    }
}

#[cfg(test)]
mod tests;
