//! Registration of application commands, with Discord's rules for names, options and sizes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::serve::Call;
use super::state::{Command, State};

/// Command types: slash command, and message command (context menu).
pub(super) const TYPED: i64 = 1;
pub(super) const MESSAGE: i64 = 3;
/// Option types. A subcommand group contains subcommands only.
pub(super) const SUBCOMMAND: i64 = 1;
pub(super) const GROUP: i64 = 2;
pub(super) const STRING: i64 = 3;
pub(super) const INTEGER: i64 = 4;
const NUMBER: i64 = 10;
const ATTACHMENT: i64 = 11;
/// Maximum number of characters in all names, descriptions and values of a command.
const WHOLE: usize = 8000;

pub(super) fn answer(state: &mut State, call: &Call, app: &str, guild: Option<&str>) -> Outcome {
    if app.parse() != Ok(state.app) {
        return Err(Refusal::new(403, 20012, "You are not authorized to perform this action on this application"));
    }
    if guild.is_some_and(|guild| guild.parse() != Ok(state.guild)) {
        return Err(Refusal::access());
    }
    if call.method == "PUT" {
        overwrite(state, &call.body, guild.is_some())?;
    }
    let listed = state.commands.iter().filter(|command| command.in_guild == guild.is_some());
    Reply::ok(listed.map(|command| command.shape.clone()).collect())
}

/// Replaces all commands of the guild, or all global ones. A command that keeps its name and type keeps its id.
fn overwrite(state: &mut State, body: &Value, in_guild: bool) -> Result<(), Refusal> {
    let mut wrongs = Wrongs::default();
    if !body.is_array() {
        return Err(Refusal::new(400, 50035, "Invalid Form Body"));
    }
    let mut names = BTreeSet::new();
    for (number, command) in wrongs.list(body, "_", 0, 100).iter().enumerate() {
        check(&mut wrongs, command, &number.to_string());
        if !names.insert((kind(command), command["name"].as_str().unwrap_or_default())) {
            let words = "Application command names must be unique";
            wrongs.add(&number.to_string(), "APPLICATION_COMMANDS_DUPLICATE_NAME", words);
        }
    }
    wrongs.end()?;
    let mut fresh = Vec::new();
    for command in body.as_array().into_iter().flatten() {
        let same = |had: &&Command| {
            had.in_guild == in_guild && command["name"] == had.shape["name"] && kind(command) == kind(&had.shape)
        };
        let had = state.commands.iter().find(same).map(|had| had.shape["id"].clone());
        let id = had.unwrap_or_else(|| json!(state.id().to_string()));
        fresh.push(Command { shape: shape(state, command, &id, in_guild), in_guild });
    }
    state.commands.retain(|had| had.in_guild != in_guild);
    state.commands.extend(fresh);
    Ok(())
}

fn shape(state: &mut State, command: &Value, id: &Value, in_guild: bool) -> Value {
    let permissions = &command["default_member_permissions"];
    let permissions = permissions.as_i64().map(|it| it.to_string()).or_else(|| permissions.as_str().map(str::to_owned));
    let mut shape = json!({
        "id": id, "application_id": state.app.to_string(), "version": state.id().to_string(),
        "type": kind(command), "name": command["name"], "name_localizations": null,
        "description": command["description"].as_str().unwrap_or_default(),
        "description_localizations": null, "default_member_permissions": permissions,
        "nsfw": command["nsfw"].as_bool().unwrap_or_default(),
    });
    if in_guild {
        shape["guild_id"] = json!(state.guild.to_string());
    } else {
        shape["dm_permission"] = json!(command["dm_permission"].as_bool().unwrap_or(true));
        shape["contexts"] = command["contexts"].clone();
        shape["integration_types"] = json!([0]);
    }
    if command["options"].as_array().is_some_and(|options| !options.is_empty()) {
        shape["options"] = without_null(&command["options"]);
    }
    shape
}

/// Removes null fields, which Discord omits from the options of a listed command.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(without_null).collect(),
        Value::Object(fields) => {
            let told = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name.clone(), without_null(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn check(wrongs: &mut Wrongs, command: &Value, place: &str) {
    match kind(command) {
        TYPED => name(wrongs, command, place),
        MESSAGE => menu(wrongs, command, place),
        _ => wrongs.add(&format!("{place}.type"), "NOT_MODELLED", "This fake knows no commands in the menu of people"),
    }
    options(wrongs, &command["options"], &format!("{place}.options"), 0);
    if size(command) > WHOLE {
        let words = format!("Command exceeds maximum size ({WHOLE})");
        wrongs.add(place, "APPLICATION_COMMAND_TOO_LARGE", &words);
    }
}

/// Returns the type of a command. The default is a slash command.
pub(super) fn kind(command: &Value) -> i64 {
    command["type"].as_i64().unwrap_or(TYPED)
}

/// Validates a message command, which has a name of any form and neither description nor options.
fn menu(wrongs: &mut Wrongs, command: &Value, place: &str) {
    wrongs.wanted(&command["name"], &format!("{place}.name"), 1, 32);
    if command["description"].as_str().is_some_and(|text| !text.is_empty()) {
        let words = "Context menu commands cannot have description";
        wrongs.add(&format!("{place}.description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_INVALID", words);
    }
    if command["options"].as_array().is_some_and(|options| !options.is_empty()) {
        let words = "Context menu commands cannot have options";
        wrongs.add(&format!("{place}.options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_INVALID", words);
    }
}

/// Validates the name and the description of a command or option.
fn name(wrongs: &mut Wrongs, thing: &Value, place: &str) {
    let at = format!("{place}.name");
    let name = wrongs.wanted(&thing["name"], &at, 1, 32);
    let good = |it: char| it.is_alphanumeric() && it.to_lowercase().eq([it]) || "-_'".contains(it);
    if !name.chars().all(good) {
        let words = r"String value did not match validation regex.";
        wrongs.add(&at, "APPLICATION_COMMAND_INVALID_NAME", words);
    }
    wrongs.wanted(&thing["description"], &format!("{place}.description"), 1, 100);
}

/// Validates a list of options. `depth` is 0 in the command, 1 in a group, and 2 in a subcommand.
fn options(wrongs: &mut Wrongs, value: &Value, place: &str, depth: u8) {
    let (mut names, mut optional, mut kinds) = (BTreeSet::new(), false, BTreeSet::new());
    for (number, option) in wrongs.list(value, place, 0, 25).iter().enumerate() {
        let at = format!("{place}.{number}");
        if option["type"].is_null() {
            wrongs.required(&format!("{at}.type"));
        }
        let kind = wrongs.number(&option["type"], &format!("{at}.type"), 1, ATTACHMENT).unwrap_or_default();
        name(wrongs, option, &at);
        if !names.insert(option["name"].as_str().unwrap_or_default()) {
            wrongs.add(&at, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique");
        }
        let inner = kind == SUBCOMMAND || kind == GROUP;
        kinds.insert(inner);
        if inner {
            // Groups are allowed in the command only; subcommands in the command or in a group.
            let fits = if kind == GROUP { depth == 0 } else { depth < 2 };
            if !fits {
                let words = "Sub-command and sub-command group option types cannot be nested here";
                wrongs.add(&format!("{at}.type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words);
            }
            if kind == GROUP {
                group(wrongs, &option["options"], &format!("{at}.options"));
            } else {
                options(wrongs, &option["options"], &format!("{at}.options"), 2);
            }
            continue;
        }
        let required = option["required"].as_bool().unwrap_or_default();
        if required && optional {
            let words = "Required options must be placed before non-required options";
            wrongs.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words);
        }
        optional |= !required;
        choices(wrongs, option, &at, kind);
    }
    if kinds.len() > 1 {
        let words = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        wrongs.add(place, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words);
    }
}

fn group(wrongs: &mut Wrongs, value: &Value, place: &str) {
    options(wrongs, value, place, 1);
    for (number, option) in value.as_array().into_iter().flatten().enumerate() {
        if option["type"].as_i64() != Some(SUBCOMMAND) {
            let words = "A group has commands, and nothing else";
            wrongs.add(&format!("{place}.{number}.type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words);
        }
    }
}

fn choices(wrongs: &mut Wrongs, option: &Value, place: &str, kind: i64) {
    let at = format!("{place}.choices");
    let list = wrongs.list(&option["choices"], &at, 0, 25);
    if !list.is_empty() && (![STRING, INTEGER, NUMBER].contains(&kind) || option["autocomplete"] == json!(true)) {
        wrongs.add(&at, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "This option cannot have choices");
    }
    for (number, choice) in list.iter().enumerate() {
        wrongs.wanted(&choice["name"], &format!("{at}.{number}.name"), 1, 100);
        if kind == STRING {
            wrongs.wanted(&choice["value"], &format!("{at}.{number}.value"), 1, 100);
        }
    }
    wrongs.number(&option["min_length"], &format!("{place}.min_length"), 0, 6000);
    wrongs.number(&option["max_length"], &format!("{place}.max_length"), 1, 6000);
}

fn size(thing: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let own = length(&thing["name"]) + length(&thing["description"]) + length(&thing["value"]);
    let lists = [&thing["options"], &thing["choices"]];
    own + lists.into_iter().filter_map(Value::as_array).flatten().map(size).sum::<usize>()
}
