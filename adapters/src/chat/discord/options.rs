//! [`DiscordOptions`]: the configuration of the Discord adapter. Validated by [`DiscordOptions::check`] when the
//! adapter is created.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::commands::CommandSpec;
use super::markdown::is_number;
use crate::egress::EgressPolicy;
use crate::failure::Failure;

/// Base URL of Discord's REST API.
pub const DISCORD_API: &str = "https://discord.com/api/v10/";

/// The configuration of one Discord bot.
pub struct DiscordOptions {
    /// Base URL of the REST API, including the version: [`DISCORD_API`].
    pub api: Url,
    /// URL of the gateway. If `None`, it is requested from the API; there is no built-in default.
    pub gateway: Option<Url>,
    /// Egress policy: the addresses that may be reached besides the public internet.
    pub reach: EgressPolicy,
    /// Token of the bot user; a secret.
    pub token: SecretString,
    /// Id of the Discord application, digits only.
    pub application: String,
    /// Ids of the servers (guilds) whose events are accepted. Actions in other servers are refused.
    pub guilds: Vec<String>,
    /// Subcommands of `/hotfix`, the most useful first. Registered as one command when the gateway starts.
    pub commands: Vec<CommandSpec>,
}

impl DiscordOptions {
    /// Returns options without commands; the gateway URL is requested from the API.
    #[must_use]
    pub fn new(api: Url, token: SecretString, application: impl Into<String>, guilds: Vec<String>) -> Self {
        Self {
            api,
            gateway: None,
            reach: EgressPolicy::default(),
            token,
            application: application.into(),
            guilds,
            commands: Vec::new(),
        }
    }

    /// Validates the options without calling Discord.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.token.expose_secret().trim().is_empty() {
            return Err(Failure::rejected("Discord's bot token is empty: set the token of the application's bot"));
        }
        if !is_number(&self.application) {
            return Err(Failure::rejected(format!(
                "Discord's application {:?} is no number: set its application id",
                self.application
            )));
        }
        if let Some(wrong) = self.guilds.iter().find(|guild| !is_number(guild)) {
            return Err(Failure::rejected(format!("the Discord server {wrong:?} is no number: set its server id")));
        }
        if self.guilds.is_empty() {
            return Err(Failure::rejected(
                "no Discord server is named: set the ids of the servers that the bot listens to",
            ));
        }
        match &self.gateway {
            Some(gateway) if !is_safe(gateway) => Err(Failure::rejected(
                "Discord's gateway is no wss address: the token would be sent in the clear. Plain ws is for this machine only.",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns `true` if the token may be sent to this gateway: over TLS, or to a loopback address (security case 65).
pub(super) fn is_safe(gateway: &Url) -> bool {
    let host = gateway.host_str().unwrap_or_default();
    let here = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let bare = gateway.username().is_empty() && gateway.password().is_none() && !host.is_empty();
    bare && (gateway.scheme() == "wss" || (gateway.scheme() == "ws" && here))
}

impl fmt::Debug for DiscordOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiscordOptions")
            .field("api", &self.api.as_str())
            .field("gateway", &self.gateway.as_ref().map(Url::as_str))
            .field("application", &self.application)
            .field("guilds", &self.guilds)
            .field("commands", &self.commands.len())
            .finish_non_exhaustive()
    }
}
