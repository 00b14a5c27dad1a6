//! Locks and freezes: leases held by people. A lock holds a lane; a freeze stops all deployments of a service. Each
//! change is an event of the stream `lanes`, so the journal records who made it and why (security case 78).

use std::time::Duration;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::Environment;
use hotfix_storage::{Append, Commit, CommitError, Expected, LeaseChange, LeaseId, LeaseView, StreamId};
use serde::Serialize;

use super::interactions::{Caller, Reply};
use super::mailbox::{lane, raw};
use super::{Engine, EngineError};
use crate::command::Request;
use crate::domain::command::{ActiveFreeze, FreezeEnd};
use crate::domain::id::{HotfixId, PersonId, ServiceName};
use crate::domain::people::{Grant, Permission, Role};
use crate::domain::refusal::Refusal;
use crate::view::{self, Holder, Lock};

/// Default lifetime of a lock, in minutes.
const LOCK_MINUTES: u32 = 120;
/// Name of the freeze of all services.
const EVERYTHING: &str = "all";

/// An event of the stream `lanes`.
#[derive(Debug, Serialize)]
struct LaneEvent<'a> {
    at: jiff::Timestamp,
    by: &'a PersonId,
    event: &'static str,
    lease: &'a str,
    reason: &'a str,
}

impl Engine {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`dispatch` passes only requests about locks, and only `locks` itself is left"
    )]
    pub(super) async fn lock(&self, asker: &Caller, request: Request, role: Role) -> Result<Reply, EngineError> {
        match request {
            Request::Lock { service, environment, ttl_minutes, reason } => {
                let asked = Asked {
                    lease: lane(&service, &environment),
                    service: Some(service),
                    environment: Some(environment),
                };
                self.take(asker, role, asked, Some(ttl_minutes.unwrap_or(LOCK_MINUTES)), &reason, "locked").await
            }
            Request::Freeze { service, reason } => {
                let asked = Asked { lease: freeze_lease(service.as_ref()), service, environment: None };
                self.take(asker, role, asked, None, &reason, "frozen").await
            }
            Request::Renew { service, environment, ttl_minutes } => {
                let asked = Asked {
                    lease: lane(&service, &environment),
                    service: Some(service),
                    environment: Some(environment),
                };
                let minutes = ttl_minutes.unwrap_or(LOCK_MINUTES);
                self.change(asker, role, asked, "renewed", "", |view, now| LeaseChange::Extend {
                    lease: view.lease.clone(),
                    fence: view.fence,
                    until: Some(now.after(minutes_long(minutes))),
                })
                .await
            }
            Request::Unlock { service, environment } => {
                let asked = Asked {
                    lease: lane(&service, &environment),
                    service: Some(service),
                    environment: Some(environment),
                };
                self.change(asker, role, asked, "unlocked", "", release).await
            }
            Request::Unfreeze { service } => {
                let asked = Asked { lease: freeze_lease(service.as_ref()), service, environment: None };
                self.change(asker, role, asked, "unfrozen", "", release).await
            }
            Request::Steal { service, environment, reason } => {
                let asked = Asked {
                    lease: lane(&service, &environment),
                    service: Some(service),
                    environment: Some(environment),
                };
                self.change(asker, role, asked, "stolen", &reason, release).await
            }
            _locks => {
                // Locks of services that the caller may not see are left out (security case 81).
                let mut locked = self.locked().await?;
                locked.retain(|lock| self.looks(asker, &lock.service).is_ok());
                Ok(Reply::yes(view::locks(&locked, &self.audience(), self.now())))
            }
        }
    }

    /// Returns all locks and freezes, held by runs and by people.
    pub(super) async fn locked(&self) -> Result<Vec<Lock>, EngineError> {
        let states = self.states().await;
        let requester = |id: HotfixId| states.iter().find(|state| state.id == id).map(|state| state.requester.clone());
        let leases = self.journal.leases().await?;
        Ok(leases.iter().filter_map(|view| lock_of(view, requester)).collect())
    }

    /// Admits a change of a lock or freeze. For a freeze of all services, the role is required in every service.
    async fn lane_grant(&self, asker: &Caller, service: Option<&ServiceName>, role: Role) -> Result<Grant, Refusal> {
        if let Some(service) = service {
            return self.admit(asker, service, role, Permission::Change).await;
        }
        self.admit_for_all(asker, role).await
    }

    #[expect(clippy::too_many_arguments, reason = "three words of the user and three facts about one lease")]
    async fn take(
        &self,
        asker: &Caller,
        role: Role,
        asked: Asked,
        minutes: Option<u32>,
        reason: &str,
        event: &'static str,
    ) -> Result<Reply, EngineError> {
        let grant = match self
            .lane_grant(asker, asked.service.as_ref(), role)
            .await
            .and_then(|grant| self.known_environment(&asked).map(|()| grant))
        {
            Ok(grant) => grant,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        let change = LeaseChange::Acquire {
            lease: asked.lease.clone(),
            holder: grant.person.to_string(),
            note: reason.to_owned(),
            until: minutes.map(|minutes| self.journal.now().after(minutes_long(minutes))),
        };
        self.commit_lane(asker, &grant, &asked.lease, change, reason, event).await
    }

    /// Changes a held lease. Its holder may do so, a captain may steal it, and the lanes of a run cannot be changed.
    #[expect(clippy::too_many_arguments, reason = "three words of the user and three facts about one lease")]
    async fn change(
        &self,
        asker: &Caller,
        role: Role,
        asked: Asked,
        event: &'static str,
        reason: &str,
        change: impl FnOnce(&LeaseView, hotfix_storage::Timestamp) -> LeaseChange,
    ) -> Result<Reply, EngineError> {
        let grant = match self.lane_grant(asker, asked.service.as_ref(), role).await {
            Ok(grant) => grant,
            Err(refusal) => return Ok(Reply::no(&[refusal])),
        };
        let held = self.journal.leases().await?.into_iter().find(|view| view.lease == asked.lease);
        let Some(view) = held else {
            let reason = format!("Nobody holds {}.", asked.lease);
            return Ok(Reply::no(&[Refusal::new("lane.free", reason, "See `locks`.")]));
        };
        let mine = view.holder == grant.person.as_str();
        if let Ok(run) = view.holder.parse::<HotfixId>() {
            let promotes = self.state(run).await.is_some_and(|state| state.plan.is_promotion());
            let until = if promotes {
                "every production is checked"
            } else {
                "every production is checked and the fix is on main"
            };
            let reason = format!("{run} holds it, and gives it back when {until}.");
            let next = format!("See `status {run}`; a captain can end it as it is with `abandon <reason> {run}`.");
            return Ok(Reply::no(&[Refusal::new("lane.run", reason, next)]));
        }
        if !mine && event != "stolen" && event != "unfrozen" {
            let holder = self.holder(&view.holder);
            let next = format!("Talk to {holder}, or let a captain say `steal`.");
            return Ok(Reply::no(&[Refusal::new("lane.theirs", format!("{holder} holds it: {}.", view.note), next)]));
        }
        let now = self.journal.now();
        self.commit_lane(asker, &grant, &asked.lease, change(&view, now), reason, event).await
    }

    #[expect(clippy::too_many_arguments, reason = "three words of the user and three facts about one lease")]
    async fn commit_lane(
        &self,
        asker: &Caller,
        grant: &Grant,
        lease: &LeaseId,
        change: LeaseChange,
        reason: &str,
        event: &'static str,
    ) -> Result<Reply, EngineError> {
        let mut commit = Commit::new(self.commit_id());
        commit.seen = asker.seen.clone();
        let event = LaneEvent { at: self.now(), by: &grant.person, event, lease: lease.as_str(), reason };
        commit.append.push(Append {
            stream: StreamId::new("lanes"),
            expected: Expected::Any,
            events: vec![raw(&event)?],
        });
        commit.leases.push(change);
        match self.commit(commit).await {
            Ok(_) => Ok(Reply::yes(view::lane_changed(event.event, lease.as_str(), reason))),
            Err(CommitError::AlreadySeen(first)) => Ok(Reply::again(Some(&first))),
            Err(CommitError::LeaseBusy(held)) => {
                let reason = format!("{} holds {} already: {}.", self.holder(&held.holder), held.lease, held.note);
                Ok(Reply::no(&[Refusal::new("lane.taken", reason, "See `locks`.")]))
            }
            Err(CommitError::LeaseLost(_)) => {
                let next = "See `locks`, and try again.";
                Ok(Reply::no(&[Refusal::new("lane.changed", "Somebody else changed it at this moment.", next)]))
            }
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }

    /// Returns the display name of a lease holder: the id of a run, or the name of a person.
    pub(super) fn holder(&self, holder: &str) -> String {
        let person: Option<PersonId> = holder.parse().ok();
        person.map_or_else(|| holder.to_owned(), |id| self.config.people.name(&id).to_owned())
    }

    fn known_environment(&self, asked: &Asked) -> Result<(), Refusal> {
        let (Some(service), Some(environment)) = (&asked.service, &asked.environment) else {
            return Ok(());
        };
        let environments =
            self.config.services.get(service).map(|s| s.service.environments.as_slice()).unwrap_or_default();
        if environments.iter().any(|e| &e.name == environment) {
            return Ok(());
        }
        let names: Vec<&str> = environments.iter().map(|e| e.name.as_str()).collect();
        let reason = format!("{service} has no environment {environment}.");
        Err(Refusal::new("environment.unknown", reason, format!("It has: {}.", names.join(", "))))
    }

    /// Returns the freeze that applies to a service at the moment: set by a person, or by the calendar of the policy.
    /// Only the freeze of all services stops a rollback.
    pub(super) async fn frozen(&self, service: &ServiceName, rollback: bool) -> Result<Option<ActiveFreeze>, Failure> {
        let leases = self.journal.leases().await.map_err(|error| Failure::retry(error.to_string()))?;
        let of_service = (!rollback).then(|| freeze_lease(Some(service)));
        let meant: Vec<LeaseId> = of_service.into_iter().chain([freeze_lease(None)]).collect();
        let held = is_frozen(&leases, &meant);
        let by_person = held.map(|view| ActiveFreeze {
            reason: format!("{} says: {}", self.holder(&view.holder), view.note),
            end: FreezeEnd::Command(view.lease.as_str().trim_start_matches("freeze/").to_owned()),
        });
        let by_calendar = || {
            let freeze = self.config.policy.freeze(service, self.now()).filter(|_| !rollback)?;
            Some(ActiveFreeze { reason: freeze.reason.clone(), end: FreezeEnd::Calendar(freeze.until) })
        };
        Ok(by_person.or_else(by_calendar))
    }
}

/// Returns the first of these freezes that is held.
pub(super) fn is_frozen<'a>(leases: &'a [LeaseView], freezes: &[LeaseId]) -> Option<&'a LeaseView> {
    leases.iter().find(|view| freezes.contains(&view.lease))
}

/// Converts a lease into a lock; `None` if it is not a lease on a lane or a freeze.
fn lock_of(view: &LeaseView, requester: impl Fn(HotfixId) -> Option<PersonId>) -> Option<Lock> {
    let name = view.lease.as_str();
    let (service, environment) = match name.strip_prefix("freeze/") {
        Some(service) => (service, None),
        None => name
            .strip_prefix("lane/")?
            .split_once('/')
            .map(|(service, environment)| (service, environment.parse().ok()))?,
    };
    let holder = match view.holder.parse::<HotfixId>() {
        Ok(id) => Holder::Run(id, requester(id)?),
        Err(_) => Holder::Person(view.holder.parse().ok()?),
    };
    let moment = |at: hotfix_storage::Timestamp| jiff::Timestamp::from_millisecond(at.0).ok();
    Some(Lock {
        service: service.parse().ok()?,
        environment,
        holder,
        reason: view.note.clone(),
        since: moment(view.since)?,
        until: view.until.and_then(moment),
    })
}

struct Asked {
    lease: LeaseId,
    service: Option<ServiceName>,
    environment: Option<Environment>,
}

/// Returns the lease id of the freeze of a service, or of all services.
pub(super) fn freeze_lease(service: Option<&ServiceName>) -> LeaseId {
    LeaseId::new(format!("freeze/{}", service.map_or(EVERYTHING, ServiceName::as_str)))
}

fn minutes_long(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

fn release(view: &LeaseView, _now: hotfix_storage::Timestamp) -> LeaseChange {
    LeaseChange::Release { lease: view.lease.clone(), fence: view.fence }
}
