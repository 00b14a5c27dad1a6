//! What a platform says of accounts and of channels. It decides who may act, and it changes: ask in the moment it matters.

/// What an account is. Only a member acts; everybody else may look (security cases 30 and 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// A full member of the workspace or server.
    Member,
    /// A guest: somebody who was let into a channel or two, or who has not joined yet.
    Guest,
    /// Somebody of another company, in a channel that both share.
    Stranger,
    /// A bot, an app or a workflow.
    Bot,
    /// Deactivated, or not there any more.
    Gone,
}

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// For the people of this workspace or server, openly or by invitation.
    Own,
    /// Shared with another company, or about to be (security case 38).
    Shared,
    /// A conversation with single people.
    Direct,
}
