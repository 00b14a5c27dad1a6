//! Interactions: commands, button presses and modal submissions, checked as Discord's client checks them and
//! sent as `INTERACTION_CREATE`.

use serde_json::{Value, json};

use super::callbacks::LOADING;
use super::check::BUTTON;
use super::commands::{GROUP, INTEGER, MESSAGE, STRING, TYPED, kind};
use super::permissions::{USE_APPLICATION_COMMANDS, VIEW_CHANNEL, granted};
use super::sessions::{ALWAYS, dispatch};
use super::shape;
use super::state::{Ack, Act, Command, Interaction, State};

const BOOLEAN: i64 = 5;
const USER: i64 = 6;
const CHANNEL: i64 = 7;
const ROLE: i64 = 8;

pub(super) fn run(state: &mut State, user: u64, channel: u64, words: &str, given: &[(&str, Value)]) -> u64 {
    assert!(granted(state, user, channel) & USE_APPLICATION_COMMANDS > 0, "{user} may not run commands there");
    let mut words = words.split(' ');
    let (name, in_guild) = (words.next().unwrap(), state.guild_of(channel).is_some());
    let usable =
        |command: &&Command| command.name() == name && kind(&command.shape) == TYPED && (in_guild || !command.in_guild);
    let command = state.commands.iter().find(usable).unwrap_or_else(|| panic!("there is no command {name} there"));
    let (shape, own) = (command.shape.clone(), command.in_guild);
    assert!(shape["default_member_permissions"] != json!("0"), "{name} is for administrators only");
    // Walk from the command down to the subcommand; then nest the options the other way around, as
    // Discord's payload does.
    let (mut at, mut path) = (&shape, Vec::new());
    for word in words {
        at = inner(at, word).unwrap_or_else(|| panic!("{name} has no {word}"));
        path.push(at);
    }
    let needs_more = at["options"].as_array().into_iter().flatten().any(|it| it["type"].as_i64() <= Some(GROUP));
    assert!(!needs_more, "{name} cannot be run without saying which of its commands");
    let mut options = fill(at, given);
    let resolved = resolved(state, &options);
    for step in path.iter().rev() {
        options = vec![json!({ "name": step["name"], "type": step["type"], "options": options })];
    }
    let mut data = json!({ "id": shape["id"], "name": name, "type": 1, "options": options });
    if let Some(resolved) = resolved {
        data["resolved"] = resolved;
    }
    if own {
        data["guild_id"] = json!(state.guild.to_string());
    }
    open(state, Act::Command, (user, channel), data, None, None)
}

/// Runs a message command. The payload contains the full message, even without the intent `MESSAGE_CONTENT`.
pub(super) fn choose(state: &mut State, user: u64, message: u64, name: &str) -> u64 {
    let it = state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}"));
    let channel = it.channel;
    assert!(it.only_for.is_none(), "what one person sees alone has no such menu");
    assert!(granted(state, user, channel) & USE_APPLICATION_COMMANDS > 0, "{user} may not run commands there");
    let known = state.commands.iter().find(|command| kind(&command.shape) == MESSAGE && command.name() == name);
    let command = known.unwrap_or_else(|| panic!("there is no {name} in the menu of messages")).shape.clone();
    let (id, whole) = (message.to_string(), shape::message(state, it, true));
    let data = json!({
        "id": command["id"], "name": name, "type": MESSAGE, "target_id": id, "resolved": { "messages": { id: whole } },
    });
    open(state, Act::Command, (user, channel), data, None, None)
}

fn inner<'a>(at: &'a Value, name: &str) -> Option<&'a Value> {
    let options = at["options"].as_array()?.iter();
    options.filter(|it| it["type"].as_i64().is_some_and(|kind| kind <= GROUP)).find(|it| it["name"] == *name)
}

/// Returns the options in the given order. Panics if they do not fit the registered command, because Discord's
/// client checks that.
fn fill(at: &Value, given: &[(&str, Value)]) -> Vec<Value> {
    let known = at["options"].as_array().cloned().unwrap_or_default();
    for option in &known {
        let there = given.iter().any(|(name, _)| option["name"] == *name);
        assert!(there || option["required"] != json!(true), "the option {} is required", option["name"]);
    }
    let filled = given.iter().map(|(name, value)| {
        let option = known.iter().find(|it| it["name"] == *name).unwrap_or_else(|| panic!("there is no option {name}"));
        let kind = option["type"].as_i64().unwrap();
        let fits = match kind {
            STRING => {
                let length = value.as_str().map(|text| i64::try_from(text.chars().count()).unwrap());
                let (least, most) = (option["min_length"].as_i64(), option["max_length"].as_i64());
                length.is_some_and(|it| it >= least.unwrap_or(0) && it <= most.unwrap_or(6000))
            }
            INTEGER => value.is_i64(),
            BOOLEAN => value.is_boolean(),
            USER | CHANNEL | ROLE => value.as_str().is_some_and(|id| id.parse::<u64>().is_ok()),
            _ => panic!("this fake does not know options of the kind {kind}"),
        };
        let mut choices = option["choices"].as_array().into_iter().flatten().peekable();
        let chosen = choices.peek().is_none() || choices.any(|choice| choice["value"] == *value);
        assert!(fits && chosen, "{value} does not fit the option {option}");
        json!({ "name": name, "type": kind, "value": value })
    });
    filled.collect()
}

/// Returns the users, members, channels and roles that the options refer to.
fn resolved(state: &State, options: &[Value]) -> Option<Value> {
    let mut all = json!({});
    for option in options {
        let text = option["value"].as_str().unwrap_or_default();
        let id: u64 = text.parse().unwrap_or_default();
        match option["type"].as_i64() {
            Some(USER) => {
                all["users"][text] = shape::user(state, id);
                if let Some(mut member) = shape::member(state, id) {
                    member.as_object_mut().unwrap().remove("user");
                    member["permissions"] = json!("0");
                    all["members"][text] = member;
                }
            }
            Some(CHANNEL) => all["channels"][text] = shape::channel(state, id),
            Some(ROLE) => all["roles"][text] = shape::role(state, id),
            _ => {}
        }
    }
    all.as_object().is_some_and(|all| !all.is_empty()).then_some(all)
}

pub(super) fn press(state: &mut State, user: u64, message: u64, label: &str) -> u64 {
    let it = state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}"));
    let channel = it.channel;
    let seen = it.only_for.is_none_or(|only| only == user) && granted(state, user, channel) & VIEW_CHANNEL > 0;
    assert!(seen, "{user} does not see this message");
    let parts = it.components.iter().filter_map(|row| row["components"].as_array()).flatten();
    let button = parts.filter(|part| part["type"].as_i64() == Some(BUTTON)).find(|part| part["label"] == *label);
    let button = button.unwrap_or_else(|| panic!("there is no button {label} on {:?}", it.components));
    assert!(button["disabled"] != json!(true), "the button {label} is disabled");
    assert!(button["custom_id"].is_string(), "the button {label} is a link");
    let data = json!({ "id": button["id"], "custom_id": button["custom_id"], "component_type": BUTTON });
    open(state, Act::Press, (user, channel), data, Some(message), None)
}

pub(super) fn submit(state: &mut State, user: u64, texts: &[(&str, &str)]) -> u64 {
    let opened = last_modal(state, user).unwrap_or_else(|| panic!("no modal is open before {user}"));
    let (id, channel, source) = (opened.id, opened.channel, opened.source);
    let Some(Ack::Modal(modal)) = opened.ack.clone() else { unreachable!("it was asked for one") };
    let mut used = 0;
    let mut fill = |input: &Value| {
        let given = texts.iter().find(|(name, _)| input["custom_id"] == *name).map(|(_, text)| *text);
        used += usize::from(given.is_some());
        let text = given.or(input["value"].as_str()).unwrap_or_default();
        let length = i64::try_from(text.chars().count()).unwrap();
        let empty = length == 0 && input["required"] == json!(false);
        let least = input["min_length"].as_i64().unwrap_or(1).max(i64::from(input["required"] != json!(false)));
        let fits = empty || length >= least && length <= input["max_length"].as_i64().unwrap_or(4000);
        assert!(fits, "the text {text:?} does not fit {input}");
        json!({ "type": 4, "id": input["id"], "custom_id": input["custom_id"], "value": text })
    };
    let rows = modal["components"].as_array().unwrap().iter();
    let rows = rows.map(|row| match row.get("component") {
        Some(input) => json!({ "type": row["type"], "id": row["id"], "component": fill(input) }),
        None => json!({ "type": row["type"], "id": row["id"], "components": [fill(&row["components"][0])] }),
    });
    let rows: Vec<Value> = rows.collect();
    assert_eq!(used, texts.len(), "some of the inputs {texts:?} are not in {modal}");
    state.interactions.get_mut(&id).unwrap().closed = true;
    let data = json!({ "custom_id": modal["custom_id"], "components": rows });
    open(state, Act::Submit, (user, channel), data, source, Some(id))
}

/// Returns the interaction that opened the user's current modal.
pub(super) fn last_modal(state: &State, user: u64) -> Option<&Interaction> {
    let opened = |it: &&Interaction| it.user == user && !it.closed && matches!(it.ack, Some(Ack::Modal(_)));
    state.interactions.values().rev().find(opened)
}

/// Creates an interaction and sends it to all sessions. Returns its id.
fn open(
    state: &mut State,
    act: Act,
    (user, channel): (u64, u64),
    data: Value,
    source: Option<u64>,
    opened_by: Option<u64>,
) -> u64 {
    let id = state.id();
    let token = format!("token-of-{id}-{:016x}", id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let guild = state.guild_of(channel);
    let owners = guild.map_or_else(|| json!({ "0": "0" }), |guild| json!({ "0": guild.to_string() }));
    let mut told = json!({
        "id": id.to_string(), "application_id": state.app.to_string(), "type": act as u8, "token": token, "version": 1,
        "data": data, "channel_id": channel.to_string(), "channel": shape::channel(state, channel), "locale": "en-US",
        "app_permissions": granted(state, state.app, channel).to_string(), "entitlements": [],
        "authorizing_integration_owners": owners, "context": if guild.is_some() { 0 } else { 1 },
        "attachment_size_limit": 10_485_760,
    });
    match guild {
        Some(guild) => {
            told["guild_id"] = json!(guild.to_string());
            told["guild_locale"] = json!("en-US");
            told["guild"] = json!({ "id": guild.to_string(), "locale": "en-US", "features": [] });
            told["member"] = shape::member(state, user).unwrap_or_else(|| panic!("{user} has left"));
            told["member"]["permissions"] = json!(granted(state, user, channel).to_string());
        }
        None => told["user"] = shape::user(state, user),
    }
    if let Some(message) = source.and_then(|id| state.messages.get(&id)) {
        assert!(message.flags & LOADING == 0, "nothing can be done to a message that waits");
        told["message"] = shape::message(state, message, true);
    }
    let interaction = Interaction {
        id,
        token,
        act,
        user,
        channel,
        at_ms: state.now_ms,
        told: told.clone(),
        ack: None,
        source,
        opened_by,
        original: None,
        closed: false,
    };
    state.interactions.insert(id, interaction);
    dispatch(state, ALWAYS, "INTERACTION_CREATE", |_, _| told.clone());
    id
}
