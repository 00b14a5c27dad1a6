//! Wiring of the forges: the local one, and the remote ones by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::credentials::Credentials;
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions, GitHubWebhook};
use hotfix_adapters::forge::gitlab::{GitLab, GitLabOptions, GitLabWebhook};
use hotfix_adapters::forge::hosted::Hosted;
use hotfix_adapters::forge::local::Local;
use hotfix_adapters::forge::webhook::Webhook;
use hotfix_adapters::forge::{Forge, Signature};
use hotfix_adapters::ids::{PersonRef, Platform, Repo};
use secrecy::SecretString;

use crate::config::secret::SecretSource;
use crate::config::{self, Config, ForgeConfig, HostConfig, HostKind, MechanismConfig};

/// Timeout of one git process, long enough for the first fetch of a large repository.
const GIT: Duration = Duration::from_secs(600);
/// Timeout for a git process that receives nothing from the forge; a forge reports progress every few seconds.
const SILENCE: Duration = Duration::from_secs(60);

/// A forge, with the clients that exist for one kind only.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) forge: Arc<dyn Forge>,
    /// The platform of its accounts.
    pub(super) platform: Platform,
    /// The bot's own account on the forge, if configured.
    pub(super) bot: Option<PersonRef>,
    pub(super) github: Option<GitHub>,
    pub(super) gitlab: Option<GitLab>,
}

/// All forges of a configuration.
pub(super) struct Forges {
    local: Host,
    named: BTreeMap<String, Host>,
}

impl Forges {
    pub(super) fn new(config: &Config, local: Arc<Local>) -> anyhow::Result<Self> {
        let local = Host { forge: local, platform: Platform::Git, bot: None, github: None, gitlab: None };
        let mut named = BTreeMap::new();
        for (name, host) in &config.forges {
            let host = elsewhere(config, name, host).with_context(|| format!("the forge {name} of hotfix.toml"))?;
            named.insert(name.clone(), host);
        }
        Ok(Self { local, named })
    }

    /// Returns the forge that a service names.
    pub(super) fn of(&self, forge: &ForgeConfig) -> anyhow::Result<&Host> {
        match forge {
            ForgeConfig::Local => Ok(&self.local),
            ForgeConfig::Named(name) => {
                self.named.get(name).with_context(|| format!("there is no forge {name} in hotfix.toml"))
            }
        }
    }
}

/// Checks the permissions of the configured forges.
pub struct Examiner(Forges);

/// Returns the examiner of this configuration's forges.
///
/// # Errors
/// A forge adapter rejects its part of the configuration.
pub fn examiner(config: &Config) -> anyhow::Result<Examiner> {
    Ok(Examiner(Forges::new(config, super::local_forge(config)?)?))
}

impl Examiner {
    /// Checks whether the token of a remote forge has the permissions in a repository that a hotfix needs.
    ///
    /// # Errors
    /// A permission is missing, or the forge does not answer.
    pub async fn examine(&self, forge: &str, repo: &Repo) -> Result<(), Failure> {
        match self.0.named.get(forge).map(|host| (&host.github, &host.gitlab)) {
            Some((Some(github), _)) => github.examine(repo).await,
            Some((None, Some(gitlab))) => gitlab.examine(repo).await,
            Some((None, None)) => Ok(()),
            None => Err(Failure::rejected(format!("there is no forge {forge} in hotfix.toml"))),
        }
    }
}

fn elsewhere(config: &Config, name: &str, host: &HostConfig) -> anyhow::Result<Host> {
    match &host.kind {
        HostKind::GitHub { api_url, git_url, auth } => {
            let mut options = GitHubOptions::new(github_auth(auth)?);
            (options.api_url, options.git_url) = (api_url.clone(), git_url.clone());
            (options.deploys, options.reach) = (dispatches(config, name), reach(config));
            options.timeout = host.timeout.unwrap_or(options.timeout);
            let github = GitHub::new(options)?;
            let mirror = mirror(config, (name, host), git_url.clone(), Arc::new(github.clone()))?;
            let forge: Arc<dyn Forge> = Arc::new(Hosted::new(mirror, github.clone()));
            Ok(Host { forge, platform: Platform::Github, bot: None, github: Some(github), gitlab: None })
        }
        HostKind::GitLab { url, token, account } => {
            let mut options = GitLabOptions::new(url.clone(), secret(token)?);
            (options.reach, options.timeout) = (reach(config), host.timeout.unwrap_or(options.timeout));
            let gitlab = GitLab::new(options)?;
            let mirror = mirror(config, (name, host), gitlab.base_url(), Arc::new(gitlab.clone()))?;
            let forge: Arc<dyn Forge> = Arc::new(Hosted::new(mirror, gitlab.clone()));
            let bot = account.as_ref().map(|id| PersonRef::new(Platform::Gitlab, id.clone()));
            Ok(Host { forge, platform: Platform::Gitlab, bot, github: None, gitlab: Some(gitlab) })
        }
    }
}

fn github_auth(auth: &config::GitHubAuth) -> anyhow::Result<GitHubAuth> {
    Ok(match auth {
        config::GitHubAuth::Token(token) => GitHubAuth::Token(secret(token)?),
        config::GitHubAuth::App { id, installation, private_key } => {
            GitHubAuth::App { app_id: *id, installation_id: *installation, private_key: secret(private_key)? }
        }
    })
}

/// Returns `true` if a service on this forge deploys by a workflow, which requires more permissions.
fn dispatches(config: &Config, name: &str) -> bool {
    let here = |forge: &ForgeConfig| matches!(forge, ForgeConfig::Named(named) if named == name);
    let services = config.services.values().filter(|service| here(&service.forge));
    services.flat_map(|service| service.mechanisms.values()).any(|way| matches!(way, MechanismConfig::Workflow(_)))
}

fn mirror(
    config: &Config,
    (name, host): (&str, &HostConfig),
    base_url: String,
    credentials: Arc<dyn Credentials>,
) -> anyhow::Result<Arc<Mirror>> {
    let committer = Signature { name: "hotfix".to_owned(), email: "hotfix@localhost".to_owned(), account: None };
    let folder = config.settings.mirrors.join(name);
    let silence = host.timeout.unwrap_or(SILENCE);
    let reach = reach(config);
    let options = MirrorOptions { folder, base_url, reach, credentials, committer, time_limit: GIT, silence };
    Ok(Arc::new(Mirror::open(options)?))
}

/// Returns the egress policy: the private hosts that may be reached in addition to public ones.
pub(super) fn reach(config: &Config) -> EgressPolicy {
    EgressPolicy::new(config.settings.private_hosts.iter().cloned())
}

/// Returns the webhooks of all remote forges that have webhook secrets.
pub(super) fn webhooks(config: &Config) -> anyhow::Result<BTreeMap<String, Arc<dyn Webhook>>> {
    let mut hooks: BTreeMap<String, Arc<dyn Webhook>> = BTreeMap::new();
    for (name, host) in config.forges.iter().filter(|(_, host)| !host.webhook_secrets.is_empty()) {
        let secrets = host.webhook_secrets.iter().map(secret).collect::<anyhow::Result<Vec<_>>>()?;
        let hook: Arc<dyn Webhook> = match &host.kind {
            HostKind::GitHub { .. } => Arc::new(GitHubWebhook::new(secrets)?),
            HostKind::GitLab { .. } => Arc::new(GitLabWebhook::new(&secrets)?),
        };
        hooks.insert(name.clone(), hook);
    }
    Ok(hooks)
}

/// Reads a secret for an adapter.
pub(super) fn secret(source: &SecretSource) -> anyhow::Result<SecretString> {
    Ok(SecretString::from(source.read()?.expose().to_owned()))
}
