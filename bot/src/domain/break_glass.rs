//! Break-glass: in an emergency, one listed person replaces the missing votes for one deployment (security case 90). It
//! replaces the quorum and nothing else: checks, holds, freezes, locks, branch protection and rejections still block
//! the deployment. It is bound to the same content as a vote and is invalidated with the votes. A person who was not
//! involved reviews it afterwards; the run cannot end before.

use std::collections::BTreeSet;

use hotfix_adapters::ids::{ChannelRef, CommitId, Digest, Environment, MessageRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::DeployFacts;
use super::hotfix::Hotfix;
use super::id::PersonId;
use super::refusal::Refusal;

/// A break-glass statement, which replaces the missing votes for one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// The environment to deploy to.
    pub environment: Environment,
    /// The commit to be deployed, resolved from the prefix that the user typed.
    pub commit: CommitId,
    /// The base of that commit.
    pub base: CommitId,
    /// Digest of the image; `None` when no image is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Digest>,
    /// Digest of the plan.
    pub plan_digest: String,
    /// Version of the policy at the time of use.
    pub policy_version: String,
    /// The user of the break-glass.
    pub person: PersonId,
    /// Reason that the deployment could not wait.
    pub reason: String,
    /// Incident that justifies it.
    pub incident: String,
    /// The audit channel. The break-glass takes effect once it is announced there.
    pub audit: ChannelRef,
    /// Time of use, UTC.
    pub at: Timestamp,
    /// End of validity, UTC; the lifetime of a vote.
    pub expires: Timestamp,
}

/// A use of break-glass in a run, with its announcement and its review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassUse {
    /// The statement.
    pub glass: BreakGlass,
    /// Version of its event; identifies the announcement.
    pub version: u64,
    /// The message in the audit channel; `None` until it is posted. Without it the break-glass has no effect.
    pub announced: Option<MessageRef>,
    /// `true` if it was invalidated. It stays invalid even if the same content would ship again.
    pub void: bool,
    /// State of the review.
    pub review: Review,
}

/// The review of a break-glass use by a person who was not involved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// No deployment rests on it.
    NotNeeded,
    /// A deployment rests on it, and the review is missing.
    Due {
        /// Start of the deployment, UTC.
        since: Timestamp,
        /// Contributors of the deployed commit at that time; they must not review it.
        authors: BTreeSet<PersonId>,
    },
    /// The review was given.
    Given {
        /// The reviewer.
        by: PersonId,
        /// `true` if the reviewer has no objection.
        ok: bool,
        /// Comment of the reviewer; always present for an objection.
        note: Option<String>,
    },
}

/// Returns the break-glass that currently replaces the votes for an environment. `facts` are the preconditions read
/// immediately before a deployment; without them, its user is assumed to be still listed.
#[must_use]
pub fn applies_to<'a>(
    state: &'a Hotfix,
    environment: &Environment,
    now: Timestamp,
    facts: Option<&DeployFacts>,
) -> Option<&'a BreakGlass> {
    let counts = |broken: &&BreakGlassUse| {
        let listed = facts.is_none_or(|facts| facts.glass.contains(&broken.glass.person));
        broken.announced.is_some() && is_for_this(state, broken, environment, now) && listed
    };
    state.break_glass.iter().rev().find(counts).map(|broken| &broken.glass)
}

/// Returns the break-glass that will take effect once it is announced in the audit channel.
#[must_use]
pub fn unannounced<'a>(state: &'a Hotfix, environment: &Environment, now: Timestamp) -> Option<&'a BreakGlass> {
    let waits = |broken: &&BreakGlassUse| broken.announced.is_none() && is_for_this(state, broken, environment, now);
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

/// Returns `true` if a deployment rests on a break-glass that was not reviewed yet.
#[must_use]
pub fn review_due(state: &Hotfix) -> bool {
    state.break_glass.iter().any(|broken| matches!(broken.review, Review::Due { .. }))
}

/// Returns the start of the oldest missing review, UTC; `None` if no review is missing.
#[must_use]
pub fn due_since(state: &Hotfix) -> Option<Timestamp> {
    let since = |broken: &BreakGlassUse| match &broken.review {
        Review::Due { since, .. } => Some(*since),
        Review::NotNeeded | Review::Given { .. } => None,
    };
    state.break_glass.iter().filter_map(since).min()
}

/// Returns `true` if the person used break-glass in this run. They cannot vote in it.
#[must_use]
pub fn used_break_glass(state: &Hotfix, person: &PersonId) -> bool {
    state.break_glass.iter().any(|broken| &broken.glass.person == person)
}

/// Returns the refusal of a review by a person who was involved: the user of the break-glass, the requester
/// or a contributor.
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
