//! Asks the world what changed. A lost webhook only costs time, because this asks too.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::PullState;
use hotfix_adapters::vocabulary::Environment;

use super::mailbox::Beside;
use super::{Engine, EngineError};
use crate::domain::command::{Command, Sighting};
use crate::domain::hotfix::{BranchState, Hotfix, Mainline, Phase};
use crate::domain::playbook::StepKind;
use crate::domain::step;

impl Engine {
    /// Looks once at everything the open runs depend on, and says how many events that made.
    ///
    /// # Errors
    /// When the journal is out of order. A world that does not answer is looked at again next time.
    pub async fn look(&self) -> Result<usize, EngineError> {
        // What was hinted at until now is among it.
        self.hints.take();
        let open = self.open_runs(|_| true).await;
        self.look_each(&open).await
    }

    /// The open runs that a test picks.
    pub(super) async fn open_runs(&self, picks: impl Fn(&Hotfix) -> bool) -> Vec<Hotfix> {
        let underway = |state: &Hotfix| state.phase == Phase::Underway && picks(state);
        self.states().await.into_iter().filter(underway).collect()
    }

    /// Looks once at each of these runs, and waits for the slowest.
    pub(super) async fn look_each(&self, runs: &[Hotfix]) -> Result<usize, EngineError> {
        self.pulse.looked(runs.len());
        let looked = futures::future::join_all(runs.iter().map(|state| self.look_at(state))).await;
        looked.into_iter().sum()
    }

    pub(super) async fn look_at(&self, state: &Hotfix) -> Result<usize, EngineError> {
        let before = self.acting.quiet(state.id);
        if before.is_none() {
            self.acting.missed(state.id, &self.hints);
            return Ok(0);
        }
        let sightings = [
            self.branch(state).await,
            self.pull(state).await,
            self.on_main(state).await,
            self.pinned_tag(state).await,
            self.live_branch(state).await,
            self.awaited(state).await,
        ];
        let mut sightings: Vec<_> = sightings.into();
        for production in state.plan.productions() {
            sightings.push(self.in_production(state, &production.name).await);
        }
        sightings.push(Ok(self.rules(state)));
        let mut events = 0;
        for sighting in sightings {
            match sighting {
                Ok(Some(sighting)) => {
                    if self.acting.quiet(state.id) != before {
                        self.acting.missed(state.id, &self.hints);
                        return Ok(events);
                    }
                    if let super::mailbox::Handled::Done(_, made) =
                        self.submit(state.id, &Command::Saw(sighting), Beside::default()).await?
                    {
                        events += made;
                    }
                }
                Ok(None) => {}
                Err(failure) => tracing::debug!(run = %state.id, reason = %failure, "could not look"),
            }
        }
        Ok(events)
    }

    /// The rules by which its votes count, as they are now; also when nobody voted yet, for a question has its time.
    fn rules(&self, state: &Hotfix) -> Option<Sighting> {
        let policy_version = self.config.policy.version_for(&state.plan.service);
        (!state.votes.is_empty() || !state.prompts.is_empty())
            .then(|| Sighting::Rules { policy_version, standing: self.standing(state) })
    }

    async fn branch(&self, state: &Hotfix) -> Result<Option<Sighting>, Failure> {
        let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
        let (Some(base), Some(head)) = (&state.base, &state.head) else {
            return Ok(None);
        };
        if state.branch != BranchState::Present || merged {
            return Ok(None);
        }
        let Some(tip) = self.forge(&state.plan.service)?.tip(&state.plan.repo, &state.plan.branch).await? else {
            return Ok(Some(Sighting::Head(None)));
        };
        // A head off its base is looked at again: somebody may have rebased the base under it. So is one with strays: they may
        // have been asked for since.
        if tip == head.tip && head.on_base && step::strays(state).is_empty() {
            return Ok(None);
        }
        Ok(Some(Sighting::Head(Some(self.head_at(state, base, &tip).await?))))
    }

    async fn pull(&self, state: &Hotfix) -> Result<Option<Sighting>, Failure> {
        let Some(pull) = state.pull.as_ref().filter(|pull| pull.merged.is_none()) else {
            return Ok(None);
        };
        let now = self.forge(&state.plan.service)?.read(&state.plan.repo, pull.number).await?;
        let merged = match &now.state {
            // What was merged elsewhere is not where the plan wants it (security case 26).
            PullState::Merged(commit) => Some(commit.clone()).filter(|_| now.base == state.plan.into),
            PullState::Open | PullState::Closed => None,
        };
        Ok(Some(Sighting::Pull { seen: self.pull_seen(state, &now).await?, merged }))
    }

    async fn in_production(&self, state: &Hotfix, production: &Environment) -> Result<Option<Sighting>, Failure> {
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
        Ok(Some(Sighting::Production { environment: production.clone(), running, has_fix }))
    }

    async fn on_main(&self, state: &Hotfix) -> Result<Option<Sighting>, Failure> {
        let waits = state.is_current(|kind| matches!(kind, StepKind::Mainline { .. }));
        let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.is_some());
        // What is promoted came from main.
        if state.plan.is_promotion() || (!waits && !merged && state.live_at.is_none()) {
            return Ok(None);
        }
        let Some(main) = self.forge(&state.plan.service)?.tip(&state.plan.repo, &state.plan.main).await? else {
            return Ok(None);
        };
        let known = match &state.mainline {
            Mainline::Proven(_, at) => at == &main,
            Mainline::Waived { .. } => true,
            Mainline::Open | Mainline::Lost(_) => false,
        };
        if known {
            return Ok(None);
        }
        let how = self.has_fix(state, &main).await?;
        Ok(how.map(|how| Sighting::Mainline { how, main }))
    }
}
