//! The capabilities that the exceptional path needs: each one must be declared for the service and answer a probe
//! (MAIN-13a, b, c).

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::playbook::CapabilityKind;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix, needs: &[CapabilityKind]) -> Progress {
    let Some(survey) = &state.snapshot else {
        return Progress::Waiting(Wait::Bot("probing what the path needs"));
    };
    let missing: Vec<Refusal> = needs
        .iter()
        .filter_map(|need| match survey.capabilities.get(need) {
            Some(None) => None,
            Some(Some(why)) => Some(refusal(*need, &format!("{} does not answer: {why}", need.as_str()))),
            None => Some(refusal(*need, &format!("{} is not declared for this service", need.as_str()))),
        })
        .collect();
    if missing.is_empty() {
        return Progress::done(format!("all {} capabilities are declared and answered", needs.len()));
    }
    Progress::Impossible(missing)
}

fn refusal(need: CapabilityKind, why: &str) -> Refusal {
    let requirement = match need {
        CapabilityKind::HotfixWorkflow => "MAIN-13a",
        CapabilityKind::HotfixStaging => "MAIN-13b",
        CapabilityKind::ReleaseHandlesHotfixTags => "MAIN-13c",
    };
    let reason = format!("The exceptional path is not supported here: {why}.");
    let next = "Build it and declare it under [capability] of the service, or fix or revert main and start without --exceptional.";
    Refusal::new("path.unsupported", reason, next).because_of(requirement)
}
