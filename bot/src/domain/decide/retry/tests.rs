//! Tests of `retry`: the effects and deployments that it repeats.

use std::slice::from_ref;

use super::*;
use crate::domain::command::{EffectResult, UserCommand};
use crate::domain::decide::tests::{broken, key, running};
use crate::domain::event::Event;
use crate::domain::playbook::BranchRole;
use crate::fixture::{Play, asked, begun, closed, commit, live, message, person, production, voted};
use hotfix_adapters::forge::Containment;
use hotfix_adapters::ids::DeployKey;

fn refused(effect: Effect) -> EffectResult {
    EffectResult::Refused { effect, reason: "the forge is down".to_owned() }
}

fn stuck(effect: Effect) -> Stuck {
    Stuck { effect, reason: "the forge is down".to_owned(), asked: None }
}

fn tried(effects: &[Effect]) -> Event {
    Event::Retried { effects: effects.to_vec() }
}

fn retry_by(play: &Play, who: &str) -> Vec<Event> {
    play.on_act(who, UserCommand::Retry)
}

/// Returns the event that requests a deployment to production.
fn asks(rollback: bool, short: &str, reason: Option<&str>) -> Event {
    let reason = reason.map(str::to_owned);
    Event::DeployRequested { environment: production(), commit: commit(short), rollback, typed: false, reason }
}

/// Marks the branch as deleted.
fn without_branch(play: Play) -> Play {
    play.changed(|state| state.branch_gone = true)
}

fn back() -> UserCommand {
    UserCommand::Rollback { environment: production(), to: None, reason: "it fails".to_owned() }
}

/// Lets the check of the requested deployment fail permanently.
fn unread(play: Play) -> Play {
    let asked = play.state.requested_deploy.clone().unwrap();
    let key: DeployKey = "hf-12-1".parse().unwrap();
    play.came(refused(Effect::CheckDeploy { environment: asked.environment, commit: asked.commit, key }))
}

fn restore() -> Effect {
    Effect::RestoreBranch { at: commit("1111111") }
}

#[test]
fn there_has_to_be_something_to_try_again() {
    for play in [begun(), asked(), voted(), running(), live()] {
        assert_eq!(play.refused("ana", UserCommand::Retry), ["retry.nothing"]);
    }
    let said = begun().came(refused(Effect::PostEvent { version: 3 }));
    assert_eq!(retry_by(&said, "ana"), [tried(&[])], "that it failed is forgotten");
}

#[test]
fn a_deployment_that_failed_is_asked_for_again() {
    let failed = running().ends(Some("no"));
    assert_eq!(retry_by(&failed, "ben"), [tried(&[]), asks(false, "1111111", None)]);
    let held = failed.by("chi", UserCommand::Hold("the database moves".to_owned()));
    assert_eq!(held.refused("ben", UserCommand::Retry), ["hold"]);
    let both = without_branch(held);
    assert_eq!(retry_by(&both, "ben"), [tried(&[restore()])], "the rest is done, and the deployment is not");
    let on_staging = asked().changed(|state| state.deploys[0].state = DeployState::Failed("no".to_owned()));
    assert_eq!(on_staging.refused("ben", UserCommand::Retry), ["retry.nothing"], "its turn is over");
}

#[test]
fn a_rollback_that_failed_is_asked_for_again_by_who_may() {
    let failed = live().by("ana", back()).begins("1111111").ends(Some("no"));
    for who in ["ana", "dee"] {
        assert_eq!(retry_by(&failed, who), [tried(&[]), asks(true, "abc1234", Some("it fails"))]);
    }
    assert_eq!(failed.refused("ben", UserCommand::Retry), ["rollback.who"]);
    let succeeded = failed.changed(|state| state.deploys.last_mut().unwrap().state = DeployState::Succeeded);
    assert_eq!(succeeded.refused("ana", UserCommand::Retry), ["retry.nothing"]);
}

/// A failed rollback is retried only if it is the last deployment.
#[test]
fn only_the_last_rollback_is_tried_again() {
    let play = voted().changed(|state| {
        let mut back = state.deploys[0].clone();
        back.intent.rollback = true;
        back.intent.environment = production();
        back.state = DeployState::Failed("no".to_owned());
        state.deploys.insert(0, back);
    });
    assert_eq!(failed(&play.state), None);
    let last = play.changed(|state| state.deploys.swap(0, 1));
    assert_eq!(failed(&last.state).map(|asked| (asked.environment, asked.rollback)), Some((production(), true)));
}

#[test]
fn what_could_not_be_read_is_read_again() {
    let play = unread(voted().by("ana", UserCommand::Deploy(production())));
    assert_eq!(retry_by(&play, "ben"), [tried(&[]), asks(false, "1111111", None)]);
    let rollback = unread(live().by("ana", back()));
    assert_eq!(retry_by(&rollback, "ana"), [tried(&[]), asks(true, "abc1234", Some("it fails"))]);
    assert_eq!(rollback.refused("ben", UserCommand::Retry), ["rollback.who"]);
}

#[test]
fn a_branch_that_is_gone_and_a_fix_that_leaves_are_seen_to() {
    assert_eq!(retry_by(&without_branch(voted()), "ben"), [tried(&[restore()])]);
    let leaving = voted().changed(|state| state.fixes[0].state = FixState::Leaving);
    let off = Effect::Unpick { source: commit("f1f1f1f"), at: leaving.now };
    assert_eq!(retry_by(&leaving, "ben"), [tried(&[off])]);
}

#[test]
fn the_effects_of_a_step_are_done_once() {
    let twice = begun().came(refused(Effect::Announce)).came(refused(Effect::OpenPull));
    assert_eq!(twice.state.stuck.len(), 2);
    assert_eq!(retry_by(&twice, "ana"), [tried(&[Effect::Announce])]);
}

#[test]
fn what_was_rolled_back_is_asked_about_again() {
    let play = live().by("ana", back()).begins("1111111").ends(None);
    let asks = Effect::RequestVotes { environment: production(), commit: commit("1111111") };
    assert_eq!(retry_by(&play, "ana"), [tried(&[asks])]);
    let other = play.clone().changed(|state| state.rolled_back = Some(commit("9999999")));
    assert_eq!(other.refused("ana", UserCommand::Retry), ["retry.nothing"], "something else is up for a vote");
    assert!(taken_back(&play.state) && !taken_back(&other.state) && !taken_back(&voted().state));
}

type Change = fn(&mut Hotfix);

#[test]
fn each_effect_is_done_again_while_it_has_a_point() {
    let key = key(&running());
    let deploy =
        |resumed| Effect::Deploy { key: key.clone(), environment: production(), commit: commit("1111111"), resumed };
    let delete = Effect::DeleteBranch { at: commit("1111111") };
    let told = Effect::AnnounceBreakGlass { version: broken().state.break_glass[0].version };
    let other = Effect::AnnounceBreakGlass { version: 1 };
    let merged: Change = |state| state.mainline = Mainline::Merged(Containment::Ancestor, commit("eeeeeee"));
    let done: Change = |state| state.deploys.last_mut().unwrap().state = DeployState::AwaitingConfirmation;
    let gone: Change = |state| {
        state.mainline = Mainline::Merged(Containment::Ancestor, commit("eeeeeee"));
        state.branch = BranchState::Deleted;
    };
    let same: Change = |_| {};
    let unread: Change = |state| state.snapshot = None;
    let void: Change = |state| state.break_glass[0].void = true;
    let known: Change = |state| state.break_glass[0].announced = Some(message("a1"));
    let cases: [(&str, Play, Change, &Effect, &[Effect]); 13] = [
        ("the world is not read yet", begun(), unread, &Effect::TakeSnapshot, &[Effect::TakeSnapshot]),
        ("it is read", begun(), same, &Effect::TakeSnapshot, &[]),
        ("the deployment runs", running(), same, &deploy(false), &[deploy(true)]),
        ("somebody does it", running(), done, &deploy(false), &[]),
        ("there is no such deployment", voted(), same, &deploy(false), &[]),
        ("the branch is not needed", live(), merged, &delete, from_ref(&delete)),
        ("main does not have it", live(), same, &delete, &[]),
        ("it is deleted", live(), gone, &delete, &[]),
        ("the glass is not told of", broken(), same, &told, from_ref(&told)),
        ("it is void", broken(), void, &told, &[]),
        ("it is told of", broken(), known, &told, &[]),
        ("another glass", broken(), same, &other, &[]),
        ("no glass was broken", asked(), same, &told, &[]),
    ];
    for (what, play, change, effect, expected) in cases {
        let play = play.changed(change);
        assert_eq!(again(&play.state, &stuck(effect.clone()), play.now), expected, "{what}");
    }
}

/// A retry computes the effects of the current step from scratch. Effects that are handled elsewhere are left out.
#[test]
fn the_step_says_what_it_wants() {
    let play = begun();
    let of_steps = [
        Effect::Announce,
        Effect::CreateBranch { which: BranchRole::Fix, at: commit("abc1234") },
        Effect::Pick { source: commit("f1f1f1f"), at: play.now },
        Effect::OpenPull,
        Effect::OpenReturn,
        Effect::RequestVotes { environment: production(), commit: commit("1111111") },
        Effect::FindIncludedChanges { to: commit("1111111") },
    ];
    for effect in of_steps {
        assert_eq!(again(&play.state, &stuck(effect.clone()), play.now), [Effect::Announce], "{effect:?}");
    }
    let by_itself = [
        restore(),
        Effect::Unpick { source: commit("f1f1f1f"), at: play.now },
        Effect::CheckDeploy { environment: production(), commit: commit("1111111"), key: "hf-12-1".parse().unwrap() },
        Effect::PostEvent { version: 1 },
        Effect::SendDirectMessage { version: 1, person: person("ana") },
        Effect::Audit { version: 1 },
        Effect::RemindCountersign,
        Effect::Remind { step: "review".parse().unwrap() },
    ];
    for effect in by_itself {
        assert_eq!(again(&play.state, &stuck(effect.clone()), play.now), [], "{effect:?}");
    }
    let over = closed();
    assert_eq!(again(&over.state, &stuck(Effect::Announce), over.now), [], "no step is left");
}
