//! A new run: its opening and its lanes in one commit, so that of two starts at the same instant one wins (APPLY-13).

use hotfix_storage::{CommitError, DedupeKey, LeaseChange, LeaseView};
use std::sync::Arc;
use tokio::sync::Mutex;

use super::mailbox::{Beside, Handled, lane};
use super::{Engine, EngineError, Run};
use crate::domain::command::{Act, Command};
use crate::domain::decide;
use crate::domain::event::Opened;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, ServiceName};
use crate::domain::people::Grant;
use crate::domain::plan::Plan;
use crate::domain::playbook::SecondStart;
use crate::domain::refusal::Refusal;

/// What a start asks for.
pub(super) struct Start {
    pub(super) service: ServiceName,
    pub(super) title: String,
    pub(super) incident: Option<String>,
    pub(super) ticket: Option<String>,
    pub(super) fixes: Vec<String>,
    pub(super) from: Option<String>,
    pub(super) exceptional: bool,
}

/// What became of a start.
pub(super) enum Started {
    Opened(Box<Hotfix>),
    Joined(Box<Hotfix>),
    Refused(Vec<Refusal>),
    SeenBefore,
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
            Err(refusal) => return Ok(Started::Refused(vec![refusal])),
        };
        loop {
            let id = self.next_id().await;
            let opened = Opened {
                title: start.title.clone(),
                incident: start.incident.clone(),
                ticket: start.ticket.clone(),
                plan: plan.clone(),
                fixes: start.fixes.clone(),
                from: start.from.clone(),
            };
            let decision = match decide::open(id, grant, opened, self.now()) {
                Ok(decision) => decision,
                Err(refusals) => return Ok(Started::Refused(refusals)),
            };
            let mut commit = self.events_and_effects(id, 0, None, &decision.entries)?;
            commit.seen = seen.clone();
            commit.leases = plan
                .lanes()
                .map(|environment| LeaseChange::Acquire {
                    lease: lane(&plan.service, environment),
                    holder: id.to_string(),
                    note: start.title.clone(),
                    until: None,
                })
                .collect();
            match self.commit(commit).await {
                Ok(_) => {
                    let run = Run { state: decision.state.clone(), shown: None };
                    self.runs.lock().await.insert(id, Arc::new(Mutex::new(run)));
                    return Ok(Started::Opened(Box::new(decision.state)));
                }
                // Another replica took the number.
                Err(CommitError::Conflict { .. }) => self.recover().await?,
                Err(CommitError::AlreadySeen(_)) => return Ok(Started::SeenBefore),
                Err(CommitError::LeaseBusy(view)) => return self.lane_taken(&start, &view, grant, seen).await,
                Err(error) => return Err(EngineError::Journal(error.to_string())),
            }
        }
    }

    fn plan_for(&self, start: &Start) -> Result<Plan, Refusal> {
        let unknown =
            || Refusal::new("service.unknown", format!("There is no service {}.", start.service), "See `help start`.");
        let service = self.config.services.get(&start.service).ok_or_else(unknown)?;
        let playbook = self.config.playbook_of(&start.service).ok_or_else(unknown)?;
        let version = self.config.policy.version();
        Plan::resolve(&service.service, playbook, &start.title, start.exceptional, version)
    }

    async fn next_id(&self) -> HotfixId {
        let last = self.runs.lock().await.keys().next_back().map_or(0, |id| id.0);
        HotfixId(last + 1)
    }

    /// Somebody has the lane: the second start joins them, or is told who it is (APPLY-13, APPLY-14).
    async fn lane_taken(
        &self,
        start: &Start,
        held: &LeaseView,
        grant: &Grant,
        seen: Option<DedupeKey>,
    ) -> Result<Started, EngineError> {
        let holder: Option<HotfixId> = held.holder.parse().ok();
        let joins = self.config.playbook_of(&start.service).is_some_and(|p| p.second_start == SecondStart::Join);
        let Some(id) = holder.filter(|_| joins && !start.exceptional) else {
            return Ok(Started::Refused(vec![taken(held)]));
        };
        let fixes = match self.commits(&start.service, &start.fixes).await {
            Ok(fixes) => fixes,
            Err(refusals) => return Ok(Started::Refused(refusals)),
        };
        let act = Act::Join { title: start.title.clone(), fixes };
        let handled = self.submit(id, &Command::Person(grant.clone(), act), Beside { seen, settle: None }).await?;
        Ok(match handled {
            Handled::Done(state, _) => Started::Joined(state),
            Handled::Refused(mut refusals) => {
                refusals.push(taken(held));
                Started::Refused(refusals)
            }
            Handled::SeenBefore | Handled::TooLate => Started::SeenBefore,
        })
    }
}

fn taken(held: &LeaseView) -> Refusal {
    let what = held.lease.as_str().trim_start_matches("lane/");
    let until = held.until.and_then(|until| jiff::Timestamp::from_millisecond(until.0).ok());
    let until = until.map(|until| format!(", until {}", until.strftime("%H:%M UTC"))).unwrap_or_default();
    let reason = format!("{} has {what}{until}: {}.", held.holder, held.note);
    let next = match held.holder.parse::<HotfixId>() {
        Ok(id) => format!("See `status {id}`; a fix can go onto the same branch with `pick <commit> {id}`."),
        Err(_) => format!("Talk to {}, or let a captain say `steal {what} <reason>`.", held.holder),
    };
    Refusal::new("lane.taken", reason, next).because_of("APPLY-13")
}
