//! Whether a hotfix is the right thing. Opening a run says nothing of that by itself: people are asked (APPLY-3). Where the
//! runbook wants the answers first, the run waits for them (HOCS-1, HOCS-2); elsewhere it goes on without them, and the step
//! stays offered until everything is answered.

use super::{Progress, Wait};
use crate::domain::event::Answer;
use crate::domain::hotfix::Hotfix;
use crate::domain::people::marked;

pub(super) fn progress(state: &Hotfix, criteria: &[String], ask: bool) -> Progress {
    let open = (0..criteria.len()).filter(|place| !state.triage.contains_key(place)).count();
    if open > 0 {
        return Progress::Waiting(Wait::Triage { open, criteria: criteria.to_vec() });
    }
    if ask { answered(state, criteria) } else { Progress::done(on_record(state, criteria)) }
}

/// Returns what was answered so far, where nothing waits for it.
pub(crate) fn on_record(state: &Hotfix, criteria: &[String]) -> String {
    let said: Vec<String> =
        criteria.iter().enumerate().map(|(place, criterion)| in_words(state, place, criterion)).collect();
    let said = if said.is_empty() { "nothing is asked".to_owned() } else { said.join("; ") };
    let incident = state.incident.as_ref().map_or_else(String::new, |incident| format!(" (incident {incident})"));
    format!("opened by {}{incident}; {said}", marked(&state.requester))
}

/// What somebody answered, or that nobody did.
fn in_words(state: &Hotfix, place: usize, criterion: &str) -> String {
    let answer = match state.triage.get(&place) {
        Some(Answer::Yes) => "yes",
        Some(Answer::No) => "no",
        Some(Answer::Unknown) => "nobody knows",
        None => "not answered",
    };
    let colon = if criterion.ends_with('?') { "" } else { ":" };
    format!("{criterion}{colon} {answer}")
}

/// Some or all: one that is met is enough, and none is a warning that stands in the record (HOCS-2).
fn answered(state: &Hotfix, criteria: &[String]) -> Progress {
    let met: Vec<&str> = criteria
        .iter()
        .enumerate()
        .filter(|(place, _)| state.triage.get(place) == Some(&Answer::Yes))
        .map(|(_, criterion)| letter(criterion))
        .collect();
    if met.is_empty() {
        return Progress::done(format!("none of {} criteria is met, which speaks against a hotfix", criteria.len()));
    }
    Progress::done(format!("{} of {} criteria are met: {}", met.len(), criteria.len(), met.join(", ")))
}

/// How a criterion is called: `a: It mends…` is `a`.
pub(crate) fn letter(criterion: &str) -> &str {
    criterion.split_once(':').map_or(criterion, |(letter, _)| letter)
}

#[cfg(test)]
mod tests;
