//! The chat port on Discord. Outbound calls use the REST API; user actions arrive through [`Gateway`], over a
//! connection that the bot keeps open.
//!
//! Types, transport and gateway are small and our own; serenity is deliberately not used. With rustls it is tied to a
//! rustls-webpki version with open advisories; with native TLS it needs OpenSSL headers on every build machine. Without
//! either, only its types remain, and these fail to parse a response in which one field is missing, which would make a
//! post uncertain. It also falls back to Discord's own gateway if the configured API does not respond.

mod commands;
mod context;
mod decode;
mod embed;
mod follow_up;
mod gateway;
mod limits;
mod manifest;
mod markdown;
mod modal;
mod options;
mod post;
mod queries;
mod rate_limit;
mod readers;
mod reconcile;
mod render;
mod reply;
mod rights;
mod self_check;
mod web;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use self::context::DiscordContext;
use super::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::commands::{CommandSpec, OptionShape, OptionSpec, commands};
pub use self::gateway::Gateway;
pub use self::manifest::manifest;
pub use self::options::{DISCORD_API, DiscordOptions};
pub use self::rights::PERMISSIONS;

/// A Discord bot in one or more servers.
pub struct Discord {
    core: Arc<DiscordContext>,
}

impl Discord {
    /// Creates the adapter from its options. Makes no calls, so the bot starts even if Discord is down.
    ///
    /// # Errors
    /// Returns [`Failure::Rejected`] if the options are invalid.
    pub fn new(options: DiscordOptions) -> Result<Self, Failure> {
        Ok(Self { core: Arc::new(DiscordContext::new(options)?) })
    }

    /// Returns the event source: the gateway connection.
    #[must_use]
    pub fn gateway(&self) -> Gateway {
        Gateway::new(Arc::clone(&self.core))
    }
}

impl fmt::Debug for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Discord({})", self.core.guilds.join(", "))
    }
}

#[async_trait]
impl Chat for Discord {
    async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        self.core.post(post).await
    }

    /// An update that is superseded while it waits for an earlier one is skipped and reported as a success.
    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        self.core.update(message, card).await
    }

    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        self.core.find(place, key).await
    }

    /// Replies to the user's last interaction in the channel if it is recent; otherwise sends a direct message.
    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        self.core.whisper(channel, to, card).await
    }

    /// Returns only [`super::Emoji::Yes`] and [`super::Emoji::No`] of users, not of bots. Returns [`Failure::Rejected`]
    /// if the bot did not post the message.
    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        self.core.reactions(message).await
    }

    /// Queries each account and its roles separately: listing all members of a server needs a privileged intent.
    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        self.core.audience(channel, among).await
    }

    async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        self.core.account(person).await
    }

    async fn account_uncached(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        self.core.account_now(person).await
    }

    async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure> {
        self.core.channel(channel).await
    }

    async fn self_check(&self, channels: &[ChannelRef]) -> Vec<CheckResult> {
        self.core.examine(channels).await
    }

    async fn check_groups(&self, groups: &[String]) -> Vec<CheckResult> {
        self.core.examine_groups(groups).await
    }
}
