//! Who may do what, whose word a deployment takes, and when nothing is deployed. Pure: the configuration makes a
//! [`Policy`], and everything is asked of it with the people and the time as arguments.
//!
//! Everything is no until the policy says yes: an unknown service, an empty list and an unknown account are all a no.

mod approval;
mod breakglass;
mod freeze;
mod gate;
mod role;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::vocabulary::Environment;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use approval::{Quorums, Shortfall};
pub use breakglass::BreakGlass;
pub use freeze::Freeze;
pub use gate::{Doorway, Rooms};
pub use role::Denial;

use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::Role;
use crate::domain::service::{ApprovalRule, StepUp};

/// What the operators decided, with groups already resolved into people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    services: BTreeMap<ServiceName, ServicePolicy>,
    quorums: Quorums,
    freezes: Vec<Freeze>,
    break_glass: Option<BreakGlass>,
    /// A short digest of how each service is deployed.
    ways: BTreeMap<ServiceName, String>,
    chat_down: ChatDown,
    version: String,
}

/// What becomes of deployments to production while the chat does not answer, and nobody there can say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChatDown {
    /// They wait until it answers.
    #[default]
    Wait,
    /// They go on, by the votes that can be read without it.
    GoOn,
}

/// What holds for one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServicePolicy {
    /// Who has each role. A role that is missing is held by nobody.
    pub roles: BTreeMap<Role, BTreeSet<PersonId>>,
    /// The environments whose quorum differs from the usual one.
    pub quorums: BTreeMap<Environment, Vec<ApprovalRule>>,
    /// The environments whose votes are backed by something else than usual.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub step_up: BTreeMap<Environment, Option<StepUp>>,
}

impl Policy {
    /// A policy.
    #[must_use]
    pub fn new(services: BTreeMap<ServiceName, ServicePolicy>, quorums: Quorums, freezes: Vec<Freeze>) -> Self {
        let version = version(&services, &quorums, None);
        Self {
            services,
            quorums,
            freezes,
            chat_down: ChatDown::default(),
            break_glass: None,
            ways: BTreeMap::new(),
            version,
        }
    }

    /// The same with another answer to a chat that is down.
    #[must_use]
    pub fn with_chat_down(self, chat_down: ChatDown) -> Self {
        Self { chat_down, ..self }
    }

    /// What becomes of deployments to production while the chat does not answer.
    #[must_use]
    pub fn chat_down(&self) -> ChatDown {
        self.chat_down
    }

    /// The same policy, with people who may break the glass.
    #[must_use]
    pub fn with_break_glass(mut self, break_glass: Option<BreakGlass>) -> Self {
        self.version = version(&self.services, &self.quorums, break_glass.as_ref());
        Self { break_glass, ..self }
    }

    /// The same policy, told how each service is deployed, in words that change when that does.
    #[must_use]
    pub fn with_ways(mut self, ways: BTreeMap<ServiceName, String>) -> Self {
        self.ways = ways.into_iter().map(|(service, way)| (service, short_digest(way.as_bytes()))).collect();
        self
    }

    /// The version: a short digest of the roles and quorums.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a vote for a service is cast under: the version, and how the service is deployed. A vote counts only while both
    /// are the same, so that it is for no other command, parameters or variables (security case 28).
    #[must_use]
    pub fn version_for(&self, service: &ServiceName) -> String {
        let version = &self.version;
        self.ways.get(service).map_or_else(|| version.clone(), |way| format!("{version}/{way}"))
    }
}

/// Freezes and the chat's outages are left out: they say when, not who, and a freeze that ends must not void the votes cast
/// before it.
fn version(
    services: &BTreeMap<ServiceName, ServicePolicy>,
    quorums: &Quorums,
    break_glass: Option<&BreakGlass>,
) -> String {
    // Maps and sets are ordered, so equal policies make equal bytes.
    let mut bytes = serde_json::to_vec(&(services, quorums)).unwrap_or_default();
    bytes.extend(break_glass.and_then(|glass| serde_json::to_vec(glass).ok()).unwrap_or_default());
    short_digest(&bytes)
}

fn short_digest(bytes: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(bytes));
    digest.truncate(12);
    digest
}
