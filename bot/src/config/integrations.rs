//! Integrations of a service other than deploy mechanisms: remote forges, registries, clusters. `wire` builds an
//! adapter from each.

use std::path::PathBuf;
use std::time::Duration;

use super::secret::SecretSource;

/// A remote forge: `[forges.<name>]` in `hotfix.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The product and its credentials.
    pub kind: HostKind,
    /// Webhook secrets; two during a rotation, empty if webhooks are not accepted.
    pub webhook_secrets: Vec<SecretSource>,
    /// Timeout of an API request, and of a git command without output; `None` for the defaults.
    pub timeout: Option<Duration>,
}

/// The supported forges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKind {
    /// GitHub or GitHub Enterprise Server.
    GitHub {
        /// Base URL of the API.
        api_url: String,
        /// Base URL for git.
        git_url: String,
        /// Credentials for the API and git.
        auth: GitHubAuth,
    },
    /// GitLab, on gitlab.com or self-managed.
    GitLab {
        /// Base URL of the instance.
        url: String,
        /// Access token for the API and git.
        token: SecretSource,
        /// Numeric id of the token's own account. Labels that it sets do not count as set by a person.
        account: Option<String>,
    },
}

/// Credentials for GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitHubAuth {
    /// A token of an account.
    Token(SecretSource),
    /// A GitHub App. It mints tokens that are limited to one repository each.
    App {
        /// Numeric id of the app.
        id: u64,
        /// Id of the installation; looked up if `None`.
        installation: Option<u64>,
        /// Private key of the app.
        private_key: SecretSource,
    },
}

/// The image registry of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Image repository, such as `quay.io/team/payments`.
    pub repository: String,
    /// Tag patterns, tried in order.
    pub tags: Vec<String>,
    /// Credentials for reading; `None` for anonymous access.
    pub login: Option<RegistryLogin>,
    /// `true` to connect without TLS. Loopback never uses TLS.
    pub plain_http: bool,
}

/// Credentials for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryLogin {
    /// User name; `None` if the password is a bearer token.
    pub user: Option<String>,
    /// Password or bearer token.
    pub password: SecretSource,
}

/// The Kubernetes cluster that an environment runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Display name of the cluster.
    pub name: String,
    /// Path of the kubeconfig; `None` for the cluster that the bot itself runs in.
    pub kubeconfig: Option<PathBuf>,
    /// Context in the kubeconfig; `None` for the current one.
    pub context: Option<String>,
    /// Namespace of the deployment.
    pub namespace: String,
    /// Name of the Kubernetes Deployment.
    pub deployment: String,
    /// The container that runs the service.
    pub container: ContainerConfig,
    /// `true` to also read the pods, for the digests of the running images.
    pub read_pods: bool,
}

/// The container of a Deployment that runs the service; all others are sidecars (HOCS-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerConfig {
    /// The container with this name.
    Named(String),
    /// The container whose image comes from this repository.
    Image(String),
}
