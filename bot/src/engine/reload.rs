//! Reload: the same engine under another configuration. A reload creates a new [`Engine`] that shares everything but
//! the configuration and the ports, and replaces the old one. A command in progress finishes under the old
//! configuration, and the next command uses the new one. An effect whose facts were read under an old configuration
//! does not begin: see [`Engine::is_outdated`].
//!
//! Called by [`reload`](crate::reload).

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use hotfix_adapters::chat::Chat;
use hotfix_adapters::ids::Environment;

use super::mailbox::CommitExtras;
use super::{Engine, EngineError, Ports};
use crate::command::Lexicon;
use crate::config::{Config, ConfiguredService};
use crate::domain::command::Command;
use crate::domain::hotfix::{Hotfix, Phase};
use crate::domain::id::{HotfixId, PersonId, ServiceName};
use crate::domain::observation::StampedObservation;

/// A handle to the newest engine, shared by all tasks.
#[derive(Clone)]
pub struct Current(Arc<RwLock<Arc<Engine>>>);

impl Current {
    /// Returns the newest engine. Use it for one command only.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the engine for all holders of this handle.
    pub fn replace(&self, engine: Engine) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(engine);
    }
}

impl From<Arc<Engine>> for Current {
    fn from(engine: Arc<Engine>) -> Self {
        Self(Arc::new(RwLock::new(engine)))
    }
}

/// The reasons why open runs do not allow a configuration, one sentence each.
pub type Obstacles = Vec<String>;

/// A vote that a reload made void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Voided {
    /// The run that the vote was for.
    pub run: HotfixId,
    /// The environment that the vote was for.
    pub environment: Environment,
    /// The person who voted.
    pub person: PersonId,
}

impl Engine {
    /// Merges a new configuration with the needs of the open runs: a service with an open run keeps its forge, its
    /// mechanisms and its other connections until that run ends. Also returns the services that keep connections other
    /// than the configured ones, each with its first open run.
    ///
    /// # Errors
    /// The services and mechanisms that an open run needs and the new configuration does not have.
    pub async fn merged(&self, new: &Config) -> Result<(Config, Vec<(ServiceName, HotfixId)>), Obstacles> {
        let mut obstacles = Vec::new();
        let mut kept: Vec<(ServiceName, HotfixId)> = Vec::new();
        let mut merged = new.clone();
        for run in self.unended_runs().await {
            let name = &run.plan.service;
            let Some(configured) = new.services.get(name) else {
                let file = format!("services/{name}.toml");
                obstacles.push(format!("{} of {name} is open: put {file} back, or end the run first.", run.id));
                continue;
            };
            for environment in &run.plan.environments {
                if !configured.mechanisms.contains_key(&environment.name) {
                    obstacles.push(format!(
                        "{} of {name} is open and has the environment {}: put it back into services/{name}.toml, or end \
                         the run first.",
                        run.id, environment.name
                    ));
                }
            }
            let Some(own) = self.config.services.get(name) else { continue };
            if !reached_alike(own, configured) {
                let forge = own.forge.clone();
                if let crate::config::ForgeConfig::Named(forge) = &forge
                    && !new.forges.contains_key(forge)
                {
                    obstacles.push(format!(
                        "{} of {name} is open and is on the forge {forge}: put [forges.{forge}] back into hotfix.toml, \
                         or end the run first.",
                        run.id
                    ));
                }
                if !kept.iter().any(|(service, _)| service == name) {
                    kept.push((name.clone(), run.id));
                }
                if let Some(service) = merged.services.get_mut(name) {
                    keep_ways(service, own);
                }
            }
        }
        if obstacles.is_empty() { Ok((merged.with_own_ways(), kept)) } else { Err(obstacles) }
    }

    /// Returns an engine with this configuration. The engine that it is made from is outdated from then on.
    #[must_use]
    pub fn reconfigured(&self, config: Config, outside: Ports) -> Self {
        let generation = self.newest.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let (known, config) = (Arc::new(Lexicon::of(&config)), Arc::new(config));
        Self { known, config, outside: Arc::new(outside), generation, ..self.clone() }
    }

    /// Returns the chat that this engine is connected to.
    #[must_use]
    pub fn chat(&self) -> Arc<dyn Chat> {
        self.outside.chat.clone()
    }

    /// Returns `true` if a newer configuration exists. Then facts must be checked again before an effect begins.
    pub(super) fn is_outdated(&self) -> bool {
        self.newest.load(Ordering::SeqCst) != self.generation
    }

    /// Submits the current voting rules to every open run, and returns the votes that became void. Each is announced in
    /// the thread of its run, like a vote that expires.
    ///
    /// # Errors
    /// If the journal fails.
    pub async fn apply_rules(&self) -> Result<BTreeSet<Voided>, EngineError> {
        let mut voided = BTreeSet::new();
        for state in self.unended_runs().await {
            let before = votes(&state);
            self.submit(
                state.id,
                &Command::Observed(StampedObservation::new(&Arc::new(state.clone()), self.rules(&state))),
                CommitExtras::default(),
            )
            .await?;
            let after = self.state(state.id).await.map(|state| votes(&state)).unwrap_or_default();
            voided.extend(before.difference(&after).cloned());
        }
        Ok(voided)
    }

    async fn unended_runs(&self) -> Vec<Hotfix> {
        let over = |state: &Hotfix| matches!(state.phase, Phase::Ended { .. });
        self.states().await.into_iter().filter(|state| !over(state)).collect()
    }
}

fn votes(state: &Hotfix) -> BTreeSet<Voided> {
    let voted = state.votes.iter();
    voted
        .map(|vote| Voided { run: state.id, environment: vote.environment.clone(), person: vote.person.clone() })
        .collect()
}

/// Returns `true` if both configurations connect a service in the same way. The comparison reads only names of secrets,
/// never secrets.
fn reached_alike(one: &ConfiguredService, other: &ConfiguredService) -> bool {
    let ways = |service: &ConfiguredService| {
        let ConfiguredService { service: _, forge, mechanisms, registry, clusters, capabilities } = service;
        format!("{forge:?}{mechanisms:?}{registry:?}{clusters:?}{capabilities:?}{}", service.service.repo)
    };
    ways(one) == ways(other)
}

/// Keeps the connections of a service as they were. A new environment uses its new configuration.
fn keep_ways(service: &mut ConfiguredService, own: &ConfiguredService) {
    let ConfiguredService { service: about, forge, mechanisms, registry, clusters, capabilities } = own;
    (service.forge, service.registry) = (forge.clone(), registry.clone());
    (service.clusters, service.capabilities) = (clusters.clone(), capabilities.clone());
    (service.service.repo, service.service.main) = (about.repo.clone(), about.main.clone());
    service.service.has_registry = about.has_registry;
    service.mechanisms.extend(mechanisms.iter().map(|(name, mechanism)| (name.clone(), mechanism.clone())));
    for environment in &mut service.service.environments {
        if let Some(before) = about.environments.iter().find(|before| before.name == environment.name) {
            (environment.mechanism, environment.targets) = (before.mechanism.clone(), before.targets.clone());
        }
    }
}
