//! The methods `conversations.*`.

use serde_json::{Value, json};

use super::api::{Answer, Call, Refused, page};
use super::state::{Channel, Kind, Message, World};

/// Returns the channel of a call. As in Slack, a private channel without the bot does not exist for it.
fn room<'a>(world: &'a World, call: &Call) -> Result<&'a Channel, Refused> {
    let id = call.text("channel").ok_or("channel_not_found")?;
    let found = world.channels.get(&id).ok_or("channel_not_found")?;
    let hidden = found.kind == Kind::Private && !found.members.contains(&world.bot);
    if hidden { Err("channel_not_found".into()) } else { Ok(found) }
}

pub(super) fn info(world: &mut World, call: &Call) -> Answer {
    let room = room(world, call)?;
    let member = room.members.contains(&world.bot);
    let mut json = json!({ "id": room.id, "created": 1_700_000_000, "is_archived": room.archived,
        "is_im": false, "is_mpim": false, "is_org_shared": false, "context_team_id": world.team });
    let more = match &room.kind {
        Kind::Direct(user) => json!({ "is_im": true, "user": user, "is_user_deleted": world.users[user].deleted }),
        Kind::Public | Kind::Private => json!({
            "name": room.name, "name_normalized": room.name, "is_channel": room.kind == Kind::Public,
            "is_group": false, "is_general": false, "is_private": room.kind == Kind::Private,
            "is_member": member, "is_shared": room.shared, "is_ext_shared": room.shared,
            "is_pending_ext_shared": false, "creator": world.bot,
            "topic": { "value": "", "creator": "", "last_set": 0 },
            "purpose": { "value": "", "creator": "", "last_set": 0 } }),
    };
    json.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    if call.flag("include_num_members") {
        json["num_members"] = room.members.len().into();
    }
    Ok(json!({ "channel": json }))
}

pub(super) fn members(world: &mut World, call: &Call) -> Answer {
    let members: Vec<String> = room(world, call)?.members.iter().cloned().collect();
    let (members, next) = page(call, members, 100)?;
    Ok(json!({ "members": members, "response_metadata": { "next_cursor": next } }))
}

pub(super) fn open(world: &mut World, call: &Call) -> Answer {
    let users = call.text("users").ok_or("users_list_not_supplied")?;
    let Some(user) = world.users.get(&users) else { return Err("user_not_found".into()) };
    if user.id == world.bot {
        return Err("cannot_dm_bot".into());
    }
    if user.deleted {
        return Err("user_disabled".into());
    }
    let known = world.channels.values().any(|room| room.kind == Kind::Direct(users.clone()));
    let id = world.direct(&users);
    let mut answer = json!({ "channel": { "id": id } });
    if call.flag("return_im") {
        answer["channel"] = json!({ "id": id, "is_im": true, "user": users, "is_open": true });
    }
    if known {
        answer["no_op"] = true.into();
        answer["already_open"] = true.into();
    }
    Ok(answer)
}

/// Returns the channel of a call if the bot is a member of it.
fn inside<'a>(world: &'a World, call: &Call) -> Result<&'a Channel, Refused> {
    let room = room(world, call)?;
    if room.members.contains(&world.bot) { Ok(room) } else { Err("not_in_channel".into()) }
}

/// Returns `true` if a message is between `oldest` and `latest`, which are exclusive unless `inclusive` is set.
fn within(call: &Call, message: &Message) -> bool {
    let inclusive = call.flag("inclusive");
    let after = call.text("oldest").is_none_or(|oldest| oldest < message.ts || (inclusive && oldest == message.ts));
    after && call.text("latest").is_none_or(|latest| message.ts < latest || (inclusive && latest == message.ts))
}

fn listed(world: &World, call: &Call, room: &Channel, messages: Vec<&Message>) -> Answer {
    let metadata = call.flag("include_all_metadata");
    let (messages, next) = page(call, messages, 100)?;
    let shown: Vec<Value> = messages.into_iter().map(|it| world.message_json(room, it, metadata)).collect();
    Ok(json!({ "messages": shown, "has_more": !next.is_empty(), "response_metadata": { "next_cursor": next } }))
}

/// `conversations.history`: the messages of a channel, newest first, without thread replies that were not broadcast.
pub(super) fn history(world: &mut World, call: &Call) -> Answer {
    let room = inside(world, call)?;
    let shown = |it: &&Message| it.only_for.is_none() && (it.thread.is_none() || it.broadcast) && within(call, it);
    listed(world, call, room, room.messages.iter().rev().filter(shown).collect())
}

/// `conversations.replies`: a thread with its root, oldest first.
pub(super) fn replies(world: &mut World, call: &Call) -> Answer {
    let room = inside(world, call)?;
    let ts = call.text("ts").ok_or("thread_not_found")?;
    if !room.messages.iter().any(|it| it.ts == ts && it.only_for.is_none()) {
        return Err("thread_not_found".into());
    }
    let shown =
        |it: &&Message| it.only_for.is_none() && (it.ts == ts || (it.thread.as_ref() == Some(&ts) && within(call, it)));
    listed(world, call, room, room.messages.iter().filter(shown).collect())
}
