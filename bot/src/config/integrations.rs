//! What the bot reaches beyond a service's own environments: forges elsewhere, registries, clusters. These are the choices;
//! `wire` turns each into an adapter.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::SecretSource;

/// A forge elsewhere, as `[forges.<name>]` in `hotfix.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Which one it is, and who speaks to it.
    pub kind: HostKind,
    /// The secrets of its webhooks; two while one is changed, none when webhooks are not taken.
    pub webhook_secrets: Vec<SecretSource>,
    /// How long an answer is awaited, and how long git may hear nothing; as usual for its kind when absent.
    pub timeout: Option<Duration>,
}

/// The forges that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKind {
    /// GitHub, or GitHub Enterprise Server.
    GitHub {
        /// Where its API is.
        api_url: String,
        /// Where git finds its repositories.
        git_url: String,
        /// Who speaks.
        auth: GitHubAuth,
    },
    /// GitLab, at gitlab.com or self-managed.
    GitLab {
        /// Where it is.
        url: String,
        /// Who speaks.
        token: SecretSource,
        /// The numeric id of the account that the token belongs to: its labels are no person's.
        account: Option<String>,
    },
}

/// Who speaks to GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitHubAuth {
    /// Somebody's token.
    Token(SecretSource),
    /// A GitHub App, whose tokens are minted for one repository each.
    App {
        /// Its id.
        id: u64,
        /// Its installation; looked up when absent.
        installation: Option<u64>,
        /// Its private key.
        private_key: SecretSource,
    },
}

/// Where the images of a service are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// The repository of images, such as `quay.io/team/payments`.
    pub repository: String,
    /// The patterns of tags, in order.
    pub tags: Vec<String>,
    /// Who reads; nobody in particular when absent.
    pub login: Option<RegistryLogin>,
    /// Whether it is spoken to without TLS. Loopback always is.
    pub plain_http: bool,
}

/// Who reads a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// The user; a bearer token when absent.
    pub user: Option<String>,
    /// The password or token.
    pub password: SecretSource,
}

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// What it is called, for people.
    pub name: String,
    /// The kubeconfig; the cluster that the bot itself runs in when absent.
    pub kubeconfig: Option<PathBuf>,
    /// Which of its contexts; the current one when absent.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The deployment.
    pub deployment: String,
    /// Which container is meant.
    pub container: ContainerConfig,
    /// Whether the pods are read too, for the digests that run.
    pub read_pods: bool,
}

/// Which container of a deployment is the service, and which are side-cars (HOCS-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerConfig {
    /// The one of this name.
    Named(String),
    /// The one that runs an image of this repository.
    Image(String),
}
