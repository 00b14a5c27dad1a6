//! Freezes: calendar windows without production deployments, such as the days before Christmas.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Policy;
use crate::domain::id::ServiceName;

/// A time window in which services are not deployed to production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freeze {
    /// The affected services; `None` for all.
    pub services: Option<BTreeSet<ServiceName>>,
    /// Start of the window, inclusive.
    pub from: Timestamp,
    /// End of the window, exclusive.
    pub until: Timestamp,
    /// The reason that is shown with the refusal.
    pub reason: String,
}

impl Freeze {
    /// Returns `true` if the freeze applies to this service at this time.
    #[must_use]
    pub fn holds(&self, service: &ServiceName, now: Timestamp) -> bool {
        let meant = self.services.as_ref().is_none_or(|services| services.contains(service));
        meant && self.from <= now && now < self.until
    }
}

impl Policy {
    /// Returns the freeze that applies to a service at this time; of several, the one that ends last, because that is
    /// the one to wait for.
    #[must_use]
    pub fn freeze(&self, service: &ServiceName, now: Timestamp) -> Option<&Freeze> {
        self.freezes.iter().filter(|freeze| freeze.holds(service, now)).max_by_key(|freeze| freeze.until)
    }

    /// Returns all freezes in configuration order.
    #[must_use]
    pub fn freezes(&self) -> &[Freeze] {
        &self.freezes
    }
}
