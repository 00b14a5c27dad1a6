//! How Slack is reached, and whom the bot listens to there.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::egress::EgressPolicy;
use crate::failure::Failure;

/// How a Slack is set up.
pub struct SlackOptions {
    /// Where its Web API begins: [`SLACK_API`], or `https://slack-gov.com/api/`.
    pub api: Url,
    /// The bot's token, `xoxb-…`.
    pub token: SecretString,
    /// The app's token, `xapp-…`: for Socket Mode.
    pub app_token: Option<SecretString>,
    /// What Slack signs its requests with: for HTTP. Two are good at once while one replaces the other.
    pub signing_secrets: Vec<SecretString>,
    /// The app's id, `A…`.
    pub app_id: String,
    /// The workspaces (`T…`) and organisations (`E…`) that the bot listens to. Whoever is of none of them is a stranger.
    pub teams: Vec<String>,
    /// How many connections Socket Mode keeps, 1 to 10. With two, one can go without a gap.
    pub connections: u8,
    /// What may be reached besides the internet.
    pub reach: EgressPolicy,
    /// How many messages a channel takes at once, before it is one a second. Slack allows short bursts.
    pub burst: u32,
    /// Where requests come in, and below it `/commands`, `/interactions` and `/events`; any of the four takes them all.
    pub path: String,
    /// Whether this machine itself may be Slack: for tests. It is plain HTTP, and response URLs may lead there too. It is
    /// set when the address is of this machine, and an address elsewhere is never spoken to in the clear.
    pub allow_private: bool,
}

/// Where Slack is, unless it is Slack for governments.
pub const SLACK_API: &str = "https://slack.com/api/";

impl SlackOptions {
    /// A Slack with two connections and no way in yet: set the app token or a signing secret.
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

    /// Whether it can work at all; nothing is asked of Slack.
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

/// Whether an address is of this machine: nothing leaves it.
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
