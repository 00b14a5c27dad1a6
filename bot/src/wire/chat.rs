//! The chat: the port, and how what people do there comes in.

use std::sync::Arc;

use anyhow::Context as _;
use hotfix_adapters::chat::Chat;
use hotfix_adapters::chat::console::Console;
use hotfix_adapters::chat::discord::{Discord, DiscordOptions};
use hotfix_adapters::chat::inbound::{EventSource, WebhookReceiver};
use hotfix_adapters::chat::slack::{Slack, SlackOptions};

use sha2::{Digest as _, Sha256};

use super::forges::{reach, secret};
use crate::config::{ChatKind, Config, DiscordSettings, SlackSettings, SlackWay};

/// The chat with its ways in.
pub struct ChatConnection {
    /// Where the bot speaks.
    pub chat: Arc<dyn Chat>,
    /// The terminal, when that is the chat.
    pub console: Option<Arc<Console>>,
    /// The way in over connections of our own.
    pub source: Option<Arc<dyn EventSource>>,
    /// The way in by requests.
    pub ingress: Option<Arc<dyn WebhookReceiver>>,
}

/// The chat of this configuration; `console` makes the terminal when it is one.
///
/// # Errors
/// When a secret cannot be read, or the chat cannot work like this.
pub fn talk(config: &Config, console: impl FnOnce() -> anyhow::Result<Arc<Console>>) -> anyhow::Result<ChatConnection> {
    match &config.settings.chat.kind {
        ChatKind::Console => {
            let console = console()?;
            Ok(ChatConnection { chat: console.clone(), console: Some(console), source: None, ingress: None })
        }
        ChatKind::Slack(settings) => slack(config, settings).context("[chat.slack] of hotfix.toml"),
        ChatKind::Discord(settings) => discord(config, settings).context("[chat.discord] of hotfix.toml"),
    }
}

/// A digest of everything that the chat is made of, the values of its secrets included: another one takes another chat.
///
/// # Errors
/// When a secret cannot be read.
pub fn chat_print(config: &Config) -> anyhow::Result<String> {
    let settings = &config.settings;
    let secrets = match &settings.chat.kind {
        ChatKind::Console => Vec::new(),
        ChatKind::Slack(SlackSettings { token, way, .. }) => match way {
            SlackWay::Socket { app_token, .. } => vec![token, app_token],
            SlackWay::Http { signing_secrets } => std::iter::once(token).chain(signing_secrets).collect(),
        },
        ChatKind::Discord(DiscordSettings { token, .. }) => vec![token],
    };
    let mut digest = Sha256::new();
    digest.update(format!("{:?}{:?}", settings.chat.kind, settings.private_hosts));
    for source in secrets {
        digest.update(Sha256::digest(source.read()?.expose()));
    }
    Ok(hex::encode(digest.finalize()))
}

fn discord(config: &Config, settings: &DiscordSettings) -> anyhow::Result<ChatConnection> {
    // The version is the last part of the path, so that what is joined to it stays below it.
    let api = format!("{}/", settings.api_url.trim_end_matches('/'));
    let api = api.parse().with_context(|| format!("api_url is no address: {}", settings.api_url))?;
    let token = secret(&settings.token)?;
    let mut options = DiscordOptions::new(api, token, &settings.application, settings.guilds.clone());
    (options.reach, options.commands) = (reach(config), super::commands());
    let discord = Discord::new(options)?;
    let source: Arc<dyn EventSource> = Arc::new(discord.gateway());
    Ok(ChatConnection { chat: Arc::new(discord), console: None, source: Some(source), ingress: None })
}

fn slack(config: &Config, settings: &SlackSettings) -> anyhow::Result<ChatConnection> {
    let api = settings.api_url.parse().with_context(|| format!("api_url is no address: {}", settings.api_url))?;
    let mut options = SlackOptions::new(api, secret(&settings.token)?, &settings.app, settings.teams.clone());
    (options.burst, options.reach) = (settings.burst, reach(config));
    match &settings.way {
        SlackWay::Socket { app_token, connections } => {
            options.app_token = Some(secret(app_token)?);
            options.connections = u8::try_from(*connections).unwrap_or(u8::MAX);
        }
        SlackWay::Http { signing_secrets } => {
            options.signing_secrets = signing_secrets.iter().map(secret).collect::<anyhow::Result<_>>()?;
        }
    }
    let slack = Slack::new(options)?;
    let source = slack.socket_mode().map(|source| -> Arc<dyn EventSource> { Arc::new(source) });
    let ingress = slack.ingress().map(|ingress| -> Arc<dyn WebhookReceiver> { Arc::new(ingress) });
    Ok(ChatConnection { chat: Arc::new(slack), console: None, source, ingress })
}
