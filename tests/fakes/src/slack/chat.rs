//! The methods `chat.*` and `reactions.*`.

use serde_json::{Value, json};

use super::api::{Answer, Call, Refused};
use super::blocks::{self, Surface};
use super::state::{Kind, Message, World, reactions_json};

/// Maximum length of `text`, in characters (`msg_too_long`).
const TEXT_LIMIT: usize = 40_000;
/// Maximum number of attachments in a message.
const ATTACHMENTS_LIMIT: usize = 100;
/// Maximum total text in the blocks of one message, in characters. Slack does not document this limit; it refuses
/// messages at about 13 200 characters.
const BLOCKS_TEXT_LIMIT: usize = 13_200;

/// The content arguments of a message; `None` for each one that the call does not set.
#[derive(Default)]
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) blocks: Option<Vec<Value>>,
    pub(super) attachments: Option<Vec<Value>>,
    pub(super) metadata: Option<Value>,
}

impl Content {
    pub(super) fn read(world: &mut World, call: &Call) -> Result<Self, Refused> {
        let text = call.text("text");
        if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_LIMIT) {
            return Err("msg_too_long".into());
        }
        let blocks = match call.json("blocks") {
            None => None,
            Some(blocks) => {
                let read = blocks::read(world, &blocks, Surface::Message, "/blocks");
                let read = read.map_err(|wrong| Refused::because("invalid_blocks", &wrong))?;
                if blocks::length(&blocks) > BLOCKS_TEXT_LIMIT {
                    return Err("msg_blocks_too_long".into());
                }
                Some(read)
            }
        };
        let attachments = match call.json("attachments") {
            None => None,
            Some(Value::Array(items)) if items.len() > ATTACHMENTS_LIMIT => {
                return Err("too_many_attachments".into());
            }
            Some(Value::Array(items)) => Some(items),
            Some(_) => return Err("invalid_attachments".into()),
        };
        let metadata = call.json("metadata");
        if let Some(metadata) = &metadata {
            let empty = metadata.as_object().is_some_and(serde_json::Map::is_empty);
            let named = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
            if !empty && !named {
                return Err("invalid_metadata_format".into());
            }
        }
        Ok(Self { text, blocks, attachments, metadata })
    }

    pub(super) fn is_empty(&self) -> bool {
        let none = |items: &Option<Vec<Value>>| items.as_ref().is_none_or(Vec::is_empty);
        self.text.is_none() && none(&self.blocks) && none(&self.attachments)
    }

    pub(super) fn message(self, author: &str, thread: Option<String>) -> Message {
        Message {
            author: author.to_owned(),
            thread,
            text: self.text.unwrap_or_default(),
            blocks: self.blocks.unwrap_or_default(),
            attachments: self.attachments.unwrap_or_default(),
            metadata: self.metadata.filter(|metadata| metadata.get("event_type").is_some()),
            ..Message::default()
        }
    }
}

/// Returns the channel that the bot posts to. The argument is a conversation id (`C…`, `D…`), a channel name with `#`,
/// or a user id (`U…`), which means direct messages.
fn target(world: &mut World, call: &Call) -> Result<String, Refused> {
    let Some(asked) = call.text("channel") else { return Err("channel_not_found".into()) };
    let id = match world.users.get(&asked) {
        Some(user) if user.deleted || user.id == world.bot => return Err("channel_not_found".into()),
        Some(_) => world.direct(&asked),
        None => asked.clone(),
    };
    let found = world.channels.get(&id);
    // Only `chat.postMessage` and `chat.postEphemeral` use this function. No other method accepts a channel name.
    let named = || world.channels.values().find(|room| format!("#{}", room.name) == asked);
    let Some(room) = found.or_else(named) else { return Err("channel_not_found".into()) };
    let inside = room.members.contains(&world.bot);
    match room.kind {
        Kind::Private if !inside => Err("channel_not_found".into()),
        Kind::Public if !inside => Err("not_in_channel".into()),
        Kind::Public | Kind::Private | Kind::Direct(_) if room.archived => Err("is_archived".into()),
        Kind::Public | Kind::Private | Kind::Direct(_) => Ok(room.id.clone()),
    }
}

/// Returns the thread to reply to. Slack shows threads of one level only, so a reply to a reply is refused.
fn thread(world: &World, channel: &str, call: &Call) -> Result<Option<String>, Refused> {
    let Some(ts) = call.text("thread_ts") else { return Ok(None) };
    let messages = &world.channels[channel].messages;
    let root = messages.iter().find(|message| message.ts == ts && message.only_for.is_none());
    match root {
        None => Err("thread_not_found".into()),
        Some(root) if root.thread.is_some() => Err("cannot_reply_to_message".into()),
        Some(_) => Ok(Some(ts)),
    }
}

pub(super) fn post_message(world: &mut World, call: &Call) -> Answer {
    let channel = target(world, call)?;
    let content = Content::read(world, call)?;
    if content.is_empty() {
        return Err("no_text".into());
    }
    let thread = thread(world, &channel, call)?;
    let mut message = content.message(&world.bot, thread);
    message.broadcast = call.flag("reply_broadcast") && message.thread.is_some();
    let ts = world.put(&channel, message);
    let room = &world.channels[&channel];
    let message = room.messages.last().expect("it was just put there");
    Ok(json!({ "channel": channel, "ts": ts, "message": world.message_json(room, message, true) }))
}

pub(super) fn post_ephemeral(world: &mut World, call: &Call) -> Answer {
    let channel = target(world, call)?;
    let user = call.text("user").ok_or("user_not_found")?;
    if !world.users.contains_key(&user) {
        return Err("user_not_found".into());
    }
    if !world.channels[&channel].members.contains(&user) {
        return Err("user_not_in_channel".into());
    }
    let content = Content::read(world, call)?;
    if content.is_empty() {
        return Err("no_text".into());
    }
    let thread = thread(world, &channel, call)?;
    let mut message = content.message(&world.bot, thread);
    message.only_for = Some(user);
    let ts = world.put(&channel, message);
    Ok(json!({ "message_ts": ts }))
}

/// Returns channel and `ts` of a message that the bot wrote and may change. `not_own` is the error for a message
/// of another author.
fn own(world: &mut World, call: &Call, not_own: &str) -> Result<(String, String), Refused> {
    let channel = call.text("channel").filter(|id| world.channels.contains_key(id)).ok_or("channel_not_found")?;
    let ts = call.text("ts").ok_or("message_not_found")?;
    let room = &world.channels[&channel];
    if room.kind == Kind::Private && !room.members.contains(&world.bot) {
        return Err("channel_not_found".into());
    }
    let archived = room.archived;
    let bot = world.bot.clone();
    let found = world.message(&channel, &ts).filter(|message| message.only_for.is_none());
    match found {
        None => Err("message_not_found".into()),
        Some(message) if message.author != bot => Err(not_own.into()),
        Some(_) if archived => Err("is_archived".into()),
        Some(_) => Ok((channel, ts)),
    }
}

/// `chat.update`: changes the given fields only, except that `text` without `blocks` removes the blocks.
pub(super) fn update(world: &mut World, call: &Call) -> Answer {
    let (channel, ts) = own(world, call, "cant_update_message")?;
    let content = Content::read(world, call)?;
    if content.text.is_none() && content.blocks.is_none() && content.attachments.is_none() {
        return Err("no_text".into());
    }
    let message = world.message(&channel, &ts).expect("it was found before");
    change(message, content);
    let text = message.text.clone();
    let room = &world.channels[&channel];
    let message = room.messages.iter().find(|message| message.ts == ts).expect("it was found before");
    Ok(json!({ "channel": channel, "ts": ts, "text": text, "message": world.message_json(room, message, true) }))
}

pub(super) fn change(message: &mut Message, content: Content) {
    message.edited |= content.blocks.is_none();
    match (content.blocks, &content.text) {
        (Some(blocks), _) => message.blocks = blocks,
        (None, Some(_)) => message.blocks.clear(),
        (None, None) => {}
    }
    if let Some(text) = content.text {
        message.text = text;
    }
    if let Some(attachments) = content.attachments {
        message.attachments = attachments;
    }
    if let Some(metadata) = content.metadata {
        message.metadata = Some(metadata).filter(|metadata| metadata.get("event_type").is_some());
    }
}

pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let (channel, ts) = own(world, call, "cant_delete_message")?;
    world.channels.get_mut(&channel).expect("it was found before").messages.retain(|message| message.ts != ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

/// Returns the message that `channel` and `timestamp` identify, if the bot can see it.
fn item(world: &mut World, call: &Call) -> Result<(String, String), Refused> {
    let (Some(channel), Some(ts)) = (call.text("channel"), call.text("timestamp")) else {
        return Err("no_item_specified".into());
    };
    let room = world.channels.get(&channel).ok_or("channel_not_found")?;
    if room.kind == Kind::Private && !room.members.contains(&world.bot) {
        return Err("channel_not_found".into());
    }
    let seen = world.message(&channel, &ts).filter(|message| message.only_for.is_none());
    if seen.is_some() { Ok((channel, ts)) } else { Err("message_not_found".into()) }
}

/// Maximum number of users listed per reaction, unless `full` is set.
const NAMED: usize = 25;

pub(super) fn reactions(world: &mut World, call: &Call) -> Answer {
    let (channel, ts) = item(world, call)?;
    let room = &world.channels[&channel];
    let message = room.messages.iter().find(|message| message.ts == ts).expect("it was found before");
    let mut json = world.message_json(room, message, false);
    if !message.reactions.is_empty() {
        json["reactions"] = reactions_json(message, if call.flag("full") { usize::MAX } else { NAMED });
    }
    json["permalink"] = format!("{}/archives/{channel}/p{}", world.base, ts.replace('.', "")).into();
    Ok(json!({ "type": "message", "channel": channel, "message": json }))
}

pub(super) fn add_reaction(world: &mut World, call: &Call) -> Answer {
    let name = call.text("name").ok_or("invalid_name")?;
    let (channel, ts) = item(world, call)?;
    if world.channels[&channel].archived {
        return Err("is_archived".into());
    }
    let bot = world.bot.clone();
    let message = world.message(&channel, &ts).expect("it was found before");
    if react(message, &name, &bot) { Ok(json!({})) } else { Err("already_reacted".into()) }
}

/// Adds a reaction to a message. Returns `false` if the user has already reacted with it.
pub(super) fn react(message: &mut Message, name: &str, user: &str) -> bool {
    if let Some((_, users)) = message.reactions.iter_mut().find(|(known, _)| known == name) {
        let new = !users.iter().any(|known| known == user);
        if new {
            users.push(user.to_owned());
        }
        return new;
    }
    message.reactions.push((name.to_owned(), vec![user.to_owned()]));
    true
}
