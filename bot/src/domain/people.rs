//! Who is who, and what they may do. A person is an id; accounts are ids too; display names decide nothing.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::ids::{PersonRef, Platform};
use serde::{Deserialize, Serialize};

use super::id::PersonId;

const OPEN: &str = "<@";
const CLOSE: &str = ">";

/// A person as a text of the domain names them. The domain knows ids alone, and ids are not for people to read: whoever
/// shows the text puts the name in its place ([`People::named`]).
#[must_use]
pub fn marked(person: &PersonId) -> String {
    format!("{OPEN}{person}{CLOSE}")
}

/// Several of them: "a, b".
#[must_use]
pub fn all_marked<'a>(people: impl IntoIterator<Item = &'a PersonId>) -> String {
    people.into_iter().map(marked).collect::<Vec<_>>().join(", ")
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What they are called in messages.
    pub name: String,
    /// Their accounts. An account belongs to one person.
    pub accounts: BTreeSet<PersonRef>,
    /// False for somebody who left: they may look, and may not vote.
    pub active: bool,
}

impl Person {
    /// Their account on a platform.
    #[must_use]
    pub fn account(&self, platform: Platform) -> Option<&PersonRef> {
        self.accounts.iter().find(|account| account.platform == platform)
    }
}

/// Everybody the bot knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    by_id: BTreeMap<PersonId, Person>,
    by_account: BTreeMap<PersonRef, PersonId>,
    bots: BTreeMap<PersonRef, String>,
}

impl People {
    /// Gathers people. When two claim one account, the first keeps it; the configuration refuses that beforehand.
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

    /// Adds the accounts of bots, each with the bot's name. A bot is no person: it has no role and casts no vote.
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

    /// Returns the person whom a word means: by id, by name, or by a mention of their account.
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

    /// The person with this id.
    #[must_use]
    pub fn get(&self, id: &PersonId) -> Option<&Person> {
        self.by_id.get(id)
    }

    /// The person behind an account. Git addresses are compared without regard to case.
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

    /// What a person is called; their id when they are not known any more.
    #[must_use]
    pub fn name<'a>(&'a self, id: &'a PersonId) -> &'a str {
        self.get(id).map_or(id.as_str(), |person| &person.name)
    }

    /// A text of the domain, with everybody's name in the place of their mark (see [`marked`]).
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

    /// Everybody, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.by_id.values()
    }
}

/// What somebody may do for one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Open runs and take part in them.
    Requester,
    /// Vote.
    Approver,
    /// Order the lane: abort, roll back, waive, unlock.
    Captain,
    /// Freeze, and break glass.
    Admin,
}

impl Role {
    /// The role as people write it.
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

/// What kind of thing somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Look; nothing changes.
    View,
    /// Give a word that binds nobody: whose commits ride along is asked in private, and answers there.
    Comment,
    /// Change something.
    Change,
    /// Approve, refuse or override: what only counts because of who said it.
    Vote,
    /// Set the votes aside: for those alone who are listed for it.
    BreakGlass,
}

/// Proof that the policy let a known person do a thing for a service, with the roles they had at that moment. Only
/// `policy` makes one; `decide` asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub person: PersonId,
    /// By which account.
    pub account: PersonRef,
    /// Their roles for the service then.
    pub roles: BTreeSet<Role>,
    /// The version of the policy that said so.
    pub policy_version: String,
}

#[cfg(test)]
mod tests;
