//! The state that all parts of the Discord adapter share: API client, caches and the bot's own identity.

use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::commands::CommandSpec;
use super::options::DiscordOptions;
use super::web::{DiscordCall, DiscordClient};
use crate::chat::ttl_cache::{EVER, FRESH, TtlCache, UpdateQueue};
use crate::chat::{AccountKind, Card, Form};
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef};

/// Time for which an interaction token is used for replies; Discord accepts it for 15 minutes.
pub(super) const ANSWERABLE: Duration = Duration::from_secs(14 * 60);

/// Shared by [`super::Discord`] and [`super::Gateway`].
pub(super) struct DiscordContext {
    pub(super) web: DiscordClient,
    pub(super) reach: EgressPolicy,
    pub(super) api: Url,
    pub(super) gateway: Option<Url>,
    pub(super) token: SecretString,
    pub(super) application: String,
    pub(super) guilds: Vec<String>,
    pub(super) commands: Vec<CommandSpec>,
    pub(super) accounts: TtlCache<String, AccountKind>,
    pub(super) channels: TtlCache<ChannelRef, Channel>,
    /// Parent channel of each thread; `None` for a channel that is not a thread. Never changes.
    pub(super) parents: TtlCache<ChannelRef, Option<ChannelRef>>,
    pub(super) directs: TtlCache<String, ChannelRef>,
    /// Names for threads that may be created on a message.
    pub(super) titles: TtlCache<MessageRef, String>,
    /// Token of the user's last interaction, by user and channel. Used for ephemeral replies.
    pub(super) tokens: TtlCache<(String, ChannelRef), String>,
    /// The last form shown to a user, by user and form key.
    pub(super) forms: TtlCache<(String, String), Form>,
    /// The last reply to each reaction, by message, user and emoji; suppresses repetitions after a gap.
    pub(super) spoken: TtlCache<String, Card>,
    pub(super) updates: UpdateQueue,
    me: OnceCell<User>,
}

/// The fields of a user that the adapter uses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) bot: Option<bool>,
}

/// The fields of a channel that the adapter uses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: u8,
    pub(super) guild_id: Option<String>,
    pub(super) parent_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) permission_overwrites: Vec<Overwrite>,
}

/// Permission overwrites of one role or member in a channel; `allow` and `deny` are bit sets in decimal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Overwrite {
    pub(super) id: String,
    pub(super) allow: String,
    pub(super) deny: String,
}

impl Channel {
    /// Returns the parent channel if this is a thread.
    pub(super) fn above(&self) -> Option<ChannelRef> {
        let above = self.parent_id.as_deref().filter(|_| (10..=12).contains(&self.kind))?;
        ChannelRef::parse(above).ok()
    }
}

impl DiscordContext {
    pub(super) fn new(options: DiscordOptions) -> Result<Self, Failure> {
        options.check()?;
        Ok(Self {
            web: DiscordClient::new(&options.api, &options.reach, options.token.clone())?,
            reach: options.reach,
            api: options.api,
            gateway: options.gateway,
            token: options.token,
            application: options.application,
            guilds: options.guilds,
            commands: options.commands,
            accounts: TtlCache::new(FRESH),
            channels: TtlCache::new(FRESH),
            parents: TtlCache::new(EVER),
            directs: TtlCache::new(EVER),
            titles: TtlCache::new(EVER),
            tokens: TtlCache::new(ANSWERABLE),
            forms: TtlCache::new(ANSWERABLE),
            spoken: TtlCache::new(EVER),
            updates: UpdateQueue::default(),
            me: OnceCell::new(),
        })
    }

    /// Returns the bot's own identity; queried once per process.
    pub(super) async fn me(&self) -> Result<&User, Failure> {
        let call = DiscordCall::new(&["users", "@me"], "ask who the bot is");
        self.me.get_or_try_init(|| async { Ok(self.web.read(call).await?) }).await
    }

    /// Returns a channel; cached for up to one minute.
    pub(super) async fn channel_info(&self, id: &ChannelRef) -> Result<Channel, Failure> {
        if let Some(known) = self.channels.get(id) {
            return Ok(known);
        }
        let path = ["channels", id.as_str()];
        let channel: Channel = self.web.read(DiscordCall::new(&path, "ask what a channel is")).await?;
        self.parents.insert(id.clone(), channel.above());
        self.channels.insert(id.clone(), channel.clone());
        Ok(channel)
    }

    /// Returns the parent channel of a thread, or `None` if the channel is not a thread.
    pub(super) async fn parent(&self, id: &ChannelRef) -> Result<Option<ChannelRef>, Failure> {
        match self.parents.get(id) {
            Some(known) => Ok(known),
            None => Ok(self.channel_info(id).await?.above()),
        }
    }

    pub(super) fn listens_to(&self, guild: &str) -> bool {
        self.guilds.iter().any(|listed| listed == guild)
    }
}
