//! How Discord is reached, and whom the bot listens to there.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::commands::CommandSpec;
use super::markdown::is_number;
use crate::egress::EgressPolicy;
use crate::failure::Failure;

/// Where Discord's REST API is.
pub const DISCORD_API: &str = "https://discord.com/api/v10/";

/// How a Discord is set up.
pub struct DiscordOptions {
    /// Where its REST API begins, with the version: [`DISCORD_API`].
    pub api: Url,
    /// Where its gateway is; without it the API is asked. Discord's own address is never taken in its place.
    pub gateway: Option<Url>,
    /// What may be reached besides the internet.
    pub reach: EgressPolicy,
    /// The bot's token.
    pub token: SecretString,
    /// The number of the application.
    pub application: String,
    /// The numbers of the servers that the bot listens to. Whoever acts in another one is turned away.
    pub guilds: Vec<String>,
    /// What can be said, the most useful first. It is registered as one command when the gateway is run.
    pub commands: Vec<CommandSpec>,
}

impl DiscordOptions {
    /// A Discord whose gateway is asked for, without any commands yet.
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

    /// Whether it can work at all; nothing is asked of Discord.
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

/// Whether a gateway can be told the token: over TLS, or on this machine (security case 65).
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
