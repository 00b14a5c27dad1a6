//! The methods `views.*`: modals, which are opened with a trigger id, and App Home tabs.

use serde_json::{Value, json};

use super::api::{Answer, Call, Refused};
use super::blocks::{self, Surface};
use super::state::World;

/// Lifetime of a trigger id, in microseconds.
const TRIGGER_US: i64 = 3_000_000;
/// Maximum number of stacked modals.
const STACK: usize = 3;

/// Consumes a trigger id and returns its user.
fn exchange(world: &mut World, call: &Call) -> Result<String, Refused> {
    let id = call.text("trigger_id").ok_or("invalid_trigger_id")?;
    let now = world.now_us;
    let trigger = world.triggers.get_mut(&id).ok_or("invalid_trigger_id")?;
    if now - trigger.made_us >= TRIGGER_US {
        return Err("expired_trigger_id".into());
    }
    if std::mem::replace(&mut trigger.used, true) {
        return Err("exchanged_trigger_id".into());
    }
    Ok(trigger.user.clone())
}

/// Validates a view and adds the fields that Slack sets. `id` is the id of the view that it replaces.
pub(super) fn read(world: &mut World, view: &Value, surface: Surface, id: Option<&str>) -> Result<Value, Refused> {
    let blocks = blocks::read_view(world, view, surface);
    let blocks = blocks.map_err(|wrong| Refused::because("invalid_arguments", &wrong))?;
    let external = view["external_id"].as_str().unwrap_or_default();
    let taken = |(known, it): (&String, &Value)| it["external_id"] == external && Some(known.as_str()) != id;
    if !external.is_empty() && world.views.iter().any(taken) {
        return Err("duplicate_external_id".into());
    }
    let id = id.map_or_else(|| world.id("V"), str::to_owned);
    world.next += 1;
    let hash = format!("{}.{:08x}", world.seconds(), world.next);
    let given = |name: &str, otherwise: Value| view.get(name).cloned().unwrap_or(otherwise);
    Ok(json!({
        "id": id, "team_id": world.team, "type": view["type"], "blocks": blocks, "hash": hash,
        "private_metadata": given("private_metadata", "".into()), "callback_id": given("callback_id", "".into()),
        "external_id": external, "title": given("title", Value::Null), "submit": given("submit", Value::Null),
        "close": given("close", Value::Null), "clear_on_close": given("clear_on_close", false.into()),
        "notify_on_close": given("notify_on_close", false.into()), "state": { "values": {} },
        "previous_view_id": null, "root_view_id": id, "app_id": world.app_id(), "bot_id": world.bot_id(),
        "app_installed_team_id": world.team,
    }))
}

fn asked(call: &Call) -> Value {
    call.json("view").unwrap_or(Value::Null)
}

pub(super) fn open(world: &mut World, call: &Call) -> Answer {
    let user = exchange(world, call)?;
    let view = read(world, &asked(call), Surface::Modal, None)?;
    world.stacks.insert(user.clone(), Vec::new());
    show(world, &user, view)
}

pub(super) fn push(world: &mut World, call: &Call) -> Answer {
    let user = exchange(world, call)?;
    on_top(world, &user, &asked(call))
}

/// Pushes a modal onto the user's stack.
pub(super) fn on_top(world: &mut World, user: &str, view: &Value) -> Answer {
    let stack = world.stacks.get(user).cloned().unwrap_or_default();
    let (Some(root), Some(below)) = (stack.first(), stack.last()) else { return Err("not_found".into()) };
    if stack.len() >= STACK {
        return Err("push_limit_reached".into());
    }
    let mut view = read(world, view, Surface::Modal, None)?;
    view["root_view_id"] = root.clone().into();
    view["previous_view_id"] = below.clone().into();
    show(world, user, view)
}

fn show(world: &mut World, user: &str, view: Value) -> Answer {
    let id = view["id"].as_str().unwrap_or_default().to_owned();
    world.views.insert(id.clone(), view.clone());
    world.stacks.entry(user.to_owned()).or_default().push(id);
    world.wrong.remove(user);
    Ok(json!({ "view": view }))
}

/// `views.update`: finds the view by `view_id` or `external_id`, and checks `hash` if it is given.
pub(super) fn update(world: &mut World, call: &Call) -> Answer {
    let external = call.text("external_id");
    let by_external = |it: &&Value| external.is_some() && it["external_id"].as_str() == external.as_deref();
    let asked_id = call.text("view_id").filter(|id| world.views.contains_key(id));
    let found = asked_id.map(|id| &world.views[&id]).or_else(|| world.views.values().find(by_external));
    let Some(old) = found.cloned() else { return Err("not_found".into()) };
    if call.text("hash").is_some_and(|hash| old["hash"] != hash) {
        return Err("hash_conflict".into());
    }
    replace(world, &old, &asked(call))
}

/// Replaces a view. Its state starts empty.
pub(super) fn replace(world: &mut World, old: &Value, new: &Value) -> Answer {
    let id = old["id"].as_str().unwrap_or_default();
    if new["type"] != old["type"] {
        return Err(Refused::because("invalid_arguments", &["the type of a view cannot change".to_owned()]));
    }
    let surface = if old["type"] == "home" { Surface::Home } else { Surface::Modal };
    let mut view = read(world, new, surface, Some(id))?;
    view["root_view_id"] = old["root_view_id"].clone();
    view["previous_view_id"] = old["previous_view_id"].clone();
    world.views.insert(id.to_owned(), view.clone());
    Ok(json!({ "view": view }))
}

pub(super) fn publish(world: &mut World, call: &Call) -> Answer {
    let user = call.need("user_id")?;
    if !world.users.contains_key(&user) {
        return Err(Refused::because("invalid_arguments", &["user_id is unknown".to_owned()]));
    }
    let old = world.homes.get(&user).cloned();
    if let (Some(hash), Some(old)) = (call.text("hash"), &old)
        && old["hash"] != hash
    {
        return Err("hash_conflict".into());
    }
    let id = old.as_ref().and_then(|old| old["id"].as_str());
    let view = read(world, &asked(call), Surface::Home, id)?;
    world.homes.insert(user, view.clone());
    Ok(json!({ "view": view }))
}
