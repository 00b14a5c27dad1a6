//! Reviews and checks of the head. An approval counts only for the commit it was given on, and not from the requester
//! or a contributor (APPLY-8, MAIN-7, security cases 25, 51 and 52).

use std::collections::BTreeMap;

use hotfix_adapters::forge::{Check, CheckState, ReviewVerdict};

use super::{Progress, Wait, checks};
use crate::domain::event::{PullSeen, ReviewSeen};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, need: u32) -> Progress {
    let (Some(head), Some(pull)) = (&state.head, &state.pull) else {
        return Progress::Waiting(Wait::Bot("reading the reviews"));
    };
    let authors = state.contributors();
    let mut last: BTreeMap<&str, &ReviewSeen> = BTreeMap::new();
    for review in &pull.seen.reviews {
        last.insert(&review.name, review);
    }
    let approvers: Vec<&str> = last
        .values()
        .filter(|review| review.verdict == ReviewVerdict::Approved && review.commit == head.tip)
        .filter(|review| {
            review.person.as_ref().is_some_and(|person| !authors.contains(person) && person != &state.requester)
        })
        .map(|review| review.name.as_str())
        .collect();
    let against: Vec<String> = last
        .values()
        .filter(|review| review.verdict == ReviewVerdict::ChangesRequested)
        .map(|review| review.name.clone())
        .collect();
    let checked = pull.seen.checked.as_ref() == Some(&head.tip);
    let failing = if checked {
        checks::of_head(state, &pull.seen.checks).all()
    } else {
        vec!["the checks were not read yet".to_owned()]
    };
    let holds = held_back(&pull.seen);
    let have = u32::try_from(approvers.len()).unwrap_or(u32::MAX);
    if have >= need && failing.is_empty() && holds.is_empty() && against.is_empty() {
        let by = if approvers.is_empty() {
            "nobody's review is asked for".to_owned()
        } else {
            format!("approved by {}", approvers.join(", "))
        };
        let lenient = pull.seen.checks.iter().filter(|check| state.plan.lenient_checks.contains(&check.name));
        let waived: Vec<&Check> = lenient.filter(|check| check.state != CheckState::Success).collect();
        let green = checks::green(&state.plan, &pull.seen.checks);
        let leniently = if waived.is_empty() {
            String::new()
        } else {
            let names: Vec<&str> = waived.iter().map(|check| check.name.as_str()).collect();
            format!("; leniently without {}", names.join(", "))
        };
        return Progress::done(format!("{by} on {}, {green}{leniently}", head.tip.short()));
    }
    Progress::Waiting(Wait::Review { have, need, checks: failing, against, pull: holds })
}

/// Returns the obstacles of the pull request itself, apart from reviews and checks.
fn held_back(seen: &PullSeen) -> Vec<String> {
    let marks = [(seen.closed, "the pull request is closed"), (seen.draft, "the pull request is a draft")];
    let marks = marks.into_iter().filter(|(is, _)| *is).map(|(_, words)| words.to_owned());
    marks.chain(seen.hold_labels.iter().map(|label| format!("the pull request carries {label}"))).collect()
}

#[cfg(test)]
mod tests;
