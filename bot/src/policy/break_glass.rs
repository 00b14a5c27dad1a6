//! Break-glass: limited to people whom the operators list, and granted by no role (security case 90).

use std::collections::BTreeSet;

use hotfix_adapters::ids::ChannelRef;
use serde::Serialize;

use super::{Denial, Policy};
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Role};

/// The break-glass rules: the people who may override the votes for a deployment, and the audit channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakGlassRules {
    /// The listed people; empty if no one may break the glass.
    pub people: BTreeSet<PersonId>,
    /// The channel that is notified of each use, in addition to the service's own channel.
    pub audit: ChannelRef,
}

impl Policy {
    /// Returns the break-glass rules; `None` if break-glass is off.
    #[must_use]
    pub fn break_glass(&self) -> Option<&BreakGlassRules> {
        self.break_glass.as_ref()
    }

    /// Returns the people who may break the glass of a service: listed, active, and with any role for the service.
    #[must_use]
    pub fn breakers(&self, people: &People, service: &ServiceName) -> BTreeSet<PersonId> {
        let listed = self.break_glass.iter().flat_map(|glass| &glass.people);
        let here = listed.filter(|id| people.get(id).is_some_and(|person| person.active));
        here.filter(|id| !self.roles(service, id).is_empty()).cloned().collect()
    }

    /// Checks whether a person may break the glass of a service.
    ///
    /// # Errors
    /// [`Denial::GlassOff`] if break-glass is off; [`Denial::Glass`], with the people to ask, if the person may not.
    pub(super) fn may_break(&self, people: &People, service: &ServiceName, person: &PersonId) -> Result<(), Denial> {
        if self.break_glass.is_none() {
            return Err(Denial::GlassOff);
        }
        let breakers = self.breakers(people, service);
        if breakers.contains(person) {
            return Ok(());
        }
        let holders = breakers.iter().map(|id| people.name(id).to_owned()).collect();
        Err(Denial::Glass { name: people.name(person).to_owned(), holders })
    }

    /// Returns a person who may break the glass of a service although no other approver could review it; `None` if
    /// there is no such person.
    #[must_use]
    pub fn unreviewable(&self, people: &People, service: &ServiceName) -> Option<PersonId> {
        let reviewers = self.active_holders(people, service, Role::Approver);
        self.breakers(people, service).into_iter().find(|breaker| reviewers.iter().all(|person| person == breaker))
    }
}
