//! User actions in the Slack client: commands, messages, buttons, menus, reactions and shortcuts. An action that the
//! client does not offer (a missing button, a hidden message) panics; any other returns the delivery to the app and
//! the app's answer.

use serde_json::{Value, json};

use super::chat::react;
use super::deliver::{Answered, Kind};
use super::state::{self, Message, World};
use super::{Slack, payloads, respond};

/// Finds an interactive element by `action_id` or label, and the block that contains it.
pub(super) fn pressable<'a>(blocks: &'a Value, what: &str) -> Option<(&'a Value, &'a Value)> {
    let all = blocks.as_array().into_iter().flatten().flat_map(|block| {
        let elements = block["elements"].as_array().into_iter().flatten();
        elements.chain(block.get("accessory")).map(move |element| (block, element))
    });
    let mut all = all.filter(|(_, element)| element.get("action_id").is_some());
    all.find(|(_, element)| element["action_id"] == what || element["text"]["text"] == what)
}

impl Slack {
    /// Runs a slash command, such as `/hotfix start payments`. The app's answer is posted as Slack does it, ephemeral
    /// by default; if the app fails or times out, the user sees Slack's error message. `@name` and `#name` in the text
    /// become mentions, as with escaping enabled for the command.
    pub async fn command(&self, who: &str, channel: &str, line: &str) -> Answered {
        let (payload, url) = {
            let mut world = self.site.world();
            world.takes_commands();
            let (user, channel) = (world.user(who).id.clone(), world.channel(channel).id.clone());
            let (command, text) = line.split_once(' ').unwrap_or((line, ""));
            let text = typed(&world, text.trim());
            let payload = payloads::command(&mut world, &user, &channel, command, &text);
            let url = payload["response_url"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            let url = world.urls[url].clone();
            (payload, url)
        };
        let answered = self.site.bring(Kind::Command, &payload, None).await;
        let mut world = self.site.world();
        let command = payload["command"].as_str().unwrap_or_default();
        let complain = |error: &str| json!({ "text": format!("{command} failed with the error \"{error}\"") });
        let shown = match (answered.problem, &answered.body) {
            (Some("http_timeout"), _) => complain("operation_timeout"),
            (Some(_), _) => complain("dispatch_failed"),
            (None, Value::String(text)) => json!({ "text": text }),
            (None, Value::Object(fields)) if !fields.is_empty() => answered.body.clone(),
            (None, _) => return answered,
        };
        if respond::apply(&mut world, &url, &shown).is_err() {
            let complaint = complain("invalid_command_response");
            respond::apply(&mut world, &url, &complaint).expect("a complaint can be shown");
        }
        answered
    }

    /// Writes a message in a channel, or in `@ada` for ada's direct messages with the bot, and returns its `ts`. A
    /// mention of the bot, `@hotfix`, also sends `app_mention`.
    pub async fn say(&self, who: &str, channel: &str, text: &str) -> String {
        self.write(who, channel, None, text).await
    }

    /// Writes a reply in the thread with the root `thread`, and returns its `ts`.
    pub async fn reply(&self, who: &str, channel: &str, thread: &str, text: &str) -> String {
        self.write(who, channel, Some(thread.to_owned()), text).await
    }

    async fn write(&self, who: &str, channel: &str, thread: Option<String>, text: &str) -> String {
        let (ts, channel, event, name, mentions) = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let channel = match channel.strip_prefix('@') {
                Some(_) => world.direct(&user),
                None => world.channel(channel).id.clone(),
            };
            let text = typed(&world, text);
            assert!(world.channels[&channel].members.contains(&user), "{who} is not in that channel");
            let author = user.clone();
            let message = Message { author, text: text.clone(), thread: thread.clone(), ..Message::default() };
            let ts = world.put(&channel, message);
            let (name, kind) = match world.channels[&channel].kind {
                state::Kind::Public => ("message.channels", "channel"),
                state::Kind::Private => ("message.groups", "group"),
                state::Kind::Direct(_) => ("message.im", "im"),
            };
            let mut event = json!({ "type": "message", "user": user, "text": text, "ts": ts, "channel": channel,
                "channel_type": kind, "event_ts": ts, "team": world.team, "client_msg_id": format!("msg-{ts}") });
            if let Some(thread) = thread {
                event["thread_ts"] = thread.into();
            }
            let mentions = kind != "im" && text.contains(&format!("<@{}>", world.bot));
            (ts, channel, event, name, mentions)
        };
        if mentions {
            let mut mention = event.clone();
            mention["type"] = "app_mention".into();
            mention.as_object_mut().expect("an object").remove("channel_type");
            self.site.event("app_mention", mention, Some(&channel)).await;
        }
        self.site.event(name, event, Some(&channel)).await;
        ts
    }

    /// Presses a button of a message; `what` is its label or its `action_id`.
    ///
    /// # Panics
    /// Panics if the user does not see such a button.
    pub async fn press(&self, who: &str, channel: &str, ts: &str, what: &str) -> Answered {
        self.act(who, channel, ts, what, None).await
    }

    /// Chooses an option, by its value, in a menu of a message; `what` is the menu's `action_id`.
    ///
    /// # Panics
    /// Panics if the user does not see such an option.
    pub async fn choose(&self, who: &str, channel: &str, ts: &str, what: &str, value: &str) -> Answered {
        self.act(who, channel, ts, what, Some(value)).await
    }

    async fn act(&self, who: &str, channel: &str, ts: &str, what: &str, value: Option<&str>) -> Answered {
        let payload = {
            let mut world = self.site.world();
            let (user, channel) = (world.user(who).id.clone(), world.channel(channel).id.clone());
            let room = world.channels[&channel].clone();
            let message = seen(&room, ts, &user);
            let blocks = Value::from(message.blocks.clone());
            let action = action(&world, &blocks, what, value);
            let mut payload = payloads::interaction(&world, "block_actions", &user);
            let ephemeral = message.only_for.is_some();
            payload["container"] = json!({ "type": "message", "message_ts": ts, "channel_id": channel,
                "is_ephemeral": ephemeral });
            if let Some(thread) = &message.thread {
                payload["container"]["thread_ts"] = thread.clone().into();
            }
            if !ephemeral {
                payload["message"] = world.message_json(&room, message, true);
            }
            payload["channel"] = payloads::room(&room);
            payload["state"] = json!({ "values": {} });
            payload["actions"] = json!([action]);
            payload["trigger_id"] = payloads::trigger(&mut world, &user).into();
            let (thread, origin) = (message.thread.clone(), Some(ts.to_owned()));
            payload["response_url"] = payloads::response_url(&mut world, &channel, &user, thread, origin).into();
            payload
        };
        self.site.bring(Kind::Interaction, &payload, None).await
    }

    /// Presses a button of the top modal, or of the App Home if no modal is open.
    ///
    /// # Panics
    /// Panics if there is no such button.
    pub async fn press_in_view(&self, who: &str, what: &str) -> Answered {
        let payload = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let top = world.stacks.get(&user).and_then(|stack| stack.last()).map(|id| world.views[id].clone());
            let view = top.or_else(|| world.homes.get(&user).cloned()).expect("a view is open");
            let action = action(&world, &view["blocks"], what, None);
            let mut payload = payloads::interaction(&world, "block_actions", &user);
            payload["container"] = json!({ "type": "view", "view_id": view["id"] });
            payload["view"] = view;
            payload["actions"] = json!([action]);
            payload["trigger_id"] = payloads::trigger(&mut world, &user).into();
            payload
        };
        self.site.bring(Kind::Interaction, &payload, None).await
    }

    /// Adds a reaction to a message; `name` is the emoji name without colons.
    ///
    /// # Panics
    /// Panics if the user has already reacted with it, or if there is no such message.
    pub async fn react(&self, who: &str, channel: &str, ts: &str, name: &str) {
        self.reaction(who, channel, ts, name, "reaction_added").await;
    }

    /// Removes the user's reaction from a message.
    ///
    /// # Panics
    /// Panics if the user has not reacted with it, or if there is no such message.
    pub async fn take_back(&self, who: &str, channel: &str, ts: &str, name: &str) {
        self.reaction(who, channel, ts, name, "reaction_removed").await;
    }

    async fn reaction(&self, who: &str, channel: &str, ts: &str, name: &str, what: &str) {
        let (event, channel) = {
            let mut world = self.site.world();
            let (user, channel) = (world.user(who).id.clone(), world.channel(channel).id.clone());
            let message = world.message(&channel, ts).filter(|it| it.only_for.is_none()).expect("a message");
            let author = message.author.clone();
            let done =
                if what == "reaction_added" { react(message, name, &user) } else { unreact(message, name, &user) };
            assert!(done, "{who} cannot: {what} {name}");
            let item = json!({ "type": "message", "channel": channel, "ts": ts });
            let event = json!({ "type": what, "user": user, "reaction": name, "item": item, "item_user": author });
            (event, channel)
        };
        self.site.event(what, event, Some(&channel)).await;
    }

    /// Invokes a message shortcut.
    ///
    /// # Panics
    /// Panics if the user does not see such a message.
    pub async fn message_shortcut(&self, who: &str, channel: &str, ts: &str, callback_id: &str) -> Answered {
        let payload = {
            let mut world = self.site.world();
            let (user, channel) = (world.user(who).id.clone(), world.channel(channel).id.clone());
            let room = world.channels[&channel].clone();
            let message = seen(&room, ts, &user);
            let mut payload = payloads::interaction(&world, "message_action", &user);
            payload["callback_id"] = callback_id.into();
            payload["message_ts"] = ts.into();
            payload["message"] = world.message_json(&room, message, true);
            payload["channel"] = payloads::room(&room);
            payload["trigger_id"] = payloads::trigger(&mut world, &user).into();
            let thread = message.thread.clone();
            payload["response_url"] = payloads::response_url(&mut world, &channel, &user, thread, None).into();
            payload
        };
        self.site.bring(Kind::Interaction, &payload, None).await
    }

    /// Invokes a global shortcut.
    pub async fn shortcut(&self, who: &str, callback_id: &str) -> Answered {
        let payload = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let mut payload = payloads::interaction(&world, "shortcut", &user);
            payload["callback_id"] = callback_id.into();
            payload["trigger_id"] = payloads::trigger(&mut world, &user).into();
            payload
        };
        self.site.bring(Kind::Interaction, &payload, None).await
    }

    /// Opens the App Home of the bot and sends `app_home_opened`.
    pub async fn open_home(&self, who: &str) {
        let event = {
            let mut world = self.site.world();
            let user = world.user(who).id.clone();
            let channel = world.direct(&user);
            let mut event = json!({ "type": "app_home_opened", "user": user, "channel": channel, "tab": "home" });
            if let Some(home) = world.homes.get(&user) {
                event["view"] = home.clone();
            }
            event
        };
        self.site.event("app_home_opened", event, None).await;
    }
}

/// Returns a message that the user can see. Panics if there is none.
fn seen<'a>(room: &'a state::Channel, ts: &str, user: &str) -> &'a Message {
    let hidden = room.kind != state::Kind::Public && !room.members.contains(user);
    let found = room.messages.iter().find(|message| message.ts == ts).filter(|_| !hidden);
    let found = found.filter(|message| message.only_for.as_deref().is_none_or(|only| only == user));
    found.unwrap_or_else(|| panic!("no message {ts} is there for {user}"))
}

/// Builds the action of a `block_actions` payload. `value` is the option to choose in a menu.
fn action(world: &World, blocks: &Value, what: &str, value: Option<&str>) -> Value {
    let (block, element) = pressable(blocks, what).unwrap_or_else(|| panic!("nothing is called {what} in {blocks}"));
    let mut action = json!({ "type": element["type"], "action_id": element["action_id"],
        "block_id": block["block_id"], "action_ts": payloads::event_ts(world) });
    if let Some(value) = value {
        let options = element["options"].as_array().into_iter().flatten();
        let chosen = options.into_iter().find(|option| option["value"] == value);
        action["selected_option"] = chosen.unwrap_or_else(|| panic!("{value} cannot be chosen")).clone();
    }
    for key in ["text", "value", "style"] {
        if let Some(carried) = element.get(key) {
            action[key] = carried.clone();
        }
    }
    action
}

fn unreact(message: &mut Message, name: &str, user: &str) -> bool {
    let Some((_, users)) = message.reactions.iter_mut().find(|(known, _)| known == name) else { return false };
    let before = users.len();
    users.retain(|known| known != user);
    let done = users.len() < before;
    message.reactions.retain(|(_, users)| !users.is_empty());
    done
}

/// Converts typed text to what Slack stores: escapes `&`, `<` and `>`, and turns names and URLs into
/// mentions and links.
fn typed(world: &World, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let word = |word: &str| {
        let user = word.strip_prefix('@').and_then(|name| world.users.values().find(|user| user.name == name));
        let room = word.strip_prefix('#').and_then(|name| world.channels.values().find(|room| room.name == name));
        let group = word.strip_prefix('@').and_then(|name| world.groups.iter().find(|group| group.handle == name));
        let url = word.starts_with("https://") || word.starts_with("http://");
        match (user, room, group) {
            (Some(user), _, _) => format!("<@{}>", user.id),
            (None, Some(room), _) => format!("<#{}|{}>", room.id, room.name),
            (None, None, Some(group)) => format!("<!subteam^{}|@{}>", group.id, group.handle),
            (None, None, None) if url => format!("<{word}>"),
            (None, None, None) => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
