//! Where the bot may connect to (security case 65). An address that somebody configured, and everything that an answer from
//! there points at, leads to the internet; this machine, its neighbours and the private network only when the operator
//! listed the host, or when the configured address says itself that it is this machine.
//!
//! It is held where a connection is made: names are looked up here, and what was looked up is what is connected to, so that
//! a name cannot lead elsewhere between the look and the call. Called by every HTTP client, and by the mirrors for git.

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

/// What may be reached besides the internet.
#[derive(Clone)]
pub struct EgressPolicy {
    listed: Arc<BTreeSet<Host>>,
    names: Arc<dyn Resolver>,
}

impl EgressPolicy {
    /// The internet and these hosts.
    #[must_use]
    pub fn new(private_hosts: impl IntoIterator<Item = Host>) -> Self {
        Self { listed: Arc::new(private_hosts.into_iter().collect()), names: Arc::new(SystemResolver) }
    }

    /// With other names than the system's.
    #[must_use]
    pub fn with_resolver(self, names: Arc<dyn Resolver>) -> Self {
        Self { names, ..self }
    }

    /// The way to one configured address.
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
        f.debug_struct("Reach").field("listed", &self.listed).finish_non_exhaustive()
    }
}

/// The way from one configured address on.
#[derive(Debug, Clone)]
pub(crate) struct EgressGuard {
    reach: EgressPolicy,
    /// The configured host, when it is this machine and says so.
    here: Option<Host>,
}

/// Why a host is not connected to.
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

/// Why a host has no address to connect to.
#[derive(Debug, Error)]
pub(crate) enum EgressError {
    #[error(transparent)]
    Barred(#[from] Denied),
    #[error("the name could not be looked up: {0}")]
    Unknown(#[from] io::Error),
}

impl EgressGuard {
    /// Judges a URL whose host is an address, which no resolver is asked about.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Denied> {
        let host = Host::of(url);
        host.address().map_or(Ok(()), |address| self.judge(&host, address))
    }

    /// Whether there is nothing to look up.
    pub(crate) fn is_address(&self, url: &Url) -> bool {
        Host::of(url).address().is_some()
    }

    /// Where a host leads. One private address among several bars it: which of them is used is a matter of luck.
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
                // The port is the URL's.
                Ok(found) => Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs),
                Err(EgressError::Barred(barred)) => Err(barred.into()),
                Err(EgressError::Unknown(error)) => Err(error.into()),
            }
        })
    }
}

/// Whether that is why a call failed.
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
