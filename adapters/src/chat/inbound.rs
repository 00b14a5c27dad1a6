//! How what people do comes in. A platform is either called ([`EventSource`]: it keeps a connection open) or calls
//! ([`WebhookReceiver`]: it sends requests); either way each act is handed to the one [`InboundHandler`], and the platform is told that it
//! arrived only after the listener answered. So whatever was acknowledged is durable.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use super::form::Form;
use super::{Card, Emoji, Inbound};
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Whoever handles what people do.
#[async_trait]
pub trait InboundHandler: Send + Sync {
    /// Handles one act, within the time that platforms grant for an answer. When this answers, the act is durable, or it
    /// changed nothing.
    async fn handle(&self, inbound: Inbound) -> HandlerReply;

    /// The messages whose reactions matter now. A platform that lost sight of what people do reads them again, and hands in
    /// what it missed: reactions that stand and do not count yet, as if they had just been added, and those that count and do
    /// not stand any more, as if they had just been taken back.
    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        Vec::new()
    }

    /// Who keeps an answer that the platform did not take, to give it later; without anybody it is lost.
    fn reply_store(&self) -> Option<Arc<dyn ReplyStore>> {
        None
    }
}

/// Keeps what could not be said.
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// Keeps an answer, to give it when the platform takes it again.
    async fn defer(&self, unsaid: DeferredReply);
}

/// An answer to one person that could not be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredReply {
    /// Where they acted.
    pub channel: ChannelRef,
    /// To whom.
    pub to: PersonRef,
    /// What.
    pub card: Card,
}

/// A message whose reactions matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteMessage {
    /// Which.
    pub message: MessageRef,
    /// The reactions to it that count now.
    pub counted: Vec<CountedReaction>,
}

/// A reaction that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedReaction {
    /// The accounts of the person; with which of them they reacted is not kept.
    pub accounts: Vec<PersonRef>,
    /// With what.
    pub emoji: Emoji,
}

/// What became of an act.
#[derive(Debug)]
pub enum HandlerReply {
    /// It is handled; this is for the person alone.
    Message(Option<Card>),
    /// More has to be known; only where [`Inbound::can_ask`] said that a form can be shown.
    OpenForm(Form),
    /// The answers to a form do not do: the id of each question with what is wrong.
    FieldErrors(Vec<(String, String)>),
    /// What the person's own page shows.
    HomePage(Vec<Card>),
    /// It is durable and takes longer; what comes of it follows. Nothing follows when the sender is gone.
    Deferred(oneshot::Receiver<Option<Card>>),
    /// It could not be kept, and nothing was done. The platform is to send it again, or the person.
    Unavailable,
}

/// A platform that is listened to over connections of our own.
#[async_trait]
pub trait EventSource: Send + Sync {
    /// Hands every act to the listener, until `stop` says true. It outlives every connection: what breaks is built again.
    async fn run(&self, listener: Arc<dyn InboundHandler>, stop: watch::Receiver<bool>);
}

/// A platform that calls us.
#[async_trait]
pub trait WebhookReceiver: Send + Sync {
    /// The paths that it calls, each beginning with `/`.
    fn paths(&self) -> Vec<String>;

    /// Judges one request by its raw bytes and, if it is genuine, hands what it says to the listener.
    async fn receive(&self, call: WebhookRequest<'_>, listener: &dyn InboundHandler) -> WebhookResponse;
}

/// A request of a platform. Nothing about it is believed yet.
#[derive(Debug)]
pub struct WebhookRequest<'a> {
    /// Which of [`WebhookReceiver::paths`].
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body as it came.
    pub body: &'a [u8],
    /// Now.
    pub at: Timestamp,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookResponse {
    /// What is counted.
    pub delivery: Delivery,
    /// The type of what it says; `None` when it says nothing.
    pub content_type: Option<&'static str>,
    /// What it says.
    pub body: Bytes,
}

/// What became of a request. A platform that sees many errors stops to send, so whatever is genuine is answered with
/// success (security case 85).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// 200: it is durable, or changed nothing.
    Accepted,
    /// 200: it is genuine, and not for us.
    Ignored,
    /// 401: it is not signed, or wrongly.
    Unsigned,
    /// 401: it is signed for another time.
    StaleSignature,
    /// 400: it is genuine and cannot be read.
    Malformed,
    /// 503: it could not be kept; it is to be sent again.
    Unavailable,
}

impl WebhookResponse {
    /// An answer that says nothing.
    #[must_use]
    pub fn empty(taken: Delivery) -> Self {
        Self { delivery: taken, content_type: None, body: Bytes::new() }
    }

    /// An answer in JSON.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self { delivery: Delivery::Accepted, content_type: Some("application/json"), body: value.to_string().into() }
    }
}
