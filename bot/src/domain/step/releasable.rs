//! The state of main: green and without a release blocker. Otherwise the process is not supported, and the refusal
//! names alternatives (MAIN-3, MAIN-11, MAIN-12). The run waits for checks that are not reported yet.

use super::{Progress, Wait, checks};
use crate::domain::hotfix::Hotfix;
use crate::domain::refusal::Refusal;

pub(super) fn progress(state: &Hotfix) -> Progress {
    let Some(main) = &state.main_seen else {
        return Progress::Waiting(Wait::Bot("reading the state of main"));
    };
    let verdict = checks::of_main(&state.plan, &main.checks);
    let against = [verdict.failed, main.blockers.clone()].concat();
    if !against.is_empty() && state.card.is_some() {
        return Progress::Waiting(Wait::MainBlocked(against));
    }
    if !against.is_empty() {
        return Progress::Impossible(vec![refusal(&against)]);
    }
    if !verdict.open.is_empty() {
        return Progress::Waiting(Wait::MainChecks(verdict.open));
    }
    let green = checks::green(&state.plan, &main.checks);
    Progress::done(format!("on {} {green}, no release blocker is open", state.plan.main))
}

/// Returns the problems of main that appeared after it was releasable; `None` if there are none.
pub(super) fn blocked(state: &Hotfix) -> Option<String> {
    let main = state.main_seen.as_ref()?;
    let merged = state.pull.as_ref().is_some_and(|pull| pull.merged.as_ref() == Some(&main.commit));
    // The merge step judges the checks of the merge commit.
    let failed = if merged { Vec::new() } else { checks::of_main(&state.plan, &main.checks).failed };
    let against = [failed, main.blockers.clone()].concat();
    (!against.is_empty()).then(|| against.join("; "))
}

fn refusal(against: &[String]) -> Refusal {
    let reason = format!(
        "Main is not releasable ({}), and a hotfix beside the standard release is not supported.",
        against.join("; ")
    );
    let next = "Fix or revert main, switch the feature off by a flag, or escalate. If this team has the exceptional path: \
                `start … --exceptional`.";
    Refusal::new("main.unreleasable", reason, next).because_of("MAIN-12")
}

#[cfg(test)]
mod tests;
