//! The chat of the team: `[chat]` in `hotfix.toml`. `wire` builds the chat adapter from it.

use hotfix_adapters::ids::{ChannelRef, Platform};

use super::secret::SecretSource;

/// Settings of the one chat of this bot. The command line is always available in addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSettings {
    /// The platform and its credentials.
    pub kind: ChatKind,
    /// Channels in which commands are accepted for every service, in addition to the service's own channel; for
    /// incident channels.
    pub also_in: Vec<ChannelRef>,
    /// `true` to accept commands in channels that are shared with another company (security case 38).
    pub shared_channels: bool,
    /// `true` to count votes that are given on the command line.
    pub terminal_votes: bool,
    /// Rate limits for commands.
    pub pace: RateLimit,
}

/// Rate limits for commands, per minute. Commands at the terminal are not limited (security case 40).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Commands per person.
    pub person: u32,
    /// Commands per service, summed over all persons.
    pub service: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { person: 60, service: 300 }
    }
}

/// The supported chats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatKind {
    /// The terminal in which the bot was started.
    Console,
    /// Slack, by socket mode or HTTP.
    Slack(SlackSettings),
    /// Discord, by its gateway.
    Discord(DiscordSettings),
}

/// Settings of the Slack app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// Id of the app, `A…`. Messages of other apps are dropped.
    pub app: String,
    /// Workspaces `T…` and organizations `E…` that are accepted. Requests from others are dropped (security case 9).
    pub teams: Vec<String>,
    /// Bot token, `xoxb-…`.
    pub token: SecretSource,
    /// The transport of inbound requests.
    pub way: SlackTransport,
    /// Messages that may be sent to one channel in a burst, before the rate drops to one per second.
    pub burst: u32,
    /// Base URL of the Web API.
    pub api_url: String,
}

/// The transport of inbound requests from Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackTransport {
    /// Socket mode: the bot opens the connections, so it needs no public address.
    Socket {
        /// App-level token, `xapp-…`.
        app_token: SecretSource,
        /// Number of connections, 1 to 10.
        connections: u32,
    },
    /// HTTP: Slack calls the bot at `/slack` on the listener of `[http]`.
    Http {
        /// Signing secrets; two during a rotation.
        signing_secrets: Vec<SecretSource>,
    },
}

/// Settings of the Discord application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscordSettings {
    /// Numeric id of the application.
    pub application: String,
    /// Ids of the servers that are accepted.
    pub guilds: Vec<String>,
    /// Bot token of the application.
    pub token: SecretSource,
    /// Base URL of the REST API.
    pub api_url: String,
}

impl ChatSettings {
    /// Returns the platform of the chat.
    #[must_use]
    pub fn platform(&self) -> Platform {
        match self.kind {
            ChatKind::Console => Platform::Console,
            ChatKind::Slack(_) => Platform::Slack,
            ChatKind::Discord(_) => Platform::Discord,
        }
    }
}
