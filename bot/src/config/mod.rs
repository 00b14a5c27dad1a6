//! The configuration: read once, validated as a whole. [`load`] reads a folder of TOML files and returns either a valid
//! [`Config`] or every fault in it at once.
//!
//! ```text
//! config/                     source      files: size, permissions, no links out of the folder
//!   hotfix.toml               reader      one table, key by key; field: one value; mistakes become faults
//!   policy.toml      ──────►  read/       one module per file: raw values with positions
//!   people.toml               check/      rules across files
//!   services/*.toml           diagnostic  faults rendered in the style of rustc
//!   playbooks/*.toml
//! ```
//! Invariant: every value in [`Config`] is valid, alone and together with the others. Called by the command line at
//! start, and by `reload`.

mod chat;
mod check;
mod diagnostic;
mod field;
mod integrations;
mod mechanism;
mod read;
mod reader;
pub mod requirements;
mod rights;
pub mod secret;
pub mod security;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hotfix_adapters::ids::Environment;

pub use chat::{ChatKind, ChatSettings, DiscordSettings, RateLimit, SlackSettings, SlackTransport};
pub use diagnostic::DiagnosticReport;
pub use integrations::{
    ClusterConfig, ContainerConfig, GitHubAuth, HostConfig, HostKind, RegistryConfig, RegistryLogin,
};
pub use mechanism::{
    CapabilityConfig, CommandMechanism, DroneConfig, ForgeConfig, MechanismConfig, PipelineConfig, ProbeConfig,
    PromotionConfig, RolloutConfig, WorkflowConfig,
};
pub use settings::{HttpSettings, Log, LogFormat, Settings, StoreSettings};

use crate::domain::group::ChatGroup;
use crate::domain::id::{PlaybookId, ServiceName};
use crate::domain::people::People;
use crate::domain::playbook::{CapabilityKind, Playbook};
use crate::domain::service::Service;
use crate::policy::Policy;

/// The complete, valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Settings of the process: paths, intervals, chat, HTTP, log.
    pub settings: Settings,
    /// Remote forges, keyed by their name in `hotfix.toml`.
    pub forges: BTreeMap<String, HostConfig>,
    /// Services that can be hotfixed.
    pub services: BTreeMap<ServiceName, ConfiguredService>,
    /// Chat groups to mention in each service's runs, and when.
    pub groups: BTreeMap<ServiceName, Vec<ChatGroup>>,
    /// Persons, their accounts and the accounts of bots.
    pub people: People,
    /// Roles, quorums, freezes and break-glass rules.
    pub policy: Policy,
    /// Playbooks, one per runbook.
    pub playbooks: BTreeMap<PlaybookId, Playbook>,
    /// SHA-256 of the names and contents of all files, in hexadecimal. Identifies the version of the configuration.
    pub digest: String,
}

/// A service with its integrations.
#[derive(Debug, Clone)]
pub struct ConfiguredService {
    /// The service as the domain models it.
    pub service: Service,
    /// The forge that hosts the code.
    pub forge: ForgeConfig,
    /// The deploy mechanism of each environment; every environment of the service has one.
    pub mechanisms: BTreeMap<Environment, MechanismConfig>,
    /// The image registry; `None` if the service has none.
    pub registry: Option<RegistryConfig>,
    /// The clusters that each environment runs on, as far as the bot can read them.
    pub clusters: BTreeMap<Environment, Vec<ClusterConfig>>,
    /// The declared capabilities and their probes (MAIN-13).
    pub capabilities: BTreeMap<CapabilityKind, CapabilityConfig>,
}

impl Config {
    /// Returns the playbook of a service; `None` only for an unknown service, because loading checks that the
    /// playbook exists.
    #[must_use]
    pub fn playbook_of(&self, service: &ServiceName) -> Option<&Playbook> {
        self.services.get(service).and_then(|configured| self.playbooks.get(&configured.service.playbook))
    }

    /// Returns the minutes after which the bot asks a person if an unconfirmed rollout is complete; 0 if the mechanism
    /// is not a promotion.
    pub(crate) fn ask_after_minutes(&self, service: &ServiceName, environment: &Environment) -> u32 {
        match self.services.get(service).and_then(|configured| configured.mechanisms.get(environment)) {
            Some(MechanismConfig::Promotion(promotion)) => promotion.rollout.ask_minutes,
            Some(
                MechanismConfig::Command(_)
                | MechanismConfig::Manual { .. }
                | MechanismConfig::Workflow(_)
                | MechanismConfig::Pipeline(_)
                | MechanismConfig::Drone(_)
                | MechanismConfig::Tag { .. },
            )
            | None => 0,
        }
    }

    /// Returns the configuration with the fingerprints of its deploy mechanisms in the policy, which binds votes
    /// to them.
    #[must_use]
    pub fn with_own_ways(self) -> Self {
        // The debug output names the sources of secrets and never contains a value.
        let way =
            |(name, service): (&ServiceName, &ConfiguredService)| (name.clone(), format!("{:?}", service.mechanisms));
        let ways = self.services.iter().map(way).collect();
        Self { policy: self.policy.clone().with_deploy_fingerprints(ways), ..self }
    }

    /// Returns the capabilities that a service declares, without their probes.
    #[must_use]
    pub fn declared(&self, service: &ServiceName) -> BTreeSet<CapabilityKind> {
        self.services
            .get(service)
            .map(|configured| configured.capabilities.keys().copied().collect())
            .unwrap_or_default()
    }
}

/// Loads the configuration from a folder.
///
/// # Errors
/// Returns all faults of all files. The configuration is accepted or refused as a whole.
pub fn load(dir: &Path) -> Result<Config, DiagnosticReport> {
    let credentials = std::env::var_os(secret::CREDENTIALS_DIRECTORY).map(PathBuf::from);
    load_with(dir, credentials.as_deref())
}

/// Returns the path of the socket of a running bot, if the settings in `hotfix.toml` can be read. Ignores faults in all
/// other files: the running bot stays reachable while an operator edits the configuration.
#[must_use]
pub fn socket(dir: &Path) -> Option<PathBuf> {
    let sink = diagnostic::Diagnostics::default();
    let sources = source::Sources::read(dir, &sink);
    read::everything(&sources, None, &sink).settings.map(|settings| settings.socket)
}

/// Loads with an explicit credentials folder, so that tests need not change the environment of the process.
fn load_with(dir: &Path, credentials: Option<&Path>) -> Result<Config, DiagnosticReport> {
    let sink = diagnostic::Diagnostics::default();
    let sources = source::Sources::read(dir, &sink);
    let raw = read::everything(&sources, credentials, &sink);
    let config = check::assemble(raw, &sources, &sink);
    match config {
        Some(config) if sink.is_empty() => Ok(config),
        Some(_) | None => Err(sink.into_faults(sources)),
    }
}
