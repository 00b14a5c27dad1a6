//! `abandon`: a captain ends a run in any state. The merge back to main and the countersign of a break-glass stay due.

use std::collections::BTreeSet;

use hotfix_adapters::ids::DeployKey;

use super::Decider;
use super::user::{Decided, no};
use crate::domain::break_glass::review_due;
use crate::domain::command::{EffectResult, Observation, UserCommand};
use crate::domain::event::Event;
use crate::domain::hotfix::{Abandoned, Hotfix};
use crate::domain::people::{Grant, Role, marked};
use crate::domain::refusal::Refusal;

/// Ends the run. While a deployment may still be running, a second person must confirm the captain's command.
pub(super) fn abandon(draft: &mut Decider, grant: &Grant, reason: &str, under_way: &BTreeSet<DeployKey>) -> Decided {
    let state = &draft.state;
    let captain = grant.roles.contains(&Role::Captain);
    let open = state.deploys.iter().filter(|deploy| deploy.state.is_open()).map(|deploy| deploy.intent.key.clone());
    let believed: BTreeSet<DeployKey> = open.collect();
    let doubtful = believed.iter().any(|key| under_way.contains(key));
    let first = state.abandon_requested.as_ref().map(|(person, _)| person.clone());
    // A viewer cannot confirm.
    let second = grant.roles.iter().any(|role| role != &Role::Viewer);
    let asked_by = match first {
        Some(first) if doubtful && second && first != grant.person => Some(first),
        Some(first) if doubtful && first == grant.person => {
            let reason = "A deployment may still be running, so a second person has to confirm it.";
            let next = "Let somebody else look at what runs, and say `abandon <reason>` too.";
            return no(Refusal::new("abandon.second", reason, next));
        }
        Some(_) | None if !captain => {
            let reason = "Only a captain can end a run in whatever state it is.";
            return no(Refusal::new("abandon.who", reason, "Ask a captain to say `abandon <reason>`."));
        }
        Some(_) | None if doubtful => {
            return draft.person(&grant.person, Event::AbandonRequested { reason: reason.to_owned() });
        }
        Some(_) | None => None,
    };
    draft.person(&grant.person, Event::Abandoned { reason: reason.to_owned(), asked_by, believed })
}

/// Returns the command that ends the run in its current state.
pub(super) fn way_out(state: &Hotfix) -> &'static str {
    if may_abort(state) { "`abort <reason>`" } else { "`abandon <reason>`, which takes a captain" }
}

/// Returns `true` if the run can be aborted without leaving anything open.
pub(super) fn may_abort(state: &Hotfix) -> bool {
    let deploying = state.deploys.iter().any(|deploy| deploy.state.is_open());
    !deploying && (!state.is_live() || state.is_settled_on_main()) && !review_due(state)
}

/// Returns `true` if the command is still accepted after the run was abandoned.
pub(super) fn outlives(act: &UserCommand) -> bool {
    match act {
        UserCommand::Note(_)
        | UserCommand::Acknowledge
        | UserCommand::Countersign { .. }
        | UserCommand::WaiveMergeback(_)
        | UserCommand::ConfirmMergeback(_)
        | UserCommand::Postmortem(_) => true,
        UserCommand::Pick(_)
        | UserCommand::Unpick(_)
        | UserCommand::Join { .. }
        | UserCommand::Approve { .. }
        | UserCommand::Unapprove { .. }
        | UserCommand::Reject { .. }
        | UserCommand::Triage(_)
        | UserCommand::Agree(_)
        | UserCommand::Hold(_)
        | UserCommand::Unhold
        | UserCommand::Verify { .. }
        | UserCommand::Deploy(_)
        | UserCommand::Rollback { .. }
        | UserCommand::Skip(..)
        | UserCommand::Override { .. }
        | UserCommand::Identify { .. }
        | UserCommand::BreakGlass { .. }
        | UserCommand::Retry
        | UserCommand::Abort(_)
        | UserCommand::Abandon { .. }
        | UserCommand::Drift(_)
        | UserCommand::Close => false,
    }
}

/// Returns the refusal of any other command on an abandoned run, with the tasks that are still due.
pub(super) fn over(state: &Hotfix, abandoned: &Abandoned) -> Refusal {
    let reason = match &abandoned.asked_by {
        Some(first) => {
            let (first, second) = (marked(first), marked(&abandoned.by));
            format!("{first} abandoned {}, and {second} confirmed it: {}", state.id, abandoned.reason)
        }
        None => format!("{} abandoned {}: {}", marked(&abandoned.by), state.id, abandoned.reason),
    };
    let mut next = Vec::new();
    if review_due(state) {
        next.push("Somebody who was not involved says `countersign ok` or `countersign objection <why>`.");
    }
    if state.owes_mainline() {
        next.push("Bring the fix to main, or let a captain say `mergeback waive <reason>`.");
    }
    if next.is_empty() {
        next.push("Look at `timeline`, or start a new run.");
    }
    Refusal::new("run.abandoned", reason, next.join(" "))
}

/// Returns `true` if an abandoned run still handles the observation: only where the fix is.
pub(super) fn sees(sighting: &Observation) -> bool {
    matches!(sighting, Observation::Mainline { .. } | Observation::Production { .. })
}

/// Returns `true` if an abandoned run still handles the effect result.
pub(super) fn learns(outcome: &EffectResult) -> bool {
    matches!(outcome, EffectResult::BranchDeleted)
}

#[cfg(test)]
mod tests;
