//! The REST handlers for messages, and the notifications that messages cause.

use serde_json::{Value, json};

use super::check;
use super::permissions::{EMBED_LINKS, READ_MESSAGE_HISTORY, may, to_send};
use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::serve::Call;
use super::sessions::{DIRECT_MESSAGES, GUILD_MESSAGES, MESSAGE_CONTENT, dispatch};
use super::shape;
use super::state::{Kind, Message, State};

/// Time during which a nonce is unique, in milliseconds.
const NONCE_MS: i64 = 300_000;

pub(super) fn find(state: &State, channel: u64, text: &str) -> Result<u64, Refusal> {
    if !may(state, channel, READ_MESSAGE_HISTORY) {
        return Err(Refusal::permissions());
    }
    let id = text.parse().ok().filter(|id| {
        state.messages.get(id).is_some_and(|message| message.channel == channel && message.only_for.is_none())
    });
    id.ok_or(Refusal::unknown(10008, "Message"))
}

/// Returns a message as REST shows it to the bot.
pub(super) fn shown(state: &State, id: u64) -> Value {
    shape::message(state, &state.messages[&id], state.gateway.given & MESSAGE_CONTENT > 0)
}

pub(super) fn get(state: &State, channel: u64, message: &str) -> Outcome {
    Reply::ok(shown(state, find(state, channel, message)?))
}

/// Lists messages of a channel, newest first, with `around`, `after`, `before` and `limit`.
pub(super) fn list(state: &State, call: &Call, channel: u64) -> Outcome {
    let most = call.most(50, 100)?;
    if !may(state, channel, READ_MESSAGE_HISTORY) {
        return Reply::ok(json!([]));
    }
    let all = || state.messages_in(channel).map(|message| message.id);
    let mut page: Vec<u64> = if let Some(around) = call.asked_id("around") {
        let mut page: Vec<u64> = all().rev().filter(|id| *id < around).take(most / 2).collect();
        page.extend(all().filter(|id| *id >= around).take(most - most / 2));
        page
    } else if let Some(after) = call.asked_id("after") {
        all().filter(|id| *id > after).take(most).collect()
    } else {
        let before = call.asked_id("before").unwrap_or(u64::MAX);
        all().rev().filter(|id| *id < before).take(most).collect()
    };
    page.sort_unstable_by(|a, b| b.cmp(a));
    Reply::ok(page.into_iter().map(|id| shown(state, id)).collect())
}

pub(super) fn create(state: &mut State, call: &Call, channel: u64) -> Outcome {
    let body = &call.body;
    if !may(state, channel, to_send(state, channel)) {
        return Err(Refusal::permissions());
    }
    let mut wrongs = Wrongs::default();
    check::message(&mut wrongs, body, "");
    if body["flags"].as_u64().is_some_and(|flags| flags & check::EPHEMERAL > 0) {
        wrongs.add("flags", "MESSAGE_FLAGS_INVALID", "Only an answer to an interaction can be ephemeral");
    }
    let nonce = body["nonce"].as_str().map(str::to_owned).or_else(|| body["nonce"].as_i64().map(|it| it.to_string()));
    let nonce = json!(nonce);
    wrongs.text(&nonce, "nonce", 0, 25);
    let reply = &body["message_reference"];
    let to = reply["message_id"].as_str().and_then(|id| find(state, channel, id).ok());
    if to.is_none() && !reply.is_null() && reply["fail_if_not_exists"] != json!(false) {
        wrongs.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    }
    wrongs.end()?;
    if is_empty(body) {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    if body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty()) && !may(state, channel, EMBED_LINKS) {
        return Err(Refusal::permissions());
    }
    if let Kind::Direct { with } = state.channels[&channel].kind
        && (state.users[&with].closed || !state.members.contains_key(&with))
    {
        return Err(Refusal::new(403, 50007, "Cannot send messages to this user"));
    }
    if body["enforce_nonce"] == json!(true) {
        let same = |it: &&Message| {
            let written = it.nonce.as_ref().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            written.is_some() && written.as_deref() == nonce.as_str() && state.now_ms - it.at_ms < NONCE_MS
        };
        if let Some(earlier) = state.messages_in(channel).filter(|it| it.author == state.app).find(same) {
            return Reply::ok(shown(state, earlier.id));
        }
    }
    let id = write(state, channel, state.app, |message| {
        fill(message, body);
        message.nonce = Some(body["nonce"].clone()).filter(|nonce| !nonce.is_null());
        message.replies_to = to;
    });
    rings(state, id, body, false);
    Reply::ok(shown(state, id))
}

pub(super) fn edit(state: &mut State, call: &Call, channel: u64, message: &str) -> Outcome {
    let id = find(state, channel, message)?;
    if state.messages[&id].author != state.app {
        return Err(Refusal::new(403, 50005, "Cannot edit a message authored by another user"));
    }
    let mut wrongs = Wrongs::default();
    check::message(&mut wrongs, &call.body, "");
    wrongs.end()?;
    change(state, id, &call.body)?;
    Reply::ok(shown(state, id))
}

/// Returns `true` if a message with this body would have no content, embeds or components.
pub(super) fn is_empty(body: &Value) -> bool {
    let none = |name: &str| body[name].as_array().is_none_or(Vec::is_empty);
    body["content"].as_str().is_none_or(|text| text.trim().is_empty()) && none("embeds") && none("components")
}

/// Edits a message of the bot. Fields that the body does not contain are unchanged.
pub(super) fn change(state: &mut State, id: u64, body: &Value) -> Result<(), Refusal> {
    let now_ms = state.now_ms;
    let message = state.messages.get_mut(&id).unwrap();
    let mut after = message.clone();
    fill(&mut after, body);
    if after.content.is_empty() && after.embeds.is_empty() && after.components.is_empty() {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    after.edited_ms = Some(now_ms);
    *message = after;
    rings(state, id, body, true);
    tell(state, id, "MESSAGE_UPDATE");
    Ok(())
}

/// Sets the fields that the body contains.
pub(super) fn fill(message: &mut Message, body: &Value) {
    if let Some(content) = body.get("content") {
        content.as_str().unwrap_or_default().clone_into(&mut message.content);
    }
    let list = |name: &str| body.get(name).map(|list| list.as_array().cloned().unwrap_or_default());
    if let Some(mut embeds) = list("embeds") {
        for embed in &mut embeds {
            embed["type"] = json!("rich");
            for field in embed["fields"].as_array_mut().into_iter().flatten() {
                field["inline"] = json!(field["inline"].as_bool().unwrap_or_default());
            }
            if let Some(fields) = embed.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
        }
        message.embeds = embeds;
    }
    if let Some(mut components) = list("components") {
        number(&mut components);
        message.components = components;
    }
    if let Some(flags) = body["flags"].as_u64() {
        message.flags = flags;
    }
}

/// Assigns component ids, which are unique in a message.
pub(super) fn number(rows: &mut [Value]) {
    let mut next = 0;
    let mut count = |component: &mut Value| {
        next += 1;
        component["id"] = json!(next);
        if let Some(fields) = component.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
    };
    for row in rows {
        count(row);
        row["components"].as_array_mut().into_iter().flatten().for_each(&mut count);
    }
}

/// Writes a message and sends `MESSAGE_CREATE`. Returns its id.
pub(super) fn write(state: &mut State, channel: u64, author: u64, fill: impl FnOnce(&mut Message)) -> u64 {
    let id = state.id();
    let mut message = Message {
        id,
        channel,
        author,
        content: String::new(),
        embeds: Vec::new(),
        components: Vec::new(),
        flags: 0,
        nonce: None,
        at_ms: state.now_ms,
        edited_ms: None,
        reactions: Vec::new(),
        only_for: None,
        answers: None,
        replies_to: None,
    };
    fill(&mut message);
    if message.only_for.is_none() {
        let place = state.channels.get_mut(&channel).unwrap();
        place.last = Some(id);
        place.sent += 1;
    }
    state.messages.insert(id, message);
    tell(state, id, "MESSAGE_CREATE");
    id
}

fn tell(state: &mut State, id: u64, event: &str) {
    let (channel, ephemeral) = (state.messages[&id].channel, state.messages[&id].only_for.is_some());
    let intent = if state.guild_of(channel).is_some() { GUILD_MESSAGES } else { DIRECT_MESSAGES };
    if !ephemeral {
        dispatch(state, intent, event, |state, reads| shape::told(state, &state.messages[&id], reads));
    }
}

/// Records the notifications that a message of the bot causes: all mentions that `allowed_mentions` does not suppress.
/// Ignores that the bot lacks the permission to mention everyone, because an administrator may have granted it.
pub(super) fn rings(state: &mut State, id: u64, body: &Value, edited: bool) {
    let allowed = &body["allowed_mentions"];
    if allowed["parse"] != json!([]) {
        state.unguarded.push(id);
    }
    let text = state.messages[&id].content.clone();
    let lists = |name: &str, word: &str| {
        allowed[name].as_array().is_some_and(|list| list.iter().any(|it| it.as_str() == Some(word)))
    };
    let all = allowed.is_null();
    let mut rung = Vec::new();
    for who in state.users.keys() {
        let named = text.contains(&format!("<@{who}>")) || text.contains(&format!("<@!{who}>"));
        if named && (all || lists("parse", "users") || lists("users", &who.to_string())) {
            rung.push(format!("<@{who}>"));
        }
    }
    for role in state.roles.keys() {
        let named = text.contains(&format!("<@&{role}>"));
        if named && (all || lists("parse", "roles") || lists("roles", &role.to_string())) {
            rung.push(format!("<@&{role}>"));
        }
    }
    let everybody = ["@everyone", "@here"].into_iter().filter(|word| text.contains(word));
    rung.extend(everybody.filter(|_| all || lists("parse", "everyone")).map(str::to_owned));
    // Edits notify nobody.
    if !edited {
        state.pings.extend(rung.into_iter().map(|who| (id, who)));
    }
}
