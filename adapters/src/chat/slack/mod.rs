//! The chat port on Slack, over its Web API; what people do comes in by [`SocketMode`], over connections that the bot opens,
//! or by [`SlackIngress`], as requests that Slack sends.
//!
//! Block Kit and the requests of the Web API are slack-morphism's types. The rest is ours, for reasons that were found by
//! running that crate: it drops what it cannot parse (org-wide installations, new kinds of payloads), it works inside its
//! read loop, so that a slow handler delays its own acknowledgement, it calls without time-outs, and it connects again
//! without back-off.

mod context;
mod decode;
mod escape;
mod follow_up;
mod ingress;
mod interactions;
mod limits;
mod manifest;
mod modal;
mod options;
mod payload;
mod person;
mod post;
mod queries;
mod rate_limit;
mod render;
mod reply;
mod response_url;
mod rich;
mod self_check;
mod signature;
mod socket;
mod web;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use self::context::Context;
use super::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::ingress::SlackIngress;
pub use self::manifest::{ManifestOptions, SCOPES, manifest};
pub use self::options::{SLACK_API, SlackOptions};
pub use self::socket::SocketMode;

/// A Slack workspace, or an organisation of them.
pub struct Slack {
    core: Arc<Context>,
}

impl Slack {
    /// Sets it up. Nothing is asked yet: a Slack that is down must not stop the bot from starting.
    ///
    /// # Errors
    /// The options cannot work; a way in without a secret is none (security case 3).
    pub fn new(options: SlackOptions) -> Result<Self, Failure> {
        Ok(Self { core: Arc::new(Context::new(options)?) })
    }

    /// The way in over connections of our own, when there is an app token.
    #[must_use]
    pub fn socket_mode(&self) -> Option<SocketMode> {
        self.core.app.is_some().then(|| SocketMode::new(Arc::clone(&self.core)))
    }

    /// The way in by requests, when there is a signing secret.
    #[must_use]
    pub fn ingress(&self) -> Option<SlackIngress> {
        (!self.core.secrets.is_empty()).then(|| SlackIngress { core: Arc::clone(&self.core) })
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slack({})", self.core.allowed.teams.join(", "))
    }
}

#[async_trait]
impl Chat for Slack {
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

    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        self.core.whisper_to(channel, None, to, card).await
    }

    /// The bot's own reactions are not among them, and a message that is not the bot's has none that count.
    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        self.core.reactions(message).await
    }

    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        let mut readers = self.core.readers(channel).await?;
        readers.retain(|reader| among.contains(reader));
        Ok(readers)
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
