//! Admission: the single check that every action passes (security case 22), whether it arrives as a command, a mention,
//! a button, a reaction, a form or from the command line. No other code decides who may act.

use hotfix_adapters::chat::{AccountKind, ChannelKind};
use hotfix_adapters::ids::{ChannelRef, PersonRef};

use super::{Denial, Policy};
use crate::domain::id::ServiceName;
use crate::domain::people::{Grant, People, Permission, Role};

/// The place that an action comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The local command line. Anyone with access to its socket is trusted to state their identity, so the operator
    /// decides whether votes from there count.
    Terminal {
        /// `true` if votes from the command line count.
        votes: bool,
    },
    /// A channel of the chat.
    Chat {
        /// The kind of the account, as reported by the chat.
        account: AccountKind,
        /// The kind of the channel, as reported by the chat.
        kind: ChannelKind,
        /// The channel that the action comes from.
        channel: ChannelRef,
    },
}

/// The channels in which actions for a service are accepted (security case 38).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedChannels<'a> {
    /// The home channel of the service's team.
    pub home: &'a ChannelRef,
    /// Additional channels that are accepted for every service, such as incident channels.
    pub also: &'a [ChannelRef],
    /// `true` if a channel that is shared with another company is accepted.
    pub shared: bool,
}

impl Policy {
    /// Checks whether an account may perform an action for a service from a given place. Returns the grant, which names
    /// the person.
    ///
    /// # Errors
    /// The [`Denial`]: the rule that denies it, and the next step.
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

    /// Like [`Policy::admit`], for a person whom a step of a run asks by name: they may answer, whatever their role.
    ///
    /// # Errors
    /// The [`Denial`]: the rule that denies it, and the next step.
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
        // Check the role before the channel: a person without a role must learn nothing about the service (security
        // case 81).
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
