//! Webhook receiver of the Slack adapter: slash commands, interactions and events. Verifies the signature on the raw
//! bytes before it decodes anything (security cases 1 to 6).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::context::SlackContext;
use super::decode::{self, Parsed, PayloadKind};
use super::follow_up::spawn_follow_up;
use super::payload::Payload;
use super::reply::{self, Ack};
use super::signature;
use crate::chat::InboundHandler;
use crate::chat::dropped::Dropped;
use crate::chat::inbound::{Delivery, WebhookReceiver, WebhookRequest, WebhookResponse};

/// The [`WebhookReceiver`] for Slack's requests.
pub struct SlackIngress {
    pub(super) core: Arc<SlackContext>,
}

/// Maximum length in bytes of a `url_verification` challenge that is echoed (security case 12).
const LONGEST_CHALLENGE: usize = 200;

#[async_trait]
impl WebhookReceiver for SlackIngress {
    fn paths(&self) -> Vec<String> {
        let below = ["", "/commands", "/interactions", "/events"];
        below.iter().map(|below| format!("{}{below}", self.core.path)).collect()
    }

    async fn receive(&self, call: WebhookRequest<'_>, listener: &dyn InboundHandler) -> WebhookResponse {
        if !signature::is_claimed(call.headers) && is_ssl_check(call.body) {
            // Slack checks the TLS certificate. The request has no effect, so it needs no signature.
            return WebhookResponse::empty(Delivery::Ignored);
        }
        if let Err(taken) = signature::check(&self.core.secrets, call.headers, call.body, call.at) {
            return WebhookResponse::empty(taken);
        }
        if is_ssl_check(call.body) {
            return WebhookResponse::empty(Delivery::Ignored);
        }
        if let Some(retry) = call.headers.get("x-slack-retry-num") {
            let why = call.headers.get("x-slack-retry-reason");
            tracing::info!(slack.retry = ?retry, slack.reason = ?why, "Slack sends something again");
        }
        let Some((kind, raw)) = opened(call.body) else {
            Dropped::Unreadable.note("slack", None);
            return WebhookResponse::empty(Delivery::Malformed);
        };
        if raw.text(&["/type"]) == Some("url_verification") {
            return challenge(&raw);
        }
        self.judge(kind, &raw, &key(call), listener).await
    }
}

impl SlackIngress {
    async fn judge(
        &self,
        kind: PayloadKind,
        raw: &Payload,
        key: &str,
        listener: &dyn InboundHandler,
    ) -> WebhookResponse {
        let told = match decode::parse(kind, raw, key, &self.core.allowed) {
            Parsed::Act(told) => *told,
            Parsed::Ignored(why) => {
                tracing::debug!(slack.kind = raw.text(&["/event/type", "/type"]), why, "nothing that concerns the bot");
                return WebhookResponse::empty(Delivery::Ignored);
            }
        };
        let reply = reply::reply(listener.handle(told.inbound).await, &told.reply_to);
        if let Some(then) = reply.follow_up {
            spawn_follow_up(&self.core, then, told.reply_to, listener.reply_store());
        }
        match reply.ack {
            Ack::Empty => WebhookResponse::empty(Delivery::Accepted),
            Ack::Body(body) => WebhookResponse::json(&body),
            Ack::Refused => WebhookResponse::empty(Delivery::Unavailable),
        }
    }
}

/// Decodes an authenticated body: events are JSON, commands are form-encoded, and interactions are JSON in
/// a form field.
fn opened(body: &[u8]) -> Option<(PayloadKind, Payload)> {
    if body.trim_ascii_start().starts_with(b"{") {
        return Some((PayloadKind::Event, Payload(serde_json::from_slice(body).ok()?)));
    }
    let form = Payload::of_form(body);
    if let Some(payload) = form.text(&["/payload"]) {
        let payload: Value = serde_json::from_str(payload).ok().filter(Value::is_object)?;
        return Some((PayloadKind::Interaction, Payload(payload)));
    }
    form.text(&["/command"])?;
    Some((PayloadKind::Command, form))
}

/// Derives a dedupe key for payloads without an id from the signature, which covers the timestamp, and the body.
fn key(call: WebhookRequest<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(signature::claimed(call.headers));
    hash.update(b"\n");
    hash.update(call.body);
    format!("slack:{}", hex::encode(hash.finalize()))
}

fn is_ssl_check(body: &[u8]) -> bool {
    body.len() <= 4096 && form_urlencoded::parse(body).any(|(name, value)| name == "ssl_check" && value == "1")
}

fn challenge(raw: &Payload) -> WebhookResponse {
    match raw.text(&["/challenge"]).filter(|challenge| challenge.len() <= LONGEST_CHALLENGE) {
        Some(challenge) => WebhookResponse {
            delivery: Delivery::Accepted,
            content_type: Some("text/plain; charset=utf-8"),
            body: challenge.to_owned().into(),
        },
        None => WebhookResponse::empty(Delivery::Malformed),
    }
}
