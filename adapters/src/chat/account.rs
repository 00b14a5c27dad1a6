//! The kinds of accounts and channels, as reported by the platform. Admission depends on them and they can change, so
//! query them at the time of use.

/// The kind of an account. Only [`AccountKind::Member`] may act; all others are read-only (security cases 30 and 31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// A full member of the workspace or server.
    Member,
    /// A guest: restricted to single channels, or pending and not yet a full member.
    Guest,
    /// A member of another organization, in a shared channel.
    Stranger,
    /// A bot, an app or a workflow.
    Bot,
    /// A deactivated or deleted account.
    Gone,
}

/// The kind of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// A public or private channel of this workspace or server.
    Own,
    /// Shared with another organization, or about to be (security case 38).
    Shared,
    /// A direct message or group direct message.
    Direct,
}
