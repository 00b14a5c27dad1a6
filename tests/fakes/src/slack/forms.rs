//! Filling in, submitting and closing modals. As in Slack's client, missing or too long input is refused before the
//! app receives it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::deliver::{Answered, Kind};
use super::state::World;
use super::{Slack, payloads, views};

/// The result of a submitted modal.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted {
    /// The client refused the input; one message per wrong field, with its label.
    Refused(Vec<String>),
    /// The app accepted the submission, and the modal is closed.
    Closed,
    /// The app reported errors, keyed by `block_id`; the modal is still open.
    Wrong(BTreeMap<String, String>),
    /// The app replaced the modal or pushed another one.
    Shown,
    /// The app did not answer in time, or not as Slack requires; the modal is still open and shows a connection
    /// error in Slack.
    Failed(Answered),
}

impl Slack {
    /// Fills in the top modal and submits it. `values` are pairs of an input (by label, `block_id` or `action_id`) and
    /// its value; several choices are separated by commas. Other inputs keep their initial values.
    ///
    /// # Panics
    /// Panics if no modal is open, or if it has no such input.
    pub async fn submit(&self, who: &str, values: &[(&str, &str)]) -> Submitted {
        let (user, view, payload) = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let mut view = top(&world, &user).expect("a modal is open");
            let filled = match fill(&world, &view, values) {
                Ok(filled) => filled,
                Err(wrong) => return Submitted::Refused(wrong),
            };
            view["state"] = json!({ "values": filled });
            let mut payload = payloads::interaction(&world, "view_submission", &user);
            payload["trigger_id"] = payloads::trigger(&mut world, &user).into();
            payload["response_urls"] = json!([]);
            payload["view"] = view.clone();
            (user, view, payload)
        };
        let answered = self.site.bring(Kind::Interaction, &payload, None).await;
        let mut world = self.site.world();
        if !answered.taken() {
            return Submitted::Failed(answered);
        }
        answer(&mut world, &user, &view, &answered.body).unwrap_or(Submitted::Failed(answered))
    }

    /// Closes the top modal, or all if it has `clear_on_close`. Sends `view_closed` if it has `notify_on_close`.
    ///
    /// # Panics
    /// Panics if no modal is open.
    pub async fn close(&self, who: &str) {
        let payload = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let view = top(&world, &user).expect("a modal is open");
            let cleared = view["clear_on_close"] == true;
            drop_views(&mut world, &user, if cleared { usize::MAX } else { 1 });
            if view["notify_on_close"] != true {
                return;
            }
            let mut payload = payloads::interaction(&world, "view_closed", &user);
            payload["view"] = view;
            payload["is_cleared"] = cleared.into();
            payload
        };
        self.site.bring(Kind::Interaction, &payload, None).await;
    }
}

fn top(world: &World, user: &str) -> Option<Value> {
    let id = world.stacks.get(user)?.last()?;
    world.views.get(id).cloned()
}

fn drop_views(world: &mut World, user: &str, many: usize) {
    world.wrong.remove(user);
    let stack = world.stacks.entry(user.to_owned()).or_default();
    let left = stack.len().saturating_sub(many);
    for id in stack.split_off(left) {
        world.views.remove(&id);
    }
}

/// Applies the app's answer to a `view_submission`. Returns `None` if it is not a valid answer.
fn answer(world: &mut World, user: &str, view: &Value, body: &Value) -> Option<Submitted> {
    let empty = body.is_null() || body.as_str() == Some("") || body.as_object().is_some_and(Map::is_empty);
    match body["response_action"].as_str() {
        None if empty => {
            drop_views(world, user, 1);
            Some(Submitted::Closed)
        }
        Some("clear") => {
            drop_views(world, user, usize::MAX);
            Some(Submitted::Closed)
        }
        Some("errors") => {
            let errors: BTreeMap<String, String> = serde_json::from_value(body["errors"].clone()).ok()?;
            let blocks = view["blocks"].as_array()?;
            let is_input = |id: &String| blocks.iter().any(|it| it["type"] == "input" && it["block_id"] == **id);
            if errors.is_empty() || !errors.keys().all(is_input) {
                return None;
            }
            world.wrong.insert(user.to_owned(), errors.clone());
            Some(Submitted::Wrong(errors))
        }
        Some("update") => {
            views::replace(world, view, &body["view"]).ok()?;
            world.wrong.remove(user);
            Some(Submitted::Shown)
        }
        Some("push") => {
            views::on_top(world, user, &body["view"]).ok()?;
            Some(Submitted::Shown)
        }
        None | Some(_) => None,
    }
}

fn fill(world: &World, view: &Value, values: &[(&str, &str)]) -> Result<Value, Vec<String>> {
    let inputs: Vec<&Value> =
        view["blocks"].as_array().into_iter().flatten().filter(|block| block["type"] == "input").collect();
    let named = |block: &Value, name: &str| {
        block["block_id"] == name || block["element"]["action_id"] == name || block["label"]["text"] == name
    };
    for (name, _) in values {
        assert!(inputs.iter().any(|block| named(block, name)), "no input is called {name} in {view}");
    }
    let (mut filled, mut wrong) = (json!({}), Vec::new());
    for block in inputs {
        let given = values.iter().find(|(name, _)| named(block, name)).map(|(_, value)| *value);
        let label = block["label"]["text"].as_str().unwrap_or_default();
        match one(world, &block["element"], given) {
            Ok(state) => {
                let missing = state.as_object().is_some_and(|state| {
                    state.values().all(|it| it.is_null() || *it == json!([]) || *it == state["type"])
                });
                if missing && block["optional"] != true {
                    wrong.push(format!("{label}: please complete this required field"));
                }
                let (id, action) = (block["block_id"].as_str(), block["element"]["action_id"].as_str());
                filled[id.unwrap_or_default()][action.unwrap_or_default()] = state;
            }
            Err(why) => wrong.push(format!("{label}: {why}")),
        }
    }
    if wrong.is_empty() { Ok(filled) } else { Err(wrong) }
}

/// Returns the state of one input, or the message with which Slack's client refuses it.
fn one(world: &World, element: &Value, given: Option<&str>) -> Result<Value, String> {
    let kind = element["type"].as_str().unwrap_or_default();
    let options = || {
        let grouped = element["option_groups"].as_array().into_iter().flatten();
        let grouped = grouped.flat_map(|group| group["options"].as_array().into_iter().flatten());
        element["options"].as_array().into_iter().flatten().chain(grouped)
    };
    let option = |asked: &str| {
        let found = options().find(|option| option["value"] == asked || option["text"]["text"] == asked);
        found.cloned().ok_or_else(|| format!("{asked} cannot be chosen"))
    };
    let pick = |key: &str, initial: &str, given: Option<Value>| json!({ "type": kind, key: given.unwrap_or_else(|| element[initial].clone()) });
    Ok(match kind {
        "static_select" | "radio_buttons" => pick("selected_option", "initial_option", given.map(option).transpose()?),
        "multi_static_select" | "checkboxes" => {
            let chosen = given.map(|given| given.split(',').filter(|it| !it.is_empty()).map(option).collect());
            let chosen: Option<Vec<Value>> = chosen.transpose()?;
            let initial = element["initial_options"].as_array().cloned().unwrap_or_default();
            json!({ "type": kind, "selected_options": chosen.unwrap_or(initial) })
        }
        "users_select" => pick("selected_user", "initial_user", given.map(|name| world.user(name).id.clone().into())),
        "conversations_select" | "channels_select" => {
            let id = given.map(|name| world.channel(name).id.clone().into());
            let what = kind.trim_end_matches("s_select");
            pick(&format!("selected_{what}"), &format!("initial_{what}"), id)
        }
        "datepicker" => pick("selected_date", "initial_date", given.map(Into::into)),
        "timepicker" => pick("selected_time", "initial_time", given.map(Into::into)),
        _ => {
            let text = given.or_else(|| element["initial_value"].as_str()).filter(|text| !text.is_empty());
            let (least, most) = (element["min_length"].as_u64(), element["max_length"].as_u64());
            let length = text.map_or(0, |text| text.chars().count() as u64);
            if text.is_some() && length < least.unwrap_or(0) {
                return Err(format!("at least {} characters, please", least.unwrap_or(0)));
            }
            if length > most.unwrap_or(3000) {
                return Err(format!("at most {} characters, please", most.unwrap_or(3000)));
            }
            json!({ "type": kind, "value": text })
        }
    })
}
