//! Votes: cast, taken back, refused; and the gate that shuts again when they no longer suffice.

use std::collections::BTreeSet;

use hotfix_adapters::vocabulary::{CommitId, Environment, MessageRef};
use jiff::SignedDuration;

use super::Draft;
use super::person::{Decided, no};
use crate::domain::command::DeployFacts;
use crate::domain::event::{Event, Lapse, ReviewSeen, Vote};
use crate::domain::hotfix::{Deployment, Hotfix};
use crate::domain::id::PersonId;
use crate::domain::people::{Grant, marked};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::{glass, vote};

/// Why a gate opens again behind people's backs; each of them is told more.
const LAPSED: &str = "the votes do not count any more";

/// The open prompt that a vote is about.
fn prompt(state: &Hotfix, on: Option<&MessageRef>) -> Result<(Environment, CommitId), Vec<Refusal>> {
    let current = |environment: &Environment| {
        state.is_current(|kind| matches!(kind, StepKind::Approve { environment: e } | StepKind::Deploy { environment: e, .. } if e == environment))
    };
    // Without a message the question is meant whose turn it is: an environment that has its votes keeps its own.
    let mut asked = state.prompts.iter().filter(|(_, prompt)| on.is_none_or(|message| message == &prompt.message));
    let open = asked.clone().find(|(environment, _)| current(environment)).or_else(|| asked.next());
    match open {
        Some((environment, prompt)) if Some(&prompt.commit) == state.ships_to(environment) && current(environment) => {
            Ok((environment.clone(), prompt.commit.clone()))
        }
        Some(_) => Err(vec![Refusal::new(
            "vote.stale",
            "What that message asked about is not what would ship now.",
            "Look at the newest prompt in the thread, and vote there.",
        )]),
        None => Err(vec![Refusal::new(
            "vote.nothing",
            "Nothing is up for a vote now.",
            "See `plan` for what is waited for; the vote is asked for when its turn comes.",
        )]),
    }
}

pub(super) fn approve(draft: &mut Draft, grant: &Grant, on: Option<&MessageRef>, by_reaction: bool) -> Decided {
    let (environment, commit) = prompt(&draft.state, on)?;
    if let Some(refusal) = vote::excluded(&draft.state, &grant.person) {
        return no(refusal);
    }
    if let Some(refusal) = astray(&draft.state) {
        return no(refusal);
    }
    let Some(base) = draft.state.base.clone() else {
        return no(super::bug("a vote without a base"));
    };
    let minutes = draft.state.plan.environment(&environment).map_or(0, |e| e.approval.expires_minutes);
    let expires = draft.now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(draft.now);
    let vote = Vote {
        environment,
        commit,
        base,
        image: draft.state.digest().cloned(),
        plan_digest: draft.state.plan_digest.clone(),
        policy_version: grant.policy_version.clone(),
        person: grant.person.clone(),
        account: Some(grant.account.clone()),
        roles: grant.roles.clone(),
        by_reaction,
        on: on.filter(|_| by_reaction).cloned(),
        at: draft.now,
        expires,
    };
    let same = |old: &Vote| {
        (&old.environment, &old.person, old.by_reaction) == (&vote.environment, &vote.person, vote.by_reaction)
    };
    if draft.state.votes.iter().any(|old| same(old) && draft.now < old.expires) {
        return Ok(());
    }
    draft.person(&grant.person, Event::Voted(vote))
}

pub(super) fn unapprove(draft: &mut Draft, who: &PersonId, on: Option<&MessageRef>) -> Decided {
    let of_message = |environment: &Environment| {
        on.is_none_or(|message| draft.state.prompts.get(environment).is_some_and(|prompt| &prompt.message == message))
    };
    let vote = draft.state.votes.iter().find(|vote| &vote.person == who && of_message(&vote.environment));
    if let Some(environment) = vote.map(|vote| vote.environment.clone()) {
        let withdrawn = Event::VoteWithdrawn { environment: environment.clone(), person: who.clone(), why: None };
        draft.person(who, withdrawn)?;
        return reopen_gate(draft, &environment, &format!("{} took their vote back", marked(who)));
    }
    let veto = draft.state.vetoes.keys().find(|(environment, person)| person == who && of_message(environment));
    if let Some(environment) = veto.map(|(environment, _)| environment.clone()) {
        return draft.person(who, Event::VetoWithdrawn { environment, person: who.clone() });
    }
    if on.is_some() {
        // Taking back a reaction that never counted needs no answer.
        return Ok(());
    }
    no(Refusal::new("vote.none", "You have no vote here to take back.", "See `plan` for the votes there are."))
}

pub(super) fn reject(draft: &mut Draft, grant: &Grant, reason: &str, on: Option<&MessageRef>) -> Decided {
    let (environment, _) = prompt(&draft.state, on)?;
    let key = (environment.clone(), grant.person.clone());
    if draft.state.vetoes.get(&key).is_some_and(|said| said == reason) {
        return Ok(());
    }
    let event = Event::Vetoed { environment: environment.clone(), reason: reason.to_owned() };
    draft.person(&grant.person, event)?;
    reopen_gate(draft, &environment, &format!("{} said no", marked(&grant.person)))
}

/// A gate that is open without its votes is shut again, unless the deployment it guarded began already.
pub(super) fn reopen_gate(draft: &mut Draft, environment: &Environment, reason: &str) -> Decided {
    let began = draft.state.last_deploy(environment).is_some_and(|deploy| draft.state.is_what_ships(&deploy.intent));
    let holds = vote::quorum(&draft.state, environment, draft.now, None).holds();
    if began || holds {
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

/// A review that backed a vote is gone, or is not a yes any more: the vote is void. One that was not backed yet still waits.
pub(super) fn void_unbacked(draft: &mut Draft, before: &[ReviewSeen]) -> Decided {
    let Some(head) = draft.state.head.as_ref().map(|head| head.tip.clone()) else { return Ok(()) };
    let backed = vote::approving(before, &head);
    let gone = |vote: &&Vote| backed.contains(&vote.person) && !vote::is_backed(&draft.state, vote, None);
    let void: Vec<(Environment, PersonId)> =
        draft.state.votes.iter().filter(gone).map(|vote| (vote.environment.clone(), vote.person.clone())).collect();
    for (environment, person) in void {
        let reason = format!("{} does not approve it on the forge any more", marked(&person));
        draft.bot(Event::VoteWithdrawn { environment: environment.clone(), person, why: Some(Lapse::Review) })?;
        reopen_gate(draft, &environment, &reason)?;
    }
    Ok(())
}

/// The same, judged by what the voters may do now: votes that do not count any more are voided by name.
pub(super) fn reopen_gate_for_facts(draft: &mut Draft, environment: &Environment, facts: &DeployFacts) -> Decided {
    let standing = vote::quorum(&draft.state, environment, draft.now, Some(facts));
    let rules = (facts.policy_version.as_str(), &facts.standing);
    let judged = draft.state.votes.iter().filter(|vote| &vote.environment == environment);
    let judged = judged.map(|vote| (vote.person.clone(), vote::lapse(&draft.state, vote, draft.now, rules)));
    let stale: Vec<(PersonId, Option<Lapse>)> =
        judged.filter(|(person, why)| why.is_some() || !standing.valid.contains(person)).collect();
    for (person, why) in stale {
        draft.bot(Event::VoteWithdrawn { environment: environment.clone(), person, why })?;
    }
    if let Some(glass) = glass::stands_in(&draft.state, environment, draft.now, None) {
        let reason = if glass.policy_version != facts.policy_version {
            Some("the policy, or the way to deploy, changed since it was broken")
        } else if !facts.glass.contains(&glass.person) {
            Some("whoever broke it may not do so any more")
        } else {
            None
        };
        if let Some(reason) = reason {
            draft.bot(Event::GlassVoided { reason: reason.to_owned() })?;
        }
    }
    reopen_gate(draft, environment, LAPSED)
}

/// The rules were looked at again: time passed, and somebody may have written others. A vote on which a deployment rests
/// that began is history; one that is just being checked is judged there.
pub(super) fn rules_seen(draft: &mut Draft, policy_version: &str, standing: &vote::Standing) -> Decided {
    if draft.state.asked_deploy.is_some() {
        return Ok(());
    }
    let began = |state: &Hotfix, vote: &Vote| {
        let by_it = |deploy: &&Deployment| {
            deploy.intent.environment == vote.environment && deploy.intent.votes.contains(&vote.person)
        };
        state.deploys.iter().filter(by_it).any(|deploy| deploy.at >= vote.at)
    };
    let judged = draft.state.votes.iter().filter(|vote| !began(&draft.state, vote));
    let lapsed =
        judged.filter_map(|vote| Some((vote, vote::lapse(&draft.state, vote, draft.now, (policy_version, standing))?)));
    let lapsed: Vec<_> = lapsed.map(|(vote, why)| (vote.environment.clone(), vote.person.clone(), why)).collect();
    void(draft, lapsed)
}

/// Every vote lapses for one reason.
pub(super) fn void_all(draft: &mut Draft, why: Lapse) -> Decided {
    let all = draft.state.votes.iter().map(|vote| (vote.environment.clone(), vote.person.clone(), why)).collect();
    void(draft, all)
}

fn void(draft: &mut Draft, lapsed: Vec<(Environment, PersonId, Lapse)>) -> Decided {
    let environments: BTreeSet<Environment> = lapsed.iter().map(|(environment, _, _)| environment.clone()).collect();
    for (environment, person, why) in lapsed {
        draft.bot(Event::VoteWithdrawn { environment, person, why: Some(why) })?;
    }
    environments.iter().try_for_each(|environment| reopen_gate(draft, environment, LAPSED))
}

/// What people approve is a change of the branch that the plan names, and not of another (security case 26).
pub(super) fn astray(state: &Hotfix) -> Option<Refusal> {
    let pull = state.pull.as_ref().filter(|pull| pull.merged.is_none())?;
    let into = pull.seen.astray.as_ref()?;
    let reason = format!("Pull request #{} goes into {into} now, and not into {}.", pull.number.0, state.plan.into);
    let next = format!("Let it go into {} again, then vote.", state.plan.into);
    Some(Refusal::new("pull.retargeted", reason, next))
}
