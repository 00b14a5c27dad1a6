//! Resolves names and groups to persons.

use std::collections::{BTreeMap, BTreeSet};

use super::super::diagnostic::{At, Diagnostic, Diagnostics, Located};
use super::super::read::{Member, RawPolicy};
use super::super::reader::nearest;
use crate::domain::id::PersonId;
use crate::domain::people::People;

/// All persons and groups that can be named.
pub(super) struct Members<'a> {
    /// Known persons; `None` if `people.toml` could not be read, in which case no name is reported as unknown.
    people: Option<&'a People>,
    /// Groups and their members; `None` if `policy.toml` could not be read.
    groups: Option<BTreeMap<&'a str, BTreeSet<PersonId>>>,
    sink: &'a Diagnostics,
}

impl<'a> Members<'a> {
    pub(super) fn new(people: Option<&'a People>, policy: Option<&'a RawPolicy>, sink: &'a Diagnostics) -> Self {
        let mut members = Self { people, groups: None, sink };
        members.groups = policy.map(|policy| {
            let known = |person: &&Located<PersonId>| members.knows(&person.value, person.at);
            let group =
                |people: &[Located<PersonId>]| people.iter().filter(known).map(|person| person.value.clone()).collect();
            policy.groups.iter().map(|(name, people)| (name.value.as_str(), group(people))).collect()
        });
        members
    }

    /// Returns the persons of a list. Unknown names are reported and omitted.
    pub(super) fn resolve(&self, members: &[Located<Member>]) -> BTreeSet<PersonId> {
        members.iter().flat_map(|member| self.one(member)).collect()
    }

    fn one(&self, member: &Located<Member>) -> BTreeSet<PersonId> {
        match &member.value {
            Member::Person(person) if self.knows(person, member.at) => BTreeSet::from([person.clone()]),
            Member::Person(_) => BTreeSet::new(),
            Member::Group(name) => self.group(name, member.at),
            Member::Everyone => {
                let everybody = self.people.into_iter().flat_map(People::iter);
                everybody.filter(|person| person.active).map(|person| person.id.clone()).collect()
            }
        }
    }

    fn group(&self, name: &str, at: At) -> BTreeSet<PersonId> {
        let Some(groups) = &self.groups else {
            return BTreeSet::new();
        };
        if let Some(group) = groups.get(name) {
            return group.clone();
        }
        let next = match nearest(name, groups.keys().copied()) {
            Some(near) => format!("did you mean \"@{near}\"?"),
            None => "add it to [groups] in policy.toml".to_owned(),
        };
        self.sink.add(Diagnostic::at(at, format!("there is no group @{name}"), "unknown group", next));
        BTreeSet::new()
    }

    fn knows(&self, person: &PersonId, at: At) -> bool {
        let Some(people) = self.people else { return true };
        if people.get(person).is_some() {
            return true;
        }
        let next = match nearest(person.as_str(), people.iter().map(|known| known.id.as_str())) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("add [people.{person}] to people.toml"),
        };
        self.sink.add(Diagnostic::at(at, format!("nobody is called {person}"), "not in people.toml", next));
        false
    }
}
