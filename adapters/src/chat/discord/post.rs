//! Outbound messages of the Discord adapter: posts, updates, threads and private replies. Posts carry a mark derived
//! from their key in the footer.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{Channel, DiscordContext};
use super::web::{DiscordCall, Refusal, code};
use super::{limits, markdown, render, reply};
use crate::chat::sanitize::sanitize;
use crate::chat::{Card, Destination, Post};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Minutes without messages after which Discord archives a thread; a new message reopens it.
const ARCHIVED_AFTER_MINUTES: u32 = 10_080;

#[derive(Deserialize)]
struct Posted {
    id: String,
}

impl DiscordContext {
    pub(super) async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        // Render first: a card that cannot be rendered must not create a thread or open a direct message.
        let message = render::message(&post.card, Some(&render::mark(&post.key)))?;
        match &post.destination {
            Destination::Channel(channel) => {
                let posted = self.send(channel, &post.key, message).await?;
                self.remember_title(&posted, &post.card);
                Ok(posted)
            }
            Destination::Thread(root) => self.post_below(root, &post.key, message).await,
            Destination::ThreadAndChannel(root) => {
                self.copy_to_channel(root, post).await?;
                self.post_below(root, &post.key, message).await
            }
            Destination::Direct(person) => {
                let channel = self.direct(person).await?;
                Ok(self.send(&channel, &post.key, message).await?)
            }
        }
    }

    /// Posts a copy to the channel, because Discord cannot broadcast a thread message. The copy is posted first and
    /// looked up before that, so if the message in the thread exists, both do.
    async fn copy_to_channel(&self, root: &MessageRef, post: &Post) -> Result<(), Failure> {
        if self.parent(&root.channel).await?.is_some() {
            return Ok(());
        }
        let key = format!("{}/channel", post.key);
        if self.find_in(&root.channel, &key).await?.is_some() {
            return Ok(());
        }
        let card = Card { actions: Vec::new(), ..post.card.clone() };
        let mut message = render::message(&card, Some(&render::mark(&key)))?;
        if let Some(content) = message.get_mut("content") {
            // Mentions notify in the thread; the copy only links to it.
            *content = format!("<#{}>", root.id).into();
        }
        if let Some(allowed) = message.get_mut("allowed_mentions") {
            *allowed = json!({ "parse": [] });
        }
        Ok(self.send(&root.channel, &key, message).await.map(drop)?)
    }

    /// Posts to the thread on a message; creates the thread if it does not exist.
    async fn post_below(&self, root: &MessageRef, key: &str, message: Value) -> Result<MessageRef, Failure> {
        let thread = self.thread_of(root).await?;
        match self.send(&thread, key, message.clone()).await {
            Err(refusal) if refusal.code == code::UNKNOWN_CHANNEL && thread != root.channel => {}
            posted => return Ok(posted?),
        }
        let name = self.titles.get(root).unwrap_or_else(|| "Hotfix".to_owned());
        let path = ["channels", root.channel.as_str(), "messages", &root.id, "threads"];
        let body = json!({ "name": name, "auto_archive_duration": ARCHIVED_AFTER_MINUTES });
        match self.web.set(Method::POST, DiscordCall::new(&path, "open a thread"), &body).await {
            Ok(_) => {}
            Err(refusal) if refusal.code == code::THREAD_EXISTS => {}
            Err(refusal) => return Err(refusal.into()),
        }
        self.parents.insert(thread.clone(), Some(root.channel.clone()));
        Ok(self.send(&thread, key, message).await?)
    }

    /// Returns the thread of a message, which has the message's id. Discord has no threads inside threads, so for a
    /// message in a thread it is that thread.
    async fn thread_of(&self, root: &MessageRef) -> Result<ChannelRef, Failure> {
        if self.parent(&root.channel).await?.is_some() {
            return Ok(root.channel.clone());
        }
        ChannelRef::parse(&root.id).map_err(|error| Failure::rejected(error.to_string()))
    }

    /// Posts a message. For a few minutes, Discord deduplicates posts by nonce.
    async fn send(&self, channel: &ChannelRef, key: &str, mut message: Value) -> Result<MessageRef, Refusal> {
        if let Some(message) = message.as_object_mut() {
            message.insert("nonce".to_owned(), render::mark(key).into());
            message.insert("enforce_nonce".to_owned(), true.into());
            message.retain(|_, value| value != "");
        }
        let path = ["channels", channel.as_str(), "messages"];
        let call = DiscordCall::new(&path, "post a message");
        let answer = self.web.write(Method::POST, call, &message).await?;
        let posted: Posted = self.web.parse(&answer, call.act)?;
        Ok(MessageRef { channel: channel.clone(), id: posted.id })
    }

    fn remember_title(&self, message: &MessageRef, card: &Card) {
        let title = card.title.as_ref().map(|title| sanitize(&title.to_plain()).replace('\n', " "));
        if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
            self.titles.insert(message.clone(), limits::cut(title.trim(), limits::THREAD_NAME));
        }
    }

    /// Updates a message; skipped if it is superseded while it waits. The mark is dropped: a caller that updates a
    /// message has its reference and does not look it up.
    pub(super) async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        let body = render::message(card, None)?;
        let Some(_one_at_a_time) = self.updates.turn(message).await else { return Ok(()) };
        let path = ["channels", message.channel.as_str(), "messages", &message.id];
        Ok(self.web.set(Method::PATCH, DiscordCall::new(&path, "change a message"), &body).await.map(drop)?)
    }

    /// Shows a card to one user: as an ephemeral reply to their last interaction if it is recent, otherwise as
    /// a direct message.
    pub(super) async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        if let Some(token) = self.tokens.get(&(to.id.clone(), channel.clone())) {
            let path = ["webhooks", &self.application, &token];
            let call = DiscordCall::new(&path, "tell one person something");
            match self.web.set(Method::POST, call, &reply::private(card)).await {
                Ok(_) => return Ok(()),
                Err(refusal) => tracing::info!(why = refusal.failure.reason(), "an interaction serves no longer"),
            }
        }
        let message = render::message(card, None)?;
        let direct = self.direct(to).await?;
        let path = ["channels", direct.as_str(), "messages"];
        let call = DiscordCall::new(&path, "tell one person something");
        let mut message = message;
        if let Some(message) = message.as_object_mut() {
            message.insert("allowed_mentions".to_owned(), json!({ "parse": [] }));
            message.remove("content");
        }
        Ok(self.web.set(Method::POST, call, &message).await.map(drop)?)
    }

    pub(super) async fn direct(&self, person: &PersonRef) -> Result<ChannelRef, Failure> {
        let user = user(person)?;
        if let Some(known) = self.directs.get(&person.id) {
            return Ok(known);
        }
        let call = DiscordCall::new(&["users", "@me", "channels"], "open a direct conversation");
        let answer = self.web.set(Method::POST, call, &json!({ "recipient_id": user })).await?;
        let opened: Channel = self.web.parse(&answer, call.act)?;
        let channel = ChannelRef::parse(&opened.id).map_err(|error| Failure::rejected(error.to_string()))?;
        self.directs.insert(person.id.clone(), channel.clone());
        self.parents.insert(channel.clone(), None);
        Ok(channel)
    }
}

/// Returns the Discord user id of an account.
///
/// # Errors
/// Returns [`Failure::Rejected`] if the account is not a Discord account.
pub(super) fn user(person: &PersonRef) -> Result<&str, Failure> {
    markdown::user(person).ok_or_else(|| {
        Failure::rejected(format!(
            "{:?} is nobody in Discord: an account there is a number, like 80351110224678912. Correct it in the list of \
             people.",
            person.id
        ))
    })
}
