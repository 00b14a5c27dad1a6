//! Is a hotfix the right thing? Opening a run is the requester's word that it is urgent (APPLY-3); the word is kept.

use super::Progress;
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, criteria: &[String]) -> Progress {
    let mut evidence = format!("{} says so by opening it", state.requester);
    if !criteria.is_empty() {
        evidence.push_str(&format!(": {}", criteria.join("; ")));
    }
    if let Some(incident) = &state.incident {
        evidence.push_str(&format!(" (incident {incident})"));
    }
    Progress::done(evidence)
}
