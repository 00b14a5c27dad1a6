//! The settings of a registry.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use crate::egress::EgressPolicy;

/// The settings for one image repository.
pub struct OciOptions {
    /// Registry and path, without tag: `quay.io/team/payments`.
    pub repository: String,
    /// Credentials for the registry.
    pub auth: OciAuth,
    /// Use HTTP without TLS, for the registry and for the addresses that it refers to. Always used for a registry on
    /// loopback. Anywhere else, an attacker on the network can read the credentials and modify the responses.
    pub plain_http: bool,
    /// Egress policy of the registry, and of the addresses that it refers to.
    pub reach: EgressPolicy,
    /// Additional trusted certificate authorities in PEM, for a private registry.
    pub extra_ca: Option<String>,
    /// Time limit of one request. Finding an image takes up to about eight.
    pub time_limit: Duration,
}

impl OciOptions {
    /// Returns the defaults: TLS, the system's certificate authorities, and ten seconds per request.
    pub fn new(repository: impl Into<String>, auth: OciAuth) -> Self {
        Self {
            repository: repository.into(),
            auth,
            plain_http: false,
            reach: EgressPolicy::default(),
            extra_ca: None,
            time_limit: Duration::from_secs(10),
        }
    }
}

/// Credentials for a registry.
#[derive(Clone)]
pub enum OciAuth {
    /// No credentials; sufficient for public images.
    Anonymous,
    /// A user or robot account. The password is sent to the registry, or to the token service that the
    /// registry names.
    Basic {
        /// Name of the account.
        user: String,
        /// Password or token of the account.
        password: SecretString,
    },
    /// A token that the registry accepts directly.
    Bearer(SecretString),
}

impl fmt::Debug for OciAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

/// The reason that the options are not valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OciOptionsError {
    /// The repository name is not valid.
    #[error("{given:?} names no repository of images: {why}; wanted is one like quay.io/team/payments")]
    Repository {
        /// The repository as configured.
        given: String,
        /// The problem with it.
        why: String,
    },
    /// The certificate authorities cannot be loaded.
    #[error("the certificate authorities for the registry cannot be used: {why}")]
    Certificates {
        /// The problem with them.
        why: String,
    },
}

/// Returns `true` if the host of a URL is `localhost` or a loopback address.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
