//! Permissions: the roles of a member, minus the permissions that the channel denies.

use super::state::{Kind, State};

pub(super) const ADD_REACTIONS: u64 = 1 << 6;
pub(super) const VIEW_CHANNEL: u64 = 1 << 10;
pub(super) const SEND_MESSAGES: u64 = 1 << 11;
pub(super) const EMBED_LINKS: u64 = 1 << 14;
pub(super) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub(super) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub(super) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub(super) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// Permissions of the @everyone role.
pub(super) const PEOPLE: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | READ_MESSAGE_HISTORY
    | ADD_REACTIONS
    | USE_APPLICATION_COMMANDS
    | SEND_MESSAGES_IN_THREADS;

/// Permissions of the bot's role at the start: the minimum that a bot of this kind asks for.
pub(super) const BOT: u64 = PEOPLE & !USE_APPLICATION_COMMANDS | EMBED_LINKS | CREATE_PUBLIC_THREADS;

const ADMINISTRATOR: u64 = 1 << 3;

/// Returns a user's permissions in a channel. A thread has the permissions of its parent channel.
pub(super) fn granted(state: &State, user: u64, channel: u64) -> u64 {
    let place = &state.channels[&channel];
    match place.kind {
        Kind::Direct { with } if user == with || user == state.app => u64::MAX,
        Kind::Direct { .. } => 0,
        Kind::Thread { parent, .. } => granted(state, user, parent),
        Kind::Text => {
            let Some(member) = state.members.get(&user) else { return 0 };
            let roles = member.roles.iter().chain([&state.everyone]);
            let had = roles.filter_map(|role| state.roles.get(role)).fold(0, |all, role| all | role.permissions);
            let denied = place.denied.get(&user).copied().unwrap_or_default();
            if had & ADMINISTRATOR > 0 { u64::MAX } else { had & !denied }
        }
    }
}

/// Returns `true` if the bot has the permissions, and records them as used.
pub(super) fn may(state: &State, channel: u64, rights: u64) -> bool {
    if !matches!(state.channels[&channel].kind, Kind::Direct { .. }) {
        state.rights_used.set(state.rights_used.get() | rights);
    }
    granted(state, state.app, channel) & rights == rights
}

/// Returns the permission that is required to write in a channel.
pub(super) fn to_send(state: &State, channel: u64) -> u64 {
    match state.channels[&channel].kind {
        Kind::Thread { .. } => SEND_MESSAGES_IN_THREADS,
        Kind::Text | Kind::Direct { .. } => SEND_MESSAGES,
    }
}
