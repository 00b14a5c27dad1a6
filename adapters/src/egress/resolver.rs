//! Host names and their resolution to addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use async_trait::async_trait;
use reqwest::Url;
use thiserror::Error;

/// Resolves host names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns all addresses of a name.
    ///
    /// # Errors
    /// If the name does not exist, or cannot be resolved at the moment.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A host name or IP address, in the normalized form of a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host(String);

/// The error for a text that is not a host alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write the host alone, as a name such as git.corp.example or an address such as 10.1.2.3")]
pub struct InvalidHost;

impl Host {
    /// Returns the host of a URL.
    pub(super) fn of(url: &Url) -> Self {
        Self(url.host_str().unwrap_or_default().trim_end_matches('.').to_owned())
    }

    /// Normalizes a name that is passed to a resolver.
    pub(super) fn named(name: &str) -> Self {
        Self(name.trim_end_matches('.').to_ascii_lowercase())
    }

    /// Returns the IP address, or `None` if the host is a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.0.trim_matches(['[', ']']).parse().ok()
    }

    /// Returns `true` for `localhost` and loopback addresses, without resolving names.
    pub(super) fn is_here(&self) -> bool {
        self.0 == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim();
        let written = if text.parse::<Ipv6Addr>().is_ok() { format!("[{text}]") } else { text.to_owned() };
        let url = Url::parse(&format!("https://{written}/")).map_err(|_| InvalidHost)?;
        let alone = url.username().is_empty() && url.password().is_none() && !written.ends_with(":443");
        let alone = alone && url.port().is_none() && url.path() == "/" && url.query().is_none();
        if alone && !written.contains(['/', '\\', '?', '#', '@', '*', '%']) {
            Ok(Self::of(&url))
        } else {
            Err(InvalidHost)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_host_is_written_in_one_way() {
        for (text, host) in [
            ("git.corp.example", "git.corp.example"),
            ("GIT.corp.example.", "git.corp.example"),
            ("10.1.2.3", "10.1.2.3"),
            ("0x7f.1", "127.0.0.1"),
            ("fd00::1", "[fd00::1]"),
            ("[FD00:0::1]", "[fd00::1]"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().as_str(), host, "{text}");
        }
        for text in ["", "https://host", "host:443", "host:80", "u@host", "host/path", "host?", "a b", "*.example"] {
            assert_eq!(text.parse::<Host>(), Err(InvalidHost), "{text}");
        }
    }
}
