//! Votes and rejections: casting, withdrawing and voiding them. An approval step is reopened when its quorum no longer
//! holds.

use std::collections::{BTreeMap, BTreeSet};

use hotfix_adapters::deploy::Edits;
use hotfix_adapters::ids::{CommitId, Environment, MessageRef};
use jiff::{SignedDuration, Timestamp};

use super::Decider;
use super::user::{Decided, no};
use crate::domain::command::DeployFacts;
use crate::domain::event::{CloseReason, Event, ReviewSeen, VoidReason, Vote};
use crate::domain::hotfix::{DeployState, Deployment, Hotfix, Rejection, StepState};
use crate::domain::id::PersonId;
use crate::domain::observation::StampedObservation;
use crate::domain::people::{Grant, marked};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::service::Approval;
use crate::domain::vote_source::VoteSource;
use crate::domain::{break_glass, vote};

/// Reason for reopening an approval step after votes lapsed. Each voter is notified separately with the details.
const LAPSED: &str = "the votes do not count any more";
/// Reason for reopening an approval step when the policy became stricter and no vote was at fault.
const STRICTER: &str = "the policy asks for more votes now";

/// Returns the environment and commit of the open vote request that a vote refers to. `on` is the message that was
/// reacted to; it is `None` for a typed command.
fn prompt(state: &Hotfix, on: Option<&MessageRef>, now: Timestamp) -> Result<(Environment, CommitId), Vec<Refusal>> {
    // Without a message, prefer the environment that takes votes now. An environment that has its quorum keeps its own
    // request.
    let mut asked =
        state.vote_requests.iter().filter(|(_, prompt)| on.is_none_or(|message| message == &prompt.message));
    let open = asked.clone().find(|(environment, _)| state.takes_votes(environment)).or_else(|| asked.next());
    match open {
        Some((environment, prompt))
            if Some(&prompt.commit) == state.deployable_to(environment) && state.takes_votes(environment) =>
        {
            // A typed vote refers to the commit that would ship now, so only a vote on a message can be too late.
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

/// Returns `true` if the deployment step of the environment is still ahead, so that its approval step comes later, or
/// comes again.
fn waits(state: &Hotfix, environment: &Environment) -> bool {
    let turn = state
        .plan
        .steps
        .iter()
        .position(|spec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment));
    state.current().zip(turn).is_some_and(|((at, _), turn)| at < turn)
}

/// Returns the refusal of a vote on an expired vote request (security case 35).
fn expired() -> Refusal {
    let next = "While a vote is missing it is asked anew in the thread: look at it there. A no can be said at any time: \
                `reject <why>`.";
    Refusal::new("vote.expired", "That question is closed: its time is over, and nothing was counted.", next)
}

pub(super) fn approve(draft: &mut Decider, grant: &Grant, on: Option<&MessageRef>, way: VoteSource) -> Decided {
    // No vote is requested while the pull request targets another branch. This refusal explains it.
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
        source: way,
        on: on.filter(|_| way.is_reaction()).cloned(),
        at: draft.now,
        expires,
    };
    let same = |old: &Vote| {
        let stands = |vote: &Vote| (vote.source.is_reaction(), vote.on.clone());
        (&old.environment, &old.person, stands(old)) == (&vote.environment, &vote.person, stands(&vote))
    };
    if draft.state.votes.iter().any(|old| same(old) && draft.now < old.expires) {
        return Ok(());
    }
    draft.person(&grant.person, Event::Voted(vote))
}

pub(super) fn unapprove(draft: &mut Decider, who: &PersonId, on: Option<&MessageRef>) -> Decided {
    // A newer vote request must not prevent the withdrawal of a reaction on an older one.
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
        // Removing a reaction that never counted needs no reply.
        return Ok(());
    }
    no(Refusal::new("vote.none", "You have no vote here to take back.", "See `plan` for the votes there are."))
}

/// Rejects the deployment. A rejection that repeats an existing one changes nothing (security case 40).
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
    let event = Event::VoteRejected { environment: environment.clone(), reason: reason.to_owned(), source: way, on };
    draft.person(&grant.person, event)?;
    reopen_gate(draft, &environment, &format!("{} said no", marked(&grant.person)))
}

/// Reopens an approval step that is passed but has lost its quorum, unless the deployment behind it runs or has
/// succeeded. A failed deployment can be tried again and then needs the votes again.
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

/// Predicate for the votes that existed when the facts were read. Only those votes may be voided by the facts.
pub(super) type Judges<'a> = &'a dyn Fn(&Vote) -> bool;

/// Voids votes whose backing review on the forge was removed or is no longer an approval. A vote that was not backed
/// before keeps waiting for its review.
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
        // A vote that was cast in the meantime stays. Like every vote, it counts once a review backs it.
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

/// Reopens the approval step if the quorum fails on fresh deploy facts. Votes that no longer count are withdrawn
/// individually, and a break-glass that no longer applies is voided.
pub(super) fn reopen_gate_for_facts(draft: &mut Decider, environment: &Environment, facts: &DeployFacts) -> Decided {
    let standing = vote::quorum(&draft.state, environment, draft.now, Some(facts));
    let rules = (facts.policy_version.as_str(), &facts.standing);
    let judged =
        draft.state.votes.iter().filter(|vote| &vote.environment == environment && facts.judged.contains(vote));
    let judged = judged.map(|vote| (vote.person.clone(), vote::void_reason(&draft.state, vote, draft.now, rules)));
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

/// Applies the current policy: voids votes that lapsed and reopens approval steps that became stricter. Three kinds of
/// votes are left alone: those behind a deployment that has begun, those of a deployment that is being checked, and
/// those cast after the policy was read.
pub(super) fn rules_seen(
    draft: &mut Decider,
    (policy_version, standing): (&str, &vote::CurrentRoles),
    approvals: &BTreeMap<Environment, Approval>,
    observation: &StampedObservation,
) -> Decided {
    let changed = approvals_seen(draft, approvals)?;
    if draft.state.requested_deploy.is_some() {
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
    let lapsed = judged
        .filter_map(|vote| Some((vote, vote::void_reason(&draft.state, vote, draft.now, (policy_version, standing))?)));
    let lapsed: Vec<_> = lapsed.map(|(vote, why)| (vote.environment.clone(), vote.person.clone(), why)).collect();
    void(draft, lapsed)?;
    changed.iter().try_for_each(|environment| reopen_gate(draft, environment, STRICTER))?;
    close_expired(draft)
}

/// Applies approval rules that are stricter than the plan, and removes them once the policy no longer asks for them.
/// Returns the environments whose rules changed.
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

/// Closes expired vote requests while votes are missing, so that the votes are requested again. An expired request
/// accepts no votes.
fn close_expired(draft: &mut Decider) -> Decided {
    let state = &draft.state;
    // An approval step that is being reopened requests votes when it is entered.
    let current = state.current().filter(|(at, _)| matches!(state.steps.get(*at), Some(StepState::Current { .. })));
    let waits = |environment: &Environment| {
        current.is_some_and(|(_, spec)| matches!(&spec.kind, StepKind::Approve { environment: e } if e == environment))
            && !vote::quorum(state, environment, draft.now, None).missing.is_empty()
    };
    let over = state.vote_requests.iter().filter(|(environment, prompt)| state.ends(environment, prompt) <= draft.now);
    let over: Vec<Environment> = over.map(|(environment, _)| environment.clone()).filter(waits).collect();
    over.into_iter()
        .try_for_each(|environment| draft.bot(Event::VoteRequestClosed { environment, why: CloseReason::Expired }))
}

/// Closes all vote requests and voids all votes after the pull request was pointed at another base branch. Votes are
/// requested again once it targets the planned branch.
pub(super) fn retargeted(draft: &mut Decider) -> Decided {
    let asked: Vec<Environment> = draft.state.vote_requests.keys().cloned().collect();
    for environment in asked {
        draft.bot(Event::VoteRequestClosed { environment, why: CloseReason::Retargeted })?;
    }
    void_all(draft, VoidReason::Retargeted)?;
    begin_again(draft)
}

/// Records the file changes that a deployment would make. If others were shown in the vote request, closes it, voids
/// its votes and requests votes again. A deployment that has begun is left alone.
pub(super) fn edits_read(draft: &mut Decider, environment: &Environment, edits: &Edits) -> Decided {
    let known = draft.state.edits.get(environment).map(|known| known.digest.clone());
    if draft.state.has_begun(environment) || known.as_ref() == Some(&edits.digest) {
        return Ok(());
    }
    draft.bot(Event::EditsRead { environment: environment.clone(), edits: edits.clone() })?;
    if draft.state.vote_requests.contains_key(environment) {
        draft.bot(Event::VoteRequestClosed { environment: environment.clone(), why: CloseReason::Edits })?;
    }
    reopen_gate(draft, environment, "its deployment would change files in another way now")
}

/// Enters the current step again if it is an approval step without a vote request: the base branch of the pull request
/// has changed, to another branch or back to the planned one.
pub(super) fn begin_again(draft: &mut Decider) -> Decided {
    let state = &draft.state;
    let Some((at, spec)) = state.current() else { return Ok(()) };
    if !state.awaits_vote_request() || !matches!(state.steps.get(at), Some(StepState::Current { .. })) {
        return Ok(());
    }
    let step = spec.id.clone();
    draft.bot(Event::StepEntered { step })
}

/// Voids every vote for the same reason.
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

/// Returns the refusal if the pull request targets another branch than the plan names: approvals are only valid for a
/// change of the planned branch (security case 26).
pub(super) fn astray(state: &Hotfix) -> Option<Refusal> {
    let (number, into) = state.wrong_base()?;
    let reason = format!("Pull request #{} goes into {into} now, and not into {}.", number.0, state.plan.into);
    let next = format!("Let it go into {} again, then vote.", state.plan.into);
    Some(Refusal::new("pull.retargeted", reason, next))
}

#[cfg(test)]
mod tests;
