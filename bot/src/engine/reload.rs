//! The same engine under another configuration. A reload makes a new [`Engine`] that shares everything but the configuration
//! and what it reaches, and puts it in the place of the old one: whoever is in the middle of a command finishes it under the
//! configuration that it began with, and the next command is judged by the new one. An act that rests on facts read under an
//! old configuration is not begun: see [`Engine::is_outdated`].
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

/// The engine that holds now.
#[derive(Clone)]
pub struct Current(Arc<RwLock<Arc<Engine>>>);

impl Current {
    /// The newest engine. It is good for one command.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another engine in its place.
    pub fn replace(&self, engine: Engine) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(engine);
    }
}

impl From<Arc<Engine>> for Current {
    fn from(engine: Arc<Engine>) -> Self {
        Self(Arc::new(RwLock::new(engine)))
    }
}

/// Why the open runs do not allow a configuration, one sentence each.
pub type Obstacles = Vec<String>;

/// A vote that a reload made void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Voided {
    /// Of which run.
    pub run: HotfixId,
    /// For which environment.
    pub environment: Environment,
    /// Whose.
    pub person: PersonId,
}

impl Engine {
    /// The configuration as it can be taken now: a service with an open run keeps its forge, its mechanisms and whatever else
    /// reaches it until that run ends. Answers which services do so although they are configured otherwise now, with the
    /// first of their runs.
    ///
    /// # Errors
    /// Every service and every mechanism of an open run that the configuration does not have.
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

    /// The same engine with this configuration. The one that it was made from is outdated from here on.
    #[must_use]
    pub fn reconfigured(&self, config: Config, outside: Ports) -> Self {
        let generation = self.newest.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let (known, config) = (Arc::new(Lexicon::of(&config)), Arc::new(config));
        Self { known, config, outside: Arc::new(outside), generation, ..self.clone() }
    }

    /// Where the team talks.
    #[must_use]
    pub fn chat(&self) -> Arc<dyn Chat> {
        self.outside.chat.clone()
    }

    /// Whether another configuration holds by now: what was judged by this one has to be judged anew before an act.
    pub(super) fn is_outdated(&self) -> bool {
        self.newest.load(Ordering::SeqCst) != self.generation
    }

    /// Lets every open run see the rules as they are now, and answers which votes that made void. Each is announced in its
    /// thread, as it is when it lapses by itself.
    ///
    /// # Errors
    /// When the journal is out of order.
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

/// Whether a service is reached in the same ways. What is written there names secrets and never holds one.
fn reached_alike(one: &ConfiguredService, other: &ConfiguredService) -> bool {
    let ways = |service: &ConfiguredService| {
        let ConfiguredService { service: _, forge, mechanisms, registry, clusters, capabilities } = service;
        format!("{forge:?}{mechanisms:?}{registry:?}{clusters:?}{capabilities:?}{}", service.service.repo)
    };
    ways(one) == ways(other)
}

/// Keeps what reaches a service as it was; an environment that is new is reached as it says.
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
