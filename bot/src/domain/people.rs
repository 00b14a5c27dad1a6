//! People, their accounts and their roles. People and accounts are identified by ids; display names are never
//! used for decisions.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::ids::{PersonRef, Platform};
use serde::{Deserialize, Serialize};

use super::id::PersonId;

const OPEN: &str = "<@";
const CLOSE: &str = ">";

/// Returns the mark of a person for a text of the domain. The domain knows only ids, so the view replaces the mark with
/// the name ([`People::named`]).
#[must_use]
pub fn marked(person: &PersonId) -> String {
    format!("{OPEN}{person}{CLOSE}")
}

/// Returns the marks of several people, separated by commas.
#[must_use]
pub fn all_marked<'a>(people: impl IntoIterator<Item = &'a PersonId>) -> String {
    people.into_iter().map(marked).collect::<Vec<_>>().join(", ")
}

/// A person in `people.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Id of the person.
    pub id: PersonId,
    /// Display name for messages.
    pub name: String,
    /// Accounts of the person. An account belongs to one person only.
    pub accounts: BTreeSet<PersonRef>,
    /// `false` for a person who left. They may view runs, but not vote.
    pub active: bool,
}

impl Person {
    /// Returns the person's account on a platform; the first one if there are several.
    #[must_use]
    pub fn account(&self, platform: Platform) -> Option<&PersonRef> {
        self.accounts.iter().find(|account| account.platform == platform)
    }
}

/// The directory of people and declared bots, from `people.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    by_id: BTreeMap<PersonId, Person>,
    by_account: BTreeMap<PersonRef, PersonId>,
    bots: BTreeMap<PersonRef, String>,
}

impl People {
    /// Builds the directory. If two people claim the same account, the first one gets it; the configuration rejects
    /// that earlier.
    #[must_use]
    pub fn new(people: Vec<Person>) -> Self {
        let mut all = Self::default();
        for person in people {
            for account in &person.accounts {
                all.by_account.entry(account.clone()).or_insert_with(|| person.id.clone());
            }
            all.by_id.insert(person.id.clone(), person);
        }
        all
    }

    /// Adds the accounts of declared bots, with the name of each bot. Bots have no roles and cannot vote.
    #[must_use]
    pub fn with_bots(mut self, bots: BTreeMap<PersonRef, String>) -> Self {
        self.bots = bots;
        self
    }

    /// Returns the name of the declared bot behind an account.
    #[must_use]
    pub fn bot(&self, account: &PersonRef) -> Option<&str> {
        self.bots.get(account).map(String::as_str)
    }

    /// Returns the person that a user refers to by id, by name or by mention; `None` if there is no match or
    /// more than one.
    #[must_use]
    pub fn meant(&self, word: &str) -> Option<&Person> {
        let word = word.trim().trim_start_matches('@');
        let mention =
            word.strip_prefix("<@").and_then(|rest| rest.strip_suffix('>')).map(|rest| rest.trim_start_matches('!'));
        let mention = mention.map(|rest| rest.split('|').next().unwrap_or(rest));
        let is = |person: &&Person| match mention {
            Some(user) => person.accounts.iter().any(|account| account.id.rsplit('/').next() == Some(user)),
            None => person.id.as_str() == word || person.name.eq_ignore_ascii_case(word),
        };
        let mut found = self.iter().filter(is);
        found.next().filter(|_| found.next().is_none())
    }

    /// Returns the person with this id.
    #[must_use]
    pub fn get(&self, id: &PersonId) -> Option<&Person> {
        self.by_id.get(id)
    }

    /// Returns the person behind an account. Git addresses are compared case-insensitively.
    #[must_use]
    pub fn behind(&self, account: &PersonRef) -> Option<&Person> {
        let id = match account.platform {
            Platform::Git => self.by_account.get(&PersonRef::new(Platform::Git, account.id.to_ascii_lowercase())),
            Platform::Console | Platform::Slack | Platform::Discord | Platform::Github | Platform::Gitlab => {
                self.by_account.get(account)
            }
        };
        id.and_then(|id| self.get(id))
    }

    /// Returns the display name of a person; the id if the person is unknown.
    #[must_use]
    pub fn name<'a>(&'a self, id: &'a PersonId) -> &'a str {
        self.get(id).map_or(id.as_str(), |person| &person.name)
    }

    /// Replaces all marks in a text of the domain with display names (see [`marked`]).
    #[must_use]
    pub fn named(&self, text: &str) -> String {
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            named.push_str(before);
            let person = after.split_once(CLOSE).and_then(|(id, after)| Some((id.parse::<PersonId>().ok()?, after)));
            match person {
                Some((id, after)) => {
                    named.push_str(self.name(&id));
                    rest = after;
                }
                None => {
                    named.push_str(OPEN);
                    rest = after;
                }
            }
        }
        named.push_str(rest);
        named
    }

    /// Returns all people, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.by_id.values()
    }
}

/// A role of a person for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May view runs.
    Viewer,
    /// May open runs and take part in them.
    Requester,
    /// May vote.
    Approver,
    /// May abort, roll back, waive and unlock.
    Captain,
    /// May freeze deployments.
    Admin,
}

impl Role {
    /// Returns the name of the role in the configuration and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Requester => "requester",
            Self::Approver => "approver",
            Self::Captain => "captain",
            Self::Admin => "admin",
        }
    }
}

/// The kind of permission that a command requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read-only access.
    View,
    /// A statement without binding effect, such as the private answer of an author of included changes.
    Comment,
    /// A change of a run.
    Change,
    /// A vote, a rejection or an override: a statement that counts because of its author.
    Vote,
    /// The use of break-glass, only for people listed for it.
    BreakGlass,
}

/// A grant: proof that the policy allowed a known person a command for a service, with the person's roles at that time.
/// Only `policy` creates grants; [`decide`](super::decide::decide) requires one for each user command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The user.
    pub person: PersonId,
    /// The account that the user acted from.
    pub account: PersonRef,
    /// Roles of the user for the service at that time.
    pub roles: BTreeSet<Role>,
    /// Version of the policy that allowed it.
    pub policy_version: String,
}

#[cfg(test)]
mod tests;
