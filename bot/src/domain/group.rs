//! Chat groups, such as a Slack user group or a Discord role, and the moments at which the bot mentions them.

use std::collections::BTreeSet;

/// A group of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatGroup {
    /// Id in the chat: `S…` in Slack, a number in Discord.
    pub id: String,
    /// Display name, for messages that cannot mention the group.
    pub name: String,
    /// The moments at which the group is mentioned.
    pub on: BTreeSet<Moment>,
}

/// A moment of a run at which groups may be mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The run is announced.
    Started,
    /// Votes are requested.
    Vote,
    /// The fix was deployed to production.
    Live,
    /// A deployment failed, or the bot is stuck.
    Failed,
}
