//! The inbound half of the chat port. A platform delivers user actions either over connections that the bot opens
//! ([`EventSource`]) or by webhook ([`WebhookReceiver`]). Either way, each action is passed to the one
//! [`InboundHandler`], and the adapter acknowledges it to the platform only after the handler has returned. An
//! acknowledged action is therefore durable.

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

/// The handler of all user actions, implemented by the bot.
#[async_trait]
pub trait InboundHandler: Send + Sync {
    /// Handles one action within the platform's acknowledgement deadline. When this returns, the action is durable or
    /// had no effect.
    async fn handle(&self, inbound: Inbound) -> HandlerReply;

    /// Returns the messages of all open vote requests, with the votes that are counted.
    ///
    /// After a gap in the event stream, an adapter whose platform does not redeliver events reads the reactions of
    /// these messages again. It replays the difference to the handler: a reaction that is present but not counted as an
    /// added one, and a reaction that is counted but gone as a removed one.
    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        Vec::new()
    }

    /// Returns the store for replies that the platform did not accept. If `None`, such replies are lost.
    fn reply_store(&self) -> Option<Arc<dyn ReplyStore>> {
        None
    }
}

/// A durable store for replies that could not be delivered.
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// Stores a reply for delivery when the platform accepts it again.
    async fn defer(&self, unsaid: DeferredReply);
}

/// A reply to one user that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredReply {
    /// The channel in which the user acted.
    pub channel: ChannelRef,
    /// The account that the reply is for.
    pub to: PersonRef,
    /// Content of the reply.
    pub card: Card,
}

/// A message whose reactions are votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteMessage {
    /// The message in the chat.
    pub message: MessageRef,
    /// The reactions that the bot currently counts.
    pub counted: Vec<CountedReaction>,
}

/// A reaction that is counted as a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedReaction {
    /// All accounts of the voter. The journal does not record which of them reacted.
    pub accounts: Vec<PersonRef>,
    /// The reaction that is counted.
    pub emoji: Emoji,
}

/// The result of [`InboundHandler::handle`].
#[derive(Debug)]
pub enum HandlerReply {
    /// The action was handled. The card, if any, is shown to the user only.
    Message(Option<Card>),
    /// The bot needs more input. Returned only if [`Inbound::can_ask`] is `true`.
    OpenForm(Form),
    /// The submitted form is invalid: pairs of [`super::Input::id`] and error message.
    FieldErrors(Vec<(String, String)>),
    /// Content of the user's home page.
    HomePage(Vec<Card>),
    /// The action is durable and still being processed; the reply follows on this channel. If the sender is dropped, no
    /// reply follows.
    Deferred(oneshot::Receiver<Option<Card>>),
    /// The action could not be stored and had no effect. The platform or the user has to send it again.
    Unavailable,
}

/// A platform whose events arrive over connections that the bot opens.
#[async_trait]
pub trait EventSource: Send + Sync {
    /// Passes every action to the handler until `stop` becomes `true`. Reconnects when a connection breaks.
    async fn run(&self, listener: Arc<dyn InboundHandler>, stop: watch::Receiver<bool>);
}

/// A platform that delivers events by webhook.
#[async_trait]
pub trait WebhookReceiver: Send + Sync {
    /// Returns the webhook paths, each beginning with `/`.
    fn paths(&self) -> Vec<String>;

    /// Verifies one request by its raw bytes and, if it is authentic, passes its action to the handler.
    async fn receive(&self, call: WebhookRequest<'_>, listener: &dyn InboundHandler) -> WebhookResponse;
}

/// A webhook request, not yet verified.
#[derive(Debug)]
pub struct WebhookRequest<'a> {
    /// Path of the request, one of [`WebhookReceiver::paths`].
    pub path: &'a str,
    /// HTTP headers of the request; they carry the signature.
    pub headers: &'a HeaderMap,
    /// Raw body, as signed by the platform.
    pub body: &'a [u8],
    /// Time of receipt; signature timestamps are compared with it.
    pub at: Timestamp,
}

/// The response to a webhook request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookResponse {
    /// Outcome of the request: sets the status code and is counted in the metrics.
    pub delivery: Delivery,
    /// Value of `Content-Type`; `None` if the body is empty.
    pub content_type: Option<&'static str>,
    /// Body of the response; may be empty.
    pub body: Bytes,
}

/// The outcome of a webhook request. A platform that gets many error responses stops delivering, so every authentic
/// request is answered with success where possible (security case 85).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// 200: the action is durable, or had no effect.
    Accepted,
    /// 200: authentic, but not addressed to this bot.
    Ignored,
    /// 401: the signature is missing or wrong.
    Unsigned,
    /// 401: the signature is valid only for another time.
    StaleSignature,
    /// 400: authentic, but cannot be decoded.
    Malformed,
    /// 503: the action could not be stored; the platform has to send it again.
    Unavailable,
}

impl WebhookResponse {
    /// Returns a response with an empty body.
    #[must_use]
    pub fn empty(taken: Delivery) -> Self {
        Self { delivery: taken, content_type: None, body: Bytes::new() }
    }

    /// Returns a response of [`Delivery::Accepted`] with a JSON body.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self { delivery: Delivery::Accepted, content_type: Some("application/json"), body: value.to_string().into() }
    }
}
