//! Discord permissions: those that the bot needs, and how roles and overwrites combine in a channel.

use serde::Deserialize;

use super::context::Channel;

/// Permission to read a channel.
pub(super) const VIEW_CHANNEL: u64 = 1 << 10;

/// Required permission bits with their names in Discord's settings.
const NEEDED: [(u64, &str); 6] = [
    (VIEW_CHANNEL, "View Channel"),
    (1 << 11, "Send Messages"),
    (1 << 14, "Embed Links"),
    (1 << 16, "Read Message History"),
    (1 << 35, "Create Public Threads"),
    (1 << 38, "Send Messages in Threads"),
];

/// Permission that implies all others.
pub(super) const ADMINISTRATOR: u64 = 1 << 3;

/// All permissions that the bot needs, as the bit set for its invitation link. Adding reactions is not among them
/// because only users react.
pub const PERMISSIONS: u64 = VIEW_CHANNEL | 1 << 11 | 1 << 14 | 1 << 16 | 1 << 35 | 1 << 38;

/// The fields of a role that the adapter uses; `permissions` is a bit set in decimal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) permissions: String,
    pub(super) name: String,
    pub(super) mentionable: bool,
}

/// Returns the names of the required permissions that are not granted.
pub(super) fn missing(granted: u64) -> Vec<&'static str> {
    NEEDED.iter().filter(|(bit, _)| granted & bit == 0).map(|(_, name)| *name).collect()
}

/// Computes the server-wide permissions of a member with the roles `own`; all bits for an administrator.
pub(super) fn in_guild(guild: &str, all: &[Role], own: &[String]) -> u64 {
    // The id of the @everyone role is the server's id.
    let has = |role: &&Role| role.id == guild || own.contains(&role.id);
    let granted = all.iter().filter(has).fold(0, |sum, role| sum | bits(&role.permissions));
    if granted & ADMINISTRATOR > 0 { u64::MAX } else { granted }
}

/// Applies a channel's overwrites to server-wide permissions: first for @everyone, then for roles, then for
/// the member `me`.
pub(super) fn in_channel(granted: u64, channel: &Channel, guild: &str, own: &[String], me: &str) -> u64 {
    if granted == u64::MAX {
        return granted;
    }
    let picked = |wanted: &dyn Fn(&str) -> bool| {
        let those = channel.permission_overwrites.iter().filter(|overwrite| wanted(&overwrite.id));
        those.fold((0, 0), |(allow, deny), it| (allow | bits(&it.allow), deny | bits(&it.deny)))
    };
    let apply = |had: u64, (allow, deny): (u64, u64)| had & !deny | allow;
    let granted = apply(granted, picked(&|id| id == guild));
    let granted = apply(granted, picked(&|id| own.iter().any(|role| role == id)));
    apply(granted, picked(&|id| id == me))
}

fn bits(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::super::context::Overwrite;
    use super::*;

    #[test]
    fn what_is_needed_is_what_is_asked_for() {
        assert_eq!(NEEDED.iter().fold(0, |sum, (bit, _)| sum | bit), PERMISSIONS);
        assert_eq!(PERMISSIONS & ADMINISTRATOR, 0);
    }

    #[test]
    fn a_channel_takes_and_gives() {
        let role = |id: &str, permissions: u64| Role {
            id: id.to_owned(),
            permissions: permissions.to_string(),
            ..Role::default()
        };
        let overwrite = |id: &str, allow: u64, deny: u64| {
            let (allow, deny) = (allow.to_string(), deny.to_string());
            Overwrite { id: id.to_owned(), allow, deny }
        };
        let (all, own) = ([role("1", 1 << 10), role("2", PERMISSIONS), role("3", ADMINISTRATOR)], ["2".to_owned()]);
        let granted = in_guild("1", &all, &own);
        assert_eq!(granted, PERMISSIONS);
        assert_eq!(in_guild("1", &all, &["3".to_owned()]), u64::MAX);
        let overwrites =
            vec![overwrite("1", 0, 1 << 10), overwrite("2", 1 << 10, 1 << 11), overwrite("9", 1 << 11, 1 << 14)];
        let channel = Channel { permission_overwrites: overwrites, ..Channel::default() };
        assert_eq!(missing(in_channel(granted, &channel, "1", &own, "9")), ["Embed Links"]);
        assert_eq!(missing(in_channel(granted, &channel, "1", &own, "8")), ["Send Messages"]);
        assert_eq!(missing(in_channel(u64::MAX, &channel, "1", &own, "9")), Vec::<&str>::new());
    }
}
