//! The chat port on Discord, over its REST API; what people do comes in by [`Gateway`], over a connection that the bot keeps.
//!
//! Types, transport and gateway are our own and small; serenity is left out on purpose. Its TLS with rustls is tied to a
//! rustls-webpki with open advisories, its other TLS wants the headers of OpenSSL on every machine that builds the bot, and
//! what is left without either is types that fail to read an answer when one field is missing, which after a post would make
//! it uncertain. Beyond that it falls back to Discord's own gateway when the configured API does not answer.

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

use self::context::Context;
use super::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::commands::{CommandSpec, OptionShape, OptionSpec, commands};
pub use self::gateway::Gateway;
pub use self::manifest::manifest;
pub use self::options::{DISCORD_API, DiscordOptions};
pub use self::rights::PERMISSIONS;

/// A bot on Discord, in one server or several.
pub struct Discord {
    core: Arc<Context>,
}

impl Discord {
    /// Sets it up. Nothing is asked yet: a Discord that is down must not stop the bot from starting.
    ///
    /// # Errors
    /// The options cannot work.
    pub fn new(options: DiscordOptions) -> Result<Self, Failure> {
        Ok(Self { core: Arc::new(Context::new(options)?) })
    }

    /// The way in: a connection of our own.
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

    /// A change that is overtaken while it waits for another one is not sent; the newer one says it all.
    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        self.core.update(message, card).await
    }

    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        self.core.find(place, key).await
    }

    /// Where the person acted not long ago, beside that; otherwise directly.
    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        self.core.whisper(channel, to, card).await
    }

    /// Those that mean yes or no. Bots' are not among them, and a message that is not the bot's has none that count.
    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        self.core.reactions(message).await
    }

    /// Each is asked for by name, and by their roles: all members of a server are told only to bots with a special right.
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
