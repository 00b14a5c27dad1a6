//! The configuration: raw once, valid from then on. [`load`] reads a folder of commented TOML and answers either with a
//! [`Config`] that the rest of the program trusts without looking again, or with every fault there is, all at once.
//!
//! ```text
//! config/                     source      files: size, owner's rights, no way out of the folder
//!   hotfix.toml               reader      one table, key by key; field: one value; a mistake is a fault with its place
//!   policy.toml      ──────►  read/       one file of the configuration each: raw, with places
//!   people.toml               check/      what must hold between files
//!   services/*.toml           fault       drawn as rustc draws: what, where, next
//!   playbooks/*.toml
//! ```
//! Invariant: a value in [`Config`] is valid, alone and together with the others. Called by `wire`, at start and at reload.

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

pub use chat::{ChatKind, ChatSettings, DiscordSettings, Pace, SlackSettings, SlackWay};
pub use diagnostic::DiagnosticReport;
pub use integrations::{
    ClusterConfig, ContainerConfig, GitHubAuth, HostConfig, HostKind, RegistryConfig, RegistryLogin,
};
pub use mechanism::{
    CapabilityConfig, CommandMechanism, DroneConfig, ForgeConfig, MechanismConfig, PipelineConfig, Probe,
    PromotionConfig, RolloutConfig, WorkflowConfig,
};
pub use settings::{HttpSettings, Log, LogFormat, Settings, StoreSettings};

use crate::domain::group::ChatGroup;
use crate::domain::id::{PlaybookId, ServiceName};
use crate::domain::people::People;
use crate::domain::playbook::{CapabilityKind, Playbook};
use crate::domain::service::Service;
use crate::policy::Policy;

/// Everything the operators wrote, valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where things are kept, and how often things are asked.
    pub settings: Settings,
    /// The forges elsewhere, by their names.
    pub forges: BTreeMap<String, HostConfig>,
    /// What can be hotfixed.
    pub services: BTreeMap<ServiceName, ConfiguredService>,
    /// Which groups of the chat are called at which moments of a service's runs.
    pub groups: BTreeMap<ServiceName, Vec<ChatGroup>>,
    /// Who is who.
    pub people: People,
    /// Who may do what, whose word a deployment takes, and when nothing is deployed.
    pub policy: Policy,
    /// The runbooks.
    pub playbooks: BTreeMap<PlaybookId, Playbook>,
    /// SHA-256 of all files with their names, in hexadecimal: it changes when a byte of the configuration does.
    pub digest: String,
}

/// A service with what reaches it.
#[derive(Debug, Clone)]
pub struct ConfiguredService {
    /// The service as the domain knows it.
    pub service: Service,
    /// Where its code lives.
    pub forge: ForgeConfig,
    /// What deploys to each of its environments; every environment of the service has one.
    pub mechanisms: BTreeMap<Environment, MechanismConfig>,
    /// Where its images are kept.
    pub registry: Option<RegistryConfig>,
    /// Where each of its environments runs, as far as the bot can look there.
    pub clusters: BTreeMap<Environment, Vec<ClusterConfig>>,
    /// What the service declares to have, and how each claim is probed (MAIN-13).
    pub capabilities: BTreeMap<CapabilityKind, CapabilityConfig>,
}

impl Config {
    /// The playbook that a service follows. The configuration was refused if it named one that is not there.
    #[must_use]
    pub fn playbook_of(&self, service: &ServiceName) -> Option<&Playbook> {
        self.services.get(service).and_then(|configured| self.playbooks.get(&configured.service.playbook))
    }

    /// After how many minutes a person is asked whether a rollout that nothing confirms is through.
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

    /// The same, with votes bound to the mechanisms that stand in it.
    #[must_use]
    pub fn with_own_ways(self) -> Self {
        // What is written there names secrets and never holds one.
        let way =
            |(name, service): (&ServiceName, &ConfiguredService)| (name.clone(), format!("{:?}", service.mechanisms));
        let ways = self.services.iter().map(way).collect();
        Self { policy: self.policy.clone().with_deploy_fingerprints(ways), ..self }
    }

    /// What a service declares to have, without how it is probed.
    #[must_use]
    pub fn declared(&self, service: &ServiceName) -> BTreeSet<CapabilityKind> {
        self.services
            .get(service)
            .map(|configured| configured.capabilities.keys().copied().collect())
            .unwrap_or_default()
    }
}

/// Loads the configuration in a folder.
///
/// # Errors
/// All faults of all files together; the configuration is refused whole or taken whole.
pub fn load(dir: &Path) -> Result<Config, DiagnosticReport> {
    let credentials = std::env::var_os(secret::CREDENTIALS_DIRECTORY).map(PathBuf::from);
    load_with(dir, credentials.as_deref())
}

/// Returns where a running bot listens, as far as `hotfix.toml` can be read, whatever else is wrong: while somebody edits a file,
/// the bot that was started before can still be reached.
#[must_use]
pub fn socket(dir: &Path) -> Option<PathBuf> {
    let sink = diagnostic::Diagnostics::default();
    let sources = source::Sources::read(dir, &sink);
    read::everything(&sources, None, &sink).settings.map(|settings| settings.socket)
}

/// Loads with the folder of credentials given, so that a test need not touch the environment of its process.
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
