//! Main must be releasable: green and without a release blocker. When it is not, the process is not supported, and the
//! refusal says what can be done instead (MAIN-3, MAIN-11, MAIN-12).

use hotfix_adapters::forge::{Check, CheckState};

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;
use crate::domain::plan::Plan;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(survey) = &state.survey else {
        return Progress::Waiting(Wait::Bot("reading the state of main"));
    };
    let mut against = failing(&state.plan, &survey.main_checks);
    against.extend(survey.blockers.iter().cloned());
    if against.is_empty() {
        return Progress::done(format!(
            "{} checks of main are green, no release blocker is open",
            survey.main_checks.len()
        ));
    }
    let reason = format!(
        "Main is not releasable ({}), and a hotfix beside the standard release is not supported.",
        against.join("; ")
    );
    let next = "Fix or revert main, switch the feature off by a flag, or escalate. If this team has the exceptional path: \
                `start … --exceptional`.";
    Progress::Impossible(vec![Refusal::new("main.unreleasable", reason, next).because_of("MAIN-12")])
}

/// The checks that are not plainly green. A required one that is missing is not green (security case 51); one that the
/// service is lenient about may fail (HOCS-18, HOCS-20).
pub(super) fn failing(plan: &Plan, checks: &[Check]) -> Vec<String> {
    let required = &plan.required_checks;
    let word = |state: CheckState| match state {
        CheckState::Pending => Some("pending"),
        CheckState::Failure => Some("failed"),
        CheckState::Success => None,
        CheckState::Neutral => Some("said nothing"),
    };
    let missing = required.iter().filter(|name| !checks.iter().any(|check| &check.name == *name));
    let mut failing: Vec<String> = missing.map(|name| format!("{name} is missing")).collect();
    for check in checks.iter().filter(|check| !plan.lenient_checks.contains(&check.name)) {
        let is_required = required.contains(&check.name);
        let harmless = check.state == CheckState::Neutral && !is_required;
        if let Some(word) = word(check.state).filter(|_| !harmless && (is_required || required.is_empty())) {
            failing.push(format!("{} {word}", check.name));
        }
    }
    failing
}
