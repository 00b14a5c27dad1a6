//! Who may do what, whose word a deployment takes, and when nothing is deployed. Pure: the configuration makes a
//! [`Policy`], and everything is asked of it with the people and the time as arguments.
//!
//! Everything is no until the policy says yes: an unknown service, an empty list and an unknown account are all a no.

mod admission;
mod approval;
mod breakglass;
mod freeze;
mod role;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::ids::Environment;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use admission::{AllowedChannels, Origin};
pub use approval::{Quorums, Shortfall};
pub use breakglass::BreakGlass;
pub use freeze::Freeze;
pub use role::Denial;

use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Person, Role};
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
    /// A short digest of the accounts by which each person is known.
    accounts: BTreeMap<PersonId, String>,
    chat_down: ChatDown,
    version: String,
    /// What [`Policy::version_for`] answers, which is asked with every command.
    versions: BTreeMap<ServiceName, String>,
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
        let policy = Self {
            services,
            quorums,
            freezes,
            chat_down: ChatDown::default(),
            break_glass: None,
            ways: BTreeMap::new(),
            accounts: BTreeMap::new(),
            version,
            versions: BTreeMap::new(),
        };
        policy.versioned()
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
        Self { break_glass, ..self }.versioned()
    }

    /// The same policy, told how each service is deployed, in words that change when that does.
    #[must_use]
    pub fn with_deploy_fingerprints(mut self, ways: BTreeMap<ServiceName, String>) -> Self {
        self.ways = ways.into_iter().map(|(service, way)| (service, short_digest(way.as_bytes()))).collect();
        self.versioned()
    }

    /// The same policy, told by which accounts people are known.
    #[must_use]
    pub fn with_people(mut self, people: &People) -> Self {
        let digest = |person: &Person| (person.id.clone(), short_digest(&bytes(&person.accounts)));
        self.accounts = people.iter().map(digest).collect();
        self.versioned()
    }

    fn versioned(mut self) -> Self {
        self.versions = self.services.keys().map(|service| (service.clone(), self.digest_for(service))).collect();
        self
    }

    /// The version of all of it: a short digest of the roles and quorums.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a vote for a service is cast under: the rules that it is judged by, and how the service is deployed. A vote counts
    /// only while both are the same, so that it is for no other command, parameters or variables (security case 28).
    ///
    /// The rules are the roles and quorums of the service, the usual quorums, which of those people may break the glass, and by
    /// which accounts they are known. Those of another service say nothing of it. That somebody left is no rule: it is judged
    /// by person.
    #[must_use]
    pub fn version_for(&self, service: &ServiceName) -> String {
        self.versions.get(service).cloned().unwrap_or_else(|| self.digest_for(service))
    }

    fn digest_for(&self, service: &ServiceName) -> String {
        let own = self.services.get(service);
        let quorums = own.map(|own| (&own.quorums, &own.step_up));
        let rules = quorums.iter().flat_map(|(quorums, _)| quorums.values());
        let rules = rules.chain([&self.quorums.production, &self.quorums.other]).flatten();
        // Who may only look says nothing, unless a rule asks for them.
        let looks_count = rules.into_iter().any(|rule| rule.role == Role::Viewer);
        let roles = own.iter().flat_map(|own| &own.roles);
        let roles: Vec<_> = roles.filter(|(role, _)| looks_count || **role != Role::Viewer).collect();
        let holders: BTreeSet<&PersonId> = roles.iter().flat_map(|(_, holders)| *holders).collect();
        let known: Vec<_> = holders.iter().map(|person| (person, self.accounts.get(*person))).collect();
        let glass = self.break_glass.as_ref().map(|glass| {
            let breakers = glass.people.iter().filter(|person| !self.roles(service, person).is_empty());
            (breakers.collect::<Vec<_>>(), &glass.audit)
        });
        let version = short_digest(&bytes(&(roles, quorums, &self.quorums, glass, known)));
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
    let mut all = bytes(&(services, quorums));
    all.extend(break_glass.map(bytes).unwrap_or_default());
    short_digest(&all)
}

/// Maps and sets are ordered, so equal rules make equal bytes.
fn bytes<T: Serialize>(rules: &T) -> Vec<u8> {
    serde_json::to_vec(rules).unwrap_or_default()
}

fn short_digest(bytes: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(bytes));
    digest.truncate(12);
    digest
}
