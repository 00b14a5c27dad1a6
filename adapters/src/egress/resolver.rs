//! Names of hosts, and where they lead.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use async_trait::async_trait;
use reqwest::Url;
use thiserror::Error;

/// Looks up where names lead.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of a name.
    ///
    /// # Errors
    /// The name leads nowhere, or it cannot be asked now.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names as the system knows them.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A host, by its name or its address, in the one way in which a URL writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host(String);

/// A text that is no host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write the host alone, as a name such as git.corp.example or an address such as 10.1.2.3")]
pub struct InvalidHost;

impl Host {
    /// The host of a URL.
    pub(super) fn of(url: &Url) -> Self {
        Self(url.host_str().unwrap_or_default().trim_end_matches('.').to_owned())
    }

    /// A name that a resolver was asked for.
    pub(super) fn named(name: &str) -> Self {
        Self(name.trim_end_matches('.').to_ascii_lowercase())
    }

    /// The address that it is, unless it is a name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.0.trim_matches(['[', ']']).parse().ok()
    }

    /// Whether it is this machine, and says so itself.
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
