//! Where the team talks, as `[chat]` in `hotfix.toml` says it. `wire` turns it into an adapter.

use hotfix_adapters::ids::{ChannelRef, Platform};

use super::secret::SecretSource;

/// The chat of this bot. There is one; the command line is always there beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSettings {
    /// Which one it is, and who speaks there.
    pub kind: ChatKind,
    /// Channels in which acts are taken for every service, beside the service's own: those made for incidents.
    pub also_in: Vec<ChannelRef>,
    /// Whether acts are taken in channels that are shared with another company (security case 38).
    pub shared_channels: bool,
    /// Whether votes count that are given at the command line.
    pub terminal_votes: bool,
    /// How much people may say.
    pub pace: Pace,
}

/// How many commands are taken within a minute; what is said at the terminal is not counted (security case 40).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Of one person.
    pub person: u32,
    /// For one service, by everybody who may.
    pub service: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { person: 60, service: 300 }
    }
}

/// The chats that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatKind {
    /// The terminal that the bot was started in.
    Console,
    /// Slack.
    Slack(SlackSettings),
    /// Discord.
    Discord(DiscordSettings),
}

/// How the bot is in Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// The id of the app, `A…`; what other apps send is dropped.
    pub app: String,
    /// The workspaces `T…` and organisations `E…` that may send; what others send is dropped (security case 9).
    pub teams: Vec<String>,
    /// The bot's token, `xoxb-…`.
    pub token: SecretSource,
    /// How what people do comes in.
    pub way: SlackWay,
    /// How many messages a channel takes at once, before it is one a second.
    pub burst: u32,
    /// Where the Web API is.
    pub api_url: String,
}

/// How what people do in Slack comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackWay {
    /// The bot keeps connections open; nothing has to reach it from outside.
    Socket {
        /// The app's token, `xapp-…`.
        app_token: SecretSource,
        /// How many connections, 1 to 10.
        connections: u32,
    },
    /// Slack calls the bot at `/slack`, on the listener of `[http]`.
    Http {
        /// What it signs with; two while one is changed.
        signing_secrets: Vec<SecretSource>,
    },
}

/// How the bot is in Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscordSettings {
    /// The number of the application.
    pub application: String,
    /// The servers that may send.
    pub guilds: Vec<String>,
    /// The bot's token.
    pub token: SecretSource,
    /// Where the REST API is.
    pub api_url: String,
}

impl ChatSettings {
    /// On which platform it is.
    #[must_use]
    pub fn platform(&self) -> Platform {
        match self.kind {
            ChatKind::Console => Platform::Console,
            ChatKind::Slack(_) => Platform::Slack,
            ChatKind::Discord(_) => Platform::Discord,
        }
    }
}
