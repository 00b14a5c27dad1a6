//! What people said, to the run.

use super::{person, require_person};
use crate::domain::event::{Entry, Event, Lapse};
use crate::domain::hotfix::{Attestation, Hotfix, Veto};
use crate::domain::question::Prompt;

/// What people said.
#[expect(clippy::wildcard_enum_match_arm, reason = "`apply` sorts the events, and is exhaustive")]
pub(super) fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::Prompted { environment, commit, message } => {
            state.close_question(environment);
            let prompt = Prompt { commit: commit.clone(), message: message.clone(), asked: entry.at };
            state.prompts.insert(environment.clone(), prompt);
        }
        Event::QuestionClosed { environment, .. } => state.close_question(environment),
        Event::ApprovalChanged { environment, approval } => {
            let planned = state.plan.environment(environment).ok_or("the plan has no such environment")?;
            if &planned.approval == approval {
                state.approvals.remove(environment);
            } else {
                state.approvals.insert(environment.clone(), approval.clone());
            }
        }
        Event::Voted(vote) => {
            if person(entry).as_ref() != Some(&vote.person) {
                return Err("nobody votes for somebody else".to_owned());
            }
            state.votes.retain(|old| (&old.environment, &old.person) != (&vote.environment, &vote.person));
            state.votes.push(vote.clone());
        }
        Event::VoteWithdrawn { environment, person, why } => {
            state.votes.retain(|vote| (&vote.environment, &vote.person) != (environment, person));
            if let Some(head) = state.head.as_mut().filter(|_| *why == Some(Lapse::Pushed)) {
                head.pushers.insert(person.clone());
            }
        }
        Event::Vetoed { environment, reason, way, on } => {
            let by = require_person(entry)?;
            state.votes.retain(|vote| (&vote.environment, &vote.person) != (environment, &by));
            let veto = Veto { reason: reason.clone(), way: *way, on: on.clone() };
            state.vetoes.insert((environment.clone(), by), veto);
        }
        Event::VetoWithdrawn { environment, person } => {
            state.vetoes.remove(&(environment.clone(), person.clone()));
        }
        Event::Agreed { step } => {
            state.agreed.entry(step.clone()).or_default().insert(require_person(entry)?);
        }
        Event::Acknowledged => {
            state.acknowledged.insert(require_person(entry)?);
        }
        Event::Held { reason } => {
            state.holds.insert(require_person(entry)?, reason.clone());
        }
        Event::Unheld { person } => {
            state.holds.remove(person).ok_or("there is no such hold")?;
        }
        Event::Attested { place, commit, pass, .. } => {
            let person = require_person(entry)?;
            let environment = state.plan.environments.iter().map(|e| &e.name).find(|name| name.as_str() == place);
            let image = environment.and_then(|environment| state.image_in(environment)).cloned();
            let word = Attestation { person: person.clone(), commit: commit.clone(), image, pass: *pass, at: entry.at };
            state.attestations.insert((place.clone(), person), word);
        }
        other => return Err(format!("{other:?} is not a word")),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
