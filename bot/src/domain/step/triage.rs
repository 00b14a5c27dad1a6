//! Is a hotfix the right thing? Opening a run is the requester's word that it is urgent (APPLY-3); the word is kept. Where
//! the runbook has criteria of which some or all are to be met, each is answered (HOCS-1, HOCS-2).

use super::{Progress, Wait};
use crate::domain::event::Answer;
use crate::domain::hotfix::Hotfix;
use crate::domain::people::marked;

pub(super) fn progress(state: &Hotfix, criteria: &[String], ask: bool) -> Progress {
    if ask {
        return answered(state, criteria);
    }
    let mut evidence = format!("{} says so by opening it", marked(&state.requester));
    if !criteria.is_empty() {
        evidence.push_str(&format!(": {}", criteria.join("; ")));
    }
    if let Some(incident) = &state.incident {
        evidence.push_str(&format!(" (incident {incident})"));
    }
    Progress::done(evidence)
}

/// Some or all: one that is met is enough, and none is a warning that stands in the record (HOCS-2).
fn answered(state: &Hotfix, criteria: &[String]) -> Progress {
    let open = (0..criteria.len()).filter(|place| !state.triage.contains_key(place)).count();
    if open > 0 {
        return Progress::Waiting(Wait::Triage { open, criteria: criteria.to_vec() });
    }
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
