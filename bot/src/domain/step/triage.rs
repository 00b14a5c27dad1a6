//! The triage: questions on whether a hotfix is justified, because opening a run alone does not say so (APPLY-3). Where
//! the runbook demands the answers first, the run waits for them (HOCS-1, HOCS-2). Elsewhere the run continues, and the
//! step stays offered until all questions are answered.

use super::{Progress, Wait};
use crate::domain::event::TriageAnswer;
use crate::domain::hotfix::Hotfix;
use crate::domain::people::marked;

pub(super) fn progress(state: &Hotfix, criteria: &[String], ask: bool) -> Progress {
    let open = (0..criteria.len()).filter(|place| !state.triage.contains_key(place)).count();
    if open > 0 {
        return Progress::Waiting(Wait::Triage { open, criteria: criteria.to_vec() });
    }
    if ask { answered(state, criteria) } else { Progress::done(on_record(state, criteria)) }
}

/// Returns the answers so far in words, for a triage that does not block the run.
pub(crate) fn on_record(state: &Hotfix, criteria: &[String]) -> String {
    let said: Vec<String> =
        criteria.iter().enumerate().map(|(place, criterion)| in_words(state, place, criterion)).collect();
    let said = if said.is_empty() { "nothing is asked".to_owned() } else { said.join("; ") };
    let incident = state.incident.as_ref().map_or_else(String::new, |incident| format!(" (incident {incident})"));
    format!("opened by {}{incident}; {said}", marked(&state.requester))
}

/// Formats a criterion with its answer.
fn in_words(state: &Hotfix, place: usize, criterion: &str) -> String {
    let answer = match state.triage.get(&place) {
        Some(TriageAnswer::Yes) => "yes",
        Some(TriageAnswer::No) => "no",
        Some(TriageAnswer::Unknown) => "nobody knows",
        None => "not answered",
    };
    let colon = if criterion.ends_with('?') { "" } else { ":" };
    format!("{criterion}{colon} {answer}")
}

/// Judges a complete triage. One criterion that is met is enough; if none is met, the evidence records that as a
/// warning (HOCS-2).
fn answered(state: &Hotfix, criteria: &[String]) -> Progress {
    let met: Vec<&str> = criteria
        .iter()
        .enumerate()
        .filter(|(place, _)| state.triage.get(place) == Some(&TriageAnswer::Yes))
        .map(|(_, criterion)| letter(criterion))
        .collect();
    if met.is_empty() {
        return Progress::done(format!("none of {} criteria is met, which speaks against a hotfix", criteria.len()));
    }
    Progress::done(format!("{} of {} criteria are met: {}", met.len(), criteria.len(), met.join(", ")))
}

/// Returns the label of a criterion: `a` for `a: It mends…`, or the whole text if it has none.
pub(crate) fn letter(criterion: &str) -> &str {
    criterion.split_once(':').map_or(criterion, |(letter, _)| letter)
}

#[cfg(test)]
mod tests;
