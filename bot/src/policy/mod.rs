//! The policy: roles, quorums, freezes and break-glass. Pure: a [`Policy`] is made from the configuration, and every
//! check gets the people and the time as arguments.
//!
//! Denies by default: an unknown service, an empty list and an unknown account are all denied.

mod admission;
mod approval;
mod break_glass;
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
pub use break_glass::BreakGlassRules;
pub use freeze::Freeze;
pub use role::Denial;

use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{People, Person, Role};
use crate::domain::service::{ApprovalRule, StepUp};

/// The configured rules, with groups already resolved to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    services: BTreeMap<ServiceName, ServicePolicy>,
    quorums: Quorums,
    freezes: Vec<Freeze>,
    break_glass: Option<BreakGlassRules>,
    /// Per service: a short digest of its deploy configuration.
    ways: BTreeMap<ServiceName, String>,
    /// Per person: a short digest of their mapped accounts.
    accounts: BTreeMap<PersonId, String>,
    chat_down: ChatDown,
    version: String,
    /// Precomputed results of [`Policy::version_for`], which is called for every command.
    versions: BTreeMap<ServiceName, String>,
}

/// The handling of production deployments during a chat outage, when no one can object in the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChatDown {
    /// They wait until the chat is available again.
    #[default]
    Wait,
    /// They continue, based on the votes that can be read without the chat.
    GoOn,
}

/// The rules of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServicePolicy {
    /// The holders of each role. A missing role has no holders.
    pub roles: BTreeMap<Role, BTreeSet<PersonId>>,
    /// Quorums that differ from the default, per environment.
    pub quorums: BTreeMap<Environment, Vec<ApprovalRule>>,
    /// Step-up requirements for votes that differ from the default, per environment; `None` requires no step-up.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub step_up: BTreeMap<Environment, Option<StepUp>>,
}

impl Policy {
    /// Creates a policy without break-glass that waits during a chat outage.
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

    /// Returns the policy with this handling of a chat outage.
    #[must_use]
    pub fn with_chat_down(self, chat_down: ChatDown) -> Self {
        Self { chat_down, ..self }
    }

    /// Returns the handling of production deployments during a chat outage.
    #[must_use]
    pub fn chat_down(&self) -> ChatDown {
        self.chat_down
    }

    /// Returns the policy with these break-glass rules; `None` turns break-glass off.
    #[must_use]
    pub fn with_break_glass(mut self, break_glass: Option<BreakGlassRules>) -> Self {
        self.version = version(&self.services, &self.quorums, break_glass.as_ref());
        Self { break_glass, ..self }.versioned()
    }

    /// Returns the policy with a deploy fingerprint per service: a text that changes when the service's deploy
    /// configuration does.
    #[must_use]
    pub fn with_deploy_fingerprints(mut self, ways: BTreeMap<ServiceName, String>) -> Self {
        self.ways = ways.into_iter().map(|(service, way)| (service, short_digest(way.as_bytes()))).collect();
        self.versioned()
    }

    /// Returns the policy with the mapped accounts of these people.
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

    /// Returns the version of the whole policy: a short digest of the roles, quorums and break-glass rules.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the policy version that a vote for a service is cast under: a digest of the rules that judge it, and of
    /// the service's deploy configuration. A vote counts only while both are unchanged, so it never authorizes another
    /// command, other parameters or other variables (security case 28).
    ///
    /// The rules are the service's roles and quorums, the default quorums, the holders of a role who may break the
    /// glass, and the accounts that all these people are mapped to. Rules of other services do not matter. Neither does
    /// `active`: a person who left is checked when votes are counted.
    #[must_use]
    pub fn version_for(&self, service: &ServiceName) -> String {
        self.versions.get(service).cloned().unwrap_or_else(|| self.digest_for(service))
    }

    fn digest_for(&self, service: &ServiceName) -> String {
        let own = self.services.get(service);
        let quorums = own.map(|own| (&own.quorums, &own.step_up));
        let rules = quorums.iter().flat_map(|(quorums, _)| quorums.values());
        let rules = rules.chain([&self.quorums.production, &self.quorums.other]).flatten();
        // Viewers do not affect a vote, unless a rule requires the role.
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

/// Excludes freezes and the chat-outage setting: they affect the time of a deployment, not the approvers, and the end
/// of a freeze must not invalidate votes cast before it.
fn version(
    services: &BTreeMap<ServiceName, ServicePolicy>,
    quorums: &Quorums,
    break_glass: Option<&BreakGlassRules>,
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
