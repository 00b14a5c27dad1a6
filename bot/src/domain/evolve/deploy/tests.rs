//! Tests of deployment and drift events.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::evolve::tests::{
    FIX, LOOK, MAIN, POSTMORTEM, VOTES, abandon, at, bot, by, done, drifted, last_key, running, why,
};
use crate::fixture::{Play, asked, commit, live, person, production, staging, voted};

/// APPLY-16: a rebase moves the commits from the old base onto the found commit, and reopens the change step and all
/// steps behind it.
#[test]
fn a_rebase_starts_from_what_was_found() {
    let play = drifted(voted()).changed(|state| state.rolled_in = true);
    let rebased = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Rebase });
    assert_eq!((rebased.base.clone(), rebased.rebase_from.clone()), (Some(commit("9999999")), Some(commit("abc1234"))));
    assert_eq!(rebased.rebased_onto, [(production(), commit("9999999"))].into());
    assert!(!rebased.rolled_in && rebased.drifts.is_empty() && rebased.votes.is_empty());
    assert!(!rebased.head.as_ref().unwrap().on_base);
    assert!(rebased.steps[FIX..].iter().all(|step| *step == StepState::Ahead));
    assert!(matches!(rebased.steps[FIX - 1], StepState::Done { .. }));
    // A second drift before the first rebase is done: the commits are still those on the first base.
    let twice = drifted(Play { state: rebased, ..play.clone() });
    let twice = bot(&twice.state, Event::DriftSettled { choice: DriftChoice::Rebase });
    assert_eq!(twice.rebase_from, Some(commit("abc1234")));
    let aborted = bot(&play.state, Event::DriftSettled { choice: DriftChoice::Abort });
    assert!(aborted.drifts.is_empty() && aborted.base == play.state.base && aborted.votes == play.state.votes);
}

#[test]
fn production_can_change_under_the_run() {
    let drift = || Event::Drifted {
        environment: production(),
        expected: commit("1111111"),
        found: commit("9999999"),
        brings: Vec::new(),
        total: 0,
    };
    let found = bot(&live().state, drift());
    assert_eq!(found.drifts, drifted(live()).state.drifts);
    assert!(found.rebased_onto.is_empty());
    let superseded = bot(&found, Event::Superseded { environment: production(), by: commit("8888888") });
    assert!(superseded.drifts.is_empty());
    assert_eq!(superseded.superseded, [(production(), commit("8888888"))].into());
    let abandoned = by(&live().state, "dee", abandon(None));
    let found = bot(&abandoned, drift());
    assert!(found.drifts.is_empty() && found.rebased_onto == [(production(), commit("9999999"))].into());
    let files = vec!["a.rs".to_owned()];
    assert_eq!(bot(&found, Event::RebaseConflicted { files: files.clone() }).rebase_conflict, Some(files));
}

#[test]
fn a_deployment_is_asked_for_and_begins() {
    let event = Event::DeployRequested {
        environment: production(),
        commit: commit("1111111"),
        rollback: true,
        typed: true,
        reason: Some("slow".to_owned()),
    };
    let asked = by(&voted().state, "ben", event.clone());
    let expected = RequestedDeploy {
        environment: production(),
        commit: commit("1111111"),
        rollback: true,
        typed: true,
        reason: Some("slow".to_owned()),
        by: Some(person("ben")),
    };
    assert_eq!(asked.requested_deploy, Some(expected));
    assert_eq!(bot(&voted().state, event).requested_deploy.unwrap().by, None);
    let refused = Event::DeployRefused { environment: production(), refusals: Vec::new() };
    assert!(bot(&asked, refused).requested_deploy.is_none());
    let intent = running().state.deploys[1].intent.clone();
    let elsewhere = asked.clone();
    let before = Hotfix {
        superseded: [(production(), commit("8888888")), (staging(), commit("8888888"))].into(),
        rebased_onto: [(production(), commit("7777777"))].into(),
        ..elsewhere
    };
    let begun = bot(&before, Event::DeployStarted(intent.clone()));
    let last = begun.deploys.last().unwrap();
    assert_eq!((&last.intent, &last.state, last.at), (&intent, &DeployState::Running, at()));
    assert_eq!((&last.asked_by, &begun.requested_deploy), (&Some(person("ben")), &None));
    assert_eq!(begun.superseded, [(staging(), commit("8888888"))].into());
    assert!(begun.rebased_onto.is_empty());
    assert_eq!(why(&begun, Event::DeployStarted(intent)), "another deployment of this run is still open");
}

#[test]
fn a_deployment_is_followed_by_its_key() {
    let state = running().state;
    let key = last_key(&state);
    let rolling = bot(&state, Event::RolloutBegan { key: key.clone() });
    let [before, ours] = rolling.deploys.as_slice() else { panic!("{:?}", rolling.deploys) };
    assert_eq!((before.merged_at, ours.merged_at), (None, Some(at())));
    assert_eq!((&before.state, &ours.state), (&DeployState::Succeeded, &DeployState::RollingOut));
    let noted = bot(&rolling, Event::DeployNoted { key: key.clone(), note: "waits".to_owned() });
    assert_eq!(noted.notes, [(key.clone(), "waits".to_owned())].into());
    let by_hand = |instructions: Option<&str>| {
        let instructions = instructions.map(ToOwned::to_owned);
        bot(&noted, Event::DeployAwaitsConfirmation { key: key.clone(), instructions })
    };
    assert_eq!(by_hand(Some("press it")).notes[&key], "press it");
    assert_eq!(by_hand(None).notes[&key], "waits");
    assert_eq!(by_hand(None).deploys[1].state, DeployState::AwaitingConfirmation);
    assert!(bot(&noted, Event::RolloutBegan { key: key.clone() }).notes.is_empty());
    let end = |failure: Option<&str>| Event::DeployEnded { key: key.clone(), failure: failure.map(ToOwned::to_owned) };
    let waits = Hotfix { abandon_requested: Some((person("dee"), "it hangs".to_owned())), ..noted };
    let failed = by(&waits, "ben", end(Some("no")));
    assert_eq!(failed.deploys[1].state, DeployState::Failed("no".to_owned()));
    assert_eq!((&failed.deploys[0].confirmed_by, &failed.deploys[1].confirmed_by), (&None, &Some(person("ben"))));
    assert!(failed.notes.is_empty() && failed.abandon_requested.is_none());
    assert_eq!(why(&failed, end(None)), format!("deployment {key} ended before"));
    let unknown: DeployKey = "hf-12-moon-1".parse().unwrap();
    assert_eq!(why(&state, Event::RolloutBegan { key: unknown }), "there is no deployment hf-12-moon-1");
}

#[test]
fn production_is_live_since_its_first_deployment_that_succeeded() {
    let ended = |play: Play, failure: Option<&str>| {
        let key = last_key(&play.state);
        bot(&play.state, Event::DeployEnded { key, failure: failure.map(ToOwned::to_owned) })
    };
    assert_eq!(ended(running(), None).live_at, Some(at()));
    assert_eq!(ended(running(), Some("no")).live_at, None);
    let earlier = running().now;
    assert_eq!(ended(running().changed(|state| state.live_at = Some(earlier)), None).live_at, Some(earlier));
    let to_staging = running().changed(|state| state.deploys[1].intent.environment = staging());
    assert_eq!(ended(to_staging, None).live_at, None);
}

/// HOCS-37: a rollback reopens the approval step, unless the run only waited to expire.
#[test]
fn a_rollback_sets_the_votes_back() {
    let play = drifted(running()).changed(|state| state.deploys[1].intent.rollback = true);
    let ended = |play: &Play| bot(&play.state, Event::DeployEnded { key: last_key(&play.state), failure: None });
    let back = ended(&play);
    assert!(back.drifts.is_empty() && back.votes.is_empty() && back.vote_requests.is_empty() && back.live_at.is_none());
    assert_eq!(back.rolled_back, Some(commit("1111111")));
    assert!(back.steps[VOTES..].iter().all(|step| *step == StepState::Ahead));
    assert!(matches!(back.steps[LOOK], StepState::Done { .. }));
    let expires = |change: fn(&mut Hotfix)| {
        ended(&play.clone().changed(|state| {
            state.plan.steps[POSTMORTEM].kind = StepKind::Expire;
            state.steps = vec![done(); state.steps.len()];
            change(state);
        }))
    };
    let over = expires(|_| {});
    assert!(over.drifts.is_empty() && over.rolled_back.is_none() && over.votes == play.state.votes);
    let waits = expires(|state| state.steps[MAIN] = StepState::Ahead);
    assert!(waits.rolled_back.is_some() && waits.votes.is_empty());
}

#[test]
fn a_deployment_by_a_broken_glass_is_looked_at_afterwards() {
    let broken = asked().glass_broken().by("ana", UserCommand::Deploy(production()));
    let intent = broken.clone().begins("abc1234").state.deploys[1].intent.clone();
    assert_eq!(intent.glass, Some(person("dee")));
    let reviews = |change: &dyn Fn(&mut Vec<BreakGlassUse>), glass: Option<&str>| {
        let mut state = broken.state.clone();
        change(&mut state.break_glass);
        let intent = DeployIntent { glass: glass.map(person), ..intent.clone() };
        let next = bot(&state, Event::DeployStarted(intent));
        next.break_glass.into_iter().map(|broken| broken.review).collect::<Vec<_>>()
    };
    let due = Review::Due { since: at(), authors: [person("ana"), person("chi")].into() };
    let given = Review::Given { by: person("ben"), ok: true, note: None };
    let another = |void: bool| {
        move |all: &mut Vec<BreakGlassUse>| {
            let last = BreakGlassUse { void, ..all[0].clone() };
            all.push(last);
        }
    };
    assert_eq!(reviews(&|_| {}, Some("dee")), std::slice::from_ref(&due));
    assert_eq!(reviews(&|_| {}, None), [Review::NotNeeded]);
    assert_eq!(reviews(&|_| {}, Some("ben")), [Review::NotNeeded]);
    assert_eq!(reviews(&another(false), Some("dee")), [Review::NotNeeded, due.clone()], "the newest");
    assert_eq!(reviews(&another(true), Some("dee")), [due, Review::NotNeeded], "a void one stands for nothing");
    assert_eq!(reviews(&|all| all[0].review = given.clone(), Some("dee")), std::slice::from_ref(&given));
}
