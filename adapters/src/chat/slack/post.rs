//! Outbound messages of the Slack adapter: posts, updates and ephemeral messages. Posts carry their key in
//! the message metadata.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use slack_morphism::api::{
    SlackApiChatPostEphemeralRequest, SlackApiChatPostMessageRequest, SlackApiChatUpdateRequest,
};
use slack_morphism::{SlackChannelId, SlackMessageContent, SlackMessageMetadata, SlackTs, SlackUserId};
use tokio::time::Instant;

use super::context::SlackContext;
use super::person;
use super::render::{self, Rendered};
use super::web::SlackCall;
use crate::chat::{Card, Destination, Post};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Event type of the metadata that marks the bot's own messages.
pub(super) const METADATA: &str = "hotfix_post";
/// Name of the metadata field that holds [`Post::key`].
pub(super) const KEY: &str = "key";

#[derive(Deserialize)]
struct Posted {
    #[serde(default)]
    channel: Option<String>,
    ts: String,
}

#[derive(Deserialize)]
struct Opened {
    channel: Conversation,
}

#[derive(Deserialize)]
struct Conversation {
    id: ChannelRef,
}

/// A [`Destination`] resolved to a Slack channel and thread.
pub(super) struct ThreadPosition {
    pub(super) channel: ChannelRef,
    pub(super) thread: Option<String>,
    broadcast: bool,
}

impl SlackContext {
    pub(super) async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        // Render first: a card that cannot be rendered must not open a direct message.
        let Rendered { text, blocks } = render::message(&post.card)?;
        let spot = self.spot(&post.destination).await?;
        let channel = spot.channel.as_str();
        self.web.pace.post(channel, Instant::now()).map_err(|left| Failure::Retry {
            reason: format!("the bot has said much in {channel} just now"),
            after: Some(left),
        })?;
        let payload = HashMap::from([(KEY.to_owned(), post.key.clone())]);
        let metadata = SlackMessageMetadata::new(METADATA.to_owned()).with_event_payload(payload);
        let content = SlackMessageContent::new().with_text(text).with_blocks(blocks).with_metadata(metadata);
        let mut request = SlackApiChatPostMessageRequest::new(SlackChannelId::new(channel.to_owned()), content)
            .with_parse("none".to_owned())
            .with_link_names(false)
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        if let Some(root) = spot.thread {
            request = request.with_thread_ts(SlackTs::new(root)).with_reply_broadcast(spot.broadcast);
        }
        let call = SlackCall { method: "chat.postMessage", channel, act: "post a message" };
        let posted: Posted = self.web.write(call, &request).await?;
        // Slack returns the conversation's own id even if the request named a user id.
        let channel = posted.channel.and_then(|id| ChannelRef::parse(&id).ok()).unwrap_or(spot.channel);
        Ok(MessageRef { channel, id: posted.ts })
    }

    pub(super) async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        let Rendered { text, blocks } = render::message(card)?;
        let Some(_one_at_a_time) = self.updates.turn(message).await else { return Ok(()) };
        let content = SlackMessageContent::new().with_text(text).with_blocks(blocks);
        let channel = SlackChannelId::new(message.channel.to_string());
        let request = SlackApiChatUpdateRequest::new(channel, content, SlackTs::new(message.id.clone()))
            .with_parse("none".to_owned())
            .with_link_names(false);
        let call = SlackCall { method: "chat.update", channel: message.channel.as_str(), act: "change a message" };
        self.web.set::<IgnoredAny>(call, &request).await.map(drop)
    }

    /// Shows an ephemeral message to one user, in a thread if given.
    pub(super) async fn whisper_to(
        &self,
        channel: &ChannelRef,
        thread: Option<&MessageRef>,
        to: &PersonRef,
        card: &Card,
    ) -> Result<(), Failure> {
        let Rendered { text, blocks } = render::message(card)?;
        let user = user(to)?;
        let content = SlackMessageContent::new().with_text(text).with_blocks(blocks);
        // The home page is not a channel; reply in the direct message with the bot instead.
        let own_page = channel.as_str().starts_with(['U', 'W']);
        let channel = if own_page { &self.direct(to).await? } else { channel };
        let shown_in = SlackChannelId::new(channel.to_string());
        let mut request = SlackApiChatPostEphemeralRequest::new(shown_in, SlackUserId::new(user.to_owned()), content)
            .with_parse("none".to_owned())
            .with_link_names(false);
        if let Some(root) = thread {
            request = request.with_thread_ts(SlackTs::new(root.id.clone()));
        }
        let call =
            SlackCall { method: "chat.postEphemeral", channel: channel.as_str(), act: "tell one person something" };
        // A duplicate is harmless: ephemeral messages disappear on reload.
        self.web.set::<IgnoredAny>(call, &request).await.map(drop)
    }

    /// Resolves a destination; opens the direct message if necessary.
    pub(super) async fn spot(&self, place: &Destination) -> Result<ThreadPosition, Failure> {
        let (channel, thread, broadcast) = match place {
            Destination::Channel(channel) => (channel.clone(), None, false),
            Destination::Thread(root) => (root.channel.clone(), Some(root.id.clone()), false),
            Destination::ThreadAndChannel(root) => (root.channel.clone(), Some(root.id.clone()), true),
            Destination::Direct(person) => (self.direct(person).await?, None, false),
        };
        Ok(ThreadPosition { channel, thread, broadcast })
    }

    async fn direct(&self, person: &PersonRef) -> Result<ChannelRef, Failure> {
        let user = user(person)?.to_owned();
        if let Some(known) = self.directs.get(&user) {
            return Ok(known);
        }
        let call = SlackCall { method: "conversations.open", channel: "", act: "open a direct conversation" };
        // slack-morphism's type serializes a list, but Slack expects comma-separated text.
        let opened: Opened = self.web.set(call, &serde_json::json!({ "users": user })).await?;
        self.directs.insert(user, opened.channel.id.clone());
        Ok(opened.channel.id)
    }
}

/// Returns the Slack user id of an account.
///
/// # Errors
/// Returns [`Failure::Rejected`] if the account is not a Slack account.
pub(super) fn user(person: &PersonRef) -> Result<&str, Failure> {
    person::user(person).ok_or_else(|| {
        Failure::rejected(format!(
            "{:?} is nobody in Slack: an account there is a workspace and a user, like T024BE7LD/U0G9QF9C6. Correct it in \
             the list of people.",
            person.id
        ))
    })
}
