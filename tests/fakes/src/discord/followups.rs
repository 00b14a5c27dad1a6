//! Interaction webhooks: edits of the first response and follow-up messages, for fifteen minutes after the interaction.

use serde_json::json;

use super::callbacks::{self, LOADING};
use super::check::{self, EPHEMERAL};
use super::messages;
use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::serve::Call;
use super::shape;
use super::state::{Ack, State};

/// Lifetime of an interaction token, in milliseconds.
const TOKEN_MS: i64 = 15 * 60_000;

/// Returns the interaction of a token. Discord accepts the token after the first response only.
fn find(state: &State, app: &str, token: &str) -> Result<u64, Refusal> {
    if app.parse() != Ok(state.app) {
        return Err(Refusal::unknown(10015, "Webhook"));
    }
    let it = state.interactions.values().find(|it| it.token == token);
    let live = it.filter(|it| state.now_ms - it.at_ms < TOKEN_MS);
    let it = live.ok_or(Refusal::new(401, 50027, "Invalid Webhook Token"))?;
    if it.ack.is_none() {
        return Err(Refusal::unknown(10015, "Webhook"));
    }
    Ok(it.id)
}

fn shown(state: &State, id: u64) -> Outcome {
    Reply::ok(shape::message(state, &state.messages[&id], true))
}

fn judge(call: &Call) -> Result<(), Refusal> {
    let mut wrongs = Wrongs::default();
    check::message(&mut wrongs, &call.body, "");
    wrongs.end()
}

pub(super) fn create(state: &mut State, call: &Call, app: &str, token: &str) -> Outcome {
    let id = find(state, app, token)?;
    judge(call)?;
    if messages::is_empty(&call.body) {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    // As in Discord, the first follow-up after a deferred response edits the deferred message.
    let it = &state.interactions[&id];
    let waits = it.original.filter(|message| it.ack == Some(Ack::Deferred) && is_loading(state, *message));
    if let Some(message) = waits {
        return edit(state, call, message);
    }
    let message = callbacks::write(state, id, &call.body);
    messages::rings(state, message, &call.body, false);
    // The answer contains the full message even without `wait=true`.
    shown(state, message)
}

/// Reads, edits or deletes a response: `@original`, or one by its message id.
pub(super) fn message(state: &mut State, call: &Call, app: &str, token: &str, message: &str) -> Outcome {
    let id = find(state, app, token)?;
    let own = match message {
        "@original" => state.interactions[&id].original,
        number => number.parse().ok().filter(|message| {
            let it = state.messages.get(message);
            it.is_some_and(|it| it.answers == Some(id)) || state.interactions[&id].original == Some(*message)
        }),
    };
    let own = own.filter(|own| state.messages.contains_key(own)).ok_or(Refusal::unknown(10008, "Message"))?;
    match call.method.as_str() {
        "GET" => shown(state, own),
        "PATCH" => {
            judge(call)?;
            edit(state, call, own)
        }
        "DELETE" => {
            state.messages.remove(&own);
            Ok(Reply::Nothing)
        }
        _ => Err(Refusal::new(405, 0, "405: Method Not Allowed")),
    }
}

fn edit(state: &mut State, call: &Call, message: u64) -> Outcome {
    let mut body = call.body.clone();
    // The first response determines if the message is ephemeral; an edit cannot change it.
    body["flags"] = json!(state.messages[&message].flags & EPHEMERAL);
    messages::change(state, message, &body)?;
    shown(state, message)
}

pub(super) fn is_loading(state: &State, message: u64) -> bool {
    state.messages.get(&message).is_some_and(|it| it.flags & LOADING > 0)
}
