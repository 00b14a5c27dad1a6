//! Observations of the world outside. An observation takes time, and the run goes on meanwhile: it carries the run it was made
//! from, and what that run did not contain is left alone (security case 95).

use std::sync::Arc;

use hotfix_adapters::ids::CommitId;

use super::command::Observation;
use super::event::Vote;
use super::hotfix::Hotfix;

/// A sighting, and the run it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct StampedObservation {
    /// The sighting.
    pub observation: Observation,
    /// The run as it was when the reading began.
    pub of: Arc<Hotfix>,
}

impl StampedObservation {
    /// Returns the observation of a sighting made from this run.
    #[must_use]
    pub fn new(of: &Arc<Hotfix>, sighting: Observation) -> Self {
        Self { observation: sighting, of: of.clone() }
    }

    /// Returns whether everything the sighting was computed from is still so. If not, it says nothing about the run as it is
    /// now, and the world has to be read again.
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
            // These are facts about files and commits, whatever the run is by now.
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
            // It judges votes one by one, each only if it was there: see `judges`.
            Observation::Rules { .. } => then.asked_deploy == now.asked_deploy,
            Observation::Mainline { .. } => then.mainline == now.mainline && fix(then) == fix(now),
        }
    }

    /// Returns whether a vote was there when the reading began: only such a vote is judged by it.
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

/// What is looked for when the question is whether something contains the fix.
fn fix(state: &Hotfix) -> impl PartialEq + use<'_> {
    (&state.base, state.head.as_ref(), &state.target, sources(state), &state.on_main)
}

#[cfg(test)]
mod tests;
