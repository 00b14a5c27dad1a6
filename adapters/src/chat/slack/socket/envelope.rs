//! What comes over a connection, and what is said back.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::answer::{self, Ack};
use super::super::core::Core;
use super::super::decode::{self, Kind, Read};
use super::super::follow::follow;
use super::super::raw::Raw;
use crate::chat::dropped::Dropped;
use crate::chat::{Heard, Listener};

/// A message of Slack's.
#[derive(Debug)]
pub(super) enum Frame {
    /// The connection is up.
    Hello,
    /// The connection will go, for this reason.
    Disconnect(String),
    /// Somebody did something.
    Envelope(Envelope),
    /// Something else.
    Other,
}

/// Something that is to be acknowledged.
#[derive(Debug)]
pub(super) struct Envelope {
    id: String,
    kind: Option<Kind>,
    payload: Raw,
}

/// Reads a message.
pub(super) fn read(text: &str) -> Frame {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        Dropped::Unreadable.note("slack", None);
        return Frame::Other;
    };
    let raw = Raw(value);
    let kind = raw.text(&["/type"]).unwrap_or_default();
    if let Some(id) = raw.text(&["/envelope_id"]) {
        let kind = match kind {
            "slash_commands" => Some(Kind::Command),
            "interactive" => Some(Kind::Interaction),
            "events_api" => Some(Kind::Event),
            _ => None,
        };
        let payload = Raw(raw.at("/payload").cloned().unwrap_or_default());
        return Frame::Envelope(Envelope { id: id.to_owned(), kind, payload });
    }
    match kind {
        "hello" => Frame::Hello,
        "disconnect" => Frame::Disconnect(raw.text(&["/reason"]).unwrap_or("it does not say why").to_owned()),
        _ => Frame::Other,
    }
}

/// Handles an envelope, and acknowledges it after that: what is acknowledged is durable. What could not be kept is not
/// acknowledged, and comes again.
pub(super) async fn handle(core: &Arc<Core>, listener: &dyn Listener, envelope: Envelope, acks: &mpsc::Sender<String>) {
    let Envelope { id, kind, payload } = envelope;
    let told = match kind.map(|kind| decode::read(kind, &payload, &format!("slack:{id}"), &core.allowed)) {
        Some(Read::Act(told)) => *told,
        Some(Read::Ignored(why)) => {
            tracing::debug!(slack.kind = payload.text(&["/event/type", "/type"]), why, "nothing that concerns the bot");
            return acknowledge(acks, &id, Ack::Empty).await;
        }
        None => {
            tracing::info!("Slack sends a kind of envelope that the bot does not know");
            return acknowledge(acks, &id, Ack::Empty).await;
        }
    };
    let heard = listener.hear(told.inbound).await;
    if matches!(heard, Heard::Failed) {
        tracing::warn!("something from Slack could not be kept; it is not acknowledged");
        return;
    }
    let reply = answer::reply(heard, &told.way);
    if let Some(then) = reply.then {
        follow(core, then, told.way, listener.keeper());
    }
    acknowledge(acks, &id, reply.ack).await;
}

/// The connection may be gone by now; then it comes again, with the same key.
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
