//! What people do, from what the gateway tells. Pure but for the channel a thread hangs in, which may have to be asked for.

use serde_json::Value;

use super::context::Context;
use super::{commands, markdown, modal};
use crate::chat::dropped::Dropped;
use crate::chat::{Answers, Emoji, Interaction};
use crate::ids::{ChannelRef, MessageRef, PersonRef, Platform};

/// Stands before the key of a form in the id of the button that opens it again.
pub(super) const AGAIN: &str = "again:";

const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const SUBMIT: u64 = 5;

/// An interaction, and where to answer it.
#[derive(Debug, Clone)]
pub(super) struct DiscordInteraction {
    pub(super) id: String,
    /// Serves for 15 minutes; it is a secret of this interaction.
    pub(super) token: String,
    pub(super) from: PersonRef,
    pub(super) spot: Spot,
    /// Whether it is from a server that the bot listens to, or from a conversation with the bot.
    pub(super) welcome: bool,
    pub(super) did: Did,
    /// Whether there is a message that was acted on.
    pub(super) on_message: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Did {
    Act(Interaction),
    /// The form of this key is wanted again.
    Again(String),
    /// Something that the bot does not use.
    Other,
}

/// Somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The channel, never a thread.
    pub(super) channel: ChannelRef,
    /// The message on which the thread hangs.
    pub(super) thread: Option<MessageRef>,
}

/// A reaction that came or went.
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

/// A person by their number.
pub(super) fn person(id: &str) -> PersonRef {
    PersonRef::new(Platform::Discord, id)
}

/// Reads an interaction; `None` when it is another application's, or nobody's.
pub(super) fn interaction(core: &Context, data: &Value) -> Option<DiscordInteraction> {
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
    let spot = Spot::of(channel.clone(), parent);
    let welcome = match text(data, "/guild_id") {
        Some(guild) => {
            let listed = core.listens_to(guild);
            if !listed {
                Dropped::OtherTeam.note("discord", Some(guild));
            }
            listed
        }
        // 1 is a conversation with the bot; 2 is one of other people, who may be anybody.
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

fn did(core: &Context, kind: u64, data: &Value, channel: ChannelRef) -> Option<Did> {
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
            // The number before the colon made it unique; a button without it is not the bot's.
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

/// Reads a reaction; `None` when it is a bot's (security case 30), or on a message or in a server that is no concern.
pub(super) fn reacted(core: &Context, me: &str, data: &Value, added: bool) -> Option<Reacted> {
    let guild = text(data, "/guild_id").is_some_and(|guild| {
        let listed = core.listens_to(guild);
        if !listed {
            Dropped::OtherTeam.note("discord", Some(guild));
        }
        listed
    });
    let bot = data.pointer("/member/user/bot").and_then(Value::as_bool).unwrap_or_default();
    let from = number(data, "/user_id").filter(|from| *from != me)?;
    // Security case 32: only the bot's own messages are voted on. Discord names the author when one is added.
    let ours = text(data, "/message_author_id").is_none_or(|author| author == me);
    if !guild || bot || !ours {
        return None;
    }
    let channel = ChannelRef::parse(number(data, "/channel_id")?).ok()?;
    let message = MessageRef { channel, id: number(data, "/message_id")?.to_owned() };
    Some(Reacted { message, from: person(from), emoji: emoji(text(data, "/emoji/name")?), added })
}

/// What a reaction means, whatever the colour of the hand.
pub(super) fn emoji(name: &str) -> Emoji {
    let plain: String = name.chars().filter(|c| !matches!(c, '\u{1f3fb}'..='\u{1f3ff}' | '\u{fe0f}')).collect();
    match plain.as_str() {
        "✅" | "👍" | "✔" => Emoji::Yes,
        "❌" | "👎" | "✖" => Emoji::No,
        _ => Emoji::Other(name.to_owned()),
    }
}

impl Spot {
    /// Where a channel is: itself, or, when it is a thread, the channel above it. A thread has the number of the message on
    /// which it hangs.
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
