//! Reviews and checks of the head. An approval counts for the commit it was given on, and not by the people who wrote
//! the change (APPLY-8, MAIN-7, security cases 25, 51 and 52).

use std::collections::BTreeMap;

use hotfix_adapters::forge::{Check, CheckState, Verdict};

use super::{Progress, Wait, count, releasable};
use crate::domain::event::ReviewSeen;
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
        .filter(|review| review.verdict == Verdict::Approved && review.commit == head.tip)
        .filter(|review| {
            review.person.as_ref().is_some_and(|person| !authors.contains(person) && person != &state.requester)
        })
        .map(|review| review.name.as_str())
        .collect();
    let against: Vec<String> = last
        .values()
        .filter(|review| review.verdict == Verdict::ChangesRequested)
        .map(|review| review.name.clone())
        .collect();
    let checked = pull.seen.checked.as_ref() == Some(&head.tip);
    let checks = if checked {
        releasable::failing(&state.plan, &pull.seen.checks)
    } else {
        vec!["the checks were not read yet".to_owned()]
    };
    let have = u32::try_from(approvers.len()).unwrap_or(u32::MAX);
    if have >= need && checks.is_empty() && against.is_empty() {
        let by = if approvers.is_empty() {
            "nobody's review is asked for".to_owned()
        } else {
            format!("approved by {}", approvers.join(", "))
        };
        let lenient = pull.seen.checks.iter().filter(|check| state.plan.lenient_checks.contains(&check.name));
        let waived: Vec<&Check> = lenient.filter(|check| check.state != CheckState::Success).collect();
        let green = pull.seen.checks.len() - waived.len();
        let leniently = if waived.is_empty() {
            String::new()
        } else {
            let names: Vec<&str> = waived.iter().map(|check| check.name.as_str()).collect();
            format!("; leniently without {}", names.join(", "))
        };
        return Progress::done(format!("{by} on {}, {} green{leniently}", head.tip.short(), count(green, "check")));
    }
    Progress::Waiting(Wait::Review { have, need, checks, against })
}
