//! Whatever voids votes, whoever gave one is told so, and why: an event that says nothing of votes takes them along.

use crate::domain::event::{DriftChoice, Event, VoidReason};
use crate::domain::hotfix::Hotfix;

/// What is said of the votes and the noes that were there before an event, and are not there after it. Nothing, when the
/// event itself says it, or when nothing is left for which they could have counted.
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

/// Why votes are gone after it; `None` for what takes none away, or says so by itself.
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
