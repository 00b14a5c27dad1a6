//! Polling: reads the remote systems and submits the observations. Authoritative: a lost webhook only delays an
//! observation until the next poll.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::{CommitId, Environment};

use super::branch_tips::Tips;
use super::facts::LISTED;
use super::mailbox::{CommitExtras, Submitted};
use super::read_failures::Read;
use super::{Engine, EngineError};
use crate::domain::command::{Command, Observation, PullFacts};
use crate::domain::event::Contribution;
use crate::domain::hotfix::{BranchState, Hotfix, Mainline, Phase};
use crate::domain::observation::StampedObservation;
use crate::domain::playbook::StepKind;
use crate::domain::service::EnvironmentPlan;
use crate::domain::step::{self, withheld_is_due};

impl Engine {
    /// Polls everything that the open runs depend on once, and returns the number of events that this recorded.
    ///
    /// # Errors
    /// If the journal fails. A remote system that does not answer is read again by the next poll.
    pub async fn poll(&self) -> Result<usize, EngineError> {
        // This poll covers the pending wakeups too.
        self.hints.take();
        let open = self.open_runs(|_| true).await;
        self.poll_each(&open).await
    }

    /// Returns the runs that are under way and match a predicate.
    pub(super) async fn open_runs(&self, picks: impl Fn(&Hotfix) -> bool) -> Vec<Hotfix> {
        let states = self.states().await;
        let open: Vec<_> = states.iter().filter(|state| !state.is_over()).map(|state| state.id).collect();
        self.forget_troubles(&open);
        let underway = |state: &Hotfix| state.phase == Phase::Underway && picks(state);
        states.into_iter().filter(underway).collect()
    }

    /// Polls each of these runs once, and waits for the slowest.
    pub(super) async fn poll_each(&self, runs: &[Hotfix]) -> Result<usize, EngineError> {
        self.pulse.looked(runs.len());
        let looked = futures::future::join_all(runs.iter().map(|state| self.poll_run(state))).await;
        looked.into_iter().sum()
    }

    pub(super) async fn poll_run(&self, state: &Hotfix) -> Result<usize, EngineError> {
        let before = self.acting.quiet(state.id);
        if before.is_none() {
            self.acting.missed(state.id, &self.hints);
            return Ok(0);
        }
        let tips = &Tips::default();
        let mut reads = vec![
            (Read::Branch, self.branch(state, tips).await),
            (Read::Pull, self.pull(state).await),
            (Read::MainChecks, self.main(state, tips).await),
            (Read::Main, self.on_main(state, tips).await),
            (Read::Reverts, self.reverted(state, tips).await),
            (Read::BranchMerged, self.merged_into_main(state, tips).await),
            (Read::Image, self.pinned_tag(state).await),
            (Read::Edits, self.edits_asked_about(state).await),
            (Read::LiveBranch, self.live_branch(state, tips).await),
            (Read::Awaited, self.observe_step(state, tips).await),
            (Read::Withheld, self.withheld_now(state, tips).await),
        ];
        for production in state.plan.productions() {
            reads.push((Read::Production(production.name.clone()), self.in_production(state, &production.name).await));
        }
        for (read, result) in &reads {
            self.count_read(state, read, result);
        }
        let sightings = reads.into_iter().filter_map(|(_, result)| result.ok().flatten()).chain([self.rules(state)]);
        let of = Arc::new(state.clone());
        let mut events = 0;
        for sighting in sightings {
            if self.acting.quiet(state.id) != before {
                self.acting.missed(state.id, &self.hints);
                return Ok(events);
            }
            events += self.observe(StampedObservation::new(&of, sighting)).await?;
        }
        Ok(events)
    }

    /// Submits an observation and returns the number of events that it recorded. If the run changed after the read, the
    /// observation is dropped and the run is polled again soon.
    async fn observe(&self, observation: StampedObservation) -> Result<usize, EngineError> {
        let id = observation.of.id;
        let command = Command::Observed(observation.clone());
        let Submitted::Done(state, made) = self.submit(id, &command, CommitExtras::default()).await? else {
            return Ok(0);
        };
        if made == 0 && !state.is_over() && !observation.applies_to(&state) {
            self.hints.add([id]);
        }
        Ok(made)
    }

    /// Returns the current voting rules of a run and the roles of its voters. Needed even without votes: a vote request
    /// expires, and the policy may ask for more votes than the plan.
    pub(super) fn rules(&self, state: &Hotfix) -> Observation {
        let (policy, service) = (&self.config.policy, &state.plan.service);
        let asked = |environment: &EnvironmentPlan| {
            let name = &environment.name;
            (name.clone(), policy.approval(service, name, environment.production))
        };
        let approvals = state.plan.environments.iter().map(asked).collect();
        Observation::Rules { policy_version: policy.version_for(service), roles: self.standing(state), approvals }
    }

    async fn branch(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
        let (Some(base), Some(head)) = (&state.base, &state.head) else {
            return Ok(None);
        };
        if state.branch != BranchState::Present || merged {
            return Ok(None);
        }
        let Some(tip) = self.tip_in(tips, state, &state.plan.branch).await? else {
            return Ok(Some(Observation::Head(None)));
        };
        // A head that is off its base is read again, because the base branch may have been moved under it. A head with
        // unexpected commits is read again, because they may have been requested in the meantime.
        if tip == head.tip && head.on_base && step::unexpected_commits(state).is_empty() && !state.branch_gone {
            return Ok(None);
        }
        Ok(Some(Observation::Head(Some(self.head_at(state, base, &tip, tips).await?))))
    }

    async fn pull(&self, state: &Hotfix) -> Result<Option<Observation>, Failure> {
        let now = self.pull_now(state).await?;
        Ok(now.map(|PullFacts { seen, merged }| Observation::Pull { seen, merged }))
    }

    /// Reads the checks and blockers of main that a release rests on, until that release begins.
    async fn main(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        if !step::releases(state) {
            return Ok(None);
        }
        let seen = self.main_seen(state, tips).await?;
        Ok(seen.filter(|seen| state.main_seen.as_ref() != Some(seen)).map(Observation::Main))
    }

    async fn in_production(&self, state: &Hotfix, production: &Environment) -> Result<Option<Observation>, Failure> {
        let Some(expected) = state.expected_in(production) else {
            return Ok(None);
        };
        let mechanism = self.mechanism(&state.plan.service, production)?;
        let Some(running) = mechanism.running().await?.map(|running| running.commit) else {
            return Ok(None);
        };
        if &running == expected {
            return Ok(None);
        }
        let has_fix = self.has_fix(state, &running).await?.is_some_and(|how| how.holds());
        let (brings, total) = self.brings(state, expected, &running).await;
        Ok(Some(Observation::Production { environment: production.clone(), running, has_fix, brings, total }))
    }

    /// Lists the changes of one commit that another one lacks. If the forge cannot list them, the drift is still
    /// reported, without them.
    async fn brings(&self, state: &Hotfix, expected: &CommitId, running: &CommitId) -> (Vec<Contribution>, usize) {
        let Ok(forge) = self.forge(&state.plan.service) else { return (Vec::new(), 0) };
        let Ok(range) = forge.commits_between(&state.plan.repo, expected, running, LISTED).await else {
            return (Vec::new(), 0);
        };
        let changes = range.commits.iter().filter(|commit| commit.parents.len() < 2);
        let machines = forge.machines(&state.plan.repo).await.unwrap_or_default();
        let changes: Vec<Contribution> = changes.map(|commit| self.contribution(commit, &machines)).collect();
        let total = changes.len() + range.total.saturating_sub(range.commits.len());
        (changes, total)
    }

    /// Reads the held-back changes of main, if the base or the fixes changed after the last read.
    async fn withheld_now(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let Some(base) = state.base.as_ref().filter(|_| withheld_is_due(state)) else { return Ok(None) };
        let main = self.tip_in(tips, state, &state.plan.main).await?;
        let without: BTreeSet<CommitId> = state.fixes.iter().map(|fix| fix.source.clone()).collect();
        let (changes, total) = self.withheld(state, Some(base), main.as_ref(), &without).await?;
        Ok(Some(Observation::HeldBack { base: base.clone(), without, changes, total }))
    }

    /// Checks that main has the fix, from the moment it can until the run ends: a merged fix can be reverted.
    pub(super) async fn on_main(&self, state: &Hotfix, tips: &Tips) -> Result<Option<Observation>, Failure> {
        let known = !matches!(state.mainline, Mainline::NotMerged);
        let waits = known || state.is_current(|kind| matches!(kind, StepKind::Mainline { .. }));
        let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
        // A promoted commit comes from main.
        if state.plan.is_promotion() || (!waits && !merged && state.live_at.is_none()) {
            return Ok(None);
        }
        let Some(main) = self.tip_in(tips, state, &state.plan.main).await? else {
            return Ok(None);
        };
        let known = match &state.mainline {
            Mainline::Merged(_, at) => at == &main,
            Mainline::Waived { .. } => true,
            Mainline::NotMerged | Mainline::Reverted(_) => false,
        };
        if known {
            return Ok(None);
        }
        let Some(how) = self.has_fix(state, &main).await? else { return Ok(None) };
        let by = match &how {
            Containment::Reverted { by, .. } | Containment::Rewritten { by } => {
                Some(self.credited(&state.plan.service, &state.plan.repo, by).await?)
            }
            Containment::Ancestor
            | Containment::Patch
            | Containment::Squash
            | Containment::Lines
            | Containment::Missing { .. } => None,
        };
        Ok(Some(Observation::Mainline { how, main, by }))
    }
}
