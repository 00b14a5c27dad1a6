//! Slack calls: slash commands, buttons and forms, and events, each at an address of its own or all at one. The signature is
//! checked on the bytes before anything is read (security cases 1 to 6).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::answer::{self, Ack};
use super::core::Core;
use super::decode::{self, Kind, Read};
use super::follow::follow;
use super::raw::Raw;
use super::signature;
use crate::chat::Listener;
use crate::chat::dropped::Dropped;
use crate::chat::listen::{Answer, Call, Ingress, Taken};

/// Slack's requests.
pub struct SlackIngress {
    pub(super) core: Arc<Core>,
}

/// Security case 12.
const LONGEST_CHALLENGE: usize = 200;

#[async_trait]
impl Ingress for SlackIngress {
    fn paths(&self) -> Vec<String> {
        let below = ["", "/commands", "/interactions", "/events"];
        below.iter().map(|below| format!("{}{below}", self.core.path)).collect()
    }

    async fn take(&self, call: Call<'_>, listener: &dyn Listener) -> Answer {
        if !signature::is_claimed(call.headers) && is_ssl_check(call.body) {
            // Slack looks whether the certificate is good. Nothing is done, so nothing has to be signed.
            return Answer::empty(Taken::NoConcern);
        }
        if let Err(taken) = signature::check(&self.core.secrets, call.headers, call.body, call.at) {
            return Answer::empty(taken);
        }
        if is_ssl_check(call.body) {
            return Answer::empty(Taken::NoConcern);
        }
        if let Some(retry) = call.headers.get("x-slack-retry-num") {
            let why = call.headers.get("x-slack-retry-reason");
            tracing::info!(slack.retry = ?retry, slack.reason = ?why, "Slack sends something again");
        }
        let Some((kind, raw)) = opened(call.body) else {
            Dropped::Unreadable.note("slack", None);
            return Answer::empty(Taken::Malformed);
        };
        if raw.text(&["/type"]) == Some("url_verification") {
            return challenge(&raw);
        }
        self.judge(kind, &raw, &key(call), listener).await
    }
}

impl SlackIngress {
    async fn judge(&self, kind: Kind, raw: &Raw, key: &str, listener: &dyn Listener) -> Answer {
        let told = match decode::read(kind, raw, key, &self.core.allowed) {
            Read::Act(told) => *told,
            Read::Ignored(why) => {
                tracing::debug!(slack.kind = raw.text(&["/event/type", "/type"]), why, "nothing that concerns the bot");
                return Answer::empty(Taken::NoConcern);
            }
        };
        let reply = answer::reply(listener.hear(told.inbound).await, &told.way);
        if let Some(then) = reply.then {
            follow(&self.core, then, told.way, listener.keeper());
        }
        match reply.ack {
            Ack::Empty => Answer::empty(Taken::Accepted),
            Ack::Body(body) => Answer::json(&body),
            Ack::Refused => Answer::empty(Taken::Failed),
        }
    }
}

/// What a genuine body is: events are JSON, the rest are forms, and interactions are JSON in a form.
fn opened(body: &[u8]) -> Option<(Kind, Raw)> {
    if body.trim_ascii_start().starts_with(b"{") {
        return Some((Kind::Event, Raw(serde_json::from_slice(body).ok()?)));
    }
    let form = Raw::of_form(body);
    if let Some(payload) = form.text(&["/payload"]) {
        let payload: Value = serde_json::from_str(payload).ok().filter(Value::is_object)?;
        return Some((Kind::Interaction, Raw(payload)));
    }
    form.text(&["/command"])?;
    Some((Kind::Command, form))
}

/// For what carries no id of its own: the signature, which covers the moment, stands for it.
fn key(call: Call<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(signature::claimed(call.headers));
    hash.update(b"\n");
    hash.update(call.body);
    format!("slack:{}", hex::encode(hash.finalize()))
}

fn is_ssl_check(body: &[u8]) -> bool {
    body.len() <= 4096 && form_urlencoded::parse(body).any(|(name, value)| name == "ssl_check" && value == "1")
}

fn challenge(raw: &Raw) -> Answer {
    match raw.text(&["/challenge"]).filter(|challenge| challenge.len() <= LONGEST_CHALLENGE) {
        Some(challenge) => Answer {
            taken: Taken::Accepted,
            content_type: Some("text/plain; charset=utf-8"),
            body: challenge.to_owned().into(),
        },
        None => Answer::empty(Taken::Malformed),
    }
}
