//! The routing table of the REST API.

use serde_json::json;

use super::reply::{Outcome, Refusal, Reply};
use super::serve::{Call, gateway};
use super::state::State;
use super::{callbacks, commands, followups, messages, places, reactions, shape};

pub(super) fn route(state: &mut State, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["gateway"]) => gateway(state, false),
        ("GET", ["gateway", "bot"]) => gateway(state, true),
        ("GET", ["users", "@me"]) => Reply::ok(shape::own_user(state)),
        ("POST", ["users", "@me", "channels"]) => places::direct(state, call),
        ("GET", ["users", user]) => places::user(state, user),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => Reply::ok(application(state)),
        ("GET" | "PUT", ["applications", app, "commands"]) => commands::answer(state, call, app, None),
        ("GET" | "PUT", ["applications", app, "guilds", guild, "commands"]) => {
            commands::answer(state, call, app, Some(guild))
        }
        (_, ["channels", channel, rest @ ..]) => {
            let channel = places::find(state, channel)?;
            in_channel(state, call, channel, rest)
        }
        ("GET", ["guilds", guild, rest @ ..]) => {
            if guild.parse() != Ok(state.guild) {
                return Err(Refusal::unknown(10004, "Guild"));
            }
            places::guild(state, call, rest)
        }
        ("POST", ["interactions", id, token, "callback"]) => callbacks::answer(state, call, id, token),
        ("POST", ["webhooks", app, token]) => followups::create(state, call, app, token),
        (_, ["webhooks", app, token, "messages", message]) => followups::message(state, call, app, token, message),
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

fn in_channel(state: &mut State, call: &Call, channel: u64, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(shape::channel(state, channel)),
        ("GET", ["messages"]) => messages::list(state, call, channel),
        ("POST", ["messages"]) => messages::create(state, call, channel),
        ("GET", ["messages", message]) => messages::get(state, channel, message),
        ("PATCH", ["messages", message]) => messages::edit(state, call, channel, message),
        ("POST", ["messages", message, "threads"]) => places::thread(state, call, channel, message),
        ("GET", ["messages", message, "reactions", emoji]) => reactions::list(state, call, channel, message, emoji),
        ("PUT", ["messages", message, "reactions", emoji, "@me"]) => reactions::put(state, channel, message, emoji),
        ("GET", ["thread-members"]) => places::thread_members(state, call, channel),
        ("GET", ["thread-members", user]) => places::thread_member(state, channel, user),
        ("PUT", ["thread-members", user]) => places::join_thread(state, channel, user),
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

fn application(state: &State) -> serde_json::Value {
    let owner = state.users.iter().find(|(_, user)| !user.bot).map_or(state.app, |(id, _)| *id);
    json!({
        "id": state.app.to_string(), "name": "hotfix", "icon": null, "description": "", "type": null, "flags": 0,
        "flags_new": "0", "bot": shape::user(state, state.app), "verify_key": "0".repeat(64), "redirect_uris": [],
        "interactions_endpoint_url": null, "role_connections_verification_url": null, "owner": shape::user(state, owner),
        "approximate_guild_count": 1, "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0, "team": null, "eligible_oauth2_scopes": [], "bot_public": false,
        "bot_require_code_grant": false,
    })
}
