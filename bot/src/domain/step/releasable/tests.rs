//! Tests of the state of main, before the announcement and after it.

use hotfix_adapters::forge::CheckState::{Failure, Pending, Success};
use hotfix_adapters::forge::{Check, CheckState};

use super::super::tests::{check, cited, main_seen, refusals};
use super::*;
use crate::fixture::{Play, asked, begun, commit};

fn build(state: CheckState) -> [Check; 1] {
    [check("build", state)]
}

fn seen(play: Play, checks: &[Check], blockers: &[&str]) -> Hotfix {
    play.changed(|state| state.main_seen = Some(main_seen("ddddddd", checks, blockers))).state
}

#[test]
fn main_is_green_and_without_a_blocker() {
    let of = |checks: &[Check], blockers: &[&str]| progress(&seen(begun(), checks, blockers));
    let green = "on main 1 check green, no release blocker is open";
    assert_eq!(of(&build(Success), &[]), Progress::done(green));
    assert_eq!(of(&build(Pending), &[]), Progress::Waiting(Wait::MainChecks(vec!["build pending".to_owned()])));
    let unread = begun().changed(|state| state.main_seen = None);
    assert_eq!(progress(&unread.state), Progress::Waiting(Wait::Bot("reading the state of main")));
}

/// MAIN-12: an unreleasable main refuses a run before the announcement, and pauses it afterwards.
#[test]
fn what_speaks_against_main_ends_a_run_that_has_not_begun_and_pauses_one_that_has() {
    for (state, blockers, expected) in [
        (Failure, &[][..], &["build failed"][..]),
        (Success, &["#3 blocks"], &["#3 blocks"]),
        (Pending, &["#3 blocks"], &["#3 blocks"]),
        (Failure, &["#3 blocks", "#4 blocks"], &["build failed", "#3 blocks", "#4 blocks"]),
    ] {
        let told = progress(&seen(begun().announced(), &build(state), blockers));
        let expected: Vec<String> = expected.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(told, Progress::Waiting(Wait::MainBlocked(expected.clone())));
        let refusals = refusals(progress(&seen(begun(), &build(state), blockers)));
        assert_eq!(cited(&refusals), ["main.unreleasable MAIN-12"]);
        let why = expected.join("; ");
        let reason =
            format!("Main is not releasable ({why}), and a hotfix beside the standard release is not supported.");
        assert_eq!(refusals[0].reason, reason);
    }
}

/// Only failures and release blockers block main; pending checks do not.
#[test]
fn main_is_blocked_by_failures_and_labels_alone() {
    let of = |checks: &[Check], blockers: &[&str]| blocked(&seen(asked(), checks, blockers));
    assert_eq!(blocked(&asked().changed(|state| state.main_seen = None).state), None);
    assert_eq!(of(&build(Success), &[]), None);
    assert_eq!(of(&build(Pending), &[]), None);
    assert_eq!(of(&build(Failure), &["#3 blocks"]).as_deref(), Some("build failed; #3 blocks"));
    let merged = |at: &str| {
        let merge = |state: &mut Hotfix| state.pull.as_mut().unwrap().merged = Some(commit(at));
        blocked(&seen(asked().changed(merge), &build(Failure), &["#3 blocks"]))
    };
    assert_eq!(merged("ddddddd").as_deref(), Some("#3 blocks"), "the step that merged judges the checks of the merge");
    assert_eq!(merged("eeeeeee").as_deref(), Some("build failed; #3 blocks"));
}
