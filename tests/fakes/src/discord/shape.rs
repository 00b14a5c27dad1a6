//! JSON of users, members, roles, guilds, channels and messages, in Discord's format.

use serde_json::{Value, json};

use super::state::{Act, Channel, Interaction, Kind, Message, State};

/// Formats a time as Discord does.
pub(super) fn at(ms: i64) -> String {
    let text = jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
    format!("{text}+00:00")
}

pub(super) fn user(state: &State, id: u64) -> Value {
    let who = &state.users[&id];
    let mut shape = json!({
        "id": id.to_string(), "username": who.name, "discriminator": "0", "global_name": who.name, "avatar": null,
        "public_flags": 0, "flags": 0, "primary_guild": null, "banner": null, "accent_color": null,
        "avatar_decoration_data": null, "collectibles": null,
    });
    if who.bot {
        shape["bot"] = json!(true);
        shape["global_name"] = Value::Null;
    }
    shape
}

pub(super) fn own_user(state: &State) -> Value {
    let mut shape = user(state, state.app);
    for (name, value) in
        [("mfa_enabled", json!(true)), ("locale", json!("en-US")), ("verified", json!(true)), ("email", Value::Null)]
    {
        shape[name] = value;
    }
    shape
}

/// Returns a member without the `user` field, as Discord includes it in messages.
fn bare_member(state: &State, id: u64) -> Option<Value> {
    let member = state.members.get(&id)?;
    Some(json!({
        "avatar": null, "banner": null, "communication_disabled_until": null, "flags": 0, "joined_at": at(member.joined_ms),
        "nick": member.nick, "pending": member.pending, "premium_since": null, "mute": false, "deaf": false,
        "roles": member.roles.iter().map(u64::to_string).collect::<Vec<_>>(),
    }))
}

pub(super) fn member(state: &State, id: u64) -> Option<Value> {
    let mut shape = bare_member(state, id)?;
    shape["user"] = user(state, id);
    Some(shape)
}

pub(super) fn role(state: &State, id: u64) -> Value {
    let role = &state.roles[&id];
    let mut shape = json!({
        "id": id.to_string(), "name": role.name, "permissions": role.permissions.to_string(),
        "position": state.roles.keys().position(|known| *known == id), "color": 0, "hoist": false,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "managed": role.of.is_some(), "mentionable": role.mentionable, "icon": null, "unicode_emoji": null, "flags": 0,
    });
    if let Some(bot) = role.of {
        shape["tags"] = json!({ "bot_id": bot.to_string() });
    }
    shape
}

pub(super) fn guild(state: &State) -> Value {
    let owner = state.users.iter().find(|(_, user)| !user.bot).map_or(state.app, |(id, _)| *id);
    json!({
        "id": state.guild.to_string(), "name": "Team", "owner_id": owner.to_string(), "icon": null, "description": null,
        "home_header": null, "splash": null, "discovery_splash": null, "features": [], "banner": null,
        "application_id": null, "region": "us-west", "afk_channel_id": null, "afk_timeout": 300, "system_channel_id": null,
        "system_channel_flags": 0, "widget_enabled": false, "widget_channel_id": null, "verification_level": 1,
        "roles": state.roles.keys().map(|id| role(state, *id)).collect::<Vec<_>>(),
        "default_message_notifications": 1, "mfa_level": 1, "explicit_content_filter": 2, "max_presences": null,
        "max_members": 500_000, "max_stage_video_channel_users": 50, "max_video_channel_users": 25,
        "vanity_url_code": null, "premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US",
        "rules_channel_id": null, "safety_alerts_channel_id": null, "public_updates_channel_id": null,
        "premium_progress_bar_enabled": false, "premium_progress_bar_enabled_user_updated_at": null, "nsfw": false,
        "nsfw_level": 0, "emojis": [], "stickers": [], "incidents_data": null,
    })
}

/// Returns the guild as in `GUILD_CREATE`: with channels, threads and members. Without `everybody`, the bot is
/// the only member.
pub(super) fn guild_create(state: &State, everybody: bool) -> Value {
    let mut shape = guild(state);
    let pick = |threads: bool| -> Vec<Value> {
        let kind = |channel: &Channel| match channel.kind {
            Kind::Text => !threads,
            Kind::Thread { .. } => threads,
            Kind::Direct { .. } => false,
        };
        state.channels.iter().filter(|(_, it)| kind(it)).map(|(id, _)| channel(state, *id)).collect()
    };
    let shown = state.members.keys().filter(|id| everybody || **id == state.app);
    let more = json!({
        "joined_at": at(state.members[&state.app].joined_ms), "large": false, "unavailable": false,
        "member_count": state.members.len(), "voice_states": [], "presences": [], "stage_instances": [],
        "guild_scheduled_events": [], "soundboard_sounds": [], "channels": pick(false), "threads": pick(true),
        "members": shown.filter_map(|id| member(state, *id)).collect::<Vec<_>>(),
    });
    shape.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shape
}

pub(super) fn channel(state: &State, id: u64) -> Value {
    let it = &state.channels[&id];
    let mut shape = json!({ "id": id.to_string(), "flags": 0, "last_message_id": it.last.map(|id| id.to_string()) });
    let more = match &it.kind {
        Kind::Direct { with } => json!({ "type": 1, "recipients": [user(state, *with)] }),
        Kind::Text => json!({
            "type": 0, "guild_id": state.guild.to_string(), "name": it.name, "parent_id": null, "rate_limit_per_user": 0,
            "topic": null, "position": 0, "nsfw": false, "last_pin_timestamp": null,
            "permission_overwrites": it.denied.iter().map(|(who, bits)| json!({
                "id": who.to_string(), "type": 1, "allow": "0", "deny": bits.to_string(),
            })).collect::<Vec<_>>(),
        }),
        Kind::Thread { parent, owner, members } => json!({
            "type": 11, "guild_id": state.guild.to_string(), "name": it.name, "parent_id": parent.to_string(),
            "owner_id": owner.to_string(), "rate_limit_per_user": 0, "last_pin_timestamp": null, "bitrate": 64000,
            "user_limit": 0, "rtc_region": null, "member_count": members.len(), "message_count": it.sent,
            "total_message_sent": it.sent,
            "thread_metadata": {
                "archived": false, "archive_timestamp": at(state.now_ms), "auto_archive_duration": 1440, "locked": false,
                "create_timestamp": at(state.now_ms),
            },
        }),
    };
    shape.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shape
}

pub(super) fn thread_member(thread: u64, user: u64, joined_ms: i64) -> Value {
    json!({ "id": thread.to_string(), "user_id": user.to_string(), "join_timestamp": at(joined_ms), "flags": 0 })
}

/// Returns a message as the bot receives it. Without `reads`, other users' messages have no content unless they mention
/// the bot or are direct messages.
pub(super) fn message(state: &State, it: &Message, reads: bool) -> Value {
    let named = |mark: &str| it.content.contains(mark);
    let users: Vec<u64> =
        state.users.keys().copied().filter(|id| named(&format!("<@{id}>")) || named(&format!("<@!{id}>"))).collect();
    let roles: Vec<String> = state.roles.keys().filter(|id| named(&format!("<@&{id}>"))).map(u64::to_string).collect();
    let own = it.author == state.app || users.contains(&state.app) || state.guild_of(it.channel).is_none();
    let shown = reads || own;
    let answered = it.answers.map(|id| &state.interactions[&id]);
    let kind = match answered {
        Some(answered) if answered.act == Act::Command => 20,
        _ if it.replies_to.is_some() => 19,
        _ => 0,
    };
    let mut shape = json!({
        "id": it.id.to_string(), "channel_id": it.channel.to_string(), "type": kind, "author": user(state, it.author),
        "content": if shown { it.content.as_str() } else { "" },
        "embeds": if shown { it.embeds.clone() } else { vec![] },
        "components": if shown { it.components.clone() } else { vec![] },
        "mentions": users.iter().map(|id| user(state, *id)).collect::<Vec<_>>(), "mention_roles": roles,
        "mention_everyone": false, "attachments": [], "timestamp": at(it.at_ms),
        "edited_timestamp": it.edited_ms.map(at), "flags": it.flags, "pinned": false, "tts": false,
    });
    if !it.reactions.is_empty() {
        shape["reactions"] = it.reactions.iter().map(|reaction| json!({
            "emoji": emoji(&reaction.emoji), "count": reaction.users.len(), "me": reaction.users.contains(&state.app),
            "me_burst": false, "burst_colors": [], "count_details": { "burst": 0, "normal": reaction.users.len() },
        })).collect();
    }
    if let Some(nonce) = &it.nonce {
        shape["nonce"] = nonce.clone();
    }
    if state.channels.contains_key(&it.id) {
        shape["thread"] = channel(state, it.id);
        shape["flags"] = json!(it.flags | 1 << 5);
    }
    if let Some(to) = it.replies_to {
        shape["message_reference"] = json!({
            "type": 0, "channel_id": it.channel.to_string(), "message_id": to.to_string(), "guild_id": state.guild.to_string(),
        });
    }
    if let Some(answered) = answered {
        shape["application_id"] = json!(state.app.to_string());
        shape["webhook_id"] = json!(state.app.to_string());
        shape["interaction_metadata"] = metadata(state, answered);
    }
    shape
}

fn metadata(state: &State, it: &Interaction) -> Value {
    let mut shape = json!({
        "id": it.id.to_string(), "type": it.act as u8, "user": user(state, it.user),
        "authorizing_integration_owners": { "0": state.guild.to_string() },
    });
    match it.act {
        Act::Command => {}
        Act::Press => shape["interacted_message_id"] = json!(it.source.map(|id| id.to_string())),
        Act::Submit => {
            let opened = it.opened_by.map(|id| metadata(state, &state.interactions[&id]));
            shape["triggering_interaction_metadata"] = json!(opened);
        }
    }
    shape
}

pub(super) fn emoji(name: &str) -> Value {
    json!({ "id": null, "name": name })
}

/// Returns a message as events contain it: with the guild and the member.
pub(super) fn told(state: &State, it: &Message, reads: bool) -> Value {
    let mut shape = message(state, it, reads);
    if let Some(guild) = state.guild_of(it.channel) {
        shape["guild_id"] = json!(guild.to_string());
        shape["member"] = json!(bare_member(state, it.author));
    }
    shape
}
