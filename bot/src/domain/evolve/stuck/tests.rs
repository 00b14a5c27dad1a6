//! Tests of stuck effects: they are kept until they are done or no longer needed.

use hotfix_adapters::ids::DeployKey;

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::Event;
use crate::domain::evolve::tests::{PRODUCTION, at, bot, by, last_key, noted, step};
use crate::domain::hotfix::{FixState, RequestedDeploy};
use crate::fixture::{Play, asked, commit, head, live, message, production, staging, voted};

/// Returns a run that is deploying by a break-glass without announcement, unpicks a fix, and has one stuck effect of
/// every kind.
fn refused_all() -> Hotfix {
    let one = || commit("1111111");
    let play = asked().glass_broken().by("ana", UserCommand::Deploy(production())).begins("abc1234");
    let key = last_key(&play.state);
    let other: DeployKey = "hf-12-staging-1".parse().unwrap();
    let deploy = |key: &DeployKey, environment| Effect::Deploy {
        key: key.clone(),
        environment,
        commit: commit("1111111"),
        resumed: false,
    };
    let effects = vec![
        Effect::OpenPull,
        Effect::Pick { source: commit("f1f1f1f"), at: at() },
        Effect::Unpick { source: commit("f1f1f1f"), at: at() },
        Effect::Pick { source: commit("e5e5e5e"), at: at() },
        Effect::DeleteBranch { at: one() },
        Effect::RestoreBranch { at: one() },
        Effect::AnnounceBreakGlass { version: 1 },
        Effect::CheckDeploy { environment: production(), commit: one(), key: key.clone() },
        deploy(&key, production()),
        deploy(&other, staging()),
    ];
    let stuck = |effect| Stuck { effect, reason: "no".to_owned(), asked: None };
    let change = |state: &mut Hotfix| {
        state.break_glass[0].announced = None;
        state.fixes[0].state = FixState::Leaving;
        state.stuck = effects.into_iter().map(stuck).collect();
    };
    play.changed(change).state
}

#[test]
fn what_was_refused_is_forgotten_once_it_is_done_or_has_no_point() {
    let state = refused_all();
    let key = last_key(&state);
    let serving = ["open the pull request", "pick f1f1f1f", "pick e5e5e5e"];
    let about = ["pick f1f1f1f", "take f1f1f1f off the branch"];
    let audit = "tell the audit channel that the glass was broken";
    let source = || commit("f1f1f1f");
    let reason = || "x".to_owned();
    let done = Event::StepDone { step: step("review"), evidence: reason() };
    let moved = Event::HeadMoved { from: commit("1111111"), head: head("2222222", "More"), adapts: Vec::new() };
    let asked = Event::DeployRequested {
        environment: staging(),
        commit: commit("1111111"),
        rollback: false,
        typed: false,
        reason: None,
    };
    let cases = [
        (noted(), vec![]),
        (done, serving.to_vec()),
        (Event::StepSkipped { step: step("production"), reason: reason() }, serving.to_vec()),
        (Event::StepSkipped { step: step("postmortem"), reason: reason() }, vec![]),
        (moved, [&serving[..], &[audit]].concat()),
        (Event::FixRemoved { source: source(), by_hand: false }, about.to_vec()),
        (Event::FixKept { source: source(), files: Vec::new() }, about.to_vec()),
        (Event::BranchDeleted, vec!["delete the branch"]),
        (Event::BranchBack { at: commit("1111111") }, vec!["restore the branch at 1111111"]),
        (Event::BreakGlassAnnounced { message: message("a1") }, vec![audit]),
        (Event::BreakGlassVoided { reason: reason() }, vec![audit]),
        (asked, vec!["read the facts before changing what production runs"]),
        (Event::RolloutBegan { key: key.clone() }, vec!["deploy 1111111 to production"]),
        (
            Event::DeployAwaitsConfirmation { key: key.clone(), instructions: None },
            vec!["deploy 1111111 to production"],
        ),
        (Event::DeployEnded { key, failure: Some(reason()) }, vec!["deploy 1111111 to production"]),
    ];
    for (event, mut gone) in cases {
        let next = bot(&state, event.clone());
        let lost = |stuck: &&Stuck| !next.stuck.contains(stuck);
        let lost: Vec<String> = state.stuck.iter().filter(lost).map(|stuck| stuck.effect.describe()).collect();
        gone.sort_by_key(|words| state.stuck.iter().position(|stuck| stuck.effect.describe() == *words));
        assert_eq!(lost, gone, "{event:?}");
    }
    let retried = bot(&Hotfix { rolled_back: Some(source()), ..state }, Event::Retried { effects: Vec::new() });
    assert!(retried.stuck.is_empty() && retried.rolled_back.is_none());
}

/// A waiver drops a stuck effect of the current step only if that is the mainline step.
#[test]
fn a_refusal_that_serves_another_step_outlives_a_waiver() {
    let refused = Stuck { effect: Effect::OpenPull, reason: "no".to_owned(), asked: None };
    let waive = |play: Play| {
        let play = play.changed(|state| state.stuck.push(refused.clone()));
        by(&play.state, "dee", Event::MergebackWaived { reason: "a flag".to_owned() }).stuck
    };
    assert_eq!(waive(live()), []);
    assert_eq!(waive(voted()), [refused]);
}

/// A repeated refusal is stored once. The request of a deployment whose check failed is stored with it.
#[test]
fn a_refusal_is_kept_with_the_question_that_it_answers() {
    let play = voted().by("ana", UserCommand::Deploy(production()));
    let asked = play.state.requested_deploy.clone().unwrap();
    let stuck = |effect: &Effect, reason: &str| Event::Stuck { effect: effect.clone(), reason: reason.to_owned() };
    let first = bot(&play.state, stuck(&Effect::OpenPull, "no"));
    let other = bot(&first, stuck(&Effect::Announce, "no"));
    let again = bot(&other, stuck(&Effect::OpenPull, "still no"));
    let kept = |effect, reason: &str| Stuck { effect, reason: reason.to_owned(), asked: None };
    assert_eq!(again.stuck, [kept(Effect::Announce, "no"), kept(Effect::OpenPull, "still no")]);
    assert_eq!(again.requested_deploy.as_ref(), Some(&asked));
    let check = Effect::CheckDeploy { environment: production(), commit: commit("1111111"), key: "k".parse().unwrap() };
    let unread = bot(&play.state, stuck(&check, "no answer"));
    let reason = "no answer".to_owned();
    assert_eq!(
        (unread.stuck, unread.requested_deploy),
        (vec![Stuck { effect: check, reason, asked: Some(asked) }], None)
    );
}

/// A requested deployment is dropped if it would ship something else or if its step is no longer reached. A requested
/// rollback is kept.
#[test]
fn a_void_question_is_forgotten_unless_it_puts_back() {
    let asked = voted().by("ana", UserCommand::Deploy(production())).state.requested_deploy.unwrap();
    let back = RequestedDeploy { rollback: true, ..asked.clone() };
    let stuck = |reason: &str, asked| Stuck { effect: Effect::TakeSnapshot, reason: reason.to_owned(), asked };
    let with = |asked_deploy: &RequestedDeploy| {
        voted().changed(|state| {
            state.requested_deploy = Some(asked_deploy.clone());
            let (forward, back) = (stuck("forward", Some(asked.clone())), stuck("back", Some(back.clone())));
            state.stuck = vec![stuck("nothing", None), forward, back];
        })
    };
    let reopened = Event::StepReopened { step: step("review"), reason: "two checks failed".to_owned() };
    let offered =
        |asked_deploy| with(asked_deploy).changed(|state| state.steps[PRODUCTION] = StepState::Offered { since: at() });
    for (event, forward) in [(noted(), true), (Event::ImageMoved { to: None }, false), (reopened, false)] {
        let [next, offered] = [with(&asked), offered(&asked)].map(|play| bot(&play.state, event.clone()));
        for next in [next, offered] {
            assert_eq!(next.requested_deploy.is_some(), forward, "{event:?}");
            let left: Vec<&str> = next.stuck.iter().map(|stuck| stuck.reason.as_str()).collect();
            assert_eq!(left, if forward { vec!["nothing", "forward", "back"] } else { vec!["nothing", "back"] });
        }
        assert_eq!(bot(&with(&back).state, event).requested_deploy.as_ref(), Some(&back));
    }
}
