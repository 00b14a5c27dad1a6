//! What a run says of itself: lanes, main, and what production ought to run.

use super::*;
use crate::domain::command::Act;
use crate::fixture::{Play, begun, closed, commit, environment, live, production, staging, voted};

fn changed(play: &Play, change: impl FnOnce(&mut Hotfix)) -> Hotfix {
    let mut state = play.state.clone();
    change(&mut state);
    state
}

/// The fix is on main, and the post-mortem is not written.
fn landed() -> Play {
    live().on_main()
}

/// The last deployment to production.
fn last(state: &mut Hotfix) -> &mut Deployment {
    state.deploys.last_mut().unwrap()
}

/// APPLY-X4: the lanes are held from the beginning until nothing needs them any more.
#[test]
fn lanes_are_held_until_nothing_needs_them() {
    assert!(begun().state.holds_lanes() && live().state.holds_lanes());
    assert!(!live().state.is_done_with_lanes());
    assert!(landed().state.is_done_with_lanes() && !landed().state.holds_lanes());
    assert!(!closed().state.holds_lanes());
    assert!(!changed(&begun(), |state| state.lane_released = true).holds_lanes());
    assert!(!changed(&closed(), |state| state.lane_released = false).holds_lanes());
}

#[test]
fn each_thing_that_is_left_needs_the_lanes() {
    let needs = |change: fn(&mut Hotfix)| !changed(&landed(), change).is_done_with_lanes();
    assert!(!needs(|_| {}));
    assert!(needs(|state| state.mainline = Mainline::Open));
    assert!(needs(|state| last(state).state = DeployState::Running));
    assert!(needs(|state| state.deploys[0].state = DeployState::RollingOut));
    assert!(needs(|state| {
        let drift = Drift { expected: commit("1111111"), found: commit("2222222") };
        state.drifts.insert(production(), drift);
    }));
    assert!(needs(|state| state.steps[0] = StepState::Ahead), "a step before the post-mortem");
    let asked = voted().by("ana", Act::Deploy(production())).state.asked_deploy;
    assert!(!changed(&landed(), |state| state.asked_deploy = asked).is_done_with_lanes());
    // A plan that brings nothing to main needs no proof of it.
    let by_itself = changed(&landed(), |state| {
        state.mainline = Mainline::Open;
        let kept = |spec: &StepSpec| !matches!(spec.kind, StepKind::Mainline { .. });
        let kept: Vec<bool> = state.plan.steps.iter().map(kept).collect();
        let mut of_plan = kept.iter();
        state.plan.steps.retain(|_| *of_plan.next().unwrap());
        let mut of_run = kept.iter();
        state.steps.retain(|_| *of_run.next().unwrap());
    });
    assert!(by_itself.is_done_with_lanes());
}

/// The next release loses what production has and main has not.
#[test]
fn main_is_owed_what_production_has_or_may_have() {
    assert!(!voted().state.owes_mainline() && live().state.owes_mainline() && !landed().state.owes_mainline());
    let waived = Mainline::Waived { reason: "a flag".to_owned(), by: "dee".parse().unwrap() };
    assert!(!changed(&live(), |state| state.mainline = waived).owes_mainline());
    // Nobody knows how a deployment ended that a captain gave up: it may have done its work.
    let begins = voted().by("ana", Act::Deploy(production())).begins("abc1234");
    let key = begins.state.deploys.last().unwrap().intent.key.clone();
    let given_up = |believed: &[&DeployKey], change: fn(&mut Hotfix)| {
        let mut state = changed(&begins, change);
        let believed = believed.iter().map(|key| (*key).clone()).collect();
        let by = "dee".parse().unwrap();
        state.abandoned = Some(Abandoned { by, asked_by: None, reason: "it hangs".to_owned(), believed });
        state.owes_mainline()
    };
    assert!(given_up(&[&key], |_| {}));
    assert!(!given_up(&[], |_| {}));
    assert!(!given_up(&[&key], |state| last(state).intent.rollback = true));
    assert!(!given_up(&[&key], |state| last(state).intent.environment = staging()));
    assert!(!begins.state.owes_mainline(), "nobody gave it up");
}

#[test]
fn a_deployment_is_awaited_until_it_begins() {
    assert!(voted().state.awaits_deploy(&production()) && !voted().state.awaits_deploy(&staging()));
    let begins = voted().by("ana", Act::Deploy(production())).begins("abc1234");
    assert!(!begins.state.awaits_deploy(&production()), "it is under way");
    assert!(begins.clone().ends(Some("no")).state.awaits_deploy(&production()), "it failed");
    assert!(!live().state.awaits_deploy(&production()) && !voted().state.awaits_deploy(&environment("moon")));
}

/// Security case 99.
#[test]
fn what_this_run_did_or_found_is_its_own() {
    let state = changed(&live(), |state| {
        state.base = Some(commit("7777777"));
        last(state).intent.commit = commit("5555555");
    });
    let ours = |place: &Environment, what: &str| state.is_ours_in(place, &commit(what));
    assert!(ours(&production(), "5555555"), "it deployed it there");
    assert!(ours(&production(), "abc1234"), "it found it there");
    assert!(ours(&production(), "7777777"), "it started from it");
    assert!(ours(&staging(), "1111111") && !ours(&staging(), "5555555"), "each place is for itself");
    assert!(!ours(&production(), "9999999"));
}

#[test]
fn production_ought_to_run_what_was_put_there_last() {
    let expected = |state: &Hotfix| state.expected_in(&production()).map(|commit| commit.short().to_owned());
    let at = |short: &str| Some(short.to_owned());
    assert_eq!(expected(&begun().state), at("abc1234"), "the base");
    assert_eq!(expected(&live().state), at("1111111"));
    assert_eq!(live().state.expected_in(&staging()), None, "only productions are watched");
    for state in [DeployState::Running, DeployState::Failed("no".to_owned())] {
        assert_eq!(expected(&changed(&live(), |run| last(run).state = state)), None);
    }
    assert_eq!(
        expected(&changed(&live(), |state| state.rolled_in = true)),
        None,
        "it goes out with the regular release"
    );
    let survey = |state: &mut Hotfix| {
        state.survey.as_mut().unwrap().productions.insert(production(), commit("3333333"));
    };
    assert_eq!(expected(&changed(&begun(), survey)), at("3333333"), "what this production ran");
    let by_others = changed(&live(), |state| drop(state.superseded.insert(production(), commit("4444444"))));
    assert_eq!(expected(&by_others), at("4444444"));
    let rebased = changed(&live(), |state| drop(state.rebased_onto.insert(production(), commit("5555555"))));
    assert_eq!(expected(&rebased), at("5555555"));
}
