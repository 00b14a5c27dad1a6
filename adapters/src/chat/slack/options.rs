//! [`SlackOptions`]: the configuration of the Slack adapter. Validated by [`SlackOptions::check`] when the
//! adapter is created.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::egress::EgressPolicy;
use crate::failure::Failure;

/// The configuration of one Slack app.
pub struct SlackOptions {
    /// Base URL of the Web API: [`SLACK_API`], or `https://slack-gov.com/api/`.
    pub api: Url,
    /// Bot token, `xoxb-…`.
    pub token: SecretString,
    /// App-level token, `xapp-…`; enables Socket Mode.
    pub app_token: Option<SecretString>,
    /// Signing secrets for webhook requests; at least one enables the webhook receiver. List two during a rotation;
    /// both are accepted.
    pub signing_secrets: Vec<SecretString>,
    /// App id, `A…`. Events of other apps are dropped.
    pub app_id: String,
    /// Ids of the workspaces (`T…`) and organizations (`E…`) whose events are accepted. Accounts from
    /// elsewhere are [`crate::chat::AccountKind::Stranger`].
    pub teams: Vec<String>,
    /// Number of concurrent Socket Mode connections, 1 to 10. With two, one can reconnect without a gap.
    pub connections: u8,
    /// Egress policy: the addresses that may be reached besides the public internet.
    pub reach: EgressPolicy,
    /// Burst of messages per channel before the limit of one per second applies. Slack allows short bursts.
    pub burst: u32,
    /// Path of the webhook receiver. Requests of every kind are accepted at this path and at `/commands`,
    /// `/interactions` and `/events` below it.
    pub path: String,
    /// `true` to allow a fake Slack at a loopback address, for tests: plain HTTP is then accepted, also for response
    /// URLs and Socket Mode. [`SlackOptions::new`] sets it if `api` is a loopback address. Any other
    /// address requires HTTPS.
    pub allow_private: bool,
}

/// Base URL of Slack's commercial Web API.
pub const SLACK_API: &str = "https://slack.com/api/";

impl SlackOptions {
    /// Returns options with two connections and neither Socket Mode nor webhooks: set the app token or
    /// a signing secret.
    #[must_use]
    pub fn new(api: Url, token: SecretString, app_id: impl Into<String>, teams: Vec<String>) -> Self {
        let allow_private = is_here(&api);
        Self {
            api,
            token,
            app_token: None,
            signing_secrets: Vec::new(),
            app_id: app_id.into(),
            teams,
            connections: 2,
            reach: EgressPolicy::default(),
            burst: 4,
            path: "/slack".to_owned(),
            allow_private,
        }
    }

    /// Validates the options without calling Slack.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let empty = |secret: &SecretString| secret.expose_secret().trim().is_empty();
        if empty(&self.token) {
            return Err(Failure::rejected("Slack's bot token is empty: set the token that begins with xoxb-"));
        }
        if self.app_token.is_none() && self.signing_secrets.is_empty() {
            return Err(Failure::rejected(
                "Slack has no way in: set the app token (xapp-…) for Socket Mode, or a signing secret for HTTP. Without a \
                 secret no request can be told from a forged one.",
            ));
        }
        if self.app_token.as_ref().is_some_and(empty) || self.signing_secrets.iter().any(empty) {
            return Err(Failure::rejected(
                "one of Slack's secrets is empty: set the app token or the signing secret, or leave it out altogether",
            ));
        }
        if self.app_id.is_empty() || self.teams.is_empty() || self.teams.iter().any(String::is_empty) {
            return Err(Failure::rejected(
                "Slack's app id (A…) and the ids of its workspaces (T…) or organisation (E…) are wanted: a signature is an \
                 app's, and says nothing about the workspace",
            ));
        }
        if !(1..=10).contains(&self.connections) {
            return Err(Failure::rejected("Slack takes 1 to 10 connections in Socket Mode"));
        }
        if !self.path.starts_with('/') || self.path.len() < 2 || self.path.ends_with('/') {
            return Err(Failure::rejected(
                "the path for Slack's requests begins with / and does not end with it: `/slack`",
            ));
        }
        let safe = self.api.scheme() == "https" || (self.allow_private && is_here(&self.api));
        if !safe {
            return Err(Failure::rejected("Slack's address is no https address: the token would be sent in the clear"));
        }
        Ok(())
    }
}

/// Returns `true` if the host of a URL is `localhost` or a loopback address.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for SlackOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackOptions")
            .field("api", &self.api.as_str())
            .field("app_id", &self.app_id)
            .field("teams", &self.teams)
            .field("socket_mode", &self.app_token.is_some())
            .field("signing_secrets", &self.signing_secrets.len())
            .field("connections", &self.connections)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
