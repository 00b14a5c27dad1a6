//! Wiring of the chat: its port and its inbound sources.

use std::sync::Arc;

use anyhow::Context as _;
use hotfix_adapters::chat::Chat;
use hotfix_adapters::chat::console::Console;
use hotfix_adapters::chat::discord::{Discord, DiscordOptions};
use hotfix_adapters::chat::inbound::{EventSource, WebhookReceiver};
use hotfix_adapters::chat::slack::{Slack, SlackOptions};

use sha2::{Digest as _, Sha256};

use super::forges::{reach, secret};
use crate::config::{ChatKind, Config, DiscordSettings, SlackSettings, SlackTransport};

/// A chat with its inbound sources.
pub struct ChatConnection {
    /// The port that the bot sends through.
    pub chat: Arc<dyn Chat>,
    /// The console, if it is the chat.
    pub console: Option<Arc<Console>>,
    /// The source of inbound events over an outgoing connection, if the chat uses one.
    pub source: Option<Arc<dyn EventSource>>,
    /// The receiver of inbound HTTP requests, if the chat sends them.
    pub ingress: Option<Arc<dyn WebhookReceiver>>,
}

/// Builds the configured chat. `console` opens the console and is called only if that is the chat.
///
/// # Errors
/// A secret cannot be read, or the adapter rejects its settings.
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

/// Returns a fingerprint of the chat configuration, including the values of its secrets. A reload rebuilds the chat if
/// it changes.
///
/// # Errors
/// A secret cannot be read.
pub fn chat_print(config: &Config) -> anyhow::Result<String> {
    let settings = &config.settings;
    let secrets = match &settings.chat.kind {
        ChatKind::Console => Vec::new(),
        ChatKind::Slack(SlackSettings { token, way, .. }) => match way {
            SlackTransport::Socket { app_token, .. } => vec![token, app_token],
            SlackTransport::Http { signing_secrets } => std::iter::once(token).chain(signing_secrets).collect(),
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
    // The version is the last segment of the path; the trailing slash keeps it when URLs are joined.
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
        SlackTransport::Socket { app_token, connections } => {
            options.app_token = Some(secret(app_token)?);
            options.connections = u8::try_from(*connections).unwrap_or(u8::MAX);
        }
        SlackTransport::Http { signing_secrets } => {
            options.signing_secrets = signing_secrets.iter().map(secret).collect::<anyhow::Result<_>>()?;
        }
    }
    let slack = Slack::new(options)?;
    let source = slack.socket_mode().map(|source| -> Arc<dyn EventSource> { Arc::new(source) });
    let ingress = slack.ingress().map(|ingress| -> Arc<dyn WebhookReceiver> { Arc::new(ingress) });
    Ok(ChatConnection { chat: Arc::new(slack), console: None, source, ingress })
}
