//! What a GitHub is reached by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

use crate::egress::EgressPolicy;

/// Where GitHub is and who speaks to it.
#[derive(Clone)]
pub struct GitHubOptions {
    /// The API: `https://api.github.com`, or `https://host/api/v3` of a GitHub Enterprise Server. `http` is for loopback only.
    pub api_url: String,
    /// Where git is: `https://github.com`, or `https://host`.
    pub git_url: String,
    /// What may be reached besides the internet.
    pub reach: EgressPolicy,
    /// Who speaks.
    pub auth: Auth,
    /// Whether an App's tokens also ask for what workflow deploys need: Actions (write) and Deployments (read).
    pub deploys: bool,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long one call may take in all.
    pub timeout: Duration,
    /// What the time is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl GitHubOptions {
    /// github.com, with time-outs of 5 and 20 seconds.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
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

/// Who speaks to GitHub.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Somebody's token, the same for every repository.
    Token(SecretString),
    /// A GitHub App: a token is minted for each repository, with the least permissions, and lives an hour (security case 80).
    App {
        /// The App's id.
        app_id: u64,
        /// Its installation; `None` looks it up for each repository.
        installation_id: Option<u64>,
        /// Its private key, as the PEM file that GitHub hands out (PKCS#1), or PKCS#8.
        private_key: SecretString,
    },
}

/// What is wrong with the options.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// An address is none, or none that a token may be sent to.
    #[error("{option} {given:?} {why}")]
    Url {
        /// Which option.
        option: &'static str,
        /// What was given, without what could be secret in it.
        given: String,
        /// What is wrong and what is wanted.
        why: &'static str,
    },
    /// An address leads to this machine or into the private network, and is not listed.
    #[error("{option}: {why}")]
    Barred {
        /// Which option.
        option: &'static str,
        /// Where it leads, and what to do.
        why: String,
    },
    /// The private key cannot be read. It is not shown (security case 67).
    #[error("the private key of the GitHub App {0}; give the PEM file that GitHub handed out, as it is")]
    Key(&'static str),
    /// The token cannot stand in a header.
    #[error(
        "the GitHub token is empty or has characters that no token has; a line break at its end is the usual reason"
    )]
    Token,
    /// A webhook without a secret.
    #[error("the GitHub webhook has no secret, or an empty one; without it anybody could speak as GitHub")]
    WebhookSecret,
    /// No TLS can be had here.
    #[error("no connection to GitHub can be made from here: {0}")]
    Transport(String),
}

/// An address without a slash at its end. Plain `http` would show the token to the network (security case 65).
pub(super) fn base(option: &'static str, text: &str) -> Result<String, OptionsError> {
    let refuse = |given: &str, why| Err(OptionsError::Url { option, given: given.to_owned(), why });
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
