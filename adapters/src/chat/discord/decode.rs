//! Decoder of gateway events to user actions. Makes no calls; it uses the context's configuration and cache
//! of thread parents.

use serde_json::Value;

use super::context::DiscordContext;
use super::{commands, markdown, modal};
use crate::chat::dropped::Dropped;
use crate::chat::{Answers, Emoji, Interaction};
use crate::ids::{ChannelRef, MessageRef, PersonRef, Platform};

/// Prefix of a form key in the id of the button that reopens the form.
pub(super) const AGAIN: &str = "again:";

const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const SUBMIT: u64 = 5;

/// A decoded interaction with the data needed to reply to it.
#[derive(Debug, Clone)]
pub(super) struct DiscordInteraction {
    pub(super) id: String,
    /// Token for replies, valid for 15 minutes; a secret.
    pub(super) token: String,
    pub(super) from: PersonRef,
    pub(super) spot: MessageLocation,
    /// `true` if it came from a configured server or a direct message with the bot.
    pub(super) welcome: bool,
    pub(super) did: Did,
    /// `true` if the user acted on a message, such as by a button.
    pub(super) on_message: bool,
}

/// The action of an interaction.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Did {
    Act(Interaction),
    /// The user wants the form with this key reopened.
    Again(String),
    /// An interaction that the bot does not use.
    Other,
}

/// The channel and thread of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageLocation {
    /// The channel; for a thread, its parent channel.
    pub(super) channel: ChannelRef,
    /// The message that the thread belongs to; `None` outside a thread.
    pub(super) thread: Option<MessageRef>,
}

/// An added or removed reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reacted {
    pub(super) message: MessageRef,
    pub(super) from: PersonRef,
    pub(super) emoji: Emoji,
    pub(super) added: bool,
}

fn text<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    value.pointer(place).and_then(Value::as_str)
}

fn number<'a>(value: &'a Value, place: &str) -> Option<&'a str> {
    text(value, place).filter(|id| markdown::is_number(id))
}

/// Returns the account with this Discord user id.
pub(super) fn person(id: &str) -> PersonRef {
    PersonRef::new(Platform::Discord, id)
}

/// Decodes an interaction; `None` if it belongs to another application or lacks a user, channel, id or token.
pub(super) fn interaction(core: &DiscordContext, data: &Value) -> Option<DiscordInteraction> {
    let application = text(data, "/application_id");
    if application != Some(&core.application) {
        Dropped::OtherApp.note("discord", application);
        return None;
    }
    let from = number(data, "/member/user/id").or_else(|| number(data, "/user/id"))?;
    let channel = ChannelRef::parse(number(data, "/channel_id")?).ok()?;
    let parent =
        number(data, "/channel/parent_id").filter(|_| is_thread(data)).and_then(|id| ChannelRef::parse(id).ok());
    core.parents.insert(channel.clone(), parent.clone());
    let spot = MessageLocation::of(channel.clone(), parent);
    let welcome = match text(data, "/guild_id") {
        Some(guild) => {
            let listed = core.listens_to(guild);
            if !listed {
                Dropped::OtherTeam.note("discord", Some(guild));
            }
            listed
        }
        // 1 is a direct message with the bot; 2 is one between other users.
        None => data.get("context").and_then(Value::as_u64).unwrap_or(1) == 1,
    };
    let kind = data.get("type").and_then(Value::as_u64).unwrap_or_default();
    let did = did(core, kind, data, channel).unwrap_or(Did::Other);
    Some(DiscordInteraction {
        id: number(data, "/id")?.to_owned(),
        token: text(data, "/token")?.to_owned(),
        from: person(from),
        spot,
        welcome,
        did,
        on_message: kind != COMMAND && data.get("message").is_some_and(Value::is_object),
    })
}

fn is_thread(data: &Value) -> bool {
    data.pointer("/channel/type").and_then(Value::as_u64).is_some_and(|kind| (10..=12).contains(&kind))
}

fn did(core: &DiscordContext, kind: u64, data: &Value, channel: ChannelRef) -> Option<Did> {
    let said = data.get("data")?;
    let id = said.get("custom_id").and_then(Value::as_str);
    match kind {
        COMMAND => match commands::added(said, channel) {
            Some(added) => Some(Did::Act(added)),
            None => commands::typed(&core.commands, said).map(|text| Did::Act(Interaction::Command { text })),
        },
        COMPONENT => {
            if let Some(key) = id?.strip_prefix(AGAIN) {
                return Some(Did::Again(key.to_owned()));
            }
            // The number before the colon makes the id unique within a message; a button without it is not the bot's.
            let (count, value) = id?.split_once(':')?;
            let ours = count.bytes().all(|b| b.is_ascii_digit()) && text(data, "/message/author/id").is_some();
            let message = MessageRef { channel, id: number(data, "/message/id")?.to_owned() };
            ours.then(|| Did::Act(Interaction::ButtonClick { message, value: value.to_owned() }))
        }
        SUBMIT => {
            let key = modal::key(id?)?.to_owned();
            let answers: Answers = modal::answers(said.get("components").unwrap_or(&Value::Null));
            Some(Did::Act(Interaction::FormSubmit { key, answers }))
        }
        _ => None,
    }
}

/// Decodes a reaction; `None` if it is from a bot (security case 30), in another server, or on a message
/// of another author.
pub(super) fn reacted(core: &DiscordContext, me: &str, data: &Value, added: bool) -> Option<Reacted> {
    let guild = text(data, "/guild_id").is_some_and(|guild| {
        let listed = core.listens_to(guild);
        if !listed {
            Dropped::OtherTeam.note("discord", Some(guild));
        }
        listed
    });
    let bot = data.pointer("/member/user/bot").and_then(Value::as_bool).unwrap_or_default();
    let from = number(data, "/user_id").filter(|from| *from != me)?;
    // Only the bot's own messages are voted on (security case 32). Discord sends the author only with added reactions.
    let ours = text(data, "/message_author_id").is_none_or(|author| author == me);
    if !guild || bot || !ours {
        return None;
    }
    let channel = ChannelRef::parse(number(data, "/channel_id")?).ok()?;
    let message = MessageRef { channel, id: number(data, "/message_id")?.to_owned() };
    Some(Reacted { message, from: person(from), emoji: emoji(text(data, "/emoji/name")?), added })
}

/// Maps an emoji to a vote, ignoring the skin tone.
pub(super) fn emoji(name: &str) -> Emoji {
    let plain: String = name.chars().filter(|c| !matches!(c, '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}')).collect();
    match plain.as_str() {
        "✅" | "👍" | "✔" => Emoji::Yes,
        "❌" | "👎" | "✖" => Emoji::No,
        _ => Emoji::Other(name.to_owned()),
    }
}

impl MessageLocation {
    /// Resolves a channel with its parent, if it is a thread. A thread has the same id as the message that
    /// it belongs to.
    pub(super) fn of(channel: ChannelRef, parent: Option<ChannelRef>) -> Self {
        match parent {
            Some(parent) => {
                let root = MessageRef { channel: parent.clone(), id: channel.to_string() };
                Self { channel: parent, thread: Some(root) }
            }
            None => Self { channel, thread: None },
        }
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
