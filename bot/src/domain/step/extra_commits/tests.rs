//! Tests of the classification of extra commits.

use super::super::tests::spec;
use super::*;
use crate::domain::hotfix::Fix;
use crate::fixture::{begun, commit};

/// Returns a run with these extra commits (`true` if held back) and this number of adapted fixes.
fn branch(others: &[(&str, bool)], adapted: usize) -> Hotfix {
    let mut state = begun().announced().branched().picked().state;
    let beyond = |(short, withheld): &(&str, bool)| ExtraCommit { commit: commit(short), withheld: *withheld };
    state.head.as_mut().unwrap().origins.extra = others.iter().map(beyond).collect();
    let fixes = ["f2f2f2f", "f3f3f3f"].into_iter().take(adapted);
    state.fixes.extend(fixes.map(|source| Fix { source: commit(source), state: FixState::Adapted }));
    state
}

fn whys(state: &Hotfix) -> Vec<(&str, ExtraKind)> {
    extra_commits(state).into_iter().map(|(at, why)| (at.short(), why)).collect()
}

const UNKNOWN: [(&str, bool); 3] = [("3333333", false), ("4444444", true), ("5555555", false)];

#[test]
fn what_nobody_asked_for_must_not_be_there() {
    let state = branch(&UNKNOWN, 0);
    let expected = [("3333333", ExtraKind::Unknown), ("4444444", ExtraKind::Withheld), ("5555555", ExtraKind::Unknown)];
    assert_eq!(whys(&state), expected);
    assert_eq!(unexpected_commits(&state), extra_commits(&state));
    assert_eq!(whys(&branch(&[], 2)), []);
    assert_eq!(whys(&begun().state), []);
}

/// SRE-10: one extra commit is allowed per adapted fix, the oldest first.
#[test]
fn a_commit_may_stand_for_each_adapted_fix() {
    let one = branch(&UNKNOWN, 1);
    assert_eq!(
        whys(&one),
        [("3333333", ExtraKind::Adapted), ("4444444", ExtraKind::Withheld), ("5555555", ExtraKind::Unknown)]
    );
    let (withheld, unknown) = (commit("4444444"), commit("5555555"));
    assert_eq!(unexpected_commits(&one), [(&withheld, ExtraKind::Withheld), (&unknown, ExtraKind::Unknown)]);
    let mut two = branch(&UNKNOWN, 2);
    assert_eq!(unexpected_commits(&two), [(&withheld, ExtraKind::Withheld)]);
    // The fix was picked after all, so it needs no adapted commit.
    two.head.as_mut().unwrap().origins.asked = [commit("f1f1f1f"), commit("f2f2f2f")].into();
    assert_eq!(unexpected_commits(&two), [(&withheld, ExtraKind::Withheld), (&unknown, ExtraKind::Unknown)]);
}

/// SRE-11: one commit that restores the order of versions is allowed, if the order was broken and the plan checks it.
#[test]
fn one_commit_may_mend_the_order_of_versions() {
    let of = |ordered: bool, broken: bool, adapted: usize| {
        let mut state = branch(&UNKNOWN, adapted);
        state.order_broken = broken;
        if ordered {
            state.plan.steps.push(spec(StepKind::VersionOrder { prefix: "4.2".to_owned() }));
        }
        let [(_, first), _, (_, third)] = extra_commits(&state).try_into().unwrap();
        (first, third)
    };
    assert_eq!(of(true, true, 0), (ExtraKind::Order, ExtraKind::Unknown));
    assert_eq!(of(true, true, 1), (ExtraKind::Adapted, ExtraKind::Order));
    assert_eq!(of(false, true, 0), (ExtraKind::Unknown, ExtraKind::Unknown));
    assert_eq!(of(true, false, 0), (ExtraKind::Unknown, ExtraKind::Unknown));
}

#[test]
fn what_settles_something_is_no_stray() {
    let stray =
        [ExtraKind::Adapted, ExtraKind::Order, ExtraKind::Withheld, ExtraKind::Unknown].map(ExtraKind::is_unexpected);
    assert_eq!(stray, [false, false, true, true]);
}
