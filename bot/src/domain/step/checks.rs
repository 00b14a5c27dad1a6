//! Judgment of the checks of a commit. A missing check is not green, and a commit without any checks is not green
//! either (security cases 51, 52 and 92).

use std::collections::BTreeSet;

use hotfix_adapters::forge::{Check, CheckState};

use super::count;
use crate::domain::hotfix::Hotfix;
use crate::domain::plan::Plan;
use crate::domain::service::RequiredChecks;

/// The checks that keep a commit from passing, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    pub(super) failed: Vec<String>,
    /// Checks that are pending, missing or without a result.
    pub(super) open: Vec<String>,
}

impl Verdict {
    /// Returns all obstacles; empty if the commit passes.
    pub(super) fn all(self) -> Vec<String> {
        [self.failed, self.open].concat()
    }
}

/// Judges the checks of the head. Without an explicit list, expects the checks that the forge requires and those that
/// main has.
pub(super) fn of_head(state: &Hotfix, checks: &[Check]) -> Verdict {
    let required = state.snapshot.iter().flat_map(|survey| &survey.required_contexts);
    judge(&Rules::of(&state.plan), required.chain(known_of_main(state)), checks)
}

/// Judges the checks of the released merge commit. Checks that only run for pull requests are not expected there.
pub(super) fn of_merge(state: &Hotfix, checks: &[Check]) -> Verdict {
    let expected = known_of_main(state).filter(|_| state.plan.into == state.plan.main);
    judge(&Rules::of(&state.plan), expected, checks)
}

/// Returns the names of the checks that main has: those in the snapshot, and those of the last commit before the merge.
/// The merge commit itself is no source, because its missing checks must be noticed.
fn known_of_main(state: &Hotfix) -> impl Iterator<Item = &String> {
    let merged = state.pull.as_ref().and_then(|pull| pull.merged.as_ref());
    let last = state.main_seen.as_ref().filter(|seen| Some(&seen.commit) != merged && !seen.checks.is_empty());
    let last = last.or(state.main_before.as_ref());
    let surveyed = state.snapshot.iter().flat_map(|survey| names(&survey.main_checks));
    surveyed.chain(last.into_iter().flat_map(|seen| names(&seen.checks)))
}

/// Judges the checks of main.
pub(super) fn of_main(plan: &Plan, checks: &[Check]) -> Verdict {
    judge(&Rules::of(plan), std::iter::empty(), checks)
}

fn names(checks: &[Check]) -> impl Iterator<Item = &String> {
    checks.iter().filter(|check| check.state != CheckState::Neutral).map(|check| &check.name)
}

/// The check settings of the service.
struct Rules<'a> {
    required: &'a RequiredChecks,
    lenient: &'a [String],
}

impl<'a> Rules<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self { required: &plan.required_checks, lenient: &plan.lenient_checks }
    }
}

/// Judges checks by the rules. `expected` is used if the service names no checks.
fn judge<'a>(rules: &Rules<'a>, expected: impl Iterator<Item = &'a String>, checks: &[Check]) -> Verdict {
    let lenient = |name: &String| rules.lenient.contains(name);
    let (wanted, listed): (BTreeSet<&String>, bool) = match rules.required {
        RequiredChecks::None => (BTreeSet::new(), false),
        RequiredChecks::Listed(names) => (names.iter().collect(), true),
        RequiredChecks::Expected => (expected.filter(|name| !lenient(name)).collect(), false),
    };
    let counts = |check: &&Check| if listed { wanted.contains(&check.name) } else { !lenient(&check.name) };
    let counted: Vec<&Check> = checks.iter().filter(counts).collect();
    let mut verdict = Verdict::default();
    if counted.is_empty() && rules.required != &RequiredChecks::None {
        let names: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
        let expected = if names.is_empty() { String::new() } else { format!(" (expected: {})", names.join(", ")) };
        verdict.open.push(format!("no check has been reported yet{expected}"));
        return verdict;
    }
    let missing = wanted.iter().filter(|name| !counted.iter().any(|check| &&check.name == *name));
    verdict.open.extend(missing.map(|name| format!("{name} is missing")));
    for check in &counted {
        match check.state {
            CheckState::Success => {}
            CheckState::Failure => verdict.failed.push(format!("{} failed", check.name)),
            CheckState::Pending => verdict.open.push(format!("{} pending", check.name)),
            CheckState::Neutral if listed => verdict.open.push(format!("{} said nothing", check.name)),
            CheckState::Neutral => {}
        }
    }
    let silent = counted.iter().all(|check| check.state == CheckState::Neutral);
    if silent && verdict.open.is_empty() && rules.required != &RequiredChecks::None {
        verdict.open.push("no check has succeeded yet".to_owned());
    }
    verdict
}

/// Formats the number of green checks.
pub(super) fn green(plan: &Plan, checks: &[Check]) -> String {
    let green = checks.iter().filter(|check| check.state == CheckState::Success).count();
    if green == 0 && plan.required_checks == RequiredChecks::None {
        return "no checks are required".to_owned();
    }
    format!("{} green", count(green, "check"))
}

#[cfg(test)]
mod tests;
