//! Admission: looks up the caller's account and channel in the chat, then asks the policy. Every interaction passes
//! this check, whichever way it arrived (security case 22). Fails closed: if the lookup fails, the request is refused.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{ChannelRef, Platform};
use hotfix_storage::DedupeKey;

use super::interactions::Caller;
use super::{Engine, rate_limit};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::ServiceName;
use crate::domain::people::{Grant, Permission, Role};
use crate::domain::refusal::Refusal;
use crate::domain::vote::excluded;
use crate::policy::{AllowedChannels, Denial, Origin};

impl Engine {
    /// Admits a request about a service, and returns the grant under which it is handled.
    pub(super) async fn admit(
        &self,
        asker: &Caller,
        service: &ServiceName,
        needed: Role,
        deed: Permission,
    ) -> Result<Grant, Refusal> {
        self.admit_from(asker, service, (Some(needed), deed), &self.config.settings.chat.also_in).await
    }

    /// Admits a request about a run. A refused vote names only the approvers whose vote can count.
    pub(super) async fn admit_in(
        &self,
        asker: &Caller,
        state: &Hotfix,
        needed: Role,
        deed: Permission,
    ) -> Result<Grant, Refusal> {
        let admitted = self.admit(asker, &state.plan.service, needed, deed).await;
        let votes = deed == Permission::Vote && needed == Role::Approver;
        admitted.map_err(|refusal| {
            if votes && refusal.code == ROLE_MISSING { self.no_voter(asker, state, refusal) } else { refusal }
        })
    }

    /// Returns the refusal of a vote, with the approvers who can vote instead.
    fn no_voter(&self, asker: &Caller, state: &Hotfix, refusal: Refusal) -> Refusal {
        let (policy, people) = (&self.config.policy, &self.config.people);
        let denied = policy.authorise(people, &state.plan.service, &asker.account, Role::Approver);
        let Err(Denial::Role { name, service, needed, .. }) = denied else { return refusal };
        let mut holders = policy.active_holders(people, &service, needed);
        holders.retain(|person| excluded(state, person).is_none());
        let holders = holders.iter().map(|person| people.name(person).to_owned()).collect();
        Refusal::from(Denial::Role { name, service, needed, holders, votes: true })
    }

    /// Admits an answer of a person whom a step asks by name; no role is needed.
    pub(super) async fn admit_asked(
        &self,
        asker: &Caller,
        service: &ServiceName,
        deed: Permission,
    ) -> Result<Grant, Refusal> {
        self.admit_from(asker, service, (None, deed), &self.config.settings.chat.also_in).await
    }

    /// Admits a request that concerns all services. The channel of any service is allowed for it.
    pub(super) async fn admit_for_all(&self, asker: &Caller, needed: Role) -> Result<Grant, Refusal> {
        let homes = self.config.services.values().map(|configured| &configured.service.channel);
        let also: Vec<ChannelRef> = self.config.settings.chat.also_in.iter().chain(homes).cloned().collect();
        let mut grant = None;
        for service in self.config.services.keys() {
            grant = Some(self.admit_from(asker, service, (Some(needed), Permission::Change), &also).await?);
        }
        let nothing = || Refusal::new("service.none", "No service is configured.", "Add one under config/services.");
        grant.ok_or_else(nothing)
    }

    async fn admit_from(
        &self,
        asker: &Caller,
        service: &ServiceName,
        (needed, deed): (Option<Role>, Permission),
        also: &[ChannelRef],
    ) -> Result<Grant, Refusal> {
        let doorway = self.doorway(asker).await.map_err(|failure| unsure(&failure))?;
        // An unknown service has no channel. The policy refuses it before it checks channels.
        let configured = self.config.services.get(service);
        let home = configured.map_or(&asker.channel, |configured| &configured.service.channel);
        let rooms = AllowedChannels { home, also, shared: self.config.settings.chat.shared_channels };
        let policy = &self.config.policy;
        let (people, from) = (&self.config.people, (&doorway, rooms));
        let admitted = match needed {
            Some(needed) => policy.admit(people, service, &asker.account, (needed, deed), from),
            None => policy.admit_asked(people, service, &asker.account, deed, from),
        };
        let grant = admitted.map_err(Refusal::from)?;
        // Only admitted requests count, so that a stranger cannot use up the team's rate limit. Votes are exempt: each
        // is given once.
        if deed != Permission::Vote && asker.account.platform != Platform::Console {
            let most = self.config.settings.chat.pace.service;
            let key = asker.seen.as_ref().map_or("", DedupeKey::as_str);
            let taken = self.pace.service(service, key, most, self.now());
            taken.map_err(|too_much| rate_limit::of_service(service, most, too_much))?;
        }
        Ok(grant)
    }

    /// Checks that the caller may read about a service. In the channel of the service everyone may: its messages are
    /// visible there anyway.
    pub(super) fn looks(&self, asker: &Caller, service: &ServiceName) -> Result<(), Refusal> {
        let in_a_chat = asker.account.platform != Platform::Console;
        let home = self.config.services.get(service).map(|configured| &configured.service.channel);
        if in_a_chat && home == Some(&asker.channel) {
            return Ok(());
        }
        let policy = &self.config.policy;
        let seen = policy.authorise(&self.config.people, service, &asker.account, Role::Viewer);
        seen.map(|_| ()).map_err(Refusal::from)
    }

    /// Returns the refusal for an account that maps to no person; `None` if it does map to one.
    pub(super) fn unmapped(&self, asker: &Caller) -> Option<Refusal> {
        let unmapped = || Refusal::from(Denial::Unmapped { account: asker.account.clone() });
        self.config.people.behind(&asker.account).is_none().then(unmapped)
    }

    async fn doorway(&self, asker: &Caller) -> Result<Origin, Failure> {
        if asker.account.platform == Platform::Console {
            return Ok(Origin::Terminal { votes: self.config.settings.chat.terminal_votes });
        }
        let chat = &self.outside.chat;
        let (account, kind) = futures::join!(chat.account(&asker.account), chat.channel(&asker.channel));
        Ok(Origin::Chat { account: account?, kind: kind?, channel: asker.channel.clone() })
    }
}

/// Refusal code: the person lacks the required role.
const ROLE_MISSING: &str = "role.missing";

/// Refusal code: the chat cannot be reached at the moment, but may answer later.
pub(super) const CHAT_DOWN: &str = "chat.down";

fn unsure(failure: &Failure) -> Refusal {
    let code = match failure {
        Failure::Retry { .. } | Failure::Uncertain { .. } => CHAT_DOWN,
        Failure::Rejected { .. } => "account.unsure",
    };
    let reason =
        format!("The chat could not be asked who you are and where this is, so nothing is let through: {failure}");
    Refusal::new(code, reason, "Say it again in a moment.")
}
