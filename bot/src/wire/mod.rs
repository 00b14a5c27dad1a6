//! Wiring: builds the ports from the configuration. The only place that chooses adapters.
//!
//! ```text
//! chat       the chat, with its inbound sources
//! forges     forges: the local one, GitHub, GitLab, and their webhooks
//! mechanism  the deploy mechanism of one environment
//! place      registries and clusters
//! verbs      the verbs as Discord registers them
//! ```

mod chat;
mod forges;
mod mechanism;
mod place;
mod verbs;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use hotfix_adapters::chat::console::{Console, ConsoleOptions};
use hotfix_adapters::chat::inbound::WebhookReceiver;
use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use hotfix_adapters::program::on_path;
use hotfix_storage::Clock;
use hotfix_storage::embedded::{self, Embedded};

use crate::config::{Config, ConfiguredService, ProbeConfig};
use crate::engine::{Ports, Probe};
use crate::http;
pub use chat::{ChatConnection, chat_print, talk};
use forges::Forges;
pub use forges::{Examiner, examiner};
use mechanism::DeployBuilder;
pub use verbs::commands;

/// Timeout of a query or probe of an environment.
const QUESTION: Duration = Duration::from_secs(60);

/// Opens the store of this configuration.
///
/// # Errors
/// Another process holds the store, it is damaged, or other users can read it; the error names the remedy.
pub fn store(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Embedded> {
    let settings = &config.settings;
    let mut options = embedded::Options::new(&settings.store, clock);
    options.segment_bytes = settings.embedded.segment_bytes;
    options.reserve_bytes = settings.embedded.reserve_bytes;
    options.cache_bytes = settings.embedded.cache_bytes;
    std::fs::create_dir_all(&settings.state)
        .with_context(|| format!("cannot make the folder {}", settings.state.display()))?;
    Ok(Embedded::open(options)?)
}

/// Opens the console. A service channel that `options` does not list gets every active person with a console account
/// as a member.
///
/// # Errors
/// The console's file cannot be used.
pub fn console(config: &Config, mut options: ConsoleOptions) -> anyhow::Result<Arc<Console>> {
    let people: Vec<PersonRef> = config
        .people
        .iter()
        .filter(|person| person.active)
        .filter_map(|person| person.account(Platform::Console).cloned())
        .collect();
    for service in config.services.values() {
        options.members.entry(service.service.channel.clone()).or_insert_with(|| people.clone());
    }
    Ok(Arc::new(Console::open(options)?))
}

/// Returns the default channel for requests that name none: that of the first service.
///
/// # Errors
/// No service is configured.
pub fn main_channel(config: &Config) -> anyhow::Result<ChannelRef> {
    let first = config.services.values().next().context("no service is configured: add one under services/")?;
    Ok(first.service.channel.clone())
}

/// Opens the local forge of this configuration.
///
/// # Errors
/// Its folders cannot be used.
pub fn local_forge(config: &Config) -> anyhow::Result<Arc<Local>> {
    let settings = &config.settings;
    std::fs::create_dir_all(&settings.repositories)
        .with_context(|| format!("cannot make the folder {}", settings.repositories.display()))?;
    Ok(Arc::new(Local::open(LocalOptions::new(&settings.repositories, &settings.forge_ledger))?))
}

/// Returns the options of the HTTP servers: the webhooks of the remote forges (the local one sends none), and the chat
/// receiver, if there is one.
///
/// # Errors
/// A webhook secret cannot be used.
pub fn http(config: &Config, chat: Option<Arc<dyn WebhookReceiver>>) -> anyhow::Result<http::Options> {
    let settings = &config.settings.http;
    let whole = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limits = http::Limits {
        body_bytes: whole(settings.body_limit_kib).saturating_mul(1024),
        connections: whole(settings.connections),
        // All clients behind a proxy share one address, so the share must not be small.
        connections_per_address: whole(settings.connections).div_ceil(2),
        ..http::Limits::default()
    };
    Ok(http::Options {
        listen: settings.listen,
        metrics: settings.metrics,
        hooks: forges::webhooks(config)?,
        chat,
        limits,
    })
}

/// Builds all ports of the engine. `program` is the path of this program, which is started as the supervisor of deploy
/// commands.
///
/// # Errors
/// An adapter rejects its part of the configuration; the error names the service and the environment.
pub fn ports(config: &Config, chat: Arc<dyn hotfix_adapters::chat::Chat>, program: &Path) -> anyhow::Result<Ports> {
    let mut ports = Ports {
        chat,
        platform: config.settings.chat.platform(),
        forges: BTreeMap::new(),
        deploys: BTreeMap::new(),
        registries: BTreeMap::new(),
        clusters: BTreeMap::new(),
        probes: BTreeMap::new(),
    };
    let hosts = Forges::new(config, local_forge(config)?)?;
    for (name, configured) in &config.services {
        let host = hosts.of(&configured.forge).with_context(|| format!("service {name}"))?;
        ports.forges.insert(name.clone(), host.forge.clone());
        for (environment, mechanism) in &configured.mechanisms {
            let place =
                DeployBuilder { config, service: &configured.service, environment, program, host, hosts: &hosts };
            let deploy =
                place.mechanism(mechanism).with_context(|| format!("service {name}, environment {environment}"))?;
            ports.deploys.insert((name.clone(), environment.clone()), deploy);
        }
        if let Some(registry) = &configured.registry {
            let images = place::registry(registry, forges::reach(config))
                .with_context(|| format!("the registry of service {name}"))?;
            ports.registries.insert(name.clone(), images);
        }
        for (environment, clusters) in &configured.clusters {
            let clusters = clusters.iter().map(place::cluster).collect::<anyhow::Result<Vec<_>>>();
            let clusters = clusters.with_context(|| format!("a cluster of {name}/{environment}"))?;
            ports.clusters.insert((name.clone(), environment.clone()), clusters);
        }
        probes(configured, &mut ports);
    }
    Ok(ports)
}

fn probes(configured: &ConfiguredService, ports: &mut Ports) {
    let name = &configured.service.name;
    for (kind, capability) in &configured.capabilities {
        let probe: Arc<dyn Probe> = match &capability.probe {
            ProbeConfig::Environment(environment) => {
                Arc::new(EnvironmentProbe(ports.deploys.get(&(name.clone(), environment.clone())).cloned()))
            }
            ProbeConfig::Command(command) => Arc::new(CommandProbe(command.clone())),
        };
        ports.probes.insert((name.clone(), *kind), probe);
    }
}

/// Probes an environment: its deploy mechanism must be usable.
struct EnvironmentProbe(Option<Arc<dyn Deploy>>);

#[async_trait]
impl Probe for EnvironmentProbe {
    async fn missing(&self) -> Option<String> {
        match &self.0 {
            Some(deploy) => deploy.probe().await.err().map(|failure| failure.to_string()),
            None => Some("the service has no such environment".to_owned()),
        }
    }
}

/// Probes by a command: exit status 0 means that the capability is available.
struct CommandProbe(Vec<String>);

#[async_trait]
impl Probe for CommandProbe {
    async fn missing(&self) -> Option<String> {
        let Some((program, arguments)) = self.0.split_first() else {
            return Some("the probe names no program".to_owned());
        };
        // Use the absolute path if there is one: see `hotfix_adapters::program`.
        let found = std::env::var_os("PATH").and_then(|path| on_path(program, &path));
        let mut command = tokio::process::Command::new(found.as_deref().unwrap_or(Path::new(program)));
        command.args(arguments).env_clear().stdin(std::process::Stdio::null()).kill_on_drop(true);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        match tokio::time::timeout(QUESTION, command.output()).await {
            Ok(Ok(output)) if output.status.success() => None,
            Ok(Ok(output)) => Some(format!("{program} ended with {}", output.status)),
            Ok(Err(error)) => Some(format!("{program} could not be run: {error}")),
            Err(_) => Some(format!("{program} did not answer within {} s", QUESTION.as_secs())),
        }
    }
}
