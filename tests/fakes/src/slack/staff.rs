//! The methods `auth.test`, `users.*`, `usergroups.*` and `bots.*`.

use serde_json::{Value, json};

use super::api::{Answer, Call, page};
use super::state::{Standing, User, World};

pub(super) fn auth_test(world: &mut World, _: &Call) -> Answer {
    Ok(json!({ "url": format!("{}/", world.base), "team": "Example", "user": world.users[&world.bot].name,
        "team_id": world.team, "user_id": world.bot, "bot_id": world.bot_id(), "enterprise_id": world.enterprise,
        "is_enterprise_install": world.org_wide }))
}

pub(super) fn bots_info(world: &mut World, call: &Call) -> Answer {
    if call.text("bot").is_some_and(|asked| asked != world.bot_id()) {
        return Err("bot_not_found".into());
    }
    Ok(json!({ "bot": { "id": world.bot_id(), "deleted": false, "name": world.users[&world.bot].name, "updated": 0,
        "app_id": world.app_id(), "user_id": world.bot, "icons": {} } }))
}

pub(super) fn user_json(world: &World, user: &User) -> Value {
    let guest = matches!(user.standing, Standing::Guest | Standing::SingleChannelGuest);
    let mut json = json!({ "id": user.id, "team_id": user.team, "name": user.name, "real_name": user.name,
        "deleted": user.deleted, "is_bot": user.standing == Standing::Bot, "is_app_user": false, "updated": 0,
        "profile": { "display_name": user.name, "real_name": user.name, "team": user.team } });
    if !user.deleted {
        json["tz"] = "Etc/UTC".into();
        json["tz_offset"] = 0.into();
        json["is_admin"] = (user.standing == Standing::Admin).into();
        json["is_owner"] = false.into();
        json["is_primary_owner"] = false.into();
        json["is_restricted"] = guest.into();
        json["is_ultra_restricted"] = (user.standing == Standing::SingleChannelGuest).into();
    }
    if user.standing == Standing::Stranger {
        json["is_stranger"] = true.into();
    }
    if let Some(enterprise) = &world.enterprise {
        json["enterprise_user"] = json!({ "id": user.id, "enterprise_id": enterprise, "teams": [user.team] });
    }
    if world.scopes.contains("users:read.email") && user.standing != Standing::Bot && user.team == world.team {
        json["profile"]["email"] = user.email.clone().into();
    }
    json
}

pub(super) fn user_info(world: &mut World, call: &Call) -> Answer {
    let user = call.text("user").and_then(|id| world.users.get(&id)).ok_or("user_not_found")?;
    Ok(json!({ "user": user_json(world, user) }))
}

pub(super) fn users(world: &mut World, call: &Call) -> Answer {
    let ours: Vec<&User> = world.users.values().filter(|user| user.team == world.team).collect();
    let (ours, next) = page(call, ours, 1000)?;
    let members: Vec<Value> = ours.into_iter().map(|user| user_json(world, user)).collect();
    Ok(json!({ "members": members, "cache_ts": world.seconds(), "response_metadata": { "next_cursor": next } }))
}

pub(super) fn groups(world: &mut World, call: &Call) -> Answer {
    let (disabled, users) = (call.flag("include_disabled"), call.flag("include_users"));
    let shown = world.groups.iter().filter(|group| disabled || !group.disabled).map(|group| {
        let mut json = json!({ "id": group.id, "team_id": world.team, "is_usergroup": true, "name": group.handle,
            "handle": group.handle, "description": "", "is_external": false,
            "date_delete": if group.disabled { 1_700_000_000 } else { 0 }, "user_count": group.members.len() });
        if users {
            json["users"] = group.members.clone().into();
        }
        json
    });
    Ok(json!({ "usergroups": shown.collect::<Vec<_>>() }))
}

pub(super) fn group_users(world: &mut World, call: &Call) -> Answer {
    let asked = call.need("usergroup")?;
    let disabled = call.flag("include_disabled");
    let group = world.groups.iter().find(|group| group.id == asked).ok_or("no_such_subteam")?;
    let users = if group.disabled && !disabled { Vec::new() } else { group.members.clone() };
    Ok(json!({ "users": users }))
}
