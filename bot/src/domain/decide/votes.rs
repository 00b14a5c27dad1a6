//! Votes: cast, taken back, refused; and the gate that shuts again when they no longer suffice.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::ids::{CommitId, Environment, MessageRef};
use jiff::{SignedDuration, Timestamp};

use super::Decider;
use super::user::{Decided, no};
use crate::domain::command::DeployFacts;
use crate::domain::event::{Closing, Event, ReviewSeen, VoidReason, Vote};
use crate::domain::hotfix::{DeployState, Deployment, Hotfix, Rejection, StepState};
use crate::domain::id::PersonId;
use crate::domain::observation::StampedObservation;
use crate::domain::people::{Grant, marked};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::service::Approval;
use crate::domain::vote_source::VoteSource;
use crate::domain::{break_glass, vote};

/// Why a gate opens again behind people's backs; each of them is told more.
const LAPSED: &str = "the votes do not count any more";
/// Why it opens again when nobody's vote was wrong.
const STRICTER: &str = "the policy asks for more votes now";

/// The open prompt that a vote is about.
fn prompt(state: &Hotfix, on: Option<&MessageRef>, now: Timestamp) -> Result<(Environment, CommitId), Vec<Refusal>> {
    // Without a message the question is meant whose turn it is: an environment that has its votes keeps its own.
    let mut asked =
        state.vote_requests.iter().filter(|(_, prompt)| on.is_none_or(|message| message == &prompt.message));
    let open = asked.clone().find(|(environment, _)| state.takes_votes(environment)).or_else(|| asked.next());
    match open {
        Some((environment, prompt))
            if Some(&prompt.commit) == state.deployable_to(environment) && state.takes_votes(environment) =>
        {
            // Whoever says it without a message says it now, of what would ship now.
            if on.is_some() && state.ends(environment, prompt) <= now {
                return Err(vec![expired()]);
            }
            Ok((environment.clone(), prompt.commit.clone()))
        }
        Some((environment, prompt))
            if Some(&prompt.commit) == state.deployable_to(environment) && waits(state, environment) =>
        {
            let step = state.current().map_or("a step", |(_, spec)| spec.title.as_str());
            let reason = format!("{step:?} is open again, and comes before votes for {environment}.");
            Err(vec![Refusal::new("vote.early", reason, "See `status` for what changed; vote once it is done again.")])
        }
        Some(_) => Err(vec![Refusal::new(
            "vote.stale",
            "What that message asked about is not what would ship now.",
            "Look at the newest prompt in the thread, and vote there.",
        )]),
        None if state.awaits_vote_request() => Err(vec![Refusal::new(
            "vote.unasked",
            "The question is not in the thread yet.",
            "Vote as soon as it is there.",
        )]),
        None => Err(vec![Refusal::new(
            "vote.nothing",
            "Nothing is up for a vote now.",
            "See `plan` for what is waited for; the vote is asked for when its turn comes.",
        )]),
    }
}

/// Whether the turn of votes for an environment is still to come, or to come again.
fn waits(state: &Hotfix, environment: &Environment) -> bool {
    let turn = state
        .plan
        .steps
        .iter()
        .position(|spec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment));
    state.current().zip(turn).is_some_and(|((at, _), turn)| at < turn)
}

/// The time of a question is over (security case 35).
fn expired() -> Refusal {
    let next = "While a vote is missing it is asked anew in the thread: look at it there. A no can be said at any time: \
                `reject <why>`.";
    Refusal::new("vote.expired", "That question is closed: its time is over, and nothing was counted.", next)
}

pub(super) fn approve(draft: &mut Decider, grant: &Grant, on: Option<&MessageRef>, way: VoteSource) -> Decided {
    // Nothing is asked while it goes elsewhere, and this says why.
    if let Some(refusal) = astray(&draft.state) {
        return no(refusal);
    }
    let (environment, commit) = prompt(&draft.state, on, draft.now)?;
    if let Some(refusal) = vote::excluded(&draft.state, &grant.person) {
        return no(refusal);
    }
    let Some(base) = draft.state.base.clone() else {
        return no(super::bug("a vote without a base"));
    };
    let minutes = draft.state.approval(&environment).map_or(0, |approval| approval.expires_minutes);
    let expires = draft.now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(draft.now);
    let edits = draft.state.edits.get(&environment).map(|edits| edits.digest.clone());
    let vote = Vote {
        environment,
        commit,
        base,
        image: draft.state.digest().cloned(),
        edits,
        plan_digest: draft.state.plan_digest.clone(),
        policy_version: grant.policy_version.clone(),
        person: grant.person.clone(),
        account: Some(grant.account.clone()),
        roles: grant.roles.clone(),
        way,
        on: on.filter(|_| way.is_reaction()).cloned(),
        at: draft.now,
        expires,
    };
    let same = |old: &Vote| {
        let stands = |vote: &Vote| (vote.way.is_reaction(), vote.on.clone());
        (&old.environment, &old.person, stands(old)) == (&vote.environment, &vote.person, stands(&vote))
    };
    if draft.state.votes.iter().any(|old| same(old) && draft.now < old.expires) {
        return Ok(());
    }
    draft.person(&grant.person, Event::Voted(vote))
}

pub(super) fn unapprove(draft: &mut Decider, who: &PersonId, on: Option<&MessageRef>) -> Decided {
    // A later question does not make a reaction on an earlier one a word that cannot be taken back.
    let of_message = |environment: &Environment, given_on: Option<&MessageRef>| {
        on.is_none_or(|message| {
            let asked = draft.state.vote_requests.get(environment);
            given_on == Some(message) || asked.is_some_and(|prompt| &prompt.message == message)
        })
    };
    let mut votes = draft.state.votes.iter();
    let vote = votes.find(|vote| &vote.person == who && of_message(&vote.environment, vote.on.as_ref()));
    if let Some(environment) = vote.map(|vote| vote.environment.clone()) {
        let withdrawn = Event::VoteWithdrawn { environment: environment.clone(), person: who.clone(), why: None };
        draft.person(who, withdrawn)?;
        return reopen_gate(draft, &environment, &format!("{} took their vote back", marked(who)));
    }
    let mut vetoes = draft.state.rejections.iter();
    let veto = vetoes.find(|((environment, person), veto)| person == who && of_message(environment, veto.on.as_ref()));
    if let Some(environment) = veto.map(|((environment, _), _)| environment.clone()) {
        return draft.person(who, Event::RejectionWithdrawn { environment, person: who.clone() });
    }
    if on.is_some() {
        // Taking back a reaction that never counted needs no answer.
        return Ok(());
    }
    no(Refusal::new("vote.none", "You have no vote here to take back.", "See `plan` for the votes there are."))
}

/// The same no again is the no that was (security case 40).
pub(super) fn reject(
    draft: &mut Decider,
    grant: &Grant,
    reason: &str,
    (on, way): (Option<&MessageRef>, VoteSource),
) -> Decided {
    let (environment, _) = prompt(&draft.state, on, draft.now)?;
    let on = on.filter(|_| way.is_reaction()).cloned();
    let key = (environment.clone(), grant.person.clone());
    let veto = Rejection { reason: reason.to_owned(), source: way, on: on.clone() };
    if draft.state.rejections.get(&key) == Some(&veto) {
        return Ok(());
    }
    let event = Event::VoteRejected { environment: environment.clone(), reason: reason.to_owned(), way, on };
    draft.person(&grant.person, event)?;
    reopen_gate(draft, &environment, &format!("{} said no", marked(&grant.person)))
}

/// A gate that is open without its votes is shut again, unless the deployment it guarded runs or ended well. One that failed is to
/// be tried again, and takes the votes again.
pub(super) fn reopen_gate(draft: &mut Decider, environment: &Environment, reason: &str) -> Decided {
    let holds = vote::quorum(&draft.state, environment, draft.now, None).holds();
    if draft.state.has_begun(environment) || holds {
        return Ok(());
    }
    let gate = draft.state.plan.steps.iter().zip(&draft.state.steps).find(|(spec, state)| {
        matches!(&spec.kind, StepKind::Approve { environment: e } if e == environment) && state.is_behind()
    });
    match gate.map(|(spec, _)| spec.id.clone()) {
        Some(step) => draft.bot(Event::StepReopened { step, reason: reason.to_owned() }),
        None => Ok(()),
    }
}

/// The votes that were there when something was read, which alone are judged by it.
pub(super) type Judges<'a> = &'a dyn Fn(&Vote) -> bool;

/// A review that backed a vote is gone, or is not a yes any more: the vote is void. One that was not backed yet still waits.
pub(super) fn void_unbacked(draft: &mut Decider, before: &[ReviewSeen], judges: Judges<'_>) -> Decided {
    let Some(head) = draft.state.head.as_ref().map(|head| head.tip.clone()) else { return Ok(()) };
    let backed = vote::approving(before, &head);
    let gone = |vote: &&Vote| backed.contains(&vote.person) && !vote::is_backed(&draft.state, vote, None);
    let void: Vec<(Environment, PersonId, bool)> = draft
        .state
        .votes
        .iter()
        .filter(gone)
        .map(|vote| (vote.environment.clone(), vote.person.clone(), judges(vote)))
        .collect();
    for (environment, person, judged) in void {
        let reason = format!("{} does not approve it on the forge any more", marked(&person));
        // A vote that came meanwhile stays; it counts once a review backs it, as every vote does.
        if judged {
            draft.bot(Event::VoteWithdrawn {
                environment: environment.clone(),
                person,
                why: Some(VoidReason::Review),
            })?;
        }
        reopen_gate(draft, &environment, &reason)?;
    }
    Ok(())
}

/// The same, judged by what the voters may do now: votes that do not count any more are voided by name.
pub(super) fn reopen_gate_for_facts(draft: &mut Decider, environment: &Environment, facts: &DeployFacts) -> Decided {
    let standing = vote::quorum(&draft.state, environment, draft.now, Some(facts));
    let rules = (facts.policy_version.as_str(), &facts.standing);
    let judged =
        draft.state.votes.iter().filter(|vote| &vote.environment == environment && facts.judged.contains(vote));
    let judged = judged.map(|vote| (vote.person.clone(), vote::lapse(&draft.state, vote, draft.now, rules)));
    let stale: Vec<(PersonId, Option<VoidReason>)> =
        judged.filter(|(person, why)| why.is_some() || !standing.valid.contains(person)).collect();
    for (person, why) in stale {
        draft.bot(Event::VoteWithdrawn { environment: environment.clone(), person, why })?;
    }
    if let Some(glass) = break_glass::applies_to(&draft.state, environment, draft.now, None) {
        let reason = if glass.policy_version != facts.policy_version {
            Some("the policy, or the way to deploy, changed since it was broken")
        } else if !facts.glass.contains(&glass.person) {
            Some("whoever broke it may not do so any more")
        } else {
            None
        };
        if let Some(reason) = reason {
            draft.bot(Event::BreakGlassVoided { reason: reason.to_owned() })?;
        }
    }
    reopen_gate(draft, environment, LAPSED)
}

/// The rules were looked at again: time passed, and somebody may have written others. A vote on which a deployment rests
/// that began is history; one that is just being checked is judged there; and one that came meanwhile is judged next time.
pub(super) fn rules_seen(
    draft: &mut Decider,
    (policy_version, standing): (&str, &vote::CurrentRoles),
    approvals: &BTreeMap<Environment, Approval>,
    observation: &StampedObservation,
) -> Decided {
    let changed = approvals_seen(draft, approvals)?;
    if draft.state.asked_deploy.is_some() {
        return Ok(());
    }
    let began = |state: &Hotfix, vote: &Vote| {
        let by_it = |deploy: &&Deployment| {
            deploy.intent.environment == vote.environment
                && deploy.intent.votes.contains(&vote.person)
                && !matches!(deploy.state, DeployState::Failed(_))
        };
        state.deploys.iter().filter(by_it).any(|deploy| deploy.at >= vote.at)
    };
    let judged = draft.state.votes.iter().filter(|vote| observation.judges(vote) && !began(&draft.state, vote));
    let lapsed =
        judged.filter_map(|vote| Some((vote, vote::lapse(&draft.state, vote, draft.now, (policy_version, standing))?)));
    let lapsed: Vec<_> = lapsed.map(|(vote, why)| (vote.environment.clone(), vote.person.clone(), why)).collect();
    void(draft, lapsed)?;
    changed.iter().try_for_each(|environment| reopen_gate(draft, environment, STRICTER))?;
    close_expired(draft)
}

/// What the policy asks for beyond the plan counts from now on, and no longer than it asks for it. Answers for which
/// environments that changed.
fn approvals_seen(
    draft: &mut Decider,
    approvals: &BTreeMap<Environment, Approval>,
) -> Result<Vec<Environment>, Vec<Refusal>> {
    let mut changed = Vec::new();
    for (environment, asked) in approvals {
        let planned = draft.state.plan.environment(environment).map(|planned| planned.approval.stricter(asked));
        let Some(approval) = planned.filter(|approval| Some(approval) != draft.state.approval(environment)) else {
            continue;
        };
        draft.bot(Event::ApprovalChanged { environment: environment.clone(), approval })?;
        changed.push(environment.clone());
    }
    Ok(changed)
}

/// A question whose time is over is asked anew while a vote is missing: nobody votes on the old one any more.
fn close_expired(draft: &mut Decider) -> Decided {
    let state = &draft.state;
    // A gate that is just being shut again asks by itself.
    let current = state.current().filter(|(at, _)| matches!(state.steps.get(*at), Some(StepState::Current { .. })));
    let waits = |environment: &Environment| {
        current.is_some_and(|(_, spec)| matches!(&spec.kind, StepKind::Approve { environment: e } if e == environment))
            && !vote::quorum(state, environment, draft.now, None).missing.is_empty()
    };
    let over = state.vote_requests.iter().filter(|(environment, prompt)| state.ends(environment, prompt) <= draft.now);
    let over: Vec<Environment> = over.map(|(environment, _)| environment.clone()).filter(waits).collect();
    over.into_iter()
        .try_for_each(|environment| draft.bot(Event::VoteRequestClosed { environment, why: Closing::Expired }))
}

/// The pull request goes into another branch: nothing that was said of it counts, and nobody is asked until it comes back.
pub(super) fn retargeted(draft: &mut Decider) -> Decided {
    let asked: Vec<Environment> = draft.state.vote_requests.keys().cloned().collect();
    for environment in asked {
        draft.bot(Event::VoteRequestClosed { environment, why: Closing::Retargeted })?;
    }
    void_all(draft, VoidReason::Retargeted)?;
    begin_again(draft)
}

/// The changes of files that a deployment would make were computed. Where others were shown before, that question is closed,
/// its votes are void, and people are asked again with the new ones; a deployment that began is history.
pub(super) fn edits_read(draft: &mut Decider, environment: &Environment, edits: &Edits) -> Decided {
    let known = draft.state.edits.get(environment).map(|known| known.digest.clone());
    if draft.state.has_begun(environment) || known.as_ref() == Some(&edits.digest) {
        return Ok(());
    }
    draft.bot(Event::EditsRead { environment: environment.clone(), edits: edits.clone() })?;
    if draft.state.vote_requests.contains_key(environment) {
        draft.bot(Event::VoteRequestClosed { environment: environment.clone(), why: Closing::Edits })?;
    }
    reopen_gate(draft, environment, "its deployment would change files in another way now")
}

/// The turn of the votes comes anew, if it is theirs and nothing is asked: the pull request goes elsewhere now, or goes again
/// where the plan says.
pub(super) fn begin_again(draft: &mut Decider) -> Decided {
    let state = &draft.state;
    let Some((at, spec)) = state.current() else { return Ok(()) };
    if !state.awaits_vote_request() || !matches!(state.steps.get(at), Some(StepState::Current { .. })) {
        return Ok(());
    }
    let step = spec.id.clone();
    draft.bot(Event::StepEntered { step })
}

/// Every vote lapses for one reason.
fn void_all(draft: &mut Decider, why: VoidReason) -> Decided {
    let all = draft.state.votes.iter().map(|vote| (vote.environment.clone(), vote.person.clone(), why)).collect();
    void(draft, all)
}

pub(super) fn void(draft: &mut Decider, lapsed: Vec<(Environment, PersonId, VoidReason)>) -> Decided {
    let environments: BTreeSet<Environment> = lapsed.iter().map(|(environment, _, _)| environment.clone()).collect();
    for (environment, person, why) in lapsed {
        draft.bot(Event::VoteWithdrawn { environment, person, why: Some(why) })?;
    }
    environments.iter().try_for_each(|environment| reopen_gate(draft, environment, LAPSED))
}

/// What people approve is a change of the branch that the plan names, and not of another (security case 26).
pub(super) fn astray(state: &Hotfix) -> Option<Refusal> {
    let (number, into) = state.wrong_base()?;
    let reason = format!("Pull request #{} goes into {into} now, and not into {}.", number.0, state.plan.into);
    let next = format!("Let it go into {} again, then vote.", state.plan.into);
    Some(Refusal::new("pull.retargeted", reason, next))
}

#[cfg(test)]
mod tests;
