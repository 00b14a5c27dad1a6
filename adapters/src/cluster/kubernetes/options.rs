//! What has to be known of clusters, checked once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use crate::registry::oci::is_loopback;
use crate::registry::reference::ImageName;

/// Where one environment of one service runs, and which of the containers is the service.
pub struct KubernetesOptions {
    /// Each place, such as two productions in two namespaces.
    pub places: Vec<Place>,
    /// Which container is the service.
    pub container: ContainerRule,
    /// Ask the pods as well: only they know the digest when the workload names a tag. Needs leave to list pods.
    pub read_pods: bool,
    /// How long one call may take. A reading makes one or two for each place.
    pub time_limit: Duration,
}

impl KubernetesOptions {
    /// The usual ones: pods are not read, ten seconds a call.
    #[must_use]
    pub fn new(places: Vec<Place>, container: ContainerRule) -> Self {
        Self { places, container, read_pods: false, time_limit: Duration::from_secs(10) }
    }
}

/// One deployment in one cluster.
pub struct Place {
    /// Its name for people, such as `cs-prod`.
    pub name: String,
    /// How to reach the cluster.
    pub access: Access,
    /// The namespace.
    pub namespace: String,
    /// The Deployment.
    pub deployment: String,
}

/// How to reach a cluster. Certificates are always checked, whatever a kubeconfig says.
pub enum Access {
    /// By a kubeconfig, which is read anew for every reading, so that it may be renewed.
    Kubeconfig {
        /// Where it is.
        path: PathBuf,
        /// Which of its contexts; the current one when none is named.
        context: Option<String>,
        /// Let the kubeconfig run a program to log in (`exec` or an `auth-provider`). Off unless somebody says so: whoever
        /// can write the file runs programs as the bot. A token of a service account that may only read is better.
        allow_exec: bool,
    },
    /// By the service account of the pod in which the bot runs.
    InCluster,
    /// By what is given here.
    Explicit {
        /// The API server: https, or http on loopback.
        url: String,
        /// The token of a service account.
        token: SecretString,
        /// The cluster's certificate authority in PEM; the system's when there is none.
        ca: Option<String>,
    },
}

/// Which container of a pod is the service. Side-cars have images too (HOCS-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerRule {
    /// The one with this name.
    Named(String),
    /// The one whose image is of this repository, such as `quay.io/team/payments`, whatever its tag.
    Image(String),
}

/// Why clusters cannot be read as they are described.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// No place is named.
    #[error("no place in a cluster is named, so there is nothing to read")]
    NoPlace,
    /// Two places have the same name.
    #[error("two places in clusters are called {0:?}; give each a name of its own")]
    SameName(String),
    /// A name is none.
    #[error("{what} {given:?} is no name in Kubernetes: lower-case letters, digits, - and . are allowed")]
    Name {
        /// Of what.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// The repository of the container's image is none.
    #[error("{given:?} names no repository of images: {why}; wanted is one like quay.io/team/payments, without tag")]
    Repository {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The URL cannot be used.
    #[error("the address of the cluster of {place:?} cannot be used: {why}")]
    Url {
        /// The place.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl KubernetesOptions {
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        if self.places.is_empty() {
            return Err(OptionsError::NoPlace);
        }
        let mut names = BTreeSet::new();
        for place in &self.places {
            if !names.insert(&place.name) {
                return Err(OptionsError::SameName(place.name.clone()));
            }
            check_name("the namespace", &place.namespace)?;
            check_name("the deployment", &place.deployment)?;
            if let Access::Explicit { url, .. } = &place.access
                && let Some(why) = bad_url(url)
            {
                return Err(OptionsError::Url { place: place.name.clone(), why });
            }
        }
        match &self.container {
            ContainerRule::Named(name) => check_name("the container", name),
            ContainerRule::Image(given) => {
                let refuse = |why: String| OptionsError::Repository { given: given.clone(), why };
                match ImageName::parse(given).map_err(refuse)? {
                    ImageName { tag: None, digest: None, .. } => Ok(()),
                    ImageName { .. } => Err(refuse("it has a tag or a digest".to_owned())),
                }
            }
        }
    }
}

/// Names go into paths, so that only harmless ones are let through.
fn check_name(what: &'static str, given: &str) -> Result<(), OptionsError> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fine = given.len() <= 253
        && given.starts_with(word)
        && given.ends_with(word)
        && given.chars().all(|c| word(c) || matches!(c, '-' | '.'));
    if fine { Ok(()) } else { Err(OptionsError::Name { what, given: given.to_owned() }) }
}

/// Why an address of a cluster cannot be used. Tokens do not travel in the clear.
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
