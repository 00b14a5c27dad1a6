//! Tests of the held-back changes, and of when they are read again.

use super::super::tests::{cited, refusals, spec};
use super::*;
use crate::domain::event::Snapshot;
use crate::domain::playbook::StepKind;
use crate::fixture::{Play, begun, commit};

/// Returns a run with a changed snapshot.
fn found(change: impl FnOnce(&mut Snapshot)) -> Play {
    begun().changed(|state| change(state.snapshot.as_mut().unwrap()))
}

/// Returns a run without held-back changes. `known` tells which sources of the base exist: production, the last
/// deployment, `--from`.
fn nothing(known: [bool; 3]) -> Play {
    found(|survey| {
        let [running, last, from] = known.map(|is| is.then(|| commit("abc1234")));
        (survey.running, survey.last_success, survey.from) = (running, last, from);
        survey.held_back_total = 0;
    })
}

/// A hotfix is only justified if main has held-back changes (APPLY-4).
#[test]
fn a_hotfix_has_a_point_when_something_is_withheld() {
    let of = |play: &Play| progress(&play.state);
    assert_eq!(of(&begun()), Progress::done("main holds 3 commits that do not ship with it"));
    let reading = Progress::Waiting(Wait::Bot("reading what main holds"));
    assert_eq!(of(&begun().changed(|state| state.snapshot = None)), reading);
    assert_eq!(of(&nothing([false; 3])), reading, "there is nothing to compare main with");
    for known in [[true, false, false], [false, true, false], [false, false, true]] {
        let refusals = refusals(of(&nothing(known)));
        assert_eq!(cited(&refusals), ["held-back.nothing APPLY-4"]);
        assert_eq!(refusals[0].next, "Merge the fix to main and deploy as usual.");
    }
    let but_the_fix = nothing([true; 3]).changed(|state| {
        state.snapshot.as_mut().unwrap().held_back_without = [commit("f1f1f1f")].into();
    });
    let refusals = refusals(of(&but_the_fix));
    assert_eq!(refusals[0].next, "Merge the fix to main, if it is not there yet, and deploy as usual.");
}

/// Returns a run whose held-back changes were computed for this base and these fixes.
fn compared(base: &str, without: &[&str]) -> Play {
    found(|survey| {
        survey.held_back_since = Some(commit(base));
        survey.held_back_without = without.iter().map(|fix| commit(fix)).collect();
    })
}

#[test]
fn what_is_withheld_is_read_again_for_another_base_or_other_fixes() {
    let due = |play: Play| is_due(&play.state);
    assert!(!due(compared("abc1234", &["f1f1f1f"])));
    assert!(due(compared("abc9999", &["f1f1f1f"])));
    assert!(due(compared("abc1234", &[])));
    assert!(due(compared("abc1234", &["f1f1f1f", "f2f2f2f"])));
    assert!(due(begun()), "it was compared with nothing");
}

#[test]
fn what_is_withheld_is_not_read_where_it_does_not_matter() {
    let outdated = || compared("abc9999", &[]);
    let merged = |short: Option<&str>| {
        let play = begun().announced().branched().picked();
        is_due(&play.changed(|state| state.pull.as_mut().unwrap().merged = short.map(commit)).state)
    };
    assert!(merged(None) && !merged(Some("eeeeeee")));
    let never: [(&str, Play); 3] = [
        ("nothing was read", outdated().changed(|state| state.snapshot = None)),
        ("there is no base", outdated().changed(|state| state.base = None)),
        ("main itself ships", outdated().changed(|state| state.plan.steps.push(spec(StepKind::Target)))),
    ];
    for (what, play) in never {
        assert!(!is_due(&play.state), "{what}");
    }
}
