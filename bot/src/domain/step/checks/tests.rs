//! Tests of the judgment of checks, and of the checks that are expected.

use super::super::tests::{check, main_seen};
use super::*;
use crate::fixture::{Play, asked, commit};

fn words(required: &RequiredChecks, expected: &[&str], checks: &[Check]) -> Vec<String> {
    let (expected, lenient) =
        (expected.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), ["noise".to_owned()]);
    judge(&Rules { required, lenient: &lenient }, expected.iter(), checks).all()
}

/// Security case 92: a commit without checks, or with only lenient or neutral ones, does not pass.
#[test]
fn no_check_is_never_a_pass() {
    use CheckState::{Neutral, Success};
    let listed = RequiredChecks::Listed(vec!["build".to_owned()]);
    for required in [RequiredChecks::Expected, listed] {
        for expected in [&[][..], &["build"]] {
            for checks in [vec![], vec![check("noise", Success)], vec![check("other", Neutral)]] {
                assert_ne!(words(&required, expected, &checks), Vec::<String>::new(), "{required:?}, {checks:?}");
            }
        }
    }
    assert_eq!(words(&RequiredChecks::Expected, &[], &[]), ["no check has been reported yet"]);
    let told = words(&RequiredChecks::Expected, &["build", "noise"], &[]);
    assert_eq!(told, ["no check has been reported yet (expected: build)"]);
    assert_eq!(words(&RequiredChecks::None, &[], &[]), Vec::<String>::new());
}

/// Security cases 51 and 92: a green check does not replace an expected one.
#[test]
fn what_is_expected_must_be_reported_and_green() {
    use CheckState::{Failure, Neutral, Pending, Success};
    let expected = |checks: &[Check]| words(&RequiredChecks::Expected, &["build", "lint"], checks);
    assert_eq!(expected(&[check("build", Success)]), ["lint is missing"]);
    assert_eq!(expected(&[check("build", Success), check("lint", Pending)]), ["lint pending"]);
    assert_eq!(expected(&[check("build", Success), check("lint", Failure)]), ["lint failed"]);
    assert_eq!(expected(&[check("build", Success), check("lint", Success), check("more", Failure)]), ["more failed"]);
    assert_eq!(expected(&[check("build", Success), check("lint", Neutral)]), Vec::<String>::new());
    let listed = RequiredChecks::Listed(vec!["build".to_owned()]);
    assert_eq!(words(&listed, &["lint"], &[check("build", Success), check("x", Failure)]), Vec::<String>::new());
    assert_eq!(words(&listed, &[], &[check("build", Neutral)]), ["build said nothing"]);
    assert_eq!(words(&RequiredChecks::None, &[], &[check("build", Failure)]), ["build failed"]);
}

/// Security case 92: neutral checks are no success, unless no checks are required.
#[test]
fn something_has_to_succeed() {
    use CheckState::{Failure, Neutral, Pending, Success};
    let of = |required: &RequiredChecks, checks: &[(&str, CheckState)]| {
        let checks: Vec<Check> = checks.iter().map(|(name, state)| check(name, *state)).collect();
        words(required, &["build"], &checks)
    };
    let (expected, none) = (RequiredChecks::Expected, RequiredChecks::None);
    assert_eq!(of(&expected, &[("build", Neutral), ("lint", Neutral)]), ["no check has succeeded yet"]);
    assert_eq!(of(&expected, &[("build", Neutral), ("lint", Success)]), Vec::<String>::new());
    assert_eq!(of(&expected, &[("lint", Neutral)]), ["build is missing"]);
    assert_eq!(of(&expected, &[("build", Failure), ("lint", Pending)]), ["build failed", "lint pending"]);
    assert_eq!(of(&none, &[("lint", Neutral)]), Vec::<String>::new());
    assert_eq!(of(&none, &[("noise", Failure)]), Vec::<String>::new(), "it may fail");
    let listed = RequiredChecks::Listed(vec!["noise".to_owned(), "build".to_owned()]);
    let named = [("noise", Failure), ("build", Success), ("lint", Failure)];
    assert_eq!(of(&listed, &named), ["noise failed"], "what the service names has to be green");
}

/// Failed and open checks are reported separately, failures first.
#[test]
fn failed_and_open_checks_are_told_apart() {
    use CheckState::{Failure, Pending};
    let required = RequiredChecks::Expected;
    let rules = Rules { required: &required, lenient: &[] };
    let expected = ["late".to_owned()];
    let verdict = judge(&rules, expected.iter(), &[check("slow", Pending), check("build", Failure)]);
    let open = vec!["late is missing".to_owned(), "slow pending".to_owned()];
    assert_eq!(verdict, Verdict { failed: vec!["build failed".to_owned()], open });
    assert_eq!(verdict.all(), ["build failed", "late is missing", "slow pending"]);
}

#[test]
fn only_checks_that_succeeded_are_counted_as_green() {
    use CheckState::{Failure, Neutral, Pending, Success};
    let of = |required: RequiredChecks, checks: &[Check]| {
        let mut plan = asked().state.plan;
        plan.required_checks = required;
        plan.lenient_checks = vec!["noise".to_owned()];
        green(&plan, checks)
    };
    let (expected, none) = (|| RequiredChecks::Expected, || RequiredChecks::None);
    let (build, noise) = (check("build", Success), check("noise", Failure));
    assert_eq!(of(expected(), &[build.clone(), noise.clone()]), "1 check green");
    assert_eq!(of(expected(), &[build.clone(), check("noise", Success)]), "2 checks green");
    assert_eq!(of(none(), std::slice::from_ref(&build)), "1 check green");
    assert_eq!(of(none(), std::slice::from_ref(&noise)), "no checks are required");
    assert_eq!(of(expected(), &[noise]), "0 checks green");
    let listed = RequiredChecks::Listed(vec!["build".to_owned()]);
    let beside = [build, check("more", Failure), check("slow", Pending), check("docs", Neutral)];
    assert_eq!(of(listed, &beside), "1 check green", "those that the service does not name do not count");
}

/// Returns a run of a service that names no checks, so that those of main and of the forge are expected.
fn expecting() -> Play {
    asked().changed(|state| {
        state.plan.required_checks = RequiredChecks::Expected;
        let survey = state.snapshot.as_mut().unwrap();
        survey.required_contexts = vec!["forge".to_owned()];
        survey.main_checks = vec![check("main", CheckState::Success), check("quiet", CheckState::Neutral)];
    })
}

/// Returns the missing checks of the head, the merge and main if only an unrelated one was reported.
fn missing(play: &Play) -> [Vec<String>; 3] {
    let other = [check("other", CheckState::Success)];
    let state = &play.state;
    [of_head(state, &other), of_merge(state, &other), of_main(&state.plan, &other)].map(Verdict::all)
}

/// Security cases 51 and 92: the forge's required checks and the checks of main are expected.
#[test]
fn what_is_expected_is_known_from_the_forge_and_from_main() {
    let main = || vec!["main is missing".to_owned()];
    let head = vec!["forge is missing".to_owned(), "main is missing".to_owned()];
    assert_eq!(missing(&expecting()), [head.clone(), main(), vec![]]);
    let elsewhere = expecting().changed(|state| state.plan.into = "release".parse().unwrap());
    assert_eq!(missing(&elsewhere), [head, vec![], vec![]], "main says nothing of another branch");
    let lenient = expecting().changed(|state| state.plan.lenient_checks = vec!["main".to_owned()]);
    assert_eq!(missing(&lenient), [vec!["forge is missing".to_owned()], vec![], vec![]]);
    let unread = expecting().changed(|state| state.snapshot = None);
    assert_eq!(missing(&unread).concat(), Vec::<String>::new());
}

/// Security case 92: the checks of the merge commit do not tell which checks are expected.
#[test]
fn the_last_commit_of_main_with_checks_tells_what_a_merge_has_to_have() {
    let of = |seen: &str, checks: &[Check], merged: Option<&str>| {
        let play = expecting().changed(|state| {
            state.snapshot = None;
            state.main_seen = Some(main_seen(seen, checks, &[]));
            state.main_before = Some(main_seen("ddddddd", &[check("before", CheckState::Success)], &[]));
            state.pull.as_mut().unwrap().merged = merged.map(commit);
        });
        let [_, merge, _] = missing(&play);
        merge
    };
    let last = [check("last", CheckState::Failure), check("quiet", CheckState::Neutral)];
    assert_eq!(of("eeeeeee", &last, None), ["last is missing"]);
    assert_eq!(of("eeeeeee", &last, Some("fffffff")), ["last is missing"]);
    assert_eq!(of("eeeeeee", &last, Some("eeeeeee")), ["before is missing"]);
    assert_eq!(of("eeeeeee", &[], None), ["before is missing"]);
}

/// The settings of the plan apply to the head, the merge and main.
#[test]
fn the_plan_says_which_checks_count() {
    let mut play = asked().changed(|state| state.plan.lenient_checks = vec!["lint".to_owned()]);
    let checks = [check("build", CheckState::Failure), check("lint", CheckState::Failure)];
    let all = |play: &Play| {
        let state = &play.state;
        [of_head(state, &checks), of_merge(state, &checks), of_main(&state.plan, &checks)].map(Verdict::all)
    };
    let build = vec!["build failed".to_owned()];
    assert_eq!(all(&play), [build.clone(), build.clone(), build.clone()]);
    play.state.plan.required_checks = RequiredChecks::None;
    assert_eq!(all(&play), [build.clone(), build.clone(), build]);
    play.state.plan.required_checks = RequiredChecks::Listed(vec!["lint".to_owned()]);
    assert_eq!(all(&play), [vec!["lint failed"], vec!["lint failed"], vec!["lint failed"]]);
}
