//! The egress policy (security case 65). A configured address, and every address that a response refers to, may lead
//! only to the internet. This machine, its neighbors and private networks are reachable only if the operator listed
//! the host, or if the configured address itself is a loopback address.
//!
//! The policy is enforced where connections are made: this module resolves names, and the connection uses the
//! resolved addresses, so DNS rebinding between check and call is impossible. Called by every HTTP client, and by the
//! mirrors for git.

mod range;
mod resolver;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use self::range::private;
use self::resolver::SystemResolver;
pub use self::resolver::{Host, InvalidHost, Resolver};
use crate::failure::Failure;

/// The hosts that may be reached in addition to the internet.
#[derive(Clone)]
pub struct EgressPolicy {
    listed: Arc<BTreeSet<Host>>,
    names: Arc<dyn Resolver>,
}

impl EgressPolicy {
    /// Creates a policy that allows the internet and these hosts.
    #[must_use]
    pub fn new(private_hosts: impl IntoIterator<Item = Host>) -> Self {
        Self { listed: Arc::new(private_hosts.into_iter().collect()), names: Arc::new(SystemResolver) }
    }

    /// Replaces the system's name resolver, for tests.
    #[must_use]
    pub fn with_resolver(self, names: Arc<dyn Resolver>) -> Self {
        Self { names, ..self }
    }

    /// Returns the guard for connections to one configured address, or an error if the address itself is denied.
    pub(crate) fn guard(&self, configured: &Url) -> Result<EgressGuard, Denied> {
        let host = Host::of(configured);
        let gate = EgressGuard { reach: self.clone(), here: host.is_here().then_some(host) };
        gate.check(configured)?;
        Ok(gate)
    }
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self::new([])
    }
}

impl fmt::Debug for EgressPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressPolicy").field("listed", &self.listed).finish_non_exhaustive()
    }
}

/// Enforces the egress policy for one configured address and the addresses it refers to.
#[derive(Debug, Clone)]
pub(crate) struct EgressGuard {
    reach: EgressPolicy,
    /// The configured host if it is `localhost` or a loopback address; this host may then resolve to loopback.
    here: Option<Host>,
}

/// A denied connection: the host, its address, and the kind of address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{host} {} {what}. If that is meant, add \"{host}\" to private_hosts in hotfix.toml", leads(.host, *.address))]
pub(crate) struct Denied {
    host: Host,
    address: IpAddr,
    what: &'static str,
}

fn leads(host: &Host, address: IpAddr) -> String {
    if host.address() == Some(address) { "is".to_owned() } else { format!("leads to {address},") }
}

impl From<Denied> for Failure {
    fn from(barred: Denied) -> Self {
        Self::rejected(format!("{barred}."))
    }
}

/// The reason that a host cannot be connected to.
#[derive(Debug, Error)]
pub(crate) enum EgressError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the name could not be looked up: {0}")]
    Unknown(#[from] io::Error),
}

impl EgressGuard {
    /// Checks a URL whose host is an IP address; such hosts never reach the resolver. Accepts any name.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Denied> {
        let host = Host::of(url);
        host.address().map_or(Ok(()), |address| self.judge(&host, address))
    }

    /// Returns `true` if the host of the URL is an IP address.
    pub(crate) fn is_address(&self, url: &Url) -> bool {
        Host::of(url).address().is_some()
    }

    /// Resolves a host. A single private address denies it, because any of its addresses may be used.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, EgressError> {
        let host = Host::named(name);
        let found = match host.address() {
            Some(address) => vec![address],
            None => self.reach.names.addresses(host.as_str()).await?,
        };
        found.iter().try_for_each(|address| self.judge(&host, *address))?;
        Ok(found)
    }

    fn judge(&self, host: &Host, address: IpAddr) -> Result<(), Denied> {
        let configured = self.here.as_ref() == Some(host) && address.is_loopback();
        if configured || self.reach.listed.contains(host) {
            return Ok(());
        }
        match private(address) {
            Some(what) => Err(Denied { host: host.clone(), address, what }),
            None => Ok(()),
        }
    }
}

impl Resolve for EgressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.clone();
        Box::pin(async move {
            match gate.addresses(name.as_str()).await {
                // reqwest replaces the port by that of the URL.
                Ok(found) => Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs),
                Err(EgressError::Denied(barred)) => Err(barred.into()),
                Err(EgressError::Unknown(error)) => Err(error.into()),
            }
        })
    }
}

/// Returns the [`Denied`] in the causes of an error, if the policy caused it.
pub(crate) fn denied<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Denied> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(barred) = error.downcast_ref() {
            return Some(barred);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
