//! Who may break the glass: whoever the operators list, and nobody by any role (security case 90).

use std::collections::BTreeSet;

use hotfix_adapters::ids::ChannelRef;
use serde::Serialize;

use super::{Denial, Policy};
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Role};

/// Who may set the votes for a deployment aside, and where that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakGlass {
    /// Who; nobody when empty.
    pub people: BTreeSet<PersonId>,
    /// The channel that is told of each time, beside that of the service.
    pub audit: ChannelRef,
}

impl Policy {
    /// Who may break the glass; `None` when nobody ever may.
    #[must_use]
    pub fn break_glass(&self) -> Option<&BreakGlass> {
        self.break_glass.as_ref()
    }

    /// Who may break the glass of a service now: who is listed, still here, and has any role for it.
    #[must_use]
    pub fn breakers(&self, people: &People, service: &ServiceName) -> BTreeSet<PersonId> {
        let listed = self.break_glass.iter().flat_map(|glass| &glass.people);
        let here = listed.filter(|id| people.get(id).is_some_and(|person| person.active));
        here.filter(|id| !self.roles(service, id).is_empty()).cloned().collect()
    }

    /// Whether a person may break the glass of a service.
    ///
    /// # Errors
    /// Says that nobody may, or whom to ask.
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

    /// A person who may break the glass of a service when nobody but them could review it afterwards.
    #[must_use]
    pub fn unreviewable(&self, people: &People, service: &ServiceName) -> Option<PersonId> {
        let reviewers = self.active_holders(people, service, Role::Approver);
        self.breakers(people, service).into_iter().find(|breaker| reviewers.iter().all(|person| person == breaker))
    }
}
