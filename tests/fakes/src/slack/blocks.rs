//! Block Kit validation. Errors name the position as a JSON pointer, as Slack's do.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::state::World;

/// The surface that shows the blocks; it determines the allowed blocks and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    Message,
    Modal,
    Home,
}

#[derive(Default)]
struct Check {
    wrong: Vec<String>,
}

type Object = Map<String, Value>;

/// Validates blocks and assigns the missing `block_id`s and `action_id`s. `at` is the JSON pointer of the list.
pub(super) fn read(world: &mut World, blocks: &Value, surface: Surface, at: &str) -> Result<Vec<Value>, Vec<String>> {
    let mut check = Check::default();
    check.blocks(blocks, surface, at);
    if !check.wrong.is_empty() {
        return Err(check.wrong);
    }
    let mut blocks = blocks.as_array().cloned().unwrap_or_default();
    for block in &mut blocks {
        name(world, block, "block_id");
        for key in ["accessory", "element"] {
            if block.get(key).is_some_and(|it| it["type"] != "image") {
                name(world, &mut block[key], "action_id");
            }
        }
        if block["type"] == "actions" {
            let elements = block["elements"].as_array_mut().into_iter().flatten();
            elements.for_each(|element| name(world, element, "action_id"));
        }
    }
    Ok(blocks)
}

fn name(world: &mut World, it: &mut Value, key: &str) {
    if it.get(key).is_none() {
        world.next += 1;
        it[key] = format!("auto{}", world.next).into();
    }
}

/// Validates a view and returns its blocks.
pub(super) fn read_view(world: &mut World, view: &Value, surface: Surface) -> Result<Vec<Value>, Vec<String>> {
    let mut check = Check::default();
    let Some(it) = view.as_object() else {
        return Err(vec!["a view must be an object [json-pointer:/view]".to_owned()]);
    };
    let modal = surface == Surface::Modal;
    let common = ["type", "blocks", "private_metadata", "callback_id", "external_id"];
    let own: &[&str] =
        if modal { &["title", "submit", "close", "clear_on_close", "notify_on_close", "submit_disabled"] } else { &[] };
    check.keys(it, &[&common, own].concat(), "/view");
    if it.get("type").and_then(Value::as_str) != Some(if modal { "modal" } else { "home" }) {
        check.say("must be the right type of view", "/view/type");
    }
    check.string(it, "private_metadata", 0..=3000, false, "/view");
    check.string(it, "callback_id", 0..=255, false, "/view");
    check.string(it, "external_id", 0..=255, false, "/view");
    if modal {
        check.needs(it, "title", "/view");
        check.text_in(it, "title", 24, true, "/view");
        check.text_in(it, "submit", 24, true, "/view");
        check.text_in(it, "close", 24, true, "/view");
        let inputs = it.get("blocks").and_then(Value::as_array).into_iter().flatten();
        if inputs.into_iter().any(|block| block["type"] == "input") && it.get("submit").is_none() {
            check.say("missing required field: submit", "/view");
        }
    }
    let mut wrong = check.wrong;
    match read(world, view.get("blocks").unwrap_or(&Value::Null), surface, "/view/blocks") {
        Ok(blocks) if wrong.is_empty() => return Ok(blocks),
        Ok(_) => {}
        Err(more) => wrong.extend(more),
    }
    Err(wrong)
}

/// Returns the total number of characters in the `text` fields of blocks.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(length).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(text) if key == "text" => text.chars().count(),
                Some(_) | None => length(value),
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

impl Check {
    fn say(&mut self, what: &str, at: &str) {
        self.wrong.push(format!("{what} [json-pointer:{at}]"));
    }

    fn keys(&mut self, it: &Object, allowed: &[&str], at: &str) {
        for key in it.keys().filter(|key| !allowed.contains(&key.as_str())) {
            self.say(&format!("invalid additional property: {key}"), at);
        }
    }

    fn string(&mut self, it: &Object, key: &str, length: std::ops::RangeInclusive<usize>, needed: bool, at: &str) {
        let at = format!("{at}/{key}");
        match it.get(key) {
            None if needed => self.say(&format!("missing required field: {key}"), &at),
            None => {}
            Some(Value::String(text)) if text.chars().count() > *length.end() => {
                self.say(&format!("must be less than {} characters", length.end() + 1), &at);
            }
            Some(Value::String(text)) if text.chars().count() < *length.start() => {
                self.say(&format!("must be more than {} characters", length.start() - 1), &at);
            }
            Some(Value::String(_)) => {}
            Some(_) => self.say("must be a string", &at),
        }
    }

    fn needs(&mut self, it: &Object, key: &str, at: &str) {
        if it.get(key).is_none_or(Value::is_null) {
            self.say(&format!("missing required field: {key}"), at);
        }
    }

    fn text_in(&mut self, it: &Object, key: &str, most: usize, plain: bool, at: &str) {
        if let Some(text) = it.get(key).filter(|text| !text.is_null()) {
            self.text(text, most, plain, &format!("{at}/{key}"));
        }
    }

    fn text(&mut self, text: &Value, most: usize, plain: bool, at: &str) {
        let Some(it) = text.as_object() else { return self.say("must be a text object", at) };
        match it.get("type").and_then(Value::as_str) {
            Some("plain_text") => self.keys(it, &["type", "text", "emoji"], at),
            Some("mrkdwn") if !plain => self.keys(it, &["type", "text", "verbatim"], at),
            Some(_) | None => self.say("unsupported type", &format!("{at}/type")),
        }
        self.string(it, "text", 1..=most, true, at);
    }

    fn list<'a>(&mut self, it: &'a Object, key: &str, most: usize, at: &str) -> &'a [Value] {
        let at = format!("{at}/{key}");
        let items = it.get(key).and_then(Value::as_array).map(Vec::as_slice);
        match items {
            None => self.say(&format!("missing required field: {key}"), &at),
            Some([]) => self.say("no less than 1 items allowed", &at),
            Some(items) if items.len() > most => self.say(&format!("no more than {most} items allowed"), &at),
            Some(_) => {}
        }
        items.unwrap_or_default()
    }

    fn blocks(&mut self, blocks: &Value, surface: Surface, at: &str) {
        let Some(items) = blocks.as_array() else { return self.say("must be an array", at) };
        let most = if surface == Surface::Message { 50 } else { 100 };
        if items.len() > most {
            self.say(&format!("no more than {most} items allowed"), at);
        }
        let mut ids = BTreeSet::new();
        for (index, block) in items.iter().enumerate() {
            let at = format!("{at}/{index}");
            let Some(it) = block.as_object() else {
                self.say("must be an object", &at);
                continue;
            };
            self.block(it, surface, &at);
            self.string(it, "block_id", 1..=255, false, &at);
            if let Some(id) = it.get("block_id").and_then(Value::as_str)
                && !ids.insert(id)
            {
                self.say(&format!("block_id {id} already exists"), &at);
            }
        }
    }

    fn block(&mut self, it: &Object, surface: Surface, at: &str) {
        match it.get("type").and_then(Value::as_str).unwrap_or_default() {
            "section" => self.section(it, at),
            "divider" => self.keys(it, &["type", "block_id"], at),
            "header" => {
                self.keys(it, &["type", "block_id", "text"], at);
                self.needs(it, "text", at);
                self.text_in(it, "text", 150, true, at);
            }
            "context" => {
                self.keys(it, &["type", "block_id", "elements"], at);
                for (index, element) in self.list(it, "elements", 10, at).iter().enumerate() {
                    let at = format!("{at}/elements/{index}");
                    match element.as_object() {
                        Some(image) if element["type"] == "image" => self.image(image, &at),
                        Some(_) | None => self.text(element, 3000, false, &at),
                    }
                }
            }
            "actions" => {
                self.keys(it, &["type", "block_id", "elements"], at);
                let mut ids = BTreeSet::new();
                for (index, element) in self.list(it, "elements", 25, at).iter().enumerate() {
                    let at = format!("{at}/elements/{index}");
                    self.element(element, false, &at);
                    if let Some(id) = element["action_id"].as_str()
                        && !ids.insert(id)
                    {
                        self.say(&format!("action_id {id} already exists"), &at);
                    }
                }
            }
            "input" => {
                let keys = ["type", "block_id", "label", "element", "hint", "optional", "dispatch_action"];
                self.keys(it, &keys, at);
                self.needs(it, "label", at);
                self.text_in(it, "label", 2000, true, at);
                self.text_in(it, "hint", 2000, true, at);
                self.element(it.get("element").unwrap_or(&Value::Null), true, &format!("{at}/element"));
            }
            "image" => {
                self.keys(it, &["type", "block_id", "image_url", "alt_text", "title"], at);
                self.string(it, "image_url", 1..=3000, true, at);
                self.string(it, "alt_text", 1..=2000, true, at);
                self.text_in(it, "title", 2000, true, at);
            }
            "rich_text" => {
                self.keys(it, &["type", "block_id", "elements"], at);
                self.list(it, "elements", 1000, at);
            }
            "markdown" if surface == Surface::Message => {
                self.keys(it, &["type", "block_id", "text"], at);
                self.string(it, "text", 1..=12_000, true, at);
            }
            other => self.say(&format!("unsupported block type: {other}"), &format!("{at}/type")),
        }
    }

    fn section(&mut self, it: &Object, at: &str) {
        self.keys(it, &["type", "block_id", "text", "fields", "accessory", "expand"], at);
        if !it.contains_key("fields") {
            self.needs(it, "text", at);
        }
        self.text_in(it, "text", 3000, false, at);
        if it.contains_key("fields") {
            for (index, field) in self.list(it, "fields", 10, at).iter().enumerate() {
                self.text(field, 2000, false, &format!("{at}/fields/{index}"));
            }
        }
        match it.get("accessory") {
            None => {}
            Some(image) if image["type"] == "image" => {
                self.image(image.as_object().expect("it has a type"), &format!("{at}/accessory"));
            }
            Some(element) => self.element(element, false, &format!("{at}/accessory")),
        }
    }

    fn image(&mut self, it: &Object, at: &str) {
        self.keys(it, &["type", "image_url", "alt_text"], at);
        self.string(it, "image_url", 1..=3000, true, at);
        self.string(it, "alt_text", 1..=2000, true, at);
    }

    /// Validates an interactive element. `input` means that it is inside an `input` block.
    fn element(&mut self, element: &Value, input: bool, at: &str) {
        let Some(it) = element.as_object() else { return self.say("must be an object", at) };
        self.string(it, "action_id", 1..=255, false, at);
        self.text_in(it, "placeholder", 150, true, at);
        if let Some(confirm) = it.get("confirm") {
            self.confirm(confirm, &format!("{at}/confirm"));
        }
        let kind = it.get("type").and_then(Value::as_str).unwrap_or_default();
        let own: &[&str] = match kind {
            "button" if !input => {
                self.button(it, at);
                &["text", "value", "url", "style", "accessibility_label"]
            }
            "static_select" | "multi_static_select" | "radio_buttons" | "checkboxes" | "overflow" => {
                self.options(it, kind, at);
                &[
                    "options",
                    "option_groups",
                    "initial_option",
                    "initial_options",
                    "max_selected_items",
                    "placeholder",
                    "focus_on_load",
                ]
            }
            "plain_text_input" | "url_text_input" | "email_text_input" | "number_input" if input => {
                self.lengths(it, at);
                &[
                    "placeholder",
                    "multiline",
                    "min_length",
                    "max_length",
                    "initial_value",
                    "focus_on_load",
                    "dispatch_action_config",
                    "is_decimal_allowed",
                    "min_value",
                    "max_value",
                ]
            }
            "users_select"
            | "conversations_select"
            | "channels_select"
            | "multi_users_select"
            | "multi_conversations_select"
            | "multi_channels_select" => &[
                "placeholder",
                "initial_user",
                "initial_users",
                "initial_conversation",
                "initial_conversations",
                "initial_channel",
                "initial_channels",
                "default_to_current_conversation",
                "filter",
                "response_url_enabled",
                "max_selected_items",
                "focus_on_load",
            ],
            "datepicker" => &["placeholder", "initial_date", "focus_on_load"],
            "timepicker" => &["placeholder", "initial_time", "timezone", "focus_on_load"],
            "datetimepicker" => &["initial_date_time", "focus_on_load"],
            other => return self.say(&format!("unsupported element type: {other}"), &format!("{at}/type")),
        };
        self.keys(it, &[&["type", "action_id", "confirm"], own].concat(), at);
    }

    fn button(&mut self, it: &Object, at: &str) {
        self.needs(it, "text", at);
        self.text_in(it, "text", 75, true, at);
        self.string(it, "value", 1..=2000, false, at);
        self.string(it, "url", 1..=3000, false, at);
        self.string(it, "accessibility_label", 1..=75, false, at);
        let style = it.get("style").map_or(Some("primary"), Value::as_str);
        if !style.is_some_and(|style| ["primary", "danger"].contains(&style)) {
            self.say("must be primary or danger", &format!("{at}/style"));
        }
    }

    fn confirm(&mut self, confirm: &Value, at: &str) {
        let Some(it) = confirm.as_object() else { return self.say("must be an object", at) };
        self.keys(it, &["title", "text", "confirm", "deny", "style"], at);
        self.needs(it, "title", at);
        self.text_in(it, "title", 100, true, at);
        self.needs(it, "text", at);
        self.text_in(it, "text", 300, false, at);
        self.needs(it, "confirm", at);
        self.text_in(it, "confirm", 30, true, at);
        self.needs(it, "deny", at);
        self.text_in(it, "deny", 30, true, at);
    }

    fn options(&mut self, it: &Object, kind: &str, at: &str) {
        let most = match kind {
            "radio_buttons" | "checkboxes" => 10,
            "overflow" => 5,
            _ => 100,
        };
        let mut all = Vec::new();
        if it.contains_key("option_groups") {
            for (index, group) in self.list(it, "option_groups", 100, at).iter().enumerate() {
                let at = format!("{at}/option_groups/{index}");
                let Some(group) = group.as_object() else {
                    self.say("must be an object", &at);
                    continue;
                };
                self.needs(group, "label", &at);
                self.text_in(group, "label", 75, true, &at);
                all.extend(self.list(group, "options", most, &at));
            }
        } else {
            all.extend(self.list(it, "options", most, at));
        }
        let mut values = BTreeSet::new();
        for (index, option) in all.iter().enumerate() {
            let at = format!("{at}/options/{index}");
            let Some(option) = option.as_object() else {
                self.say("must be an object", &at);
                continue;
            };
            self.keys(option, &["text", "value", "description", "url"], &at);
            self.needs(option, "text", &at);
            self.text_in(option, "text", 75, !["radio_buttons", "checkboxes"].contains(&kind), &at);
            self.text_in(option, "description", 75, !["radio_buttons", "checkboxes"].contains(&kind), &at);
            self.string(option, "value", 1..=150, true, &at);
            if !values.insert(option.get("value").map(Value::to_string)) {
                self.say("must not have the value of another option", &at);
            }
        }
        let many = it.get("initial_options").and_then(Value::as_array).into_iter().flatten();
        if it.get("initial_option").into_iter().chain(many).any(|initial| !all.contains(&initial)) {
            self.say("must be one of the options", &format!("{at}/initial_option"));
        }
    }

    fn lengths(&mut self, it: &Object, at: &str) {
        let number = |key: &str| it.get(key).and_then(Value::as_u64);
        for (key, least) in [("min_length", 0), ("max_length", 1)] {
            if it.contains_key(key) && !number(key).is_some_and(|value| (least..=3000).contains(&value)) {
                self.say(&format!("must be between {least} and 3000"), &format!("{at}/{key}"));
            }
        }
        let most = number("max_length").and_then(|most| usize::try_from(most).ok()).unwrap_or(3000);
        self.string(it, "initial_value", 0..=most, false, at);
    }
}
