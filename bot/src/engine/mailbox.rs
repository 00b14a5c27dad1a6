//! The mailbox of a run: handles one command at a time. It decides, commits durably, and only then updates the state in
//! memory and replies.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotfix_storage::{
    Append, Commit, CommitError, DedupeKey, Expected, LeaseChange, LeaseId, Requirement, Settle, StreamId, TimerChange,
    Version, Work, WorkKey,
};
use serde_json::value::to_raw_value;
use tokio::sync::Mutex;

use super::{Engine, EngineError, Run, break_glass, outbox};
use crate::domain::command::Command;
use crate::domain::decide::{Decision, decide};
use crate::domain::effect::Effect;
use crate::domain::event::{Entry, Event};
use crate::domain::evolve::replay;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;
use crate::domain::react::{Reminder, react};
use crate::domain::refusal::Refusal;

/// The outcome of a command.
pub(super) enum Submitted {
    /// The command is durable: the run after it, and the number of events that it recorded.
    Done(Box<Hotfix>, usize),
    /// The command was refused. No event was recorded.
    Refused(Vec<Refusal>),
    /// The same input was handled earlier, by the commit of this receipt.
    SeenBefore(hotfix_storage::Receipt),
    /// The claim on the work item to settle was lost to another worker.
    TooLate,
}

/// The parts of a commit that are not events.
#[derive(Default)]
pub(super) struct CommitExtras {
    /// Dedupe key of the input that the command answers; `None` for a command that no input caused.
    pub(super) seen: Option<DedupeKey>,
    /// Settlement of the work item that led to the command.
    pub(super) settle: Option<Settle>,
}

/// Returns the id of the journal stream that holds the events of a run.
pub(super) fn stream(id: HotfixId) -> StreamId {
    StreamId::new(id.to_string())
}

/// Returns the id of the lease that represents a lane.
pub(super) fn lane(
    service: &crate::domain::id::ServiceName,
    environment: &hotfix_adapters::ids::Environment,
) -> LeaseId {
    LeaseId::new(format!("lane/{service}/{environment}"))
}

impl Engine {
    pub(super) async fn run(&self, id: HotfixId) -> Option<Arc<Mutex<Run>>> {
        self.runs.lock().await.get(&id).cloned()
    }

    /// Handles one command of a run, after the commands that the run is already handling.
    pub(super) async fn submit(
        &self,
        id: HotfixId,
        command: &Command,
        beside: CommitExtras,
    ) -> Result<Submitted, EngineError> {
        let Some(run) = self.run(id).await else {
            return Err(EngineError::Replay(format!("work for {id}, which no event opened")));
        };
        let mut run = run.lock().await;
        loop {
            let decision = match decide(&run.state, command, self.now()) {
                Ok(decision) => decision,
                Err(refusals) => return Ok(Submitted::Refused(self.with_names(&refusals))),
            };
            if decision.entries.is_empty() && beside.settle.is_none() {
                return Ok(Submitted::Done(Box::new(decision.state), 0));
            }
            let mut commit = self.commit_of(&run.state, &decision).await?;
            commit.seen = beside.seen.clone();
            commit.settle = beside.settle.iter().cloned().collect();
            match self.commit(commit).await {
                Ok(_) => {
                    let events = decision.entries.len();
                    run.state = decision.state;
                    return Ok(Submitted::Done(Box::new(run.state.clone()), events));
                }
                Err(CommitError::Conflict { .. }) => run.state = self.read(id).await?,
                Err(CommitError::AlreadySeen(first)) => return Ok(Submitted::SeenBefore(first)),
                Err(CommitError::FenceLost(_)) => return Ok(Submitted::TooLate),
                Err(CommitError::LeaseBusy(view)) if break_glass::is_of(&view) => {
                    return Ok(Submitted::Refused(self.with_names(&[break_glass::broken_before(&view)])));
                }
                // A lane that was released in between is held by another run.
                Err(CommitError::LeaseBusy(view)) => return Ok(Submitted::Refused(vec![self.taken_meanwhile(&view)])),
                Err(CommitError::LeaseLost(lease)) => return Ok(Submitted::Refused(vec![lane_lost(&lease)])),
                Err(error @ (CommitError::Malformed(_) | CommitError::Unknown(_) | CommitError::Fatal(_))) => {
                    return Err(EngineError::Journal(error.to_string()));
                }
            }
        }
    }

    /// Replaces person ids in refusals by names: the domain knows only ids, and users read names.
    fn with_names(&self, refusals: &[Refusal]) -> Vec<Refusal> {
        refusals.iter().map(|refusal| crate::view::named(&self.config.people, refusal)).collect()
    }

    /// Commits, and looks up the outcome if the journal does not know whether the commit happened.
    pub(super) async fn commit(&self, commit: Commit) -> Result<hotfix_storage::Receipt, CommitError> {
        let id = commit.id.clone();
        let fresh: Vec<String> = commit.enqueue.iter().map(|work| work.key.to_string()).collect();
        self.fresh_work(|known| known.extend(fresh));
        let answer = match self.journal.commit(commit).await {
            Err(CommitError::Unknown(_)) => match self.journal.outcome(&id).await {
                Ok(Some(receipt)) => Ok(receipt),
                Ok(None) | Err(_) => Err(CommitError::Unknown(id)),
            },
            answer => answer,
        };
        if answer.is_ok() {
            self.pulse.committed();
        }
        answer
    }

    pub(super) fn fresh_work<T>(&self, change: impl FnOnce(&mut std::collections::BTreeSet<String>) -> T) -> T {
        let mut known = self.fresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut known)
    }

    /// Reads a run from the journal.
    pub(super) async fn read(&self, id: HotfixId) -> Result<Hotfix, EngineError> {
        let entries = self.entries(id).await?;
        let state = replay(id, &entries).map_err(|impossible| EngineError::Replay(impossible.to_string()))?;
        state.ok_or_else(|| EngineError::Replay(format!("{id} has no events")))
    }

    /// Reads all events of a run, oldest first.
    ///
    /// # Errors
    /// If the journal cannot be read, or holds an entry that this program would not write.
    pub async fn entries(&self, id: HotfixId) -> Result<Vec<Entry>, EngineError> {
        self.entries_between(id, 0, u64::MAX).await
    }

    /// Reads the events of a run after version `after`, up to and including version `upto`.
    pub(super) async fn entries_between(&self, id: HotfixId, after: u64, upto: u64) -> Result<Vec<Entry>, EngineError> {
        let max = usize::try_from(upto.saturating_sub(after)).unwrap_or(usize::MAX);
        let records = self.journal.stream(&stream(id), Version(after), max).await?;
        let parse = |record: &hotfix_storage::Record| {
            serde_json::from_str(record.event.get())
                .map_err(|error| EngineError::Replay(format!("{id} event {}: {error}", record.version)))
        };
        records.iter().map(parse).collect()
    }

    /// Builds the single commit of a decision: its events, effects, timers and lease changes.
    async fn commit_of(&self, before: &Hotfix, decision: &Decision) -> Result<Commit, EngineError> {
        let id = before.id;
        let mut commit = self.events_and_effects(id, before.version, Some(before), &decision.entries)?;
        if before.holds_lanes() && !decision.state.holds_lanes() {
            commit.leases = self.released(&decision.state).await?;
        }
        if !before.holds_lanes() && decision.state.holds_lanes() {
            commit.leases = taken(&decision.state);
        }
        for (entry, version) in decision.entries.iter().zip(before.version + 1..) {
            if let Event::BreakGlassUsed(broken) = &entry.event {
                commit.leases.push(self.take_glass(before, version, broken));
            }
            if let Event::DeployStarted(intent) = &entry.event {
                let lease = lane(&before.plan.service, &intent.environment);
                let held = self
                    .journal
                    .leases()
                    .await?
                    .into_iter()
                    .find(|view| view.lease == lease && view.holder == id.to_string());
                let fence = held.map(|view| view.fence).unwrap_or_default();
                commit.require.push(Requirement::LeaseHeld { lease, fence });
            }
        }
        Ok(commit)
    }

    /// Builds a commit of events, with the effects and timers that follow from each.
    pub(super) fn events_and_effects(
        &self,
        id: HotfixId,
        version: u64,
        before: Option<&Hotfix>,
        entries: &[Entry],
    ) -> Result<Commit, EngineError> {
        let mut commit = Commit::new(self.commit_id());
        let mut state = before.cloned();
        let mut events = Vec::with_capacity(entries.len());
        for (offset, entry) in entries.iter().enumerate() {
            let version = version + u64::try_from(offset).unwrap_or(u64::MAX) + 1;
            let next =
                crate::domain::evolve::evolve(id, state, entry).map_err(|e| EngineError::Replay(e.to_string()))?;
            events.push(raw(entry)?);
            let reaction = react(&next, entry, version);
            for (index, effect) in reaction.effects.iter().enumerate() {
                commit.enqueue.push(self.work_for(id, &format!("{id}/{version}/{index}"), effect)?);
            }
            for of in &reaction.forget {
                forget(&mut commit.timers, &remind_key(id, of));
            }
            for (of, after) in &reaction.remind {
                let key = remind_key(id, of);
                forget(&mut commit.timers, &key);
                let effect = match of {
                    Reminder::Step(step) => Effect::Remind { step: step.clone() },
                    Reminder::Countersign => Effect::RemindCountersign,
                };
                let mut work = self.work_for(id, key.as_str(), &effect)?;
                work.not_before = self.journal.now().after(*after);
                work.queue = outbox::time();
                // Each reminder has an order key of its own, so that it does not wait for another reminder of
                // the same run.
                work.order_key = key.to_string();
                commit.timers.retain(|change| !matches!(change, TimerChange::Cancel(cancelled) if cancelled == &key));
                commit.timers.push(TimerChange::Set(work));
            }
            state = Some(next);
        }
        if !events.is_empty() {
            commit.append.push(Append { stream: stream(id), expected: Expected::Exactly(Version(version)), events });
        }
        Ok(commit)
    }

    fn work_for(&self, id: HotfixId, key: &str, effect: &Effect) -> Result<Work, EngineError> {
        Ok(Work {
            key: WorkKey::new(key),
            queue: if effect.is_talk() { outbox::talk() } else { outbox::act() },
            order_key: id.to_string(),
            not_before: self.journal.now(),
            payload: raw(&outbox::Task { run: id, effect: effect.clone() })?,
        })
    }

    /// Releases the leases on the lanes of a run that has ended.
    async fn released(&self, state: &Hotfix) -> Result<Vec<LeaseChange>, EngineError> {
        let holder = state.id.to_string();
        let held = self.journal.leases().await?.into_iter().filter(|view| view.holder == holder);
        Ok(held.map(|view| LeaseChange::Release { lease: view.lease, fence: view.fence }).collect())
    }
}

/// Acquires a lease on each lane of a run.
pub(super) fn taken(state: &Hotfix) -> Vec<LeaseChange> {
    let lanes: BTreeSet<LeaseId> =
        state.plan.lanes().map(|environment| lane(&state.plan.service, environment)).collect();
    let acquire =
        |lease| LeaseChange::Acquire { lease, holder: state.id.to_string(), note: state.title.clone(), until: None };
    lanes.into_iter().map(acquire).collect()
}

fn remind_key(id: HotfixId, of: &Reminder) -> WorkKey {
    WorkKey::new(match of {
        Reminder::Step(step) => format!("{id}/remind/{step}"),
        Reminder::Countersign => format!("{id}/remind-countersign"),
    })
}

/// Cancels a timer. A commit names each timer once, so this replaces an earlier change of the same timer.
fn forget(timers: &mut Vec<TimerChange>, key: &WorkKey) {
    timers.retain(|change| match change {
        TimerChange::Set(work) => &work.key != key,
        TimerChange::Cancel(cancelled) => cancelled != key,
    });
    timers.push(TimerChange::Cancel(key.clone()));
}

pub(super) fn raw<T: serde::Serialize>(value: &T) -> Result<Box<serde_json::value::RawValue>, EngineError> {
    to_raw_value(value).map_err(|error| EngineError::Replay(format!("it cannot be written: {error}")))
}

fn lane_lost(lease: &LeaseId) -> Refusal {
    let reason = format!("The run does not hold {lease} any more, so it may not deploy there.");
    Refusal::new("lane.lost", reason, "See `locks` for who holds it.")
}
