//! Payloads of commands, interactions and events, as Slack sends them to the app.

use serde_json::{Value, json};

use super::state::{Channel, Kind, ResponseUrl, Trigger, World};

pub(super) fn event_ts(world: &World) -> String {
    format!("{}.{:06}", world.seconds(), world.next)
}

/// Creates a trigger id for a user.
pub(super) fn trigger(world: &mut World, user: &str) -> String {
    world.next += 1;
    let id = format!("{}.{}.{:032x}", world.next, 7_000_000 + world.next, world.next);
    let made_us = world.now_us;
    world.triggers.insert(id.clone(), Trigger { user: user.to_owned(), made_us, used: false });
    id
}

/// Creates a response URL. `origin` is the `ts` of the message that it can replace or delete.
pub(super) fn response_url(
    world: &mut World,
    channel: &str,
    user: &str,
    thread: Option<String>,
    origin: Option<String>,
) -> String {
    world.next += 1;
    let key = format!("{:024x}", world.next);
    let (made_us, channel, user) = (world.now_us, channel.to_owned(), user.to_owned());
    world.urls.insert(key.clone(), ResponseUrl { made_us, uses: 0, channel, user, thread, origin });
    format!("{}/actions/{key}", world.base)
}

fn team(world: &World) -> Value {
    if world.org_wide { Value::Null } else { json!({ "id": world.team, "domain": "example" }) }
}

fn enterprise(world: &World) -> Value {
    world.enterprise.as_ref().map_or(Value::Null, |id| json!({ "id": id, "name": "Example Enterprise" }))
}

/// Returns the fields that all interaction payloads share.
pub(super) fn interaction(world: &World, kind: &str, user: &str) -> Value {
    let person = &world.users[user];
    json!({ "type": kind, "token": "verification-token-of-old", "api_app_id": world.app_id(), "team": team(world),
        "enterprise": enterprise(world), "is_enterprise_install": world.org_wide, "action_ts": event_ts(world),
        "user": { "id": person.id, "username": person.name, "name": person.name, "team_id": person.team } })
}

/// Returns the name that Slack shows the app: the real one for public channels only.
fn called(channel: &Channel) -> &str {
    match channel.kind {
        Kind::Public => &channel.name,
        Kind::Private => "privategroup",
        Kind::Direct(_) => "directmessage",
    }
}

pub(super) fn room(channel: &Channel) -> Value {
    json!({ "id": channel.id, "name": called(channel) })
}

pub(super) fn command(world: &mut World, user: &str, channel: &str, command: &str, text: &str) -> Value {
    let trigger = trigger(world, user);
    let url = response_url(world, channel, user, None, None);
    let (person, room) = (&world.users[user], &world.channels[channel]);
    let mut payload = json!({ "token": "verification-token-of-old", "team_id": world.team, "team_domain": "example",
        "channel_id": room.id, "channel_name": called(room), "user_id": person.id, "user_name": person.name,
        "command": command, "text": text, "api_app_id": world.app_id(),
        "is_enterprise_install": world.org_wide.to_string(), "response_url": url, "trigger_id": trigger });
    if let Some(enterprise) = &world.enterprise {
        payload["enterprise_id"] = enterprise.clone().into();
        payload["enterprise_name"] = "Example Enterprise".into();
    }
    payload
}

/// Wraps an event in its `event_callback`.
pub(super) fn event(world: &mut World, mut event: Value, channel: Option<&str>) -> Value {
    let id = world.id("Ev");
    if event.get("event_ts").is_none() {
        event["event_ts"] = event_ts(world).into();
    }
    let shared = channel.is_some_and(|channel| world.channels[channel].shared);
    let team_id = if world.org_wide { Value::Null } else { world.team.clone().into() };
    json!({ "token": "verification-token-of-old", "team_id": world.team, "context_team_id": world.team,
        "context_enterprise_id": world.enterprise, "enterprise_id": world.enterprise, "api_app_id": world.app_id(),
        "event": event, "type": "event_callback", "event_id": id, "event_time": world.seconds(),
        "authorizations": [{ "enterprise_id": world.enterprise, "team_id": team_id, "user_id": world.bot,
            "is_bot": true, "is_enterprise_install": world.org_wide }],
        "is_ext_shared_channel": shared, "event_context": format!("4-{id}") })
}
