//! Tests of the change step: its progress, its waits and its effects.

use super::super::extra_commits::ExtraKind;
use super::*;
use crate::domain::event::ExtraCommit;
use crate::domain::hotfix::{Fix, Reverted};
use crate::fixture::{Play, begun, commit, contribution, person};

/// Returns a run whose fix is picked and whose pull request is open.
fn there() -> Play {
    begun().announced().branched().picked()
}

/// Returns a run with an empty branch.
fn before() -> Play {
    begun().announced().branched()
}

fn of(play: &Play) -> Progress {
    progress(&play.state, 200, true)
}

fn bot(doing: &'static str) -> Progress {
    Progress::Waiting(Wait::Bot(doing))
}

fn fix(state: &mut Hotfix, stands: FixState) {
    state.fixes.push(Fix { source: commit("f2f2f2f"), state: stands });
}

fn leaving(state: &mut Hotfix) {
    fix(state, FixState::Leaving);
}

fn strayed(state: &mut Hotfix) {
    let beyond = ExtraCommit { commit: commit("5555555"), withheld: true };
    state.head.as_mut().unwrap().origins.extra.push(beyond);
}

fn reverted(state: &mut Hotfix) {
    let by = contribution("6666666", "Revert it", "eve");
    state.reverted.insert(commit("f1f1f1f"), Reverted { by, why: "It broke.".to_owned(), confirmed: None });
}

fn conflicted(state: &mut Hotfix) {
    fix(state, FixState::Conflicted(vec!["a.rs".to_owned()]));
}

fn rebase_conflicted(state: &mut Hotfix) {
    state.rebase_conflict = Some(vec!["b.rs".to_owned()]);
}

fn off_base(state: &mut Hotfix) {
    state.head.as_mut().unwrap().on_base = false;
}

fn unopened(state: &mut Hotfix) {
    state.pull = None;
}

/// A modification of the run.
type Change = fn(&mut Hotfix);

#[test]
fn the_fix_is_there_with_its_size_and_its_pull_request() {
    let size = "1 commit, +12 −3 in 2 files";
    assert_eq!(of(&there()), Progress::done(format!("{size}, pull request #7")));
    let alone = |play: Play| progress(&play.changed(unopened).state, 200, false);
    assert_eq!(alone(there()), Progress::done(size));
    let adapted = |state: &mut Hotfix| fix(state, FixState::Adapted);
    assert_eq!(alone(there().changed(adapted)), Progress::done(format!("{size}, of which a person adapted 1")));
    let two = alone(there().changed(adapted).changed(adapted));
    assert_eq!(two, Progress::done(format!("{size}, of which a person adapted 2")));
}

/// MAIN-5: a fix above the limit gets a warning; a limit of zero disables it.
#[test]
fn a_fix_above_the_limit_is_called_large() {
    let large = "1 commit, +12 −3 in 2 files, which is large for a hotfix, pull request #7";
    let small = "1 commit, +12 −3 in 2 files, pull request #7";
    for (limit, expected) in [(0, small), (1, large), (14, large), (15, small), (16, small)] {
        assert_eq!(progress(&there().state, limit, true), Progress::done(expected), "{limit}");
    }
}

#[test]
fn what_keeps_the_fix_from_being_there_is_said_in_this_order() {
    let picking = bot("picking the fix");
    let files = |file: &str| Progress::Waiting(Wait::Conflict(vec![file.to_owned()]));
    let stray = Progress::Waiting(Wait::Strays(vec![(commit("5555555"), ExtraKind::Withheld)]));
    let cases: [(&str, Change, Progress); 8] = [
        ("no pull request", unopened, bot("opening the pull request")),
        ("another base", off_base, bot("putting the fix on top of the new base")),
        ("another fix waits", |state| fix(state, FixState::Waiting), picking.clone()),
        ("a rebase", rebase_conflicted, files("b.rs")),
        ("a pick", conflicted, files("a.rs")),
        ("a revert", reverted, Progress::Waiting(Wait::Reverted(vec![commit("f1f1f1f")]))),
        ("a stray", strayed, stray),
        ("a fix leaves", leaving, bot("taking a fix off the branch")),
    ];
    let mut play = there();
    for (what, change, expected) in cases {
        assert_eq!(of(&there().changed(change)), expected, "{what}");
        play = play.changed(change);
        assert_eq!(of(&play), expected, "{what}, and everything before");
    }
    assert_eq!(of(&before()), picking);
    assert_eq!(of(&before().changed(|state| state.fixes.clear())), Progress::Waiting(Wait::Fix));
    let empty = |state: &mut Hotfix| state.head.as_mut().unwrap().total = 0;
    assert_eq!(of(&there().changed(empty)), Progress::Waiting(Wait::Fix));
    let confirmed = there().changed(reverted).changed(|state| {
        for reverted in state.reverted.values_mut() {
            reverted.confirmed = Some(person("ben"));
        }
    });
    assert_eq!(of(&confirmed), of(&there()));
}

#[test]
fn the_bot_picks_then_opens_the_pull_request() {
    let acts = |play: &Play, pulls| enter(&play.state, play.now, pulls);
    let play = before();
    assert_eq!(acts(&play, true), [Effect::Pick { source: commit("f1f1f1f"), at: play.now }]);
    assert_eq!(acts(&there(), true), []);
    let unopened = there().changed(unopened);
    assert_eq!(acts(&unopened, true), [Effect::OpenPull]);
    assert_eq!(acts(&unopened, false), []);
    let empty = unopened.changed(|state| state.head.as_mut().unwrap().total = 0);
    assert_eq!(acts(&empty, true), []);
}

#[test]
fn the_bot_puts_the_fix_on_the_base_that_is_there_now() {
    let rebase = |play: &Play| enter(&play.state, play.now, true);
    let play = there().changed(off_base).changed(|state| state.base = Some(commit("abc9999")));
    let effect = |from: &str| Effect::Rebase {
        from: commit(from),
        head: commit("1111111"),
        onto: commit("abc9999"),
        at: play.now,
    };
    assert_eq!(rebase(&play), [effect("abc9999")]);
    let moved = play.clone().changed(|state| state.rebase_from = Some(commit("abc1234")));
    assert_eq!(rebase(&moved), [effect("abc1234")]);
    assert_eq!(rebase(&moved.changed(|state| state.base = None)), []);
}

/// The bot puts nothing on the branch while a user must act.
#[test]
fn the_bot_waits_for_people() {
    let waits: [(&str, Change); 5] = [
        ("a fix leaves", leaving),
        ("a conflict", conflicted),
        ("a conflict of a rebase", rebase_conflicted),
        ("a stray", strayed),
        ("a revert", reverted),
    ];
    for (what, change) in waits {
        for play in [there().changed(|state| fix(state, FixState::Waiting)), there().changed(unopened)] {
            assert_eq!(enter(&play.state, play.now, true).len(), 1);
            assert_eq!(enter(&play.clone().changed(change).state, play.now, true), [], "{what}");
        }
    }
}
