//! Breaking the glass: in an emergency one listed person sets the votes for one deployment aside (security case 90). It stands
//! in for the human quorum and for nothing else: checks, holds, freezes, locks, what the forge protects and every no still
//! stop the deployment. It is bound to what a vote is bound to and void with it. Whoever was not involved reviews it
//! afterwards, and the run does not end before.

use std::collections::BTreeSet;

use hotfix_adapters::ids::{ChannelRef, CommitId, Digest, Environment, MessageRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::DeployFacts;
use super::hotfix::Hotfix;
use super::id::PersonId;
use super::refusal::Refusal;

/// What stands in for the votes of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// For which environment.
    pub environment: Environment,
    /// For which commit, as the person typed it themselves.
    pub commit: CommitId,
    /// On top of which base.
    pub base: CommitId,
    /// Of which image, when images are deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// Under which plan.
    pub plan_digest: String,
    /// Under which policy.
    pub policy_version: String,
    /// Who broke it.
    pub person: PersonId,
    /// Why it could not wait.
    pub reason: String,
    /// The incident it was broken for.
    pub incident: String,
    /// Where it is told beside the channel of the service; it counts from then on.
    pub audit: ChannelRef,
    /// When.
    pub at: Timestamp,
    /// Until when it holds.
    pub expires: Timestamp,
}

/// A glass that was broken in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassUse {
    /// What was said.
    pub glass: BreakGlass,
    /// The version of its event, by which it is told.
    pub version: u64,
    /// The message in the audit channel, once it is there. Without it the glass does not count.
    pub told: Option<MessageRef>,
    /// Whether it was voided: what was said of something else counts no more, even when that comes back.
    pub void: bool,
    /// Whether somebody has to look at it, and what they said.
    pub review: Review,
}

/// The look at a broken glass by somebody who was not involved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// No deployment rests on it.
    NotNeeded,
    /// A deployment rests on it, and nobody has looked at it yet.
    Due {
        /// Since when.
        since: Timestamp,
        /// Who had written or committed a part of what was deployed.
        authors: BTreeSet<PersonId>,
    },
    /// Somebody has.
    Given {
        /// Who.
        by: PersonId,
        /// Whether they think it right.
        ok: bool,
        /// In their words.
        note: Option<String>,
    },
}

/// The glass that stands in for the votes for an environment now. `facts` is what was read in the moment before a
/// deployment; without it whoever broke it is taken to be listed still.
#[must_use]
pub fn applies_to<'a>(
    state: &'a Hotfix,
    environment: &Environment,
    now: Timestamp,
    facts: Option<&DeployFacts>,
) -> Option<&'a BreakGlass> {
    let counts = |broken: &&BreakGlassUse| {
        let listed = facts.is_none_or(|facts| facts.glass.contains(&broken.glass.person));
        broken.told.is_some() && is_for_this(state, broken, environment, now) && listed
    };
    state.break_glass.iter().rev().find(counts).map(|broken| &broken.glass)
}

/// The glass that will stand in for the votes as soon as the audit channel is told.
#[must_use]
pub fn unannounced<'a>(state: &'a Hotfix, environment: &Environment, now: Timestamp) -> Option<&'a BreakGlass> {
    let waits = |broken: &&BreakGlassUse| broken.told.is_none() && is_for_this(state, broken, environment, now);
    state.break_glass.iter().find(waits).map(|broken| &broken.glass)
}

fn is_for_this(state: &Hotfix, broken: &BreakGlassUse, environment: &Environment, now: Timestamp) -> bool {
    let glass = &broken.glass;
    !broken.void
        && &glass.environment == environment
        && Some(&glass.commit) == state.deployable_to(environment)
        && glass.image.as_ref() == state.digest()
        && Some(&glass.base) == state.base.as_ref()
        && glass.plan_digest == state.plan_digest
        && now < glass.expires
}

/// Whether a deployment rests on a broken glass that nobody has reviewed yet.
#[must_use]
pub fn review_due(state: &Hotfix) -> bool {
    state.break_glass.iter().any(|broken| matches!(broken.review, Review::Due { .. }))
}

/// Since when the oldest review is due.
#[must_use]
pub fn due_since(state: &Hotfix) -> Option<Timestamp> {
    let since = |broken: &BreakGlassUse| match &broken.review {
        Review::Due { since, .. } => Some(*since),
        Review::NotNeeded | Review::Given { .. } => None,
    };
    state.break_glass.iter().filter_map(since).min()
}

/// Whether somebody broke the glass in this run: they cast no vote in it.
#[must_use]
pub fn used_break_glass(state: &Hotfix, person: &PersonId) -> bool {
    state.break_glass.iter().any(|broken| &broken.glass.person == person)
}

/// Why a person was too much a part of it to review the broken glass.
#[must_use]
pub fn involved(state: &Hotfix, person: &PersonId) -> Option<Refusal> {
    let next = "Ask somebody who neither asked for it, nor wrote it, nor broke the glass.";
    let no = |code: &str, reason: &str| Some(Refusal::new(code, reason, next));
    if used_break_glass(state, person) {
        return no("countersign.breaker", "You broke the glass, so you do not review that yourself.");
    }
    if person == &state.requester {
        return no("countersign.requester", "You asked for this hotfix, so you do not review how it went out.");
    }
    let wrote = state.break_glass.iter().any(|broken| match &broken.review {
        Review::Due { authors, .. } => authors.contains(person),
        Review::NotNeeded | Review::Given { .. } => false,
    });
    if wrote || state.contributors().contains(person) {
        return no(
            "countersign.author",
            "You wrote, committed or pushed a part of what went out, so you do not review that.",
        );
    }
    None
}

#[cfg(test)]
mod tests;
