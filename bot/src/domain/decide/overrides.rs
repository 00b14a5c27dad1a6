//! Skipping and overriding steps: one person with a reason can skip a "should" step, two people can override some
//! "must" steps, and nothing lifts the rest.

use super::Decider;
use super::user::{Decided, no};
use crate::domain::event::Event;
use crate::domain::hotfix::{Hotfix, StepState};
use crate::domain::id::{PersonId, StepId};
use crate::domain::people::Grant;
use crate::domain::playbook::{Level, StepKind};
use crate::domain::refusal::Refusal;
use crate::domain::step;

fn find_step(state: &Hotfix, step: &StepId) -> Result<(Level, bool), Vec<Refusal>> {
    let found = state.plan.steps.iter().zip(&state.steps).find(|(spec, _)| &spec.id == step);
    let behind = |at: &StepState| at.is_behind() && !matches!(at, StepState::Offered { .. });
    found.map(|(spec, at)| (spec.level, behind(at))).ok_or_else(|| {
        let steps: Vec<&str> = state.plan.steps.iter().map(|spec| spec.id.as_str()).collect();
        let next = format!("The steps are: {}.", steps.join(", "));
        vec![Refusal::new("step.unknown", format!("The plan has no step {step}."), next)]
    })
}

/// Returns the optional deployment that needs the agreement of this step: without the agreement it could never be
/// deployed, so it is skipped as well (HOCS-28).
fn unagreed_deployment(state: &Hotfix, agreement: &StepId) -> Option<StepId> {
    let mut steps = state.plan.steps.iter().zip(&state.steps).skip_while(|(spec, _)| &spec.id != agreement);
    let (asked, _) = steps.next()?;
    let (next, at) = steps.next()?;
    let needs = matches!(asked.kind, StepKind::Agree { .. }) && matches!(next.kind, StepKind::Deploy { .. });
    let optional = match next.level {
        Level::Should | Level::May => true,
        Level::Must | Level::MustNot => false,
    };
    let open = match at {
        StepState::Ahead | StepState::Current { .. } | StepState::Offered { .. } => true,
        StepState::Done { .. } | StepState::Skipped { .. } => false,
    };
    (needs && optional && open).then(|| next.id.clone())
}

pub(super) fn skip(draft: &mut Decider, who: &PersonId, step: &StepId, reason: &str) -> Decided {
    let (level, behind) = find_step(&draft.state, step)?;
    if behind {
        return no(Refusal::new(
            "step.behind",
            format!("{step} is behind us already."),
            "See `plan` for what is left.",
        ));
    }
    match level {
        Level::Should | Level::May => {
            let without = unagreed_deployment(&draft.state, step);
            draft.person(who, Event::StepSkipped { step: step.clone(), reason: reason.to_owned() })?;
            match without {
                Some(step) => draft.person(who, Event::StepSkipped { step, reason: reason.to_owned() }),
                None => Ok(()),
            }
        }
        Level::Must => no(Refusal::new(
            "step.must",
            format!("{step} is a must: the runbook does not let it be skipped."),
            match draft.state.plan.step(step) {
                Some(spec) if !step::can_be_overridden(&draft.state, &spec.kind) => {
                    "See `plan` for who can do it. Nothing lifts it; a captain can end the run with `abandon <reason>`."
                        .to_owned()
                }
                Some(_) | None => format!("Do it, or let two people say `override {step} <reason> --incident URL`."),
            },
        )),
        Level::MustNot => {
            no(Refusal::new("step.must-not", format!("{step} forbids something: nothing lifts it."), "See `plan`."))
        }
    }
}

pub(super) fn override_gate(
    draft: &mut Decider,
    grant: &Grant,
    gate: &StepId,
    reason: &str,
    incident: &str,
) -> Decided {
    let (level, behind) = find_step(&draft.state, gate)?;
    let kind = draft.state.plan.step(gate).map(|spec| spec.kind.clone());
    if behind
        || level == Level::MustNot
        || kind.as_ref().is_some_and(|kind| !step::can_be_overridden(&draft.state, kind))
    {
        let reason = if behind {
            format!("{gate} is behind us already.")
        } else {
            format!("{gate} cannot be overridden by anybody.")
        };
        return no(Refusal::new("override.never", reason, "See `plan` for what is left, and who can do it."));
    }
    if reason.chars().count() < 10 {
        let next = "Say in a sentence why it cannot wait; it stands in the post-mortem.";
        return no(Refusal::new("override.reason", "That is too short for a reason.", next));
    }
    let first = draft.state.override_requested.get(gate).map(|(person, ..)| person.clone());
    match first {
        Some(asked_by) if asked_by != grant.person => {
            let event = Event::StepOverridden {
                step: gate.clone(),
                asked_by,
                reason: reason.to_owned(),
                incident: incident.to_owned(),
            };
            draft.person(&grant.person, event)
        }
        Some(_) => no(Refusal::new(
            "override.second",
            "An override takes a second person.",
            format!("Let somebody else say `override {gate} <reason> --incident URL`."),
        )),
        None => {
            let event = Event::OverrideRequested {
                step: gate.clone(),
                reason: reason.to_owned(),
                incident: incident.to_owned(),
            };
            draft.person(&grant.person, event)
        }
    }
}

#[cfg(test)]
mod tests;
