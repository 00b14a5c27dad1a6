//! Stamped observations. Reading takes time, and the run may change meanwhile. An observation therefore carries the run
//! that it was made for, and is dropped if its basis has changed (security case 95).

use std::sync::Arc;

use hotfix_adapters::ids::CommitId;

use super::command::Observation;
use super::event::Vote;
use super::hotfix::Hotfix;

/// An observation with the state of the run when the reading began.
#[derive(Debug, Clone, PartialEq)]
pub struct StampedObservation {
    /// The observation.
    pub observation: Observation,
    /// The run when the reading began.
    pub of: Arc<Hotfix>,
}

impl StampedObservation {
    /// Stamps an observation with the run that it was made for.
    #[must_use]
    pub fn new(of: &Arc<Hotfix>, sighting: Observation) -> Self {
        Self { observation: sighting, of: of.clone() }
    }

    /// Returns `true` if everything that the observation was derived from is unchanged in the current run. Otherwise it
    /// is stale and has to be read again.
    #[must_use]
    pub fn applies_to(&self, now: &Hotfix) -> bool {
        let then = self.of.as_ref();
        if then.version == now.version {
            return true;
        }
        match &self.observation {
            Observation::Head(_) => {
                (&then.base, &then.head, &then.fixes) == (&now.base, &now.head, &now.fixes)
                    && (then.branch, is_merged(then)) == (now.branch, is_merged(now))
            }
            Observation::Pull { .. } => then.pull == now.pull,
            Observation::Production { environment, .. } => {
                then.expected_in(environment) == now.expected_in(environment)
                    && (&then.deploys, &then.drifts) == (&now.deploys, &now.drifts)
                    && (then.live_at, then.rolled_in) == (now.live_at, now.rolled_in)
                    && fix(then) == fix(now)
            }
            // These are facts about files and commits, independent of the state of the run.
            Observation::Job { .. } | Observation::OnMain(_) => true,
            Observation::Main(_) => (&then.pull, &then.main_seen) == (&now.pull, &now.main_seen),
            Observation::FixReverted { .. } | Observation::FixBack(_) => {
                (&then.reverted, sources(then)) == (&now.reverted, sources(now))
            }
            Observation::BranchMerged(_) => (&then.head, then.branch_merged) == (&now.head, now.branch_merged),
            Observation::Reached { .. } => {
                (sources(then), &then.target, &then.reached) == (sources(now), &now.target, &now.reached)
            }
            Observation::HeldBack { .. } => {
                (&then.base, sources(then), &then.snapshot) == (&now.base, sources(now), &now.snapshot)
            }
            Observation::Counts(_) => {
                (&then.base, then.deployable(), &then.counts) == (&now.base, now.deployable(), &now.counts)
            }
            Observation::Image { .. } | Observation::Tag(_) => {
                (&then.image, then.deployable()) == (&now.image, now.deployable())
            }
            Observation::ImagesPassedOver { .. } => {
                (&then.image, &then.passed_over, then.deployable()) == (&now.image, &now.passed_over, now.deployable())
            }
            Observation::Edits { environment, .. } => {
                (then.edits.get(environment), then.deployable_to(environment), &then.deploys)
                    == (now.edits.get(environment), now.deployable_to(environment), &now.deploys)
            }
            Observation::LiveBranch(_) => {
                (&then.live_moved, then.deployable()) == (&now.live_moved, now.deployable())
                    && then.deploys == now.deploys
            }
            // Votes are judged one by one, each only if it existed when the reading began: see `judges`.
            Observation::Rules { .. } => then.requested_deploy == now.requested_deploy,
            Observation::Mainline { .. } => then.mainline == now.mainline && fix(then) == fix(now),
        }
    }

    /// Returns `true` if the vote existed when the reading began. Later votes must not be judged by this observation.
    #[must_use]
    pub fn judges(&self, vote: &Vote) -> bool {
        self.of.votes.contains(vote)
    }
}

fn is_merged(state: &Hotfix) -> bool {
    state.pull.as_ref().is_some_and(|pull| pull.merged.is_some())
}

fn sources(state: &Hotfix) -> Vec<&CommitId> {
    state.fixes.iter().map(|fix| &fix.source).collect()
}

/// Returns the parts of the state that identify the fix in a containment check.
fn fix(state: &Hotfix) -> impl PartialEq + use<'_> {
    (&state.base, state.head.as_ref(), &state.target, sources(state), &state.on_main)
}

#[cfg(test)]
mod tests;
