//! Who may do what, whose word a deployment takes, and when nothing is deployed. Pure: the configuration makes a
//! [`Policy`], and everything is asked of it with the people and the time as arguments.
//!
//! Everything is no until the policy says yes: an unknown service, an empty list and an unknown account are all a no.

mod approval;
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
pub use freeze::Freeze;
pub use gate::{Doorway, Rooms};
pub use role::Denial;

use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::Role;
use crate::domain::service::ApprovalRule;

/// What the operators decided, with groups already resolved into people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    services: BTreeMap<ServiceName, ServicePolicy>,
    quorums: Quorums,
    freezes: Vec<Freeze>,
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
}

impl Policy {
    /// A policy.
    #[must_use]
    pub fn new(services: BTreeMap<ServiceName, ServicePolicy>, quorums: Quorums, freezes: Vec<Freeze>) -> Self {
        let version = version(&services, &quorums);
        Self { services, quorums, freezes, chat_down: ChatDown::default(), version }
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

    /// The version: a short digest of the roles and quorums. A vote counts only under the version it was cast under.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Freezes and the chat's outages are left out: they say when, not who, and a freeze that ends must not void the votes cast
/// before it.
fn version(services: &BTreeMap<ServiceName, ServicePolicy>, quorums: &Quorums) -> String {
    // Maps and sets are ordered, so equal policies make equal bytes.
    let bytes = serde_json::to_vec(&(services, quorums)).unwrap_or_default();
    let mut digest = hex::encode(Sha256::digest(bytes));
    digest.truncate(12);
    digest
}
