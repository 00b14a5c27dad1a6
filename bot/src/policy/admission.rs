//! The one door (security case 22). Whatever way an act comes in (a verb, a mention, a button, a reaction, a form, the
//! command line), it is let through here or not at all; nothing else decides who may act.

use hotfix_adapters::chat::{AccountKind, ChannelKind};
use hotfix_adapters::ids::{ChannelRef, PersonRef};

use super::{Denial, Policy};
use crate::domain::id::ServiceName;
use crate::domain::people::{Grant, People, Permission, Role};

/// Where somebody stands who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line of the machine itself. Whoever can reach its socket is trusted to say who they are, so whether
    /// their votes count is for the operator to say.
    Terminal {
        /// Whether votes count from here.
        votes: bool,
    },
    /// A chat.
    Chat {
        /// What the account is, as the chat says.
        account: AccountKind,
        /// What the channel is, as the chat says.
        kind: ChannelKind,
        /// The channel.
        channel: ChannelRef,
    },
}

/// Where a service is spoken of: acts are taken in these channels only (security case 38).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedChannels<'a> {
    /// Where the team of the service reads.
    pub home: &'a ChannelRef,
    /// Where acts are taken as well, for every service: channels that are made for incidents.
    pub also: &'a [ChannelRef],
    /// Whether a channel that is shared with another company is good enough.
    pub shared: bool,
}

impl Policy {
    /// Whether the account may do this for the service from where it stands, and as whom.
    ///
    /// # Errors
    /// Says which rule denies it, and what next.
    pub fn admit(
        &self,
        people: &People,
        service: &ServiceName,
        account: &PersonRef,
        (needed, deed): (Role, Permission),
        from: (&Origin, AllowedChannels<'_>),
    ) -> Result<Grant, Denial> {
        self.admit_by(people, service, account, (Some(needed), deed), from)
    }

    /// The same for somebody whom a step of a run asks by name: whoever is asked may answer, whatever their role.
    ///
    /// # Errors
    /// Says which rule denies it, and what next.
    pub fn admit_asked(
        &self,
        people: &People,
        service: &ServiceName,
        account: &PersonRef,
        deed: Permission,
        from: (&Origin, AllowedChannels<'_>),
    ) -> Result<Grant, Denial> {
        self.admit_by(people, service, account, (None, deed), from)
    }

    fn admit_by(
        &self,
        people: &People,
        service: &ServiceName,
        account: &PersonRef,
        (needed, deed): (Option<Role>, Permission),
        (doorway, rooms): (&Origin, AllowedChannels<'_>),
    ) -> Result<Grant, Denial> {
        if let (Origin::Chat { account: kind, .. }, false) = (doorway, deed == Permission::View) {
            require_member(*kind)?;
        }
        // Before anything is said of channels: somebody without a role learns nothing of the service (security case 81).
        let grant = match needed {
            Some(needed) => self.authorise(people, service, account, needed)?,
            None => self.recognise(people, service, account)?,
        };
        if deed == Permission::BreakGlass {
            self.may_break(people, service, &grant.person)?;
        }
        match (doorway, deed) {
            (_, Permission::View) | (Origin::Terminal { .. }, Permission::Comment | Permission::Change) => {}
            (Origin::Terminal { votes }, Permission::Vote | Permission::BreakGlass) => {
                if !votes {
                    return Err(Denial::Terminal);
                }
            }
            (
                Origin::Chat { kind, channel, .. },
                Permission::Comment | Permission::Change | Permission::Vote | Permission::BreakGlass,
            ) => {
                require_channel(*kind, channel, deed, rooms)?;
            }
        }
        Ok(grant)
    }
}

fn require_member(kind: AccountKind) -> Result<(), Denial> {
    match kind {
        AccountKind::Member => Ok(()),
        AccountKind::Guest | AccountKind::Stranger | AccountKind::Bot | AccountKind::Gone => {
            Err(Denial::Account { kind })
        }
    }
}

fn require_channel(
    kind: ChannelKind,
    channel: &ChannelRef,
    deed: Permission,
    rooms: AllowedChannels<'_>,
) -> Result<(), Denial> {
    let elsewhere = || Denial::Channel { home: rooms.home.clone() };
    match kind {
        ChannelKind::Direct if deed == Permission::Comment => Ok(()),
        ChannelKind::Direct => Err(elsewhere()),
        ChannelKind::Shared if !rooms.shared => Err(Denial::Shared),
        ChannelKind::Shared | ChannelKind::Own if channel == rooms.home || rooms.also.contains(channel) => Ok(()),
        ChannelKind::Shared | ChannelKind::Own => Err(elsewhere()),
    }
}
