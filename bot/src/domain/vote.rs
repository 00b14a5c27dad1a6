//! Vote counting: determines the valid votes and the quorum of a deployment. The same rules apply when a vote is cast,
//! when the approval step is evaluated and immediately before the deployment.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::forge::ReviewVerdict;
use hotfix_adapters::ids::{CommitId, Environment};
use jiff::Timestamp;

use super::break_glass;
use super::command::DeployFacts;
use super::event::{Contribution, ReviewSeen, VoidReason, Vote};
use super::hotfix::Hotfix;
use super::id::PersonId;
use super::people::Role;
use super::refusal::Refusal;
use super::service::{ApprovalRule, StepUp};

/// The current roles of the voters, keyed by person; people who left are absent. Roles are checked twice: when the vote
/// is cast and when it counts (security case 36).
pub type CurrentRoles = BTreeMap<PersonId, BTreeSet<Role>>;

/// The result of the vote count for one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// The people with a valid vote.
    pub valid: BTreeSet<PersonId>,
    /// The votes that are missing, per role; empty if the quorum is reached or replaced by break-glass.
    pub missing: Vec<ApprovalRule>,
    /// The user of the break-glass that replaces missing votes; `None` if no votes are missing or
    /// no break-glass applies.
    pub break_glass: Option<PersonId>,
    /// The people who rejected the deployment, with their reasons.
    pub rejections: Vec<(PersonId, String)>,
}

impl Quorum {
    /// Returns `true` if no vote is missing and there is no rejection.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.missing.is_empty() && self.rejections.is_empty()
    }
}

/// Counts the votes for an environment. `facts` are the preconditions read immediately before a deployment; with them,
/// the current roles count too (security case 36). Without them, only the roles at the time of the vote count.
#[must_use]
pub fn quorum(state: &Hotfix, environment: &Environment, now: Timestamp, facts: Option<&DeployFacts>) -> Quorum {
    let valid: Vec<&Vote> = state.votes.iter().filter(|vote| is_valid(state, vote, environment, now, facts)).collect();
    let rules = state.approval_rules(environment);
    let vetoes = state.rejections.iter().filter(|((place, _), _)| place == environment);
    let missing = missing(&rules, &valid, facts.map(|facts| &facts.standing));
    let missing = if missing.is_empty() { alone(state, environment, &rules, &valid) } else { missing };
    let glass = break_glass::applies_to(state, environment, now, facts).filter(|_| !missing.is_empty());
    Quorum {
        missing: if glass.is_some() { Vec::new() } else { missing },
        break_glass: glass.map(|glass| glass.person.clone()),
        valid: valid.iter().map(|vote| vote.person.clone()).collect(),
        rejections: vetoes.map(|((_, person), veto)| (person.clone(), veto.reason.clone())).collect(),
    }
}

fn is_valid(
    state: &Hotfix,
    vote: &Vote,
    environment: &Environment,
    now: Timestamp,
    facts: Option<&DeployFacts>,
) -> bool {
    let still_in_role =
        facts.is_none_or(|facts| facts.standing.get(&vote.person).is_some_and(|now| still_in_role(state, vote, now)));
    &vote.environment == environment
        && Some(&vote.commit) == state.deployable_to(environment)
        && vote.image.as_ref() == state.digest()
        && vote.edits.as_ref() == state.edits.get(environment).map(|edits| &edits.digest)
        && Some(&vote.base) == state.base.as_ref()
        && vote.plan_digest == state.plan_digest
        && now < vote.expires
        && excluded(state, &vote.person).is_none()
        && still_in_role
        && is_backed(state, vote, facts)
}

/// Returns `true` if the vote has the backing that the policy requires outside the chat (security case 39): according
/// to `facts`, or to the last reading if there are none.
#[must_use]
pub fn is_backed(state: &Hotfix, vote: &Vote, facts: Option<&DeployFacts>) -> bool {
    match state.approval(&vote.environment).and_then(|approval| approval.step_up) {
        None => true,
        Some(StepUp::Review) => match (facts, &state.pull, &state.head) {
            (Some(facts), _, _) => facts.reviewed.contains(&vote.person),
            (None, Some(pull), Some(head)) => approving(&pull.seen.reviews, &head.tip).contains(&vote.person),
            (None, _, _) => false,
        },
    }
}

/// Requires one more vote if all approvers of a promotion contributed to the same commit: authors must not approve
/// their own work alone (security case 23).
fn alone(state: &Hotfix, environment: &Environment, rules: &[ApprovalRule], votes: &[&Vote]) -> Vec<ApprovalRule> {
    let ships = state.deployable_to(environment).is_some() && state.deployable_to(environment) == state.deployable();
    let own = |rider: &Contribution| votes.iter().all(|vote| state.wrote(rider, &vote.person));
    let riders =
        state.included_changes.iter().flatten().filter(|_| ships && state.plan.is_promotion() && !votes.is_empty());
    let alone = riders.into_iter().any(own);
    rules.iter().filter(|_| alone).take(1).map(|rule| ApprovalRule { role: rule.role, count: 1 }).collect()
}

/// Returns the people whose last review of the pull request approves exactly this commit.
#[must_use]
pub fn approving(reviews: &[ReviewSeen], commit: &CommitId) -> BTreeSet<PersonId> {
    let said = reviews.iter().filter_map(|review| Some((review.person.clone()?, review)));
    let last: BTreeMap<PersonId, &ReviewSeen> = said.collect();
    let yes = |review: &ReviewSeen| review.verdict == ReviewVerdict::Approved && &review.commit == commit;
    last.into_iter().filter(|(_, review)| yes(review)).map(|(person, _)| person).collect()
}

/// Returns the reason why a vote is no longer valid under the current roles and policy; `None` if it still is.
#[must_use]
pub fn void_reason(
    state: &Hotfix,
    vote: &Vote,
    now: Timestamp,
    (policy_version, standing): (&str, &CurrentRoles),
) -> Option<VoidReason> {
    match standing.get(&vote.person) {
        None => Some(VoidReason::Left),
        Some(roles) if !still_in_role(state, vote, roles) => Some(VoidReason::Role),
        Some(_) if now >= vote.expires => Some(VoidReason::Expired),
        Some(_) => (vote.policy_version != policy_version).then_some(VoidReason::Policy),
    }
}

/// Returns `true` if the voter still has one of the roles that the vote counted for when it was cast. Other roles
/// cannot replace them.
fn still_in_role(state: &Hotfix, vote: &Vote, now: &BTreeSet<Role>) -> bool {
    let rules = state.approval(&vote.environment).map_or(&[][..], |approval| &approval.rules);
    let mut asked = rules.iter().map(|rule| rule.role).filter(|role| vote.roles.contains(role)).peekable();
    asked.peek().is_none() || asked.any(|role| now.contains(&role))
}

/// Returns the refusal for a person whose vote can never count in this run (separation of duties, security case 23);
/// `None` for everyone else.
#[must_use]
pub fn excluded(state: &Hotfix, person: &PersonId) -> Option<Refusal> {
    if person == &state.requester {
        let reason = "You asked for this hotfix, so your own vote does not count.";
        return Some(
            Refusal::new("vote.requester", reason, "Ask somebody else who may approve.").because_of("APPLY-8"),
        );
    }
    if state.contributors().contains(person) {
        let reason = "You wrote, committed or pushed a part of what would ship, so your own vote does not count.";
        return Some(Refusal::new("vote.author", reason, "Ask somebody who did not work on it.").because_of("APPLY-8"));
    }
    if state.has_identified(person) {
        let reason = "You said who an unknown contributor is, so you cast no vote in this run.";
        return Some(Refusal::new("vote.identified", reason, "Ask somebody else who may approve."));
    }
    if break_glass::used_break_glass(state, person) {
        let reason = "You broke the glass in this run, so you cast no vote in it.";
        return Some(Refusal::new("vote.break-glass", reason, "Ask somebody else who may approve."));
    }
    None
}

/// Returns the votes that are missing per role. Each voter fills one seat only, by a role that they had when they voted
/// and still have.
fn missing(rules: &[ApprovalRule], votes: &[&Vote], standing: Option<&CurrentRoles>) -> Vec<ApprovalRule> {
    let holds = |vote: &Vote, role: Role| {
        vote.roles.contains(&role)
            && standing.is_none_or(|roles| roles.get(&vote.person).is_some_and(|now| now.contains(&role)))
    };
    let places: Vec<Role> = rules
        .iter()
        .flat_map(|rule| std::iter::repeat_n(rule.role, usize::try_from(rule.count).unwrap_or(usize::MAX)))
        .collect();
    let mut seat_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open: BTreeMap<Role, u32> = BTreeMap::new();
    for (place, role) in places.iter().enumerate() {
        if !seat(place, &places, (votes, &holds), &mut seat_of, &mut BTreeSet::new()) {
            *open.entry(*role).or_default() += 1;
        }
    }
    open.into_iter().map(|(role, count)| ApprovalRule { role, count }).collect()
}

/// Predicate: the vote counts for the role.
type Holds<'a> = dyn Fn(&Vote, Role) -> bool + 'a;

/// Finds a voter for a seat, moving other voters to other seats if that helps (an augmenting path).
fn seat(
    place: usize,
    places: &[Role],
    (votes, holds): (&[&Vote], &Holds<'_>),
    seat_of: &mut BTreeMap<usize, usize>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    let Some(role) = places.get(place) else { return false };
    for (voter, vote) in votes.iter().enumerate() {
        if !holds(vote, *role) || !tried.insert(voter) {
            continue;
        }
        let free = match seat_of.get(&voter).copied() {
            None => true,
            Some(other) => seat(other, places, (votes, holds), seat_of, tried),
        };
        if free {
            seat_of.insert(voter, place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
