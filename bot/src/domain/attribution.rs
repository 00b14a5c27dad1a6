//! Whose work a run would ship. The people behind a fix are those behind its source, not those behind the pick of it, and
//! somebody whom `people.toml` does not have is an unknown person and never nobody (security cases 23, 93 and 94).

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

/// The people behind one fix, as its source tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The commit that was asked for.
    pub source: CommitId,
    /// Whether it is a merge. The author of a pick of it is whoever merged.
    pub merge: bool,
    /// How many commits it introduced, those of its pull requests included.
    pub commits: usize,
    /// The pull requests it came in by, with their titles. A map with numbers for keys would not be read back.
    pub pulls: Vec<(PullNumber, String)>,
    /// Authors, committers and co-authors of all these commits; who opened the pull requests, and who pushed to them.
    pub people: BTreeSet<Contributor>,
}

/// A captain's statement on who an unknown contributor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Who said so.
    pub by: PersonId,
    /// Who it is, when it is somebody of `people.toml`.
    pub person: Option<PersonId>,
    /// Who it is, in their words.
    pub words: String,
}

/// An address or an account as people write it: `jo@example.org`, `github:583231`.
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
    /// Everybody whose work it is, known or not; of an ordinary promotion those behind the commits that go out with it.
    fn behind(&self) -> impl Iterator<Item = &Contributor> {
        let commits = self.head.iter().flat_map(|head| &head.commits).flat_map(|commit| &commit.people);
        let all = self.head.iter().flat_map(|head| &head.people);
        let asked = |source: &CommitId| self.fixes.iter().any(|fix| &fix.source == source);
        let sources = self.attributions.iter().filter(move |(source, _)| asked(source));
        let sources = sources.flat_map(|(_, attribution)| &attribution.people);
        commits.chain(all).chain(sources).chain(self.pull.iter().filter_map(|pull| pull.author.as_ref()))
    }

    /// The people behind the change: they do not approve it (security case 23).
    #[must_use]
    pub fn contributors(&self) -> BTreeSet<&PersonId> {
        let people = self.behind().filter_map(|who| who.person.as_ref());
        let pushers = self.head.iter().flat_map(|head| &head.pushers);
        let identified = self.identified.values().filter_map(|identified| identified.person.as_ref());
        people.chain(pushers).chain(identified).collect()
    }

    /// The contributors whom nobody knows, by their address or account, each with what they are called (security case 94).
    #[must_use]
    pub fn unknown(&self) -> BTreeMap<&PersonRef, &str> {
        let promoted = self.included_changes.iter().flatten().filter(|_| self.plan.is_promotion());
        let all = self.behind().chain(promoted.flat_map(|rider| &rider.people));
        let unknown = all.filter_map(|who| Some((who.unknown.as_ref()?, who.name.as_str())));
        unknown.filter(|(account, _)| !self.identified.contains_key(*account)).collect()
    }

    /// The votes that a deployment takes. Because of an unknown contributor, who could be any of the voters, it is one more
    /// (security case 94).
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

    /// Whether a person is behind a commit, as far as is known.
    #[must_use]
    pub fn wrote(&self, commit: &Contribution, person: &PersonId) -> bool {
        let identified = |account: &PersonRef| self.identified.get(account).and_then(|one| one.person.as_ref());
        commit.people.iter().any(|who| {
            who.person.as_ref().or_else(|| who.unknown.as_ref().and_then(identified)).is_some_and(|who| who == person)
        })
    }

    /// Whether somebody said who an unknown contributor is: they cast no vote in this run.
    #[must_use]
    pub fn has_identified(&self, person: &PersonId) -> bool {
        self.identified.values().any(|identified| &identified.by == person)
    }
}

#[cfg(test)]
mod tests;
