//! Queries: replies to read-only commands.

use hotfix_adapters::chat::Card;
use hotfix_adapters::ids::Platform;

use super::interactions::{Caller, Reply};
use super::{Engine, EngineError};
use crate::command::{self, Request};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::ServiceName;
use crate::domain::people::{Permission, Person, Role};
use crate::domain::refusal::Refusal;
use crate::domain::service::EnvironmentPlan;
use crate::domain::vote::excluded;
use crate::view::{self, Lock, Me, Rights, Whereabouts, Worth};

impl Engine {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`dispatch` passes only read-only requests, and the rest concern a run"
    )]
    pub(super) async fn show(&self, asker: &Caller, request: Request) -> Result<Reply, EngineError> {
        match request {
            Request::Ping => Ok(Reply::yes(view::pong())),
            Request::Help { verb } => Ok(Reply::yes(view::preformatted(&command::help(verb.as_deref())))),
            Request::Whoami => Ok(Reply::yes(self.whoami(asker).await)),
            Request::List { mine, open, service } => self.list(asker, mine, open, service.as_ref()).await,
            Request::Where { service } => self.whereabouts(asker, &service).await,
            request => self.about_run(asker, request).await,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`dispatch` passes only read-only requests, and the card answers the rest"
    )]
    async fn about_run(&self, asker: &Caller, request: Request) -> Result<Reply, EngineError> {
        let state = match self.find_run(asker, request.run()).await {
            Ok(state) => state,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        if let Err(refusal) = self.looks(asker, &state.plan.service) {
            return Ok(Reply::no(&[refusal]));
        }
        let audience = self.audience();
        Ok(Reply::yes(match request {
            Request::Plan { .. } => view::plan(&state, &audience, self.now()),
            Request::Who { .. } => view::who(&state, &audience),
            Request::Timeline { .. } => {
                view::preformatted(&view::timeline(&state, &self.entries(state.id).await?, &audience))
            }
            Request::Mergeback { .. } => view::mergeback(&state, &audience),
            Request::Postmortem { .. } => {
                view::preformatted(&view::postmortem(&state, &self.entries(state.id).await?, &audience))
            }
            _status => {
                let card = view::card(&state, &audience, self.now());
                let card = view::unreadable_things(card, &self.troubles_of(state.id), self.now());
                self.with_stall(state.id, card).await?
            }
        }))
    }

    async fn list(
        &self,
        asker: &Caller,
        mine: bool,
        open: bool,
        service: Option<&ServiceName>,
    ) -> Result<Reply, EngineError> {
        let me = self.person(Some(&asker.account));
        let states = self.states().await;
        // Runs of services that the caller may not see are treated as absent (security case 81).
        let wanted = |state: &&Hotfix| {
            let seen = self.looks(asker, &state.plan.service).is_ok();
            seen && (!open || !state.is_over()) && service.is_none_or(|service| &state.plan.service == service)
        };
        let listed: Vec<&Hotfix> = states.iter().filter(wanted).collect();
        Ok(Reply::yes(if mine {
            view::mine(&listed, me.as_ref(), &self.audience(), self.now())
        } else {
            view::list(&listed, &self.audience(), self.now())
        }))
    }

    async fn whereabouts(&self, asker: &Caller, service: &ServiceName) -> Result<Reply, EngineError> {
        if let Err(refusal) = self.looks(asker, service) {
            return Ok(Reply::no(&[refusal]));
        }
        let Some(configured) = self.config.services.get(service) else {
            return Ok(Reply::no(&[Refusal::new(
                "service.unknown",
                format!("There is no service {service}."),
                "See `help where`.",
            )]));
        };
        let mut environments = Vec::new();
        for environment in &configured.service.environments {
            let running = match self.outside.deploys.get(&(service.clone(), environment.name.clone())) {
                Some(mechanism) => mechanism.running().await.ok().flatten().map(|running| running.commit),
                None => None,
            };
            environments.push((environment.name.clone(), running));
        }
        let production =
            configured.service.environments.iter().find(|e| e.production).map(|environment| &environment.name);
        let locks = self.locked().await?;
        let holder = locks.into_iter().find(|lock| &lock.service == service && lock.environment.as_ref() == production);
        let may_deploy = self.may_deploy(asker, service, holder.as_ref()).await?;
        let found = Whereabouts { service: service.clone(), environments, holder, may_deploy };
        Ok(Reply::yes(view::whereabouts(&found, &self.audience(), self.now())))
    }

    /// Returns all reasons that stop the caller from deploying the service at the moment.
    async fn may_deploy(
        &self,
        asker: &Caller,
        service: &ServiceName,
        holder: Option<&Lock>,
    ) -> Result<Result<(), Vec<Refusal>>, EngineError> {
        let admitted = self.admit(asker, service, Role::Requester, Permission::Change).await;
        let mut refusals: Vec<Refusal> = admitted.err().into_iter().collect();
        refusals.extend(self.frozen(service, false).await.ok().flatten().map(|freeze| freeze.refusal()));
        if let Some(lock) = holder {
            let next = "Wait for it to be given back; see `locks` and `list --open`.";
            refusals.push(
                Refusal::new("lane.taken", format!("Production is taken: {}", lock.reason), next)
                    .because_of("APPLY-X4"),
            );
        }
        Ok(if refusals.is_empty() { Ok(()) } else { Err(refusals) })
    }

    async fn whoami(&self, asker: &Caller) -> Card {
        let person = self.config.people.behind(&asker.account);
        let worth = if asker.account.platform == Platform::Console {
            Worth::Terminal { votes: self.config.settings.chat.terminal_votes }
        } else {
            self.outside.chat.account(&asker.account).await.map_or(Worth::Unsure, Worth::Chat)
        };
        let services: Vec<Rights> = person.map(|person| self.rights(person)).unwrap_or_default();
        let mut runs = Vec::new();
        for run in self.states().await.iter().filter(|run| !run.is_over()) {
            let votes = |rights: &Rights| rights.service == run.plan.service && !rights.votes.is_empty();
            let Some(person) = person.filter(|_| services.iter().any(votes)) else { continue };
            runs.push((run.id, run.plan.service.clone(), excluded(run, &person.id)));
        }
        view::whoami(&Me { account: &asker.account, person, worth, services, runs })
    }

    /// Returns the rights of a person. Services for which the person has no role are left out (security case 81).
    fn rights(&self, person: &Person) -> Vec<Rights> {
        let rights = self.config.services.iter().map(|(name, configured)| {
            let roles = self.config.policy.roles(name, &person.id);
            let counts = |environment: &&EnvironmentPlan| {
                let approval = self.config.policy.approval(name, &environment.name, environment.production);
                approval.rules.iter().any(|rule| roles.contains(&rule.role))
            };
            let votes =
                configured.service.environments.iter().filter(counts).map(|target| target.name.clone()).collect();
            Rights { service: name.clone(), roles, channel: configured.service.channel.clone(), votes }
        });
        rights.filter(|rights| !rights.roles.is_empty()).collect()
    }
}
