//! The fault-injecting wrapper of the chat: a stop is possible before and after every post and update of a card.

use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::chat::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use hotfix_adapters::check_result::CheckResult;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{ChannelRef, MessageRef, PersonRef};

use super::Cut;

/// A chat that fails when the fault injector says so.
pub struct CutChat {
    /// The wrapped chat.
    pub inner: Arc<dyn Chat>,
    /// The fault injector.
    pub cut: Arc<Cut>,
}

#[async_trait]
impl Chat for CutChat {
    async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        self.cut.reaches("chat")?;
        self.cut.here(&format!("before the post {}", post.key))?;
        let answer = self.inner.post(post).await;
        self.cut.here(&format!("after the post {}", post.key))?;
        answer
    }

    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        self.cut.reaches("chat")?;
        self.cut.here("before a card is brought up to date")?;
        let answer = self.inner.update(message, card).await;
        self.cut.here("after a card was brought up to date")?;
        answer
    }

    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        self.cut.reaches("chat")?;
        self.inner.find(place, key).await
    }

    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        self.cut.reaches("chat")?;
        self.inner.whisper(channel, to, card).await
    }

    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        self.cut.reaches("chat")?;
        self.inner.reactions(message).await
    }

    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        self.cut.reaches("chat")?;
        self.inner.readers_among(channel, among).await
    }

    async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        self.cut.enter("chat", "everybody").await?;
        self.inner.account(person).await
    }

    async fn account_uncached(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        self.cut.reaches("chat")?;
        self.inner.account_uncached(person).await
    }

    async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure> {
        self.cut.reaches("chat")?;
        self.inner.channel(channel).await
    }

    async fn self_check(&self, channels: &[ChannelRef]) -> Vec<CheckResult> {
        self.inner.self_check(channels).await
    }

    async fn check_groups(&self, groups: &[String]) -> Vec<CheckResult> {
        self.inner.check_groups(groups).await
    }
}
