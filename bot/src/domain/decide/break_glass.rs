//! Break-glass commands and the countersign that must follow (security case 90).

use hotfix_adapters::ids::{ChannelRef, Environment};
use jiff::SignedDuration;

use super::Decider;
use super::deploy::{drifted, unknown_environment};
use super::user::{Decided, no};
use crate::domain::break_glass::{self, BreakGlass};
use crate::domain::event::Event;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::domain::people::{Grant, marked};
use crate::domain::playbook::StepKind;
use crate::domain::refusal::Refusal;
use crate::domain::vote::quorum;

/// Minimum length of a reason, in characters.
const REASON: usize = 20;
/// Minimum number of digits of the typed commit. A shorter prefix could match by chance.
const DIGITS: usize = 7;

/// Arguments of a break-glass command.
pub(super) struct Declaration<'a> {
    pub(super) environment: &'a Environment,
    /// The commit that would ship, as typed by the user; a prefix of its id.
    pub(super) commit: &'a str,
    pub(super) reason: &'a str,
    pub(super) incident: &'a str,
    /// The channel where the break-glass is announced.
    pub(super) audit: &'a ChannelRef,
}

pub(super) fn break_it(draft: &mut Decider, grant: &Grant, said: &Declaration<'_>) -> Decided {
    let state = &draft.state;
    if let Some(unknown) = unknown_environment(state, said.environment) {
        return no(unknown);
    }
    let mut refusals = misplaced(draft, said.environment);
    refusals.extend(mistyped(state, said));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let (Some(commit), Some(base)) = (state.deployable_to(said.environment).cloned(), state.base.clone()) else {
        return no(super::bug("a broken glass without a commit"));
    };
    let minutes = state.approval(said.environment).map_or(0, |approval| approval.expires_minutes);
    let glass = BreakGlass {
        environment: said.environment.clone(),
        commit,
        base,
        image: state.digest().cloned(),
        plan_digest: state.plan_digest.clone(),
        policy_version: grant.policy_version.clone(),
        person: grant.person.clone(),
        reason: said.reason.trim().to_owned(),
        incident: said.incident.to_owned(),
        audit: said.audit.clone(),
        at: draft.now,
        expires: draft.now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(draft.now),
    };
    draft.person(&grant.person, Event::BreakGlassUsed(glass))
}

/// Returns all objections from the state of the run, independent of the arguments.
fn misplaced(draft: &Decider, environment: &Environment) -> Vec<Refusal> {
    let state = &draft.state;
    let mut refusals = drifted(state);
    refusals.extend(out_of_turn(state, environment));
    let quorum = quorum(state, environment, draft.now, None);
    if let Some(broken) = break_glass::unannounced(state, environment, draft.now) {
        let reason = format!("{} broke it a moment ago, and the audit channel is being told.", marked(&broken.person));
        refusals.push(Refusal::new("break-glass.broken", reason, "See `status`."));
    } else if refusals.is_empty() && quorum.missing.is_empty() {
        let reason = format!("No vote is missing for {environment}, so there is no glass to break.");
        refusals.push(Refusal::new("break-glass.not-needed", reason, "See `plan` for what is waited for."));
    }
    for (person, why) in &quorum.rejections {
        let who = marked(person);
        let reason = format!("{who} said no, and a no is not broken with the glass: {why}");
        refusals.push(Refusal::new(
            "vote.rejected",
            reason,
            format!("Talk to {who}; they take it back with `unapprove`."),
        ));
    }
    refusals
}

/// Refuses break-glass unless the approval or deployment step of the environment is current: it replaces votes and no
/// other step.
fn out_of_turn(state: &Hotfix, environment: &Environment) -> Option<Refusal> {
    let asks = |kind: &StepKind| matches!(kind, StepKind::Approve { environment: e } | StepKind::Deploy { environment: e, .. } if e == environment);
    if state.is_current(asks) {
        return None;
    }
    let turn = state.plan.steps.iter().position(|spec| asks(&spec.kind));
    let before = state.plan.steps.iter().zip(&state.steps).take(turn.unwrap_or(0));
    let left: Vec<&str> = before.filter(|(_, at)| !at.is_behind()).map(|(spec, _)| spec.id.as_str()).collect();
    if left.is_empty() {
        let reason = format!("No vote for {environment} is waited for in this run.");
        return Some(Refusal::new("break-glass.not-needed", reason, "See `plan` for what is waited for."));
    }
    let reason = format!(
        "The glass stands in for votes and for nothing else; these steps come before them: {}.",
        left.join(", ")
    );
    Some(Refusal::new("break-glass.early", reason, "See `plan` for who can do what."))
}

fn mistyped(state: &Hotfix, said: &Declaration<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let typed = said.commit.to_ascii_lowercase();
    let ships = state.deployable_to(said.environment).is_some_and(|commit| commit.as_str().starts_with(&typed));
    if !ships || typed.len() < DIGITS {
        let reason = format!("{} is not what would ship to {}.", said.commit, said.environment);
        let next =
            "Type at least 7 digits of the commit that the newest question in the thread names, after looking at it.";
        refusals.push(Refusal::new("break-glass.commit", reason, next));
    }
    if said.reason.trim().chars().count() < REASON {
        let next = format!("Say in a sentence of {REASON} characters or more why it cannot wait for the votes.");
        refusals.push(Refusal::new("break-glass.reason", "That is too short for a reason.", next));
    }
    refusals
}

/// Records a countersign. The requester, contributors, and users of break-glass cannot countersign.
pub(super) fn countersign(draft: &mut Decider, who: &PersonId, ok: bool, note: Option<&str>) -> Decided {
    if !break_glass::review_due(&draft.state) {
        let reason = "No deployment of this run waits for such a review.";
        return no(Refusal::new("countersign.none", reason, "See `timeline` for what was done."));
    }
    if let Some(refusal) = break_glass::involved(&draft.state, who) {
        return no(refusal);
    }
    if !ok && note.is_none() {
        let next = "Say why: `countersign objection <what was wrong>`.";
        return no(Refusal::new("countersign.note", "An objection without a reason helps nobody.", next));
    }
    draft.person(who, Event::Countersigned { ok, note: note.map(str::to_owned) })
}

pub(super) fn remind(draft: &mut Decider) -> Decided {
    if draft.state.is_over() || !break_glass::review_due(&draft.state) {
        return Ok(());
    }
    let times = draft.state.countersign_reminders.saturating_add(1);
    draft.bot(Event::CountersignReminded { times })
}

#[cfg(test)]
mod tests;
