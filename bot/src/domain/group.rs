//! Groups that the chat keeps, such as a user group of Slack or a role of Discord, and the moments at which they are called.

use std::collections::BTreeSet;

/// A group of the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatGroup {
    /// Its id there: `S…` in Slack, a number in Discord.
    pub id: String,
    /// What it is called where it cannot be called.
    pub name: String,
    /// When it is called.
    pub on: BTreeSet<Moment>,
}

/// A moment of a run that may concern more people than those who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The run is announced.
    Started,
    /// Votes are asked for.
    Vote,
    /// Production runs it.
    Live,
    /// A deployment failed, or the bot cannot go on.
    Failed,
}
