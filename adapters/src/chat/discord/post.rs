//! What the bot says: messages with their mark in the small print, changes of them, threads, and words for one person.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{Channel, Context};
use super::web::{Call, Refusal, code};
use super::{limits, markdown, render, reply};
use crate::chat::sanitize::sanitize;
use crate::chat::{Card, Destination, Post};
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Threads are put away after a week without a word; a new word brings them back.
const ARCHIVED_AFTER_MINUTES: u32 = 10_080;

#[derive(Deserialize)]
struct Posted {
    id: String,
}

impl Context {
    pub(super) async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        // A card that cannot be shown opens no thread and no conversation.
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

    /// Discord cannot show an answer in the channel too, so the channel gets one of its own. It comes first and is looked
    /// for: when the answer in the thread is there, both are.
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
            // Whoever is called is called in the thread; the channel is shown where that is.
            *content = format!("<#{}>", root.id).into();
        }
        if let Some(allowed) = message.get_mut("allowed_mentions") {
            *allowed = json!({ "parse": [] });
        }
        Ok(self.send(&root.channel, &key, message).await.map(drop)?)
    }

    /// Into the thread on a message, which is opened when it is not there yet.
    async fn post_below(&self, root: &MessageRef, key: &str, message: Value) -> Result<MessageRef, Failure> {
        let thread = self.thread_of(root).await?;
        match self.send(&thread, key, message.clone()).await {
            Err(refusal) if refusal.code == code::UNKNOWN_CHANNEL && thread != root.channel => {}
            posted => return Ok(posted?),
        }
        let name = self.titles.get(root).unwrap_or_else(|| "Hotfix".to_owned());
        let path = ["channels", root.channel.as_str(), "messages", &root.id, "threads"];
        let body = json!({ "name": name, "auto_archive_duration": ARCHIVED_AFTER_MINUTES });
        match self.web.set(Method::POST, Call::new(&path, "open a thread"), &body).await {
            Ok(_) => {}
            Err(refusal) if refusal.code == code::THREAD_EXISTS => {}
            Err(refusal) => return Err(refusal.into()),
        }
        self.parents.insert(thread.clone(), Some(root.channel.clone()));
        Ok(self.send(&thread, key, message).await?)
    }

    /// The thread on a message has its number. A message in a thread has none of its own, and is answered beside it.
    async fn thread_of(&self, root: &MessageRef) -> Result<ChannelRef, Failure> {
        if self.parent(&root.channel).await?.is_some() {
            return Ok(root.channel.clone());
        }
        ChannelRef::parse(&root.id).map_err(|error| Failure::rejected(error.to_string()))
    }

    /// Posts a message. For some minutes Discord itself makes one of two with the same nonce.
    async fn send(&self, channel: &ChannelRef, key: &str, mut message: Value) -> Result<MessageRef, Refusal> {
        if let Some(message) = message.as_object_mut() {
            message.insert("nonce".to_owned(), render::mark(key).into());
            message.insert("enforce_nonce".to_owned(), true.into());
            message.retain(|_, value| value != "");
        }
        let path = ["channels", channel.as_str(), "messages"];
        let call = Call::new(&path, "post a message");
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

    /// A change that is overtaken while it waits for another one is not sent. It keeps no mark: whoever knows the message
    /// looks for it no more.
    pub(super) async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        let body = render::message(card, None)?;
        let Some(_one_at_a_time) = self.updates.turn(message).await else { return Ok(()) };
        let path = ["channels", message.channel.as_str(), "messages", &message.id];
        Ok(self.web.set(Method::PATCH, Call::new(&path, "change a message"), &body).await.map(drop)?)
    }

    /// Shows something to one person: beside what they did, if that was not long ago, and directly otherwise.
    pub(super) async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        if let Some(token) = self.tokens.get(&(to.id.clone(), channel.clone())) {
            let path = ["webhooks", &self.application, &token];
            let call = Call::new(&path, "tell one person something");
            match self.web.set(Method::POST, call, &reply::private(card)).await {
                Ok(_) => return Ok(()),
                Err(refusal) => tracing::info!(why = refusal.failure.reason(), "an interaction serves no longer"),
            }
        }
        let message = render::message(card, None)?;
        let direct = self.direct(to).await?;
        let path = ["channels", direct.as_str(), "messages"];
        let call = Call::new(&path, "tell one person something");
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
        let call = Call::new(&["users", "@me", "channels"], "open a direct conversation");
        let answer = self.web.set(Method::POST, call, &json!({ "recipient_id": user })).await?;
        let opened: Channel = self.web.parse(&answer, call.act)?;
        let channel = ChannelRef::parse(&opened.id).map_err(|error| Failure::rejected(error.to_string()))?;
        self.directs.insert(person.id.clone(), channel.clone());
        self.parents.insert(channel.clone(), None);
        Ok(channel)
    }
}

/// The number of a person, who has to be one of Discord's.
pub(super) fn user(person: &PersonRef) -> Result<&str, Failure> {
    markdown::user(person).ok_or_else(|| {
        Failure::rejected(format!(
            "{:?} is nobody in Discord: an account there is a number, like 80351110224678912. Correct it in the list of \
             people.",
            person.id
        ))
    })
}
