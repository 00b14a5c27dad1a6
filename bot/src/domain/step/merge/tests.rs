//! Tests of the merge step: the merge commit and its checks.

use hotfix_adapters::forge::{CheckState, PullNumber};

use super::super::tests::{check, main_seen};
use super::*;
use crate::domain::event::MainSeen;
use crate::fixture::{Play, asked, commit};

/// Index of the approval step in the plan of the fixture, which is current; here it is a merge step.
const TURN: usize = 10;

/// Returns a run whose pull request is merged, with this observed state of main.
fn merged(seen: Option<MainSeen>) -> Play {
    asked().changed(|state| {
        state.plan.steps[TURN].kind = StepKind::Merge { method: MergeMethod::Merge };
        state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee"));
        state.main_seen = seen;
    })
}

fn build(at: &str, state: CheckState) -> Option<MainSeen> {
    Some(main_seen(at, &[check("build", state)], &[]))
}

/// Security case 92: the checks of other commits do not count for the merge.
#[test]
fn the_merge_has_green_checks_of_its_own() {
    let waits = |checks: &str, failed| {
        let checks = vec![checks.to_owned()];
        Progress::Waiting(Wait::MergeChecks { commit: commit("eeeeeee"), checks, failed })
    };
    let unread = waits("no check has been reported yet (expected: build)", false);
    let of = |seen| progress(&merged(seen).state);
    assert_eq!(of(build("eeeeeee", CheckState::Success)), Progress::done("merged as eeeeeee, 1 check green"));
    assert_eq!(of(build("eeeeeee", CheckState::Failure)), waits("build failed", true));
    assert_eq!(of(build("eeeeeee", CheckState::Pending)), waits("build pending", false));
    assert_eq!(of(build("ddddddd", CheckState::Success)), unread);
    assert_eq!(of(None), unread);
    let merging = Progress::Waiting(Wait::Bot("merging the pull request"));
    assert_eq!(progress(&asked().state), merging);
    assert_eq!(progress(&asked().changed(|state| state.pull = None).state), merging);
}

#[test]
fn a_failed_check_is_what_the_run_waits_for() {
    assert!(failed(&merged(build("eeeeeee", CheckState::Failure)).state));
    assert!(!failed(&merged(build("eeeeeee", CheckState::Pending)).state));
    assert!(!failed(&merged(build("ddddddd", CheckState::Failure)).state));
    assert!(!failed(&merged(None).state));
    let later = merged(build("eeeeeee", CheckState::Failure)).changed(|state| {
        state.plan.steps[TURN].kind = StepKind::RideAlong;
    });
    assert!(!failed(&later.state), "its turn is not now");
}

#[test]
fn the_bot_merges_exactly_the_head_once() {
    let method = MergeMethod::Squash;
    let merge = Effect::Merge { number: PullNumber(7), head: commit("1111111"), method };
    assert_eq!(enter(&asked().state, method), [merge]);
    assert_eq!(enter(&merged(None).state, method), []);
    assert_eq!(enter(&asked().changed(|state| state.pull = None).state, method), []);
    assert_eq!(enter(&asked().changed(|state| state.head = None).state, method), []);
}
