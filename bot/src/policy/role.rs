//! Authorization by role: the only place where a chat account is mapped to a person with roles.

use std::collections::BTreeSet;

use hotfix_adapters::chat::AccountKind;
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use thiserror::Error;

use super::Policy;
use crate::domain::id::{PersonId, ServiceName};
use crate::domain::people::{Grant, People, Role};
use crate::domain::refusal::{Refusal, marked_channel};

/// The reason that a request is denied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denial {
    /// The account is not mapped to a person.
    #[error("the account {} on {} belongs to nobody in people.toml: you may look, and not act", account.id, platform(account.platform))]
    Unmapped {
        /// The unmapped account.
        account: PersonRef,
    },
    /// The person has left: `active = false`.
    #[error("{name} is marked as no longer active")]
    Inactive {
        /// Display name of the person.
        name: String,
    },
    /// The service does not exist, or the person has no role for it. Both get the same answer on purpose: otherwise it
    /// would reveal which services exist (security case 81).
    #[error("there is no service {service} that you can see")]
    Unseen {
        /// The service that was named.
        service: ServiceName,
    },
    /// The person lacks the role.
    #[error("{name} is not {} of {service}", article(*needed))]
    Role {
        /// Display name of the person.
        name: String,
        /// The service that the role is missing for.
        service: ServiceName,
        /// The required role.
        needed: Role,
        /// Display names of the active holders of the role; may be empty.
        holders: Vec<String>,
        /// `true` if the role is required for a vote of a run. Then `holders` excludes people whose vote could not
        /// count there.
        votes: bool,
    },
    /// The account is not a full member's: a guest, an external user, a bot or a deactivated account.
    #[error("{}: you may look, and not act", whose(*kind))]
    Account {
        /// The kind of the account.
        kind: AccountKind,
    },
    /// Break-glass is not configured.
    #[error("nobody may set the votes aside here: policy.toml has no [break_glass]")]
    GlassOff,
    /// The person is not listed for break-glass.
    #[error("{name} is not listed among those who may break the glass")]
    Glass {
        /// Display name of the person.
        name: String,
        /// Display names of the people who may break the glass; may be empty.
        holders: Vec<String>,
    },
    /// The command was sent in a channel where it is not allowed.
    #[error("this is not the channel for it")]
    Channel {
        /// The home channel of the service.
        home: ChannelRef,
    },
    /// The channel is shared with another company.
    #[error("this channel is shared with others, and nothing is steered from there")]
    Shared,
    /// The command line may not vote.
    #[error("votes and overrides are not taken from the command line: whoever can reach it could be anybody")]
    Terminal,
}

impl Denial {
    /// All denial codes.
    pub const CODES: [&'static str; 13] = [
        "person.unmapped",
        "person.inactive",
        "service.unseen",
        "role.missing",
        "account.guest",
        "account.stranger",
        "account.bot",
        "account.gone",
        "break-glass.off",
        "break-glass.unlisted",
        "channel.wrong",
        "channel.shared",
        "terminal.votes",
    ];

    /// Returns the stable code of the denial, one of [`Self::CODES`]; scripts may rely on it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unmapped { .. } => "person.unmapped",
            Self::Inactive { .. } => "person.inactive",
            Self::Unseen { .. } => "service.unseen",
            Self::Role { .. } => "role.missing",
            Self::Account { kind: AccountKind::Member | AccountKind::Guest } => "account.guest",
            Self::Account { kind: AccountKind::Stranger } => "account.stranger",
            Self::Account { kind: AccountKind::Bot } => "account.bot",
            Self::Account { kind: AccountKind::Gone } => "account.gone",
            Self::GlassOff => "break-glass.off",
            Self::Glass { .. } => "break-glass.unlisted",
            Self::Channel { .. } => "channel.wrong",
            Self::Shared => "channel.shared",
            Self::Terminal => "terminal.votes",
        }
    }

    /// Returns the suggested next step as one sentence.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::Unmapped { .. } => "Ask an operator to add your account to people.toml and reload.".to_owned(),
            Self::Inactive { .. } => {
                "If that is wrong, ask an operator to set `active = true` in people.toml.".to_owned()
            }
            Self::Unseen { .. } => "Check the name, or ask an operator for a role in policy.toml.".to_owned(),
            Self::Role { needed, holders, votes: false, .. } if holders.is_empty() => {
                format!("Nobody has the role {} now: an operator gives it in policy.toml.", needed.as_str())
            }
            Self::Role { needed, holders, votes: true, .. } if holders.is_empty() => format!(
                "Nobody whose vote could count has the role {} now: an operator gives it in policy.toml.",
                needed.as_str()
            ),
            Self::Role { holders, .. } => format!("Ask {}.", listed(holders)),
            Self::GlassOff => "Get the votes that are asked for; an operator can allow it in policy.toml.".to_owned(),
            Self::Glass { holders, .. } if holders.is_empty() => {
                "Get the votes that are asked for: nobody who is listed may do it for this service.".to_owned()
            }
            Self::Glass { holders, .. } => format!("Ask {}, or get the votes that are asked for.", listed(holders)),
            Self::Account { kind: AccountKind::Member | AccountKind::Guest | AccountKind::Stranger } => {
                "Ask a member of the team to do it.".to_owned()
            }
            Self::Account { kind: AccountKind::Bot | AccountKind::Gone } => "A person of the team has to.".to_owned(),
            Self::Channel { home } => format!("Say it in {}.", marked_channel(home)),
            Self::Shared => "Say it in a channel of your own, or ask an operator.".to_owned(),
            Self::Terminal => {
                "Vote in the chat; an operator can allow it with `terminal_votes = true` under [chat].".to_owned()
            }
        }
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        let reason = denial.to_string();
        let mut letters = reason.chars();
        let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        Self::new(denial.code(), format!("{first}{}.", letters.as_str()), denial.next())
    }
}

impl Policy {
    /// Returns the roles of a person for a service. No role includes another, except that every role includes viewer.
    #[must_use]
    pub fn roles(&self, service: &ServiceName, person: &PersonId) -> BTreeSet<Role> {
        let Some(policy) = self.services.get(service) else {
            return BTreeSet::new();
        };
        let mut roles: BTreeSet<Role> =
            policy.roles.iter().filter(|(_, holders)| holders.contains(person)).map(|(role, _)| *role).collect();
        if !roles.is_empty() {
            roles.insert(Role::Viewer);
        }
        roles
    }

    /// Returns the holders of a role for a service, including inactive people.
    #[must_use]
    pub fn holders(&self, service: &ServiceName, role: Role) -> BTreeSet<PersonId> {
        self.services.get(service).and_then(|policy| policy.roles.get(&role)).cloned().unwrap_or_default()
    }

    /// Returns the active holders of a role for a service.
    #[must_use]
    pub fn active_holders(&self, people: &People, service: &ServiceName, role: Role) -> BTreeSet<PersonId> {
        let here = |id: &PersonId| people.get(id).is_some_and(|person| person.active);
        self.holders(service, role).into_iter().filter(here).collect()
    }

    /// Authorizes an account for an action that requires a role for a service. Returns the grant, which names the
    /// person.
    ///
    /// # Errors
    /// The [`Denial`]: the rule that denies it, and the people to ask.
    pub fn authorise(
        &self,
        people: &People,
        service: &ServiceName,
        account: &PersonRef,
        needed: Role,
    ) -> Result<Grant, Denial> {
        let grant = self.recognise(people, service, account)?;
        if grant.roles.is_empty() {
            return Err(Denial::Unseen { service: service.clone() });
        }
        if !grant.roles.contains(&needed) {
            let holders = self.active_holders(people, service, needed);
            return Err(Denial::Role {
                name: people.name(&grant.person).to_owned(),
                service: service.clone(),
                needed,
                holders: holders.iter().map(|id| people.name(id).to_owned()).collect(),
                votes: false,
            });
        }
        Ok(grant)
    }

    /// Resolves an account to an active person with their roles, which may be empty.
    pub(super) fn recognise(
        &self,
        people: &People,
        service: &ServiceName,
        account: &PersonRef,
    ) -> Result<Grant, Denial> {
        let person = people.behind(account).ok_or_else(|| Denial::Unmapped { account: account.clone() })?;
        if !person.active {
            return Err(Denial::Inactive { name: person.name.clone() });
        }
        let roles = self.roles(service, &person.id);
        let (person, account) = (person.id.clone(), account.clone());
        Ok(Grant { person, account, roles, policy_version: self.version_for(service) })
    }
}

fn platform(platform: Platform) -> &'static str {
    match platform {
        Platform::Console => "the console",
        Platform::Git => "git",
        Platform::Slack => "Slack",
        Platform::Discord => "Discord",
        Platform::Github => "GitHub",
        Platform::Gitlab => "GitLab",
    }
}

fn whose(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Member => "this is a member's account",
        AccountKind::Guest => "this is a guest's account",
        AccountKind::Stranger => "this account is of another company",
        AccountKind::Bot => "this is an app's account",
        AccountKind::Gone => "this account is deactivated or has left",
    }
}

fn article(role: Role) -> &'static str {
    match role {
        Role::Viewer => "a viewer",
        Role::Requester => "a requester",
        Role::Approver => "an approver",
        Role::Captain => "a captain",
        Role::Admin => "an admin",
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}
