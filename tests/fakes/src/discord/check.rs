//! Validation of message bodies, with Discord's limits. All errors are collected and reported together.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reply::Wrongs;

/// Component types: action row, button, text input and label.
pub(super) const ROW: i64 = 1;
pub(super) const BUTTON: i64 = 2;
pub(super) const TEXT_INPUT: i64 = 4;
pub(super) const LABEL: i64 = 18;

/// Style of a link button, which opens a URL and sends no interaction.
const LINK: i64 = 5;

/// Message flag: only the user of the interaction sees the message.
pub(super) const EPHEMERAL: u64 = 1 << 6;
const SUPPRESS_EMBEDS: u64 = 1 << 2;
const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;

/// Validates the body of a new or edited message. `below` is the prefix of all error positions, such as `data.` in
/// an interaction callback.
pub(super) fn message(wrongs: &mut Wrongs, body: &Value, below: &str) {
    let at = |name: &str| format!("{below}{name}");
    wrongs.text(&body["content"], &at("content"), 0, 2000);
    embeds(wrongs, &body["embeds"], &at("embeds"));
    components(wrongs, &body["components"], &at("components"));
    mentions(wrongs, &body["allowed_mentions"], &at("allowed_mentions"));
    let known = EPHEMERAL | SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS;
    if wrongs.number(&body["flags"], &at("flags"), 0, i64::MAX).is_some_and(|flags| !known & flags.unsigned_abs() > 0) {
        wrongs.add(&at("flags"), "MESSAGE_FLAGS_INVALID", "These flags cannot be set, or this fake does not know them");
    }
    for strange in ["attachments", "poll", "sticker_ids", "files"] {
        if body[strange].as_array().is_some_and(|list| !list.is_empty()) || body[strange].is_object() {
            wrongs.add(&at(strange), "NOT_MODELLED", "This fake does not know them");
        }
    }
}

fn embeds(wrongs: &mut Wrongs, value: &Value, place: &str) {
    let mut total = 0;
    for (number, embed) in wrongs.list(value, place, 0, 10).iter().enumerate() {
        let at = |name: &str| format!("{place}.{number}.{name}");
        let mut text = |value: &Value, name: &str, least, most, wanted| {
            let text = match wanted {
                true => wrongs.wanted(value, &at(name), least, most),
                false => wrongs.text(value, &at(name), least, most).unwrap_or_default(),
            };
            total += text.chars().count();
        };
        text(&embed["title"], "title", 0, 256, false);
        text(&embed["description"], "description", 0, 4096, false);
        if !embed["footer"].is_null() {
            text(&embed["footer"]["text"], "footer.text", 0, 2048, true);
        }
        if !embed["author"].is_null() {
            text(&embed["author"]["name"], "author.name", 0, 256, true);
        }
        for (field, inner) in embed["fields"].as_array().into_iter().flatten().enumerate() {
            text(&inner["name"], &format!("fields.{field}.name"), 1, 256, true);
            text(&inner["value"], &format!("fields.{field}.value"), 1, 1024, true);
        }
        wrongs.list(&embed["fields"], &at("fields"), 0, 25);
        wrongs.number(&embed["color"], &at("color"), 0, 0xff_ff_ff);
        address(wrongs, &embed["url"], &at("url"));
        let moment = embed["timestamp"].as_str();
        if moment.is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
            wrongs.add(&at("timestamp"), "DATE_TIME_TYPE_PARSE", "Could not parse. Should be ISO8601.");
        }
    }
    if total > 6000 {
        wrongs.add(place, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
}

fn address(wrongs: &mut Wrongs, value: &Value, place: &str) {
    let Some(text) = wrongs.text(value, place, 0, 2048) else { return };
    if !["http://", "https://", "discord://"].iter().any(|scheme| text.starts_with(scheme)) {
        let words = "Not a well formed URL: the scheme must be one of ('http', 'https', 'discord').";
        wrongs.add(place, "URL_TYPE_INVALID_SCHEME", words);
    }
}

fn components(wrongs: &mut Wrongs, value: &Value, place: &str) {
    let mut ids = BTreeSet::new();
    for (number, row) in wrongs.list(value, place, 0, 5).iter().enumerate() {
        if row["type"].as_i64() != Some(ROW) {
            wrongs.add(
                &format!("{place}.{number}.type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (1,).",
            );
            continue;
        }
        let inner = format!("{place}.{number}.components");
        for (which, part) in wrongs.list(&row["components"], &inner, 1, 5).iter().enumerate() {
            button(wrongs, part, &format!("{inner}.{which}"), &mut ids);
        }
    }
}

fn button(wrongs: &mut Wrongs, part: &Value, place: &str, ids: &mut BTreeSet<String>) {
    let at = |name: &str| format!("{place}.{name}");
    if part["type"].as_i64() != Some(BUTTON) {
        let words = "Value of field \"type\" must be one of (2,): this fake knows buttons only.";
        return wrongs.add(&at("type"), "UNION_TYPE_CHOICES", words);
    }
    if part["style"].is_null() {
        wrongs.required(&at("style"));
    }
    let style = wrongs.number(&part["style"], &at("style"), 1, LINK);
    wrongs.text(&part["label"], &at("label"), 0, 80);
    let labelled = part["label"].as_str().is_some_and(|label| !label.is_empty()) || !part["emoji"].is_null();
    if !labelled {
        wrongs.add(place, "BUTTON_COMPONENT_LABEL_REQUIRED", "A button must have a label or an emoji");
    }
    if style == Some(LINK) {
        if part["url"].is_null() {
            wrongs.required(&at("url"));
        }
        address(wrongs, &part["url"], &at("url"));
        if !part["custom_id"].is_null() {
            wrongs.add(
                &at("custom_id"),
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            );
        }
        return;
    }
    custom_id(wrongs, &part["custom_id"], &at("custom_id"), ids);
}

/// Validates a `custom_id`: 1 to 100 characters, unique in the message.
pub(super) fn custom_id(wrongs: &mut Wrongs, value: &Value, place: &str, ids: &mut BTreeSet<String>) {
    let id = wrongs.wanted(value, place, 1, 100);
    if !id.is_empty() && !ids.insert(id.to_owned()) {
        wrongs.add(place, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
    }
}

fn mentions(wrongs: &mut Wrongs, value: &Value, place: &str) {
    let parse: Vec<&str> = value["parse"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (number, word) in parse.iter().enumerate() {
        if !["users", "roles", "everyone"].contains(word) {
            let words = "Value must be one of {'everyone', 'users', 'roles'}.";
            wrongs.add(&format!("{place}.parse.{number}"), "BASE_TYPE_CHOICES", words);
        }
    }
    for word in ["users", "roles"] {
        let named = wrongs.list(&value[word], &format!("{place}.{word}"), 0, 100);
        if !named.is_empty() && parse.contains(&word) {
            let words = format!("parse:[\"{word}\"] and {word}: [ids...] are mutually exclusive.");
            wrongs.add(place, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &words);
        }
    }
}
