//! Socket Mode envelopes: parses a frame, passes its payload to the handler and acknowledges it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::context::SlackContext;
use super::super::decode::{self, Parsed, PayloadKind};
use super::super::follow_up::spawn_follow_up;
use super::super::payload::Payload;
use super::super::reply::{self, Ack};
use crate::chat::dropped::Dropped;
use crate::chat::{HandlerReply, InboundHandler};

/// A text frame from Slack.
#[derive(Debug)]
pub(super) enum Frame {
    /// The connection is established.
    Hello,
    /// Slack is about to close the connection, with the reason.
    Disconnect(String),
    /// A payload to handle and acknowledge.
    Envelope(Envelope),
    /// A frame of an unknown type.
    Other,
}

/// A payload with the id to acknowledge. `kind` is `None` for an unknown type.
#[derive(Debug)]
pub(super) struct Envelope {
    id: String,
    kind: Option<PayloadKind>,
    payload: Payload,
}

/// Parses a text frame.
pub(super) fn read(text: &str) -> Frame {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        Dropped::Unreadable.note("slack", None);
        return Frame::Other;
    };
    let raw = Payload(value);
    let kind = raw.text(&["/type"]).unwrap_or_default();
    if let Some(id) = raw.text(&["/envelope_id"]) {
        let kind = match kind {
            "slash_commands" => Some(PayloadKind::Command),
            "interactive" => Some(PayloadKind::Interaction),
            "events_api" => Some(PayloadKind::Event),
            _ => None,
        };
        let payload = Payload(raw.at("/payload").cloned().unwrap_or_default());
        return Frame::Envelope(Envelope { id: id.to_owned(), kind, payload });
    }
    match kind {
        "hello" => Frame::Hello,
        "disconnect" => Frame::Disconnect(raw.text(&["/reason"]).unwrap_or("it does not say why").to_owned()),
        _ => Frame::Other,
    }
}

/// Handles an envelope and then acknowledges it, so that an acknowledged action is durable. If the action could not be
/// stored, there is no acknowledgement and Slack redelivers.
pub(super) async fn handle(
    core: &Arc<SlackContext>,
    listener: &dyn InboundHandler,
    envelope: Envelope,
    acks: &mpsc::Sender<String>,
) {
    let Envelope { id, kind, payload } = envelope;
    let told = match kind.map(|kind| decode::parse(kind, &payload, &format!("slack:{id}"), &core.allowed)) {
        Some(Parsed::Act(told)) => *told,
        Some(Parsed::Ignored(why)) => {
            tracing::debug!(slack.kind = payload.text(&["/event/type", "/type"]), why, "nothing that concerns the bot");
            return acknowledge(acks, &id, Ack::Empty).await;
        }
        None => {
            tracing::info!("Slack sends a kind of envelope that the bot does not know");
            return acknowledge(acks, &id, Ack::Empty).await;
        }
    };
    let heard = listener.handle(told.inbound).await;
    if matches!(heard, HandlerReply::Unavailable) {
        tracing::warn!("something from Slack could not be kept; it is not acknowledged");
        return;
    }
    let reply = reply::reply(heard, &told.reply_to);
    if let Some(then) = reply.follow_up {
        spawn_follow_up(core, then, told.reply_to, listener.reply_store());
    }
    acknowledge(acks, &id, reply.ack).await;
}

/// Queues an acknowledgement. If the connection is gone, Slack redelivers the envelope, and its action has the same
/// dedupe key.
async fn acknowledge(acks: &mpsc::Sender<String>, id: &str, ack: Ack) {
    let said = match ack {
        Ack::Empty => json!({ "envelope_id": id }),
        Ack::Body(payload) => json!({ "envelope_id": id, "payload": payload }),
        Ack::Refused => return,
    };
    if acks.send(said.to_string()).await.is_err() {
        tracing::info!("a connection to Slack went before something was acknowledged; it comes again");
    }
}
