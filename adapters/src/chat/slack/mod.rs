//! The chat port on Slack. Outbound calls use the Web API; user actions arrive through [`SocketMode`], over connections
//! that the bot opens, or through [`SlackIngress`], as webhook requests.
//!
//! Block Kit and Web API requests use slack-morphism's types. Transport and decoding are our own because tests of that
//! crate showed these problems: it drops payloads that it cannot parse (org-wide installations, new payload types), it
//! runs handlers inside its read loop, so that a slow handler delays its own acknowledgement, its calls have no
//! timeouts, and it reconnects without backoff.

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

use self::context::SlackContext;
use super::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::ingress::SlackIngress;
pub use self::manifest::{ManifestOptions, SCOPES, manifest};
pub use self::options::{SLACK_API, SlackOptions};
pub use self::socket::SocketMode;

/// A Slack app installed in a workspace or an Enterprise Grid organization.
pub struct Slack {
    core: Arc<SlackContext>,
}

impl Slack {
    /// Creates the adapter from its options. Makes no calls, so the bot starts even if Slack is down.
    ///
    /// # Errors
    /// Returns [`Failure::Rejected`] if the options are invalid, for example without an app token and without a signing
    /// secret (security case 3).
    pub fn new(options: SlackOptions) -> Result<Self, Failure> {
        Ok(Self { core: Arc::new(SlackContext::new(options)?) })
    }

    /// Returns the Socket Mode event source, or `None` without an app token.
    #[must_use]
    pub fn socket_mode(&self) -> Option<SocketMode> {
        self.core.app.is_some().then(|| SocketMode::new(Arc::clone(&self.core)))
    }

    /// Returns the webhook receiver, or `None` without a signing secret.
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

    /// An update that is superseded while it waits for an earlier one is skipped and reported as a success.
    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        self.core.update(message, card).await
    }

    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        self.core.find(place, key).await
    }

    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        self.core.whisper_to(channel, None, to, card).await
    }

    /// Excludes the bot's own reactions. Returns [`Failure::Rejected`] if the bot did not post the message.
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
