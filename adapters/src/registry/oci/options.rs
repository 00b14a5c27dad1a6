//! What a registry needs to be told, checked once.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use crate::egress::EgressPolicy;

/// How to reach one repository.
pub struct OciOptions {
    /// The registry and the path in it, without tag: `quay.io/team/payments`.
    pub repository: String,
    /// Who asks.
    pub auth: Auth,
    /// Speak http without TLS, to the registry and to what it points at. A registry on loopback is always spoken to like
    /// that; elsewhere whoever is on the wire can read the credentials and change the answers.
    pub plain_http: bool,
    /// What may be reached besides the internet, here and where the registry sends us.
    pub reach: EgressPolicy,
    /// Certificate authorities in PEM to be trusted besides those of the system, for a registry of one's own.
    pub extra_ca: Option<String>,
    /// How long one call may take. A search makes up to about eight.
    pub time_limit: Duration,
}

impl OciOptions {
    /// The usual ones: TLS, the system's certificate authorities, ten seconds a call.
    pub fn new(repository: impl Into<String>, auth: Auth) -> Self {
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

/// Who asks a registry.
#[derive(Clone)]
pub enum Auth {
    /// Nobody in particular; enough for public images.
    Anonymous,
    /// A user or robot account. The password goes to the registry, or to the token service that the registry names.
    Basic {
        /// The name of the account.
        user: String,
        /// Its password or token.
        password: SecretString,
    },
    /// A token that the registry itself takes.
    Bearer(SecretString),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

/// Why a registry cannot be used as it is described.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// The repository is not one.
    #[error("{given:?} names no repository of images: {why}; wanted is one like quay.io/team/payments")]
    Repository {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate authorities cannot be used.
    #[error("the certificate authorities for the registry cannot be used: {why}")]
    Certificates {
        /// What is wrong with them.
        why: String,
    },
}

/// Whether a host of a URL is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
