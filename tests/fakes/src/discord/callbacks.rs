//! Interaction callbacks: the first response to an interaction, allowed once and within three seconds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::{self, EPHEMERAL, LABEL, ROW, TEXT_INPUT, custom_id};
use super::messages;
use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::serve::Call;
use super::state::{Ack, Act, State};

/// Time to acknowledge an interaction, in milliseconds.
const ACK_MS: i64 = 3000;
/// Message flag `LOADING`: a deferred response, shown as "is thinking…".
pub(super) const LOADING: u64 = 1 << 7;

const MESSAGE: i64 = 4;
const DEFERRED: i64 = 5;
const DEFERRED_UPDATE: i64 = 6;
const UPDATE: i64 = 7;
const MODAL: i64 = 9;

pub(super) fn answer(state: &mut State, call: &Call, id: &str, token: &str) -> Outcome {
    let known = id.parse().ok().and_then(|id: u64| state.interactions.get(&id)).filter(|it| it.token == token);
    let it = known.ok_or(Refusal::unknown(10062, "interaction"))?.clone();
    if it.ack.is_some() {
        return Err(Refusal::new(400, 40060, "Interaction has already been acknowledged."));
    }
    if state.now_ms - it.at_ms >= ACK_MS {
        return Err(Refusal::unknown(10062, "interaction"));
    }
    let (kind, data) = (call.body["type"].as_i64().unwrap_or_default(), &call.body["data"]);
    // A modal that was opened by a command has no message to update.
    let fits = match kind {
        MESSAGE | DEFERRED => true,
        DEFERRED_UPDATE | UPDATE => it.act != Act::Command && it.source.is_some(),
        MODAL => it.act != Act::Submit,
        _ => false,
    };
    let mut wrongs = Wrongs::default();
    if !fits {
        wrongs.add("type", "INTERACTION_CALLBACK_TYPE_INVALID", "This answer does not fit what was done");
    }
    match kind {
        _ if !fits => {}
        MODAL => modal(&mut wrongs, data),
        MESSAGE | UPDATE => check::message(&mut wrongs, data, "data."),
        _ => {}
    }
    wrongs.end()?;
    if kind == MESSAGE && messages::is_empty(data) {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    let ack = match kind {
        MESSAGE | DEFERRED => {
            let mut body = data.clone();
            let loading = kind == DEFERRED;
            let asked = data["flags"].as_u64().unwrap_or_default();
            if loading {
                body = json!({ "flags": asked & EPHEMERAL | LOADING });
            }
            let message = write(state, it.id, &body);
            if !loading {
                messages::rings(state, message, data, false);
            }
            state.interactions.get_mut(&it.id).unwrap().original = Some(message);
            if loading { Ack::Deferred } else { Ack::Message }
        }
        UPDATE => {
            messages::change(state, it.source.unwrap(), data)?;
            state.interactions.get_mut(&it.id).unwrap().original = it.source;
            Ack::Update
        }
        DEFERRED_UPDATE => {
            state.interactions.get_mut(&it.id).unwrap().original = it.source;
            Ack::DeferredUpdate
        }
        _ => Ack::Modal(numbered(data)),
    };
    state.interactions.get_mut(&it.id).unwrap().ack = Some(ack);
    if call.asked("with_response") != Some("true") {
        return Ok(Reply::Nothing);
    }
    Reply::ok(told(state, it.id, kind))
}

/// Writes a response in the channel of the interaction. With the `EPHEMERAL` flag, only the interaction's user sees it.
pub(super) fn write(state: &mut State, interaction: u64, body: &Value) -> u64 {
    let it = &state.interactions[&interaction];
    let (channel, user) = (it.channel, it.user);
    let secret = body["flags"].as_u64().is_some_and(|flags| flags & EPHEMERAL > 0);
    messages::write(state, channel, state.app, |message| {
        messages::fill(message, body);
        message.only_for = secret.then_some(user);
        message.answers = Some(interaction);
    })
}

fn told(state: &State, id: u64, kind: i64) -> Value {
    let it = &state.interactions[&id];
    let mut shape = json!({ "interaction": {
        "id": id.to_string(), "type": it.act as u8, "channel_id": it.channel.to_string(),
    } });
    if let Some(guild) = state.guild_of(it.channel) {
        shape["interaction"]["guild_id"] = json!(guild.to_string());
    }
    if let Some(message) = it.original.and_then(|id| state.messages.get(&id)) {
        shape["interaction"]["response_message_id"] = json!(message.id.to_string());
        shape["interaction"]["response_message_loading"] = json!(message.flags & LOADING > 0);
        shape["interaction"]["response_message_ephemeral"] = json!(message.only_for.is_some());
        // Discord reports a deferred message with the type of an immediate one.
        let shown = if kind == DEFERRED { MESSAGE } else { kind };
        if shown == MESSAGE || shown == UPDATE {
            shape["resource"] = json!({ "type": shown, "message": super::shape::message(state, message, true) });
        }
    }
    shape
}

fn modal(wrongs: &mut Wrongs, data: &Value) {
    wrongs.wanted(&data["title"], "data.title", 1, 45);
    wrongs.wanted(&data["custom_id"], "data.custom_id", 1, 100);
    let mut ids = BTreeSet::new();
    for (number, row) in wrongs.list(&data["components"], "data.components", 1, 5).iter().enumerate() {
        let at = format!("data.components.{number}");
        let (input, place) = match row["type"].as_i64() {
            Some(ROW) => {
                let inner = format!("{at}.components");
                let Some(input) = wrongs.list(&row["components"], &inner, 1, 1).first() else { continue };
                wrongs.wanted(&input["label"], &format!("{inner}.0.label"), 1, 45);
                (input, format!("{inner}.0"))
            }
            Some(LABEL) => {
                wrongs.wanted(&row["label"], &format!("{at}.label"), 1, 45);
                wrongs.text(&row["description"], &format!("{at}.description"), 0, 100);
                (&row["component"], format!("{at}.component"))
            }
            _ => {
                wrongs.add(
                    &format!("{at}.type"),
                    "UNION_TYPE_CHOICES",
                    "Value of field \"type\" must be one of (1, 18).",
                );
                continue;
            }
        };
        text_input(wrongs, input, &place, &mut ids);
    }
}

fn text_input(wrongs: &mut Wrongs, input: &Value, place: &str, ids: &mut BTreeSet<String>) {
    let at = |name: &str| format!("{place}.{name}");
    if input["type"].as_i64() != Some(TEXT_INPUT) {
        return wrongs.add(&at("type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (4,).");
    }
    custom_id(wrongs, &input["custom_id"], &at("custom_id"), ids);
    if input["style"].is_null() {
        wrongs.required(&at("style"));
    }
    wrongs.number(&input["style"], &at("style"), 1, 2);
    let least = wrongs.number(&input["min_length"], &at("min_length"), 0, 4000).unwrap_or(0);
    let most = wrongs.number(&input["max_length"], &at("max_length"), 1, 4000).unwrap_or(4000);
    wrongs.text(&input["placeholder"], &at("placeholder"), 0, 100);
    wrongs.text(&input["value"], &at("value"), 0, usize::try_from(most).unwrap_or_default());
    if least > most {
        wrongs.add(&at("min_length"), "TEXT_INPUT_MIN_LENGTH", "The least is more than the most");
    }
}

fn numbered(data: &Value) -> Value {
    let mut data = data.clone();
    if let Some(rows) = data["components"].as_array_mut() {
        messages::number(rows);
    }
    data
}
