//! The REST handlers for reactions, and reactions of users.

use std::collections::BTreeSet;

use serde_json::json;

use super::messages;
use super::permissions::{ADD_REACTIONS, may};
use super::reply::{Outcome, Refusal, Reply};
use super::serve::Call;
use super::sessions::{DIRECT_MESSAGE_REACTIONS, GUILD_MESSAGE_REACTIONS, dispatch};
use super::shape;
use super::state::{Reaction, State};

/// Maximum number of different emoji on a message.
const MOST: usize = 20;

/// Lists the users who reacted with an emoji, in pages, ordered by id.
pub(super) fn list(state: &State, call: &Call, channel: u64, message: &str, emoji: &str) -> Outcome {
    let id = messages::find(state, channel, message)?;
    known(emoji)?;
    let (most, after) = (call.most(25, 100)?, call.asked_id("after").unwrap_or_default());
    let found = state.messages[&id].reactions.iter().find(|reaction| reaction.emoji == emoji);
    let users = found.into_iter().flat_map(|reaction| &reaction.users);
    Reply::ok(users.filter(|user| **user > after).take(most).map(|user| shape::user(state, *user)).collect())
}

pub(super) fn put(state: &mut State, channel: u64, message: &str, emoji: &str) -> Outcome {
    let id = messages::find(state, channel, message)?;
    known(emoji)?;
    let there = state.messages[&id].reactions.iter().any(|reaction| reaction.emoji == emoji);
    // An emoji that is already on the message needs no permission, as in Discord.
    if !there && !may(state, channel, ADD_REACTIONS) {
        return Err(Refusal::permissions());
    }
    if !there && state.messages[&id].reactions.len() >= MOST {
        return Err(Refusal::new(400, 30010, "Maximum number of reactions reached (20)"));
    }
    add(state, id, state.app, emoji);
    Ok(Reply::Nothing)
}

/// Accepts Unicode emoji only; the guild has no custom emoji.
fn known(emoji: &str) -> Result<(), Refusal> {
    let good = !emoji.is_empty() && emoji.chars().count() <= 10 && !emoji.chars().all(|it| it.is_ascii_graphic());
    if good { Ok(()) } else { Err(Refusal::new(400, 10014, "Unknown Emoji")) }
}

/// Adds a reaction. Has no effect if the user has already reacted with this emoji.
pub(super) fn add(state: &mut State, id: u64, user: u64, emoji: &str) {
    let reactions = &mut state.messages.get_mut(&id).unwrap().reactions;
    let new = match reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
        Some(reaction) => reaction.users.insert(user),
        None => {
            reactions.push(Reaction { emoji: emoji.to_owned(), users: BTreeSet::from([user]) });
            true
        }
    };
    if new {
        tell(state, id, user, emoji, "MESSAGE_REACTION_ADD");
    }
}

/// Removes a reaction, if there is one.
pub(super) fn take(state: &mut State, id: u64, user: u64, emoji: &str) {
    let reactions = &mut state.messages.get_mut(&id).unwrap().reactions;
    let found = reactions.iter_mut().find(|reaction| reaction.emoji == emoji);
    if found.is_some_and(|reaction| reaction.users.remove(&user)) {
        reactions.retain(|reaction| !reaction.users.is_empty());
        tell(state, id, user, emoji, "MESSAGE_REACTION_REMOVE");
    }
}

fn tell(state: &mut State, id: u64, user: u64, emoji: &str, event: &str) {
    let (channel, author) = (state.messages[&id].channel, state.messages[&id].author);
    let guild = state.guild_of(channel);
    let intent = if guild.is_some() { GUILD_MESSAGE_REACTIONS } else { DIRECT_MESSAGE_REACTIONS };
    let added = event == "MESSAGE_REACTION_ADD";
    dispatch(state, intent, event, |state, _| {
        let mut data = json!({
            "user_id": user.to_string(), "channel_id": channel.to_string(), "message_id": id.to_string(),
            "emoji": shape::emoji(emoji), "burst": false, "type": 0,
        });
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild.to_string());
            if added {
                data["member"] = json!(shape::member(state, user));
            }
        }
        if added {
            data["message_author_id"] = json!(author.to_string());
        }
        data
    });
}
