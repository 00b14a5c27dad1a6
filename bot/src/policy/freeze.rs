//! When nothing is deployed: windows in the calendar, such as the days before Christmas.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Policy;
use crate::domain::id::ServiceName;

/// A window in which services are not deployed to production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freeze {
    /// Which services; `None` for all of them.
    pub services: Option<BTreeSet<ServiceName>>,
    /// The first moment of it.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Why, for the person who is refused.
    pub reason: String,
}

impl Freeze {
    /// Whether it holds for this service at this time.
    #[must_use]
    pub fn holds(&self, service: &ServiceName, now: Timestamp) -> bool {
        let meant = self.services.as_ref().is_none_or(|services| services.contains(service));
        meant && self.from <= now && now < self.until
    }
}

impl Policy {
    /// The freeze that holds for a service at this time; of several the one that ends last, because that is the one to
    /// wait for.
    #[must_use]
    pub fn freeze(&self, service: &ServiceName, now: Timestamp) -> Option<&Freeze> {
        self.freezes.iter().filter(|freeze| freeze.holds(service, now)).max_by_key(|freeze| freeze.until)
    }

    /// All freezes, as they were written.
    #[must_use]
    pub fn freezes(&self) -> &[Freeze] {
        &self.freezes
    }
}
