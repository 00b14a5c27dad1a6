//! Deployment commands and their preconditions. A deployment is requested, its facts are read again, and only then is
//! the intent recorded.

use std::collections::BTreeSet;

use hotfix_adapters::ids::{CommitId, DeployKey, Digest, Environment};
use jiff::Timestamp;

use super::Decider;
use crate::domain::break_glass;
use crate::domain::command::{ActiveFreeze, DeployFacts, Removal};
use crate::domain::event::{Actor, Contributor, DeployIntent, Event};
use crate::domain::hotfix::{DeployState, Hotfix, RequestedDeploy, StepState};
use crate::domain::id::{PersonId, StepId};
use crate::domain::people::{Grant, Role, all_marked, marked};
use crate::domain::playbook::{HoldMeans, Level, StepKind};
use crate::domain::refusal::Refusal;
use crate::domain::step;
use crate::domain::vote::{is_backed, quorum};

type Decided = Result<(), Vec<Refusal>>;

pub(super) fn by_person(draft: &mut Decider, who: &PersonId, environment: &Environment) -> Decided {
    let refusals = too_early(&draft.state, environment);
    if refusals.is_empty() { ask(draft, who, environment) } else { Err(refusals) }
}

/// Returns all objections to a deployment to the environment that the state of the run shows, without reading anything.
fn too_early(state: &Hotfix, environment: &Environment) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let Some(unknown) = unknown_environment(state, environment) {
        return vec![unknown];
    }
    if let Some(never) = state.plan.environment(environment).and_then(|e| e.never.as_ref()) {
        let mut refusal = Refusal::new("deploy.never", never.reason.clone(), never.instead.clone());
        refusal.requirement = never.requirement.clone();
        return vec![refusal];
    }
    refusals.extend(drifted(state));
    let turn = state
        .plan
        .steps
        .iter()
        .position(|spec| matches!(&spec.kind, StepKind::Deploy { environment: e, .. } if e == environment));
    match (turn, state.current()) {
        (Some(turn), Some((at, _))) if at < turn => {
            let before = state.plan.steps.iter().zip(&state.steps).take(turn).filter(|(_, step)| !step.is_behind());
            let left: Vec<&str> = before.map(|(spec, _)| spec.id.as_str()).collect();
            let reason = format!("These steps come before a deployment to {environment}: {}.", left.join(", "));
            refusals.push(Refusal::new("deploy.early", reason, "See `plan` for who can do what."));
        }
        (Some(turn), Some((at, _))) if at == turn => refusals.extend(unagreed(state, turn)),
        (Some(turn), _) if matches!(state.steps.get(turn), Some(StepState::Offered { .. })) => {
            refusals.extend(unagreed(state, turn));
        }
        (Some(_), Some(_) | None) => {
            let reason = format!("The deployment to {environment} is behind us.");
            refusals.push(Refusal::new("deploy.done", reason, "See `status`."));
        }
        (None, _) => {
            let reason = format!("The playbook {} does not deploy to {environment}.", state.plan.playbook);
            refusals.push(Refusal::new("deploy.not-in-plan", reason, "See `plan`."));
        }
    }
    refusals.extend(busy(state));
    refusals.extend(held(state));
    refusals
}

/// Returns all objections to retrying a deployment that failed or whose facts could not be read.
pub(super) fn not_again(state: &Hotfix, grant: &Grant, asked: &RequestedDeploy) -> Vec<Refusal> {
    if !asked.rollback {
        return too_early(state, &asked.environment);
    }
    let who = may_not_roll_back(state, grant, &asked.environment, &asked.commit);
    busy(state).into_iter().chain(who).collect()
}

/// Refuses a rollback by a person who may not do it. A captain may roll back to any known commit; the requester may go
/// back to the commit that ran before the run.
fn may_not_roll_back(state: &Hotfix, grant: &Grant, environment: &Environment, to: &CommitId) -> Option<Refusal> {
    let before = state.before_this_run(environment).or(state.base.as_ref()) == Some(to);
    let own = grant.person == state.requester && before;
    let may = own || grant.roles.contains(&Role::Captain);
    let owner = marked(&state.requester);
    let (reason, next) = if before {
        let reason = format!("Only {owner}, who opened the run, or a captain can put back what ran before it.");
        (reason, format!("Ask {owner} or a captain to say `rollback {environment} <reason>`."))
    } else {
        let reason = format!("Only a captain can put {environment} on something else than what ran before this run.");
        (reason, format!("Ask a captain to say `rollback {environment} to {} <reason>`.", to.short()))
    };
    (!may).then(|| Refusal::new("rollback.who", reason, next))
}

pub(super) fn busy(state: &Hotfix) -> Option<Refusal> {
    let busy = state.requested_deploy.is_some() || state.deploys.iter().any(|deploy| deploy.state.is_open());
    let by_hand = state.deploys.iter().find(|deploy| deploy.state == DeployState::AwaitingConfirmation);
    let next = match by_hand.map(|deploy| &deploy.intent.environment) {
        Some(environment) => format!("Say how it went: `verify {environment} pass`, or `verify {environment} fail`."),
        None => "Wait for it to end; a captain can end the run as it is with `abandon <reason>`.".to_owned(),
    };
    busy.then(|| Refusal::new("deploy.busy", "A deployment of this run is on its way already.", next))
}

pub(super) fn unknown_environment(state: &Hotfix, environment: &Environment) -> Option<Refusal> {
    let names: Vec<&str> = state.plan.environments.iter().map(|e| e.name.as_str()).collect();
    let reason = format!("{} has no environment {environment}.", state.plan.service);
    let refusal = Refusal::new("environment.unknown", reason, format!("It has: {}.", names.join(", ")));
    state.plan.environment(environment).is_none().then_some(refusal)
}

/// Returns a refusal for each production that drifted and has no decision yet.
pub(super) fn drifted(state: &Hotfix) -> Vec<Refusal> {
    let drifted = state.drifts.iter().map(|(production, drift)| {
        let reason = format!(
            "{} changed under this run: expected {}, found {}.",
            production_words(state, production),
            drift.expected.short(),
            drift.found.short()
        );
        Refusal::new("drift", reason, format!("Say {}.", drift_ways(state))).because_of("APPLY-16")
    });
    drifted.collect()
}

/// Returns the answers to a drift that are possible in the current state, as commands.
pub(crate) fn drift_ways(state: &Hotfix) -> String {
    let mut ways = Vec::new();
    if super::user::cannot_rebase(state).is_none() {
        ways.push("`drift rebase`");
    }
    if state.has_change() {
        ways.push("`drift roll`");
    }
    ways.push(if super::abandon::may_abort(state) {
        "`drift abort`"
    } else {
        "`abandon <reason>`, which takes a captain"
    });
    ways.join(", or ")
}

/// Returns `true` if the run can be aborted without leaving anything open. Used to list the possible commands.
pub(crate) fn may_abort(state: &Hotfix) -> bool {
    super::abandon::may_abort(state)
}

/// Refuses a deployment while the agreement that precedes it in the plan is missing (HOCS-28).
fn unagreed(state: &Hotfix, turn: usize) -> Option<Refusal> {
    let before = turn.checked_sub(1)?;
    let (spec, at) = (state.plan.steps.get(before)?, state.steps.get(before)?);
    let StepKind::Agree { party, .. } = &spec.kind else { return None };
    let deploy = state.plan.steps.get(turn)?;
    let (reason, next) = match at {
        StepState::Done { .. } => return None,
        StepState::Skipped { .. } => {
            let reason = format!("The agreement of the {party} comes first, and it was skipped.");
            let next = match deploy.level {
                Level::Should | Level::May => {
                    format!("Leave this deployment out as well: `skip {} <reason>`.", deploy.id)
                }
                Level::Must | Level::MustNot => format!("End the run with {}.", super::abandon::way_out(state)),
            };
            (reason, next)
        }
        StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. } => {
            let members = state.plan.parties.get(party).map(Vec::as_slice).unwrap_or_default();
            let asked = members.iter().filter(|member| **member != state.requester);
            let next = format!("Ask one of them to say `agree {}`: {}.", spec.id, all_marked(asked));
            (format!("The agreement of the {party} comes first."), next)
        }
    };
    let mut refusal = Refusal::new("agree.missing", reason, next);
    refusal.requirement = spec.serves.first().cloned();
    Some(refusal)
}

/// Returns "Production", or the environment's name if the plan has several productions.
fn production_words(state: &Hotfix, environment: &Environment) -> String {
    if state.plan.productions().count() > 1 { environment.to_string() } else { "Production".to_owned() }
}

/// Returns a refusal for each hold, unless the playbook only records holds (PROMO-12).
fn held(state: &Hotfix) -> Vec<Refusal> {
    if state.plan.hold == HoldMeans::Recorded {
        return Vec::new();
    }
    let hold = |(person, reason): (&PersonId, &String)| {
        let who = marked(person);
        let next = format!("Talk to {who}; they, or a captain, lift it with `unhold`.");
        Refusal::new("hold", format!("{who} put it on hold: {reason}"), next)
    };
    state.holds.iter().map(hold).collect()
}

pub(super) fn ask(draft: &mut Decider, who: &PersonId, environment: &Environment) -> Decided {
    let Some(commit) = draft.state.deployable_to(environment).cloned() else {
        return Err(vec![super::bug("a deployment of nothing")]);
    };
    let event = Event::DeployRequested {
        environment: environment.clone(),
        commit,
        rollback: false,
        typed: false,
        reason: None,
    };
    draft.ask_to_deploy(Actor::Person(who.clone()), event)
}

/// Requests an automatic deployment, unless the last successful deployment to the environment already put the
/// deployable commit there.
pub(super) fn ask_unless_there(draft: &mut Decider, environment: &Environment) -> Decided {
    let Some(commit) = draft.state.deployable_to(environment).cloned() else {
        return Ok(());
    };
    let there = draft
        .state
        .deploys
        .iter()
        .rev()
        .find(|deploy| &deploy.intent.environment == environment && deploy.state == DeployState::Succeeded);
    if there.is_some_and(|deploy| draft.state.is_deployable(&deploy.intent)) {
        return Ok(());
    }
    draft.ask_to_deploy(
        Actor::Bot,
        Event::DeployRequested {
            environment: environment.clone(),
            commit,
            rollback: false,
            typed: false,
            reason: None,
        },
    )
}

pub(super) fn rollback(
    draft: &mut Decider,
    grant: &Grant,
    environment: &Environment,
    to: Option<&CommitId>,
    reason: &str,
) -> Decided {
    let state = &draft.state;
    if let Some(busy) = busy(state) {
        return Err(vec![busy]);
    }
    let previous = state.before_this_run(environment).cloned();
    let known = |commit: &CommitId| {
        let by_us = state.deploys.iter().any(|d| {
            &d.intent.environment == environment && &d.intent.commit == commit && d.state == DeployState::Succeeded
        });
        by_us || Some(commit) == previous.as_ref() || Some(commit) == state.base.as_ref()
    };
    let commit = match to {
        Some(commit) if known(commit) => commit.clone(),
        Some(commit) => {
            let reason = format!(
                "{} never ran on {environment} as far as this run knows, so nobody approved it there.",
                commit.short()
            );
            return Err(vec![Refusal::new(
                "rollback.unknown",
                reason,
                "Roll back to what ran before: leave `to` out.",
            )]);
        }
        None => match previous {
            Some(commit) => commit,
            None => {
                let reason = format!("This run has put nothing on {environment} that could be rolled back.");
                let next = format!("See `where {}`.", state.plan.service);
                return Err(vec![Refusal::new("rollback.nothing", reason, next)]);
            }
        },
    };
    if let Some(refusal) = may_not_roll_back(state, grant, environment, &commit) {
        return Err(vec![refusal]);
    }
    let event = Event::DeployRequested {
        environment: environment.clone(),
        commit,
        rollback: true,
        typed: to.is_some(),
        reason: Some(reason.to_owned()),
    };
    draft.ask_to_deploy(Actor::Person(grant.person.clone()), event)
}

/// Handles fresh deploy facts: starts the deployment, or refuses it with all objections.
pub(super) fn checked(
    draft: &mut Decider,
    environment: &Environment,
    commit: &CommitId,
    key: &DeployKey,
    facts: &DeployFacts,
) -> Decided {
    let Some(asked) =
        draft.state.requested_deploy.clone().filter(|a| &a.environment == environment && &a.commit == commit)
    else {
        return Ok(());
    };
    for (person, why) in &facts.lapsed {
        if !asked.rollback
            && facts.judged.iter().any(|vote| {
                &vote.person == person && &vote.environment == environment && draft.state.votes.contains(vote)
            })
        {
            let (environment, person, why) = (environment.clone(), person.clone(), Some(*why));
            draft.bot(Event::VoteWithdrawn { environment, person, why })?;
        }
    }
    let known = draft.state.head.as_ref().map(|head| &head.people);
    let strangers = facts.strangers.iter().filter(|who| known.is_some_and(|known| !known.contains(who)));
    let strangers: BTreeSet<Contributor> = strangers.cloned().collect();
    if !asked.rollback && !strangers.is_empty() {
        draft.bot(Event::OthersPushed { people: strangers })?;
    }
    if !asked.rollback {
        if let Some(pull) = &facts.pull {
            super::observed::pull_seen(draft, (&pull.seen, pull.merged.as_ref()), &|vote| facts.judged.contains(vote))?;
        }
        if let Some(main) = &facts.main {
            super::observed::main_seen(draft, main)?;
        }
    }
    let mut refusals =
        if asked.rollback { not_back(&asked, facts) } else { objections(draft, environment, commit, facts) };
    // A new head can pass its reviews while the deployment of the old head still runs.
    if draft.state.deploys.iter().any(|deploy| deploy.state.is_open()) {
        refusals.push(Refusal::new(
            "deploy.busy",
            "Another deployment of this run is still on its way.",
            format!("Wait for it to end, then say `deploy {environment}`."),
        ));
    }
    if !refusals.is_empty() {
        draft.bot(Event::DeployRefused { environment: environment.clone(), refusals })?;
        if !asked.rollback {
            super::observed::tag_seen(draft, facts.image.as_ref())?;
        }
        return super::votes::reopen_gate_for_facts(draft, environment, facts);
    }
    let quorum = quorum(&draft.state, environment, draft.now, Some(facts));
    let pinned = draft.state.image.as_ref().filter(|pinned| &pinned.commit == commit);
    let image = pinned.map(|pinned| pinned.published.image.clone()).or_else(|| facts.earlier_image.clone());
    draft.bot(Event::DeployStarted(DeployIntent {
        key: key.clone(),
        environment: environment.clone(),
        commit: commit.clone(),
        image,
        // The commit that production runs is not the previous commit of targets beside production.
        previous: facts.running.clone().filter(|_| {
            draft.state.plan.only_in(environment).is_empty() || draft.state.plan.reaches_production(environment)
        }),
        votes: if asked.rollback { Default::default() } else { quorum.valid },
        glass: quorum.break_glass.filter(|_| !asked.rollback),
        rollback: asked.rollback,
        reason: asked.reason.clone(),
        removes: removed_from(facts),
    }))
}

/// Returns the objections to a rollback: a freeze of everything, or the removal of commits that others deployed. The
/// latter needs an explicit target commit (security case 99).
fn not_back(asked: &RequestedDeploy, facts: &DeployFacts) -> Vec<Refusal> {
    let mut refusals = frozen(facts);
    if let (Some(running), Some(removal), false) = (&facts.running, &facts.removal, asked.typed) {
        let (place, to) = (&asked.environment, asked.commit.short());
        let reason = format!(
            "{place} runs {}, which this run did not deploy. A rollback to {to} would take away {}.",
            running.short(),
            taken_away(removal)
        );
        let next = format!("If that is meant, name what to go back to: `rollback {place} to {to} <reason>`.");
        refusals.push(Refusal::new("rollback.foreign", reason, next).because_of("APPLY-16"));
    }
    refusals
}

/// Returns the authors of the commits that a rollback removes.
fn removed_from(facts: &DeployFacts) -> BTreeSet<PersonId> {
    let commits = facts.removal.iter().flat_map(|removal| &removal.commits);
    commits.flat_map(|change| &change.people).filter_map(|who| who.person.clone()).collect()
}

/// Describes the commits that a rollback removes, with their authors, and the runs that deployed them.
fn taken_away(removal: &Removal) -> String {
    let mut words: Vec<String> = Vec::new();
    for change in &removal.commits {
        let name = |who: &Contributor| who.person.as_ref().map_or_else(|| who.name.clone(), marked);
        let people: Vec<String> = change.people.iter().map(name).collect();
        words.push(format!("{} “{}” ({})", change.commit.short(), change.subject, people.join(", ")));
    }
    let more = removal.total.saturating_sub(removal.commits.len());
    if more > 0 {
        words.push(format!("{more} more"));
    }
    if words.is_empty() {
        words.push("changes that the forge cannot name".to_owned());
    }
    let runs: Vec<String> = removal.runs.iter().map(ToString::to_string).collect();
    let of = if runs.is_empty() { String::new() } else { format!("; {} brought it there", runs.join(", ")) };
    format!("{}{of}", words.join("; "))
}

/// Returns a refusal for each step before the deployment that is open or no longer holds (security case 91). Approval
/// steps are left out: [`objections`] judges the votes individually.
fn unsound(state: &Hotfix, environment: &Environment, now: Timestamp) -> Vec<Refusal> {
    let Some(turn) = step::place_of_deploy(state, environment) else { return Vec::new() };
    let refusal = |(id, why): (StepId, String)| {
        let spec = state.plan.steps.iter().find(|spec| spec.id == id)?;
        if matches!(spec.kind, StepKind::Approve { .. }) {
            return None;
        }
        let next = format!("Put it right, then say `deploy {environment}`.");
        let mut refusal = Refusal::new("evidence.changed", format!("{}: {why}.", spec.title), next);
        refusal.requirement = spec.serves.first().cloned();
        Some(refusal)
    };
    step::in_the_way(state, turn, now).into_iter().filter_map(refusal).collect()
}

fn frozen(facts: &DeployFacts) -> Vec<Refusal> {
    facts.freeze.iter().map(ActiveFreeze::refusal).collect()
}

fn objections(draft: &Decider, environment: &Environment, commit: &CommitId, facts: &DeployFacts) -> Vec<Refusal> {
    let state = &draft.state;
    let mut refusals = frozen(facts);
    refusals.extend(held(state));
    refusals.extend(super::votes::astray(state));
    refusals.extend(unsound(state, environment, draft.now));
    let ships = state.deployable_to(environment);
    let fixed = state.plan.deployed_branch().is_none() || ships != state.deployable();
    if Some(commit) != ships {
        refusals.push(moved(commit, ships));
    } else if !fixed && facts.tip.as_ref() != Some(commit) && !is_gone_with_its_merge(state) {
        refusals.push(moved(commit, facts.tip.as_ref()));
    }
    if state.head.as_ref().is_some_and(|head| !head.on_base) {
        let reason = "The fix is not on top of what production runs.";
        refusals.push(Refusal::new("base.behind", reason, "Rebase the branch and push it.").because_of("APPLY-16"));
    }
    if let (Some(expected), Some(found)) = (state.expected_in(environment), &facts.running)
        && found != expected
        && found != commit
    {
        let reason =
            format!("Production runs {} and not {}, on which this fix was made.", found.short(), expected.short());
        refusals.push(
            Refusal::new("drift", reason, "The bot asks what to do about it in the thread.").because_of("APPLY-16"),
        );
    }
    if let Some(pinned) = state.digest().filter(|pinned| facts.image.as_ref() != Some(pinned)) {
        let now = facts.image.as_ref().map_or("nothing", Digest::short);
        let reason = format!("The tag of the image names {now} now, and not {}, which was tested.", pinned.short());
        refusals.push(
            Refusal::new("image.moved", reason, "Tests and votes start again with the new image.")
                .because_of("HOCS-15"),
        );
    }
    let strays: Vec<&str> = step::unexpected_commits(state).into_iter().map(|(commit, _)| commit.short()).collect();
    if !strays.is_empty() {
        let reason = format!("The branch holds what nobody asked for: {}.", strays.join(", "));
        let next = "Take it off the branch, or bring it to main and ask for it with `pick`.";
        refusals.push(Refusal::new("change.unexpected", reason, next).because_of("SRE-4"));
    }
    let quorum = quorum(state, environment, draft.now, Some(facts));
    for rule in &quorum.missing {
        let reason = format!(
            "{} more of the role {} must say yes to {} on {environment}.",
            rule.count,
            rule.role.as_str(),
            commit.short()
        );
        refusals.push(
            Refusal::new("vote.missing", reason, "The vote is asked for again in the thread.").because_of("APPLY-8"),
        );
    }
    let here = state.votes.iter().filter(|vote| &vote.environment == environment && !quorum.missing.is_empty());
    for vote in here.filter(|vote| !is_backed(state, vote, Some(facts))) {
        let who = marked(&vote.person);
        let reason = format!("The yes of {who} is not backed: no review of theirs approves the head on the forge.");
        let next = format!("{who} approves the pull request there, and says yes to the newest question.");
        refusals.push(Refusal::new("vote.review", reason, next));
    }
    for (person, why) in &quorum.rejections {
        let who = marked(person);
        refusals.push(Refusal::new(
            "vote.rejected",
            format!("{who} said no: {why}"),
            format!("Talk to {who}; they take it back with `unapprove`."),
        ));
    }
    let votes = state.votes.iter().filter(|vote| &vote.environment == environment).map(|vote| &vote.policy_version);
    let glass =
        quorum.break_glass.as_ref().and_then(|_| break_glass::applies_to(state, environment, draft.now, Some(facts)));
    if votes.chain(glass.map(|glass| &glass.policy_version)).any(|version| version != &facts.policy_version) {
        let reason = "The policy, or the way to deploy, changed since the votes were cast.";
        refusals.push(Refusal::new("vote.policy", reason, "The vote is asked for again in the thread."));
    }
    refusals
}

/// Returns `true` if the pull request was merged into main. Its branch may then be deleted, and the deployed content
/// can no longer change.
fn is_gone_with_its_merge(state: &Hotfix) -> bool {
    state.plan.into == state.plan.main && state.pull.as_ref().is_some_and(|pull| pull.merged.is_some())
}

fn moved(commit: &CommitId, tip: Option<&CommitId>) -> Refusal {
    let Some(now) = tip.map(CommitId::short) else {
        let reason = format!("The branch is not there any more; {} was approved on it.", commit.short());
        let next =
            "Say `retry` once the thread says that it was deleted, and the bot restores it; or `abort <reason>`.";
        return Refusal::new("branch.gone", reason, next).because_of("APPLY-11");
    };
    let reason = format!("The branch is at {now} and not at {}, which was approved.", commit.short());
    Refusal::new("head.moved", reason, "Tests and votes start again with the new head.").because_of("APPLY-11")
}

#[cfg(test)]
mod tests;
