//! Tests of the step that waits for the fixes on main.

use super::*;
use crate::domain::hotfix::Reverted;
use crate::fixture::{begun, commit, contribution, person};

/// Returns a run with two fixes: `on_main` are on main; `reverted` were reverted there, each with its confirmation.
fn with(on_main: &[&str], reverted: &[(&str, Option<&str>)]) -> Hotfix {
    let mut state = begun().state;
    state.fixes.push(Fix { source: commit("f2f2f2f"), state: FixState::Waiting });
    state.on_main = on_main.iter().map(|fix| commit(fix)).collect();
    let revert = |who: &Option<&str>| Reverted {
        by: contribution("6666666", "Revert it", "eve"),
        why: "It broke.".to_owned(),
        confirmed: who.map(person),
    };
    state.reverted = reverted.iter().map(|(fix, who)| (commit(fix), revert(who))).collect();
    state
}

fn waits(missing: &[&str]) -> Progress {
    Progress::Waiting(Wait::FixOnMain(missing.iter().map(|fix| commit(fix)).collect()))
}

#[test]
fn every_fix_is_waited_for() {
    let mut state = with(&["f1f1f1f", "f2f2f2f"], &[]);
    assert_eq!(progress(&state), Progress::done("2 commits on main"));
    assert_eq!(progress(&with(&["f1f1f1f"], &[])), waits(&["f2f2f2f"]));
    assert_eq!(progress(&with(&[], &[])), waits(&["f1f1f1f", "f2f2f2f"]));
    state.fixes.clear();
    assert_eq!(progress(&state), waits(&[]), "nobody named one");
}

/// A fix that is being unpicked need not be on main.
#[test]
fn a_fix_that_leaves_is_not_missing() {
    let mut state = with(&["f1f1f1f"], &[]);
    state.fixes[1].state = FixState::Leaving;
    assert_eq!(progress(&state), Progress::done("2 commits on main"));
    state.fixes[0].source = commit("f3f3f3f");
    assert_eq!(progress(&state), waits(&["f3f3f3f"]));
}

#[test]
fn what_main_reverted_is_there_when_somebody_wants_it_all_the_same() {
    let (one, other) = (("f1f1f1f", Some("ben")), ("f2f2f2f", Some("chi")));
    let open = Wait::Reverted(vec![commit("f1f1f1f")]);
    assert_eq!(progress(&with(&["f2f2f2f"], &[("f1f1f1f", None)])), Progress::Waiting(open));
    let part = "1 commit on main; 1 commit reverted there, wanted all the same by <@ben>";
    assert_eq!(progress(&with(&["f2f2f2f"], &[one])), Progress::done(part));
    let all = "reverted on main, wanted all the same by <@ben>, <@chi>";
    assert_eq!(progress(&with(&[], &[one, other])), Progress::done(all));
    assert_eq!(progress(&with(&["f1f1f1f", "f2f2f2f"], &[one])), Progress::done("2 commits on main"), "it is back");
    let foreign = with(&["f1f1f1f", "f2f2f2f"], &[("f9f9f9f", Some("ben"))]);
    assert_eq!(progress(&foreign), Progress::done("2 commits on main"));
    assert_eq!(progress(&with(&[], &[one])), waits(&["f2f2f2f"]));
}
