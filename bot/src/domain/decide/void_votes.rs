//! Votes and rejections that other events void: each one gets its own withdrawal event, so that the voter is notified
//! with the reason.

use crate::domain::event::{DriftChoice, Event, VoidReason};
use crate::domain::hotfix::Hotfix;

/// Returns withdrawal events for the votes and rejections that `event` removed. Empty if the event reports them itself,
/// or if no decision is left for which they could count.
pub(super) fn of(before: &Hotfix, event: &Event, after: &Hotfix) -> Vec<Event> {
    let Some(why) = cause(event) else { return Vec::new() };
    let gone = before.votes.iter().filter(|vote| !after.votes.contains(vote));
    let votes = gone.map(|vote| Event::VoteWithdrawn {
        environment: vote.environment.clone(),
        person: vote.person.clone(),
        why: Some(why),
    });
    let noes = before.rejections.keys().filter(|key| !after.rejections.contains_key(*key));
    let noes = noes.map(|(environment, person)| Event::RejectionWithdrawn {
        environment: environment.clone(),
        person: person.clone(),
    });
    votes.chain(noes).collect()
}

/// Returns the reason with which an event voids votes; `None` if it voids none, or reports them itself.
#[expect(clippy::wildcard_enum_match_arm, reason = "an event takes no votes along unless it says so")]
fn cause(event: &Event) -> Option<VoidReason> {
    match event {
        Event::HeadMoved { .. } => Some(VoidReason::Head),
        Event::ImageMoved { .. } => Some(VoidReason::Image),
        Event::EditsRead { .. } => Some(VoidReason::Edits),
        Event::DriftSettled { choice: DriftChoice::Rebase } => Some(VoidReason::Base),
        _other => None,
    }
}

#[cfg(test)]
mod tests;
