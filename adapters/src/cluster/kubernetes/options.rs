//! The settings of the cluster adapter.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use crate::registry::oci::is_loopback;
use crate::registry::reference::ImageName;

/// The places of one environment of one service, and the rule that selects the service's container.
pub struct KubernetesOptions {
    /// All places of the environment, for example two productions in two namespaces.
    pub places: Vec<Place>,
    /// Rule that selects the service's container.
    pub container: ContainerRule,
    /// Also read the pods. Needed to get the digest if the workload names a tag; requires permission to list pods.
    pub read_pods: bool,
    /// Time limit of one request. Reading takes one or two requests per place.
    pub time_limit: Duration,
}

impl KubernetesOptions {
    /// Returns the defaults: pods are not read, and ten seconds per request.
    #[must_use]
    pub fn new(places: Vec<Place>, container: ContainerRule) -> Self {
        Self { places, container, read_pods: false, time_limit: Duration::from_secs(10) }
    }
}

/// One Deployment in one cluster.
pub struct Place {
    /// Name for display, such as `cs-prod`; unique in the environment.
    pub name: String,
    /// Access to the cluster.
    pub access: Access,
    /// Namespace of the Deployment.
    pub namespace: String,
    /// Name of the Deployment.
    pub deployment: String,
}

/// Access to a cluster. Certificates are always verified: a kubeconfig that disables that is refused.
pub enum Access {
    /// A kubeconfig. It is loaded for every read, so that it can be renewed.
    Kubeconfig {
        /// Path of the kubeconfig.
        path: PathBuf,
        /// Context to use; `None` for the current context.
        context: Option<String>,
        /// Allow the kubeconfig to run a program to log in (`exec` or an `auth-provider`). Off by default, because
        /// everyone who can write the file can then run programs as the bot. Prefer the token of a read-only
        /// service account.
        allow_exec: bool,
    },
    /// The service account of the pod in which the bot runs.
    InCluster,
    /// Explicit URL and credentials.
    Explicit {
        /// URL of the API server: https, or http on loopback.
        url: String,
        /// Token of a service account.
        token: SecretString,
        /// The cluster's certificate authority in PEM; `None` for those of the system.
        ca: Option<String>,
    },
}

/// Selects the service's container in a pod, as opposed to sidecars (HOCS-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerRule {
    /// The container with this name.
    Named(String),
    /// The container whose image is in this repository, such as `quay.io/team/payments`, with any tag.
    Image(String),
}

/// The reason that the options are not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KubernetesOptionsError {
    /// There is no place.
    #[error("no place in a cluster is named, so there is nothing to read")]
    NoPlace,
    /// Two places have the same name.
    #[error("two places in clusters are called {0:?}; give each a name of its own")]
    SameName(String),
    /// A name is not valid in Kubernetes.
    #[error("{what} {given:?} is no name in Kubernetes: lower-case letters, digits, - and . are allowed")]
    Name {
        /// The kind of object that is named.
        what: &'static str,
        /// The name as configured.
        given: String,
    },
    /// The image repository of [`ContainerRule::Image`] is not valid.
    #[error("{given:?} names no repository of images: {why}; wanted is one like quay.io/team/payments, without tag")]
    Repository {
        /// The repository as configured.
        given: String,
        /// The problem with it.
        why: String,
    },
    /// The URL of an API server is not valid.
    #[error("the address of the cluster of {place:?} cannot be used: {why}")]
    Url {
        /// Name of the place.
        place: String,
        /// The problem with the URL.
        why: &'static str,
    },
}

impl KubernetesOptions {
    pub(super) fn check(&self) -> Result<(), KubernetesOptionsError> {
        if self.places.is_empty() {
            return Err(KubernetesOptionsError::NoPlace);
        }
        let mut names = BTreeSet::new();
        for place in &self.places {
            if !names.insert(&place.name) {
                return Err(KubernetesOptionsError::SameName(place.name.clone()));
            }
            check_name("the namespace", &place.namespace)?;
            check_name("the deployment", &place.deployment)?;
            if let Access::Explicit { url, .. } = &place.access
                && let Some(why) = bad_url(url)
            {
                return Err(KubernetesOptionsError::Url { place: place.name.clone(), why });
            }
        }
        match &self.container {
            ContainerRule::Named(name) => check_name("the container", name),
            ContainerRule::Image(given) => {
                let refuse = |why: String| KubernetesOptionsError::Repository { given: given.clone(), why };
                match ImageName::parse(given).map_err(refuse)? {
                    ImageName { tag: None, digest: None, .. } => Ok(()),
                    ImageName { .. } => Err(refuse("it has a tag or a digest".to_owned())),
                }
            }
        }
    }
}

/// Checks a Kubernetes name. Names become parts of URL paths, so only harmless characters are allowed.
fn check_name(what: &'static str, given: &str) -> Result<(), KubernetesOptionsError> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fine = given.len() <= 253
        && given.starts_with(word)
        && given.ends_with(word)
        && given.chars().all(|c| word(c) || matches!(c, '-' | '.'));
    if fine { Ok(()) } else { Err(KubernetesOptionsError::Name { what, given: given.to_owned() }) }
}

/// Returns the reason that the URL of an API server is not allowed, if any. Tokens must not be sent unencrypted.
pub(super) fn bad_url(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<http::Uri>() else { return Some("it is no URL") };
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Some("it has a password in it");
    }
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => None,
        (Some("http"), Some(host)) if is_loopback(host) => None,
        _ => Some("it is not https"),
    }
}
