//! The REST handlers for guilds, members, channels, threads and direct message channels.

use std::collections::BTreeMap;

use serde_json::Value;

use super::permissions::{CREATE_PUBLIC_THREADS, READ_MESSAGE_HISTORY, VIEW_CHANNEL, granted, may};
use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::serve::Call;
use super::sessions::{self, GUILDS, dispatch};
use super::shape;
use super::state::{Kind, State};

/// Returns the channel with this id if the bot can see it.
pub(super) fn find(state: &State, text: &str) -> Result<u64, Refusal> {
    let Ok(id) = text.parse::<u64>() else {
        let mut wrongs = Wrongs::default();
        wrongs.add("channel_id", "NUMBER_TYPE_COERCE", &format!("Value \"{text}\" is not snowflake."));
        wrongs.end()?;
        return Err(Refusal::unknown(10003, "Channel"));
    };
    if !state.channels.contains_key(&id) {
        return Err(Refusal::unknown(10003, "Channel"));
    }
    if !may(state, id, VIEW_CHANNEL) {
        return Err(Refusal::access());
    }
    Ok(id)
}

pub(super) fn user(state: &State, text: &str) -> Outcome {
    let id = text.parse().ok().filter(|id| state.users.contains_key(id)).ok_or(Refusal::unknown(10013, "User"))?;
    Reply::ok(shape::user(state, id))
}

pub(super) fn direct(state: &mut State, call: &Call) -> Outcome {
    let mut wrongs = Wrongs::default();
    let text = wrongs.wanted(&call.body["recipient_id"], "recipient_id", 1, 20);
    wrongs.end()?;
    let with = text.parse().ok().filter(|id| state.users.contains_key(id)).ok_or(Refusal::unknown(10013, "User"))?;
    if state.users[&with].bot {
        return Err(Refusal::new(400, 50007, "Cannot send messages to this user"));
    }
    let channel = state.direct(with);
    Reply::ok(shape::channel(state, channel))
}

pub(super) fn guild(state: &State, call: &Call, rest: &[&str]) -> Outcome {
    match rest {
        [] => {
            let mut shape = shape::guild(state);
            if call.asked("with_counts") == Some("true") {
                shape["approximate_member_count"] = state.members.len().into();
                shape["approximate_presence_count"] = state.members.len().into();
            }
            Reply::ok(shape)
        }
        ["roles"] => Reply::ok(state.roles.keys().map(|id| shape::role(state, *id)).collect()),
        ["members"] => {
            if state.gateway.given & sessions::GUILD_MEMBERS == 0 {
                return Err(Refusal::access());
            }
            let (most, after) = (call.most(1, 1000)?, call.asked_id("after").unwrap_or_default());
            let page = state.members.keys().filter(|id| **id > after).take(most);
            Reply::ok(page.filter_map(|id| shape::member(state, *id)).collect())
        }
        ["members", user] => {
            let known = user.parse().ok().filter(|id| state.users.contains_key(id));
            let id = known.ok_or(Refusal::unknown(10013, "User"))?;
            Reply::ok(shape::member(state, id).ok_or(Refusal::unknown(10007, "Member"))?)
        }
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

pub(super) fn thread(state: &mut State, call: &Call, channel: u64, message: &str) -> Outcome {
    let id = super::messages::find(state, channel, message)?;
    if state.channels[&channel].kind != Kind::Text {
        return Err(Refusal::new(400, 50024, "Cannot execute action on this channel type"));
    }
    if !may(state, channel, CREATE_PUBLIC_THREADS) {
        return Err(Refusal::permissions());
    }
    let mut wrongs = Wrongs::default();
    let name = wrongs.wanted(&call.body["name"], "name", 1, 100).to_owned();
    let minutes = &call.body["auto_archive_duration"];
    if !minutes.is_null() && !minutes.as_i64().is_some_and(|it| [60, 1440, 4320, 10080].contains(&it)) {
        wrongs.add("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.");
    }
    wrongs.end()?;
    if state.channels.contains_key(&id) {
        return Err(Refusal::new(400, 160_004, "A thread has already been created for this message"));
    }
    let owner = state.app;
    let members = BTreeMap::from([(owner, state.now_ms)]);
    state.open_as(id, Kind::Thread { parent: channel, owner, members }, &name);
    dispatch(state, GUILDS, "THREAD_CREATE", |state, _| {
        let mut shape = shape::channel(state, id);
        shape["newly_created"] = true.into();
        shape
    });
    Ok(Reply::Json(201, shape::channel(state, id)))
}

fn members_of(state: &State, channel: u64) -> Result<&BTreeMap<u64, i64>, Refusal> {
    match &state.channels[&channel].kind {
        Kind::Thread { members, .. } => Ok(members),
        Kind::Text | Kind::Direct { .. } => Err(Refusal::new(400, 50024, "Cannot execute action on this channel type")),
    }
}

fn thread_shape(state: &State, thread: u64, user: u64, joined_ms: i64, whole: bool) -> Value {
    let mut shape = shape::thread_member(thread, user, joined_ms);
    if whole {
        shape["member"] = shape::member(state, user).into();
    }
    shape
}

pub(super) fn thread_members(state: &State, call: &Call, channel: u64) -> Outcome {
    let (most, after) = (call.most(100, 100)?, call.asked_id("after").unwrap_or_default());
    let whole = call.asked("with_member") == Some("true");
    let page = members_of(state, channel)?.iter().filter(|(id, _)| !whole || **id > after).take(most);
    Reply::ok(page.map(|(id, joined)| thread_shape(state, channel, *id, *joined, whole)).collect())
}

pub(super) fn thread_member(state: &State, channel: u64, user: &str) -> Outcome {
    let members = members_of(state, channel)?;
    let found = user.parse().ok().and_then(|id| members.get_key_value(&id));
    let (id, joined) = found.ok_or(Refusal::unknown(10007, "Member"))?;
    Reply::ok(thread_shape(state, channel, *id, *joined, false))
}

/// Adds a member to a thread: the bot for `@me`, or a user who can see the channel.
pub(super) fn join_thread(state: &mut State, channel: u64, user: &str) -> Outcome {
    members_of(state, channel)?;
    let user = if user == "@me" { Some(state.app) } else { user.parse().ok() };
    let user = user.filter(|id| state.users.contains_key(id)).ok_or(Refusal::unknown(10013, "User"))?;
    if granted(state, user, channel) & (VIEW_CHANNEL | READ_MESSAGE_HISTORY) == 0 {
        return Err(Refusal::access());
    }
    let now_ms = state.now_ms;
    let new = match &mut state.channels.get_mut(&channel).unwrap().kind {
        Kind::Thread { members, .. } => members.insert(user, now_ms).is_none(),
        Kind::Text | Kind::Direct { .. } => false,
    };
    if new {
        dispatch(state, GUILDS, "THREAD_MEMBERS_UPDATE", |state, _| {
            serde_json::json!({
                "id": channel.to_string(), "guild_id": state.guild.to_string(),
                "member_count": members_of(state, channel).map_or(0, BTreeMap::len),
                "added_members": [shape::thread_member(channel, user, state.now_ms)], "removed_member_ids": [],
            })
        });
    }
    Ok(Reply::Nothing)
}
