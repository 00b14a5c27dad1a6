//! Starts a run: records its opening and acquires its lanes in one commit, so that one of two concurrent
//! starts wins (APPLY-13).

use hotfix_adapters::ids::{BranchName, CommitId};
use hotfix_storage::{CommitError, DedupeKey, LeaseView, Receipt};
use std::sync::Arc;
use tokio::sync::Mutex;

use super::mailbox::{CommitExtras, Submitted, taken};
use super::{Engine, EngineError, Run};
use crate::domain::command::{Command, UserCommand};
use crate::domain::decide;
use crate::domain::event::Opened;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, ServiceName};
use crate::domain::people::Grant;
use crate::domain::plan::{Plan, PlanInput};
use crate::domain::playbook::{Playbook, SecondStart};
use crate::domain::refusal::Refusal;

/// The arguments of a start command.
pub(super) struct Start {
    pub(super) service: ServiceName,
    pub(super) title: String,
    pub(super) incident: Option<String>,
    pub(super) ticket: Option<String>,
    pub(super) fixes: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) exceptional: bool,
    /// The branch that carries the fix; `None` if the plan names it.
    pub(super) branch: Option<BranchName>,
    /// The productions of the hotfix, or the targets to promote; all if empty.
    pub(super) only: Vec<String>,
    /// The arguments of a promotion; `None` for a hotfix.
    pub(super) promotion: Option<Promotion>,
}

impl Start {
    /// Creates a start with a service and no other argument.
    pub(super) fn of(service: ServiceName) -> Self {
        Self {
            service,
            title: String::new(),
            incident: None,
            ticket: None,
            fixes: Vec::new(),
            from: None,
            exceptional: false,
            branch: None,
            only: Vec::new(),
            promotion: None,
        }
    }
}

/// The arguments of a promotion command.
#[derive(Clone, Default)]
pub(super) struct Promotion {
    /// The revision to promote; `None` for the tip of main.
    pub(super) target: Option<String>,
    /// The commit of the schema repository that is promoted first.
    pub(super) schema: Option<CommitId>,
}

/// The outcome of a start command.
pub(super) enum Started {
    Opened(Box<Hotfix>),
    Joined(Box<Hotfix>),
    Refused(Vec<Refusal>),
    SeenBefore(Option<Receipt>),
}

impl Engine {
    pub(super) async fn open(
        &self,
        start: Start,
        grant: &Grant,
        seen: Option<DedupeKey>,
    ) -> Result<Started, EngineError> {
        let plan = match self.plan_for(&start) {
            Ok(plan) => plan,
            Err(refusals) => return Ok(Started::Refused(refusals)),
        };
        let promotion = start.promotion.clone().unwrap_or_default();
        loop {
            // Locked until the run is registered: its first work item may be claimed as soon as the commit is durable,
            // and needs the run.
            let mut runs = self.runs.lock().await;
            let id = HotfixId(runs.keys().next_back().map_or(0, |last| last.0) + 1);
            let opened = Opened {
                title: start.title.clone(),
                incident: start.incident.clone(),
                ticket: start.ticket.clone(),
                plan: plan.clone(),
                fixes: start.fixes.clone(),
                from: start.from.clone(),
                target: promotion.target.clone(),
                schema: promotion.schema.clone(),
            };
            let decision = match decide::open(id, grant, opened, self.now()) {
                Ok(decision) => decision,
                Err(refusals) => return Ok(Started::Refused(refusals)),
            };
            let mut commit = self.events_and_effects(id, 0, None, &decision.entries)?;
            commit.seen = seen.clone();
            commit.leases = taken(&decision.state);
            let committed = self.commit(commit).await;
            if committed.is_ok() {
                runs.insert(id, Arc::new(Mutex::new(Run::new(decision.state.clone()))));
            }
            drop(runs);
            match committed {
                Ok(_) => return Ok(Started::Opened(Box::new(decision.state))),
                // Another replica used this run id.
                Err(CommitError::Conflict { .. }) => self.recover().await?,
                Err(CommitError::AlreadySeen(first)) => return Ok(Started::SeenBefore(Some(first))),
                Err(CommitError::LeaseBusy(view)) => return self.lane_taken(&start, &view, grant, seen).await,
                Err(error) => return Err(EngineError::Journal(error.to_string())),
            }
        }
    }

    fn plan_for(&self, start: &Start) -> Result<Plan, Vec<Refusal>> {
        let unknown = || {
            let reason = format!("There is no service {}.", start.service);
            vec![Refusal::new("service.unknown", reason, "See `help start`.")]
        };
        let service = self.config.services.get(&start.service).ok_or_else(unknown)?;
        let playbook = self.playbook_for(start).ok_or_else(|| {
            let reason = format!("{} names no playbook for promotions.", start.service);
            vec![Refusal::new("promotion.none", reason, "Write `promote_with` into the file of the service.")]
        })?;
        let subject = PlanInput {
            title: &start.title,
            ticket: start.ticket.as_deref(),
            branch: start.branch.as_ref(),
            exceptional: start.exceptional,
            schema: start.promotion.as_ref().is_some_and(|promotion| promotion.schema.is_some()),
            only: &start.only,
        };
        Plan::resolve(&service.service, playbook, subject, self.config.policy.version())
    }

    fn playbook_for(&self, start: &Start) -> Option<&Playbook> {
        if start.promotion.is_none() {
            return self.config.playbook_of(&start.service);
        }
        let service = self.config.services.get(&start.service)?;
        self.config.playbooks.get(service.service.promote_with.as_ref()?)
    }

    /// Handles a start whose lane is taken: joins the run that holds it, or refuses with its
    /// holder (APPLY-13, APPLY-14).
    async fn lane_taken(
        &self,
        start: &Start,
        held: &LeaseView,
        grant: &Grant,
        seen: Option<DedupeKey>,
    ) -> Result<Started, EngineError> {
        let holder: Option<HotfixId> = held.holder.parse().ok();
        let joins = self.playbook_for(start).is_some_and(|p| p.second_start == SecondStart::Join);
        let Some(id) = holder.filter(|_| joins && !start.exceptional && start.promotion.is_none()) else {
            return Ok(Started::Refused(vec![self.taken(held)]));
        };
        let base = self.state(id).await.and_then(|run| run.base);
        let fixes = match self.commits(&start.service, base.as_ref(), &start.fixes).await {
            Ok(fixes) => fixes,
            Err(refusals) => return Ok(Started::Refused(refusals)),
        };
        let act = UserCommand::Join { title: start.title.clone(), fixes };
        let handled = self.submit(id, &Command::User(grant.clone(), act), CommitExtras { seen, settle: None }).await?;
        Ok(match handled {
            Submitted::Done(state, _) => Started::Joined(state),
            Submitted::Refused(mut refusals) => {
                refusals.push(self.taken(held));
                Started::Refused(refusals)
            }
            Submitted::SeenBefore(first) => Started::SeenBefore(Some(first)),
            Submitted::TooLate => Started::SeenBefore(None),
        })
    }

    /// Returns the refusal for a run whose released lanes were taken by another holder.
    pub(super) fn taken_meanwhile(&self, held: &LeaseView) -> Refusal {
        let what = held.lease.as_str().trim_start_matches("lane/");
        let holder = self.holder(&held.holder);
        let reason = format!("{holder} has {what} now: {}.", held.note);
        let next = match held.holder.parse::<HotfixId>() {
            Ok(id) => format!(
                "See `status {id}`: wait until it gives {what} back, or let a captain end it with `abandon <reason> {id}`."
            ),
            Err(_) => format!("Talk to {holder}, or let a captain say `steal {what} <reason>`."),
        };
        Refusal::new("lane.taken", reason, next).because_of("APPLY-X4")
    }

    fn taken(&self, held: &LeaseView) -> Refusal {
        let what = held.lease.as_str().trim_start_matches("lane/");
        let until = held.until.and_then(|until| jiff::Timestamp::from_millisecond(until.0).ok());
        let until = until.map(|until| format!(", until {}", until.strftime("%H:%M UTC"))).unwrap_or_default();
        let reason = format!("{} has {what}{until}: {}.", self.holder(&held.holder), held.note);
        let next = match held.holder.parse::<HotfixId>() {
            Ok(id) => format!("See `status {id}`; a fix can go onto the same branch with `pick <commit> {id}`."),
            Err(_) => format!("Talk to {}, or let a captain say `steal {what} <reason>`.", self.holder(&held.holder)),
        };
        Refusal::new("lane.taken", reason, next).because_of("APPLY-13")
    }
}
