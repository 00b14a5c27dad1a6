//! `identify`: a captain states who an unknown contributor is. That lifts the requirement of an additional vote, so
//! this captain must not have a part in the change and must not vote (security case 94).

use hotfix_adapters::ids::PersonRef;

use super::Decider;
use super::user::{Decided, no};
use super::votes::void;
use crate::domain::attribution::handle;
use crate::domain::event::{Event, VoidReason};
use crate::domain::id::PersonId;
use crate::domain::people::Grant;
use crate::domain::refusal::Refusal;

pub(super) fn identify(
    draft: &mut Decider,
    grant: &Grant,
    typed: &str,
    (person, words): (Option<&PersonId>, &str),
) -> Decided {
    let (state, captain) = (&draft.state, &grant.person);
    let unknown = state.unknown();
    let means = |account: &&&PersonRef| handle(account).eq_ignore_ascii_case(typed);
    let Some(account) = unknown.keys().find(means).map(|account| (*account).clone()) else {
        let handles: Vec<String> = unknown.keys().map(|account| format!("`{}`", handle(account))).collect();
        let next = if handles.is_empty() {
            "Every contributor is known; see the vote request.".to_owned()
        } else {
            format!("Unknown are: {}.", handles.join(", "))
        };
        return no(Refusal::new("identify.nobody", "No unknown contributor of this run has that address.", next));
    };
    let another = "Ask a captain who neither asked for this hotfix nor worked on it.";
    if captain == &state.requester {
        let reason = "You asked for this hotfix, so you cannot state who worked on it.";
        return no(Refusal::new("identify.requester", reason, another));
    }
    if state.contributors().contains(captain) || person == Some(captain) {
        let reason = "You worked on this hotfix, so you cannot state who else did.";
        return no(Refusal::new("identify.contributor", reason, another));
    }
    if state.votes.iter().any(|vote| &vote.person == captain) {
        let reason = "You approved this, and whoever states who a contributor is does not vote.";
        return no(Refusal::new(
            "identify.voted",
            reason,
            "Take your vote back with `unapprove` first, or ask another captain.",
        ));
    }
    let theirs = state.votes.iter().filter(|vote| Some(&vote.person) == person);
    let theirs = theirs.map(|vote| (vote.environment.clone(), vote.person.clone(), VoidReason::Identified)).collect();
    let event = Event::Identified { unknown: account, person: person.cloned(), words: words.to_owned() };
    draft.person(captain, event)?;
    void(draft, theirs)
}

#[cfg(test)]
mod tests;
