//! Configuration of a GitHub adapter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

use crate::egress::EgressPolicy;

/// Addresses, credentials and time-outs of a GitHub adapter.
#[derive(Clone)]
pub struct GitHubOptions {
    /// URL of the API: `https://api.github.com`, or `https://host/api/v3` of a GitHub Enterprise Server. `http` is
    /// accepted for loopback only.
    pub api_url: String,
    /// Base URL of git: `https://github.com`, or `https://host`.
    pub git_url: String,
    /// Egress policy: addresses besides the public internet that may be reached.
    pub reach: EgressPolicy,
    /// Credentials of the bot.
    pub auth: GitHubAuth,
    /// `true` to include the permissions for workflow deploys in an App's tokens: Actions (write)
    /// and Deployments (read).
    pub deploys: bool,
    /// Time limit for establishing a connection.
    pub connect_timeout: Duration,
    /// Time limit for a whole call.
    pub timeout: Duration,
    /// Source of the current time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl GitHubOptions {
    /// Returns options for github.com, with time-outs of 5 and 20 seconds.
    #[must_use]
    pub fn new(auth: GitHubAuth) -> Self {
        Self {
            api_url: "https://api.github.com".to_owned(),
            git_url: "https://github.com".to_owned(),
            reach: EgressPolicy::default(),
            auth,
            deploys: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl fmt::Debug for GitHubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubOptions")
            .field("api_url", &self.api_url)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// Credentials of the bot on GitHub.
#[derive(Debug, Clone)]
pub enum GitHubAuth {
    /// A personal access token, the same for every repository.
    Token(SecretString),
    /// A GitHub App. A token is minted per repository, with the least permissions, and lives one hour
    /// (security case 80).
    App {
        /// Id of the App.
        app_id: u64,
        /// Id of the installation; `None` to look it up per repository.
        installation_id: Option<u64>,
        /// Private key of the App: the PEM file from GitHub (PKCS#1), or PKCS#8.
        private_key: SecretString,
    },
}

/// An error in the options.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GitHubOptionsError {
    /// The URL is malformed, or a token must not be sent to it.
    #[error("{option} {given:?} {why}")]
    Url {
        /// Name of the option.
        option: &'static str,
        /// The given value, without parts that may be secret.
        given: String,
        /// The problem and the expected form.
        why: &'static str,
    },
    /// The egress policy bars the address: it is on this machine or in a private network, and not listed.
    #[error("{option}: {why}")]
    Barred {
        /// Name of the option.
        option: &'static str,
        /// The address and the remedy.
        why: String,
    },
    /// The private key cannot be parsed. It is not shown (security case 67).
    #[error("the private key of the GitHub App {0}; give the PEM file that GitHub handed out, as it is")]
    Key(&'static str),
    /// The token is empty or not valid in a header.
    #[error(
        "the GitHub token is empty or has characters that no token has; a line break at its end is the usual reason"
    )]
    Token,
    /// The webhook has no secret.
    #[error("the GitHub webhook has no secret, or an empty one; without it anybody could speak as GitHub")]
    WebhookSecret,
    /// The TLS or HTTP client cannot be set up.
    #[error("no connection to GitHub can be made from here: {0}")]
    Transport(String),
}

/// Checks a URL and strips its trailing slash. Plain `http` would expose the token to the network (security case 65).
pub(super) fn base(option: &'static str, text: &str) -> Result<String, GitHubOptionsError> {
    let refuse = |given: &str, why| Err(GitHubOptionsError::Url { option, given: given.to_owned(), why });
    let text = text.trim_end_matches('/');
    if text.contains('@') {
        return refuse("…@…", "has a user or a password in it; credentials have options of their own");
    }
    let Ok(uri) = text.parse::<http::Uri>() else {
        return refuse(text, "is not a URL; one like https://api.github.com is wanted");
    };
    let host = uri.host().unwrap_or_default();
    let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match uri.scheme_str() {
        _ if host.is_empty() => refuse(text, "names no host; one like https://api.github.com is wanted"),
        _ if uri.query().is_some() => refuse(text, "has a question mark in it; give the address alone"),
        Some("https") => Ok(text.to_owned()),
        Some("http") if loopback => Ok(text.to_owned()),
        _ => refuse(text, "is not https; a token is not sent where others can read it"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_token_is_sent_only_where_nobody_else_reads_it() {
        assert_eq!(base("api_url", "https://ghe.example.org/api/v3/").unwrap(), "https://ghe.example.org/api/v3");
        assert_eq!(base("api_url", "http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        for bad in ["http://ghe.example.org", "ftp://x", "ghe.example.org", "", "https://u:hunter2@x", "https://x?y=1"]
        {
            let error = base("api_url", bad).unwrap_err().to_string();
            assert!(error.starts_with("api_url") && !error.contains("hunter2"), "{error}");
        }
    }
}
