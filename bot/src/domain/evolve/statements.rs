//! Statements of people about a run: votes, rejections, agreements, acknowledgments, holds and attestations.

use super::{person, require_person};
use crate::domain::event::{Entry, Event, VoidReason};
use crate::domain::hotfix::{Attestation, Hotfix, Rejection};
use crate::domain::vote_request::VoteRequest;

/// Applies an event about votes, vote requests or another statement.
#[expect(clippy::wildcard_enum_match_arm, reason = "`apply` sorts the events, and is exhaustive")]
pub(super) fn apply(state: &mut Hotfix, entry: &Entry) -> Result<(), String> {
    match &entry.event {
        Event::VoteRequested { environment, commit, message } => {
            state.close_vote_request(environment);
            let prompt = VoteRequest { commit: commit.clone(), message: message.clone(), asked: entry.at };
            state.vote_requests.insert(environment.clone(), prompt);
        }
        Event::VoteRequestClosed { environment, .. } => state.close_vote_request(environment),
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
            if let Some(head) = state.head.as_mut().filter(|_| *why == Some(VoidReason::Pushed)) {
                head.pushers.insert(person.clone());
            }
        }
        Event::VoteRejected { environment, reason, source: way, on } => {
            let by = require_person(entry)?;
            state.votes.retain(|vote| (&vote.environment, &vote.person) != (environment, &by));
            let veto = Rejection { reason: reason.clone(), source: *way, on: on.clone() };
            state.rejections.insert((environment.clone(), by), veto);
        }
        Event::RejectionWithdrawn { environment, person } => {
            state.rejections.remove(&(environment.clone(), person.clone()));
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
