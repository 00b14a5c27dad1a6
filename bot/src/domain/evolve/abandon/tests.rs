//! Tests of the state of an abandoned run.

use super::*;
use crate::domain::effect::Effect;
use crate::domain::event::Actor;
use crate::domain::evolve::tests::{
    LOCAL, MAIN, POSTMORTEM, PRODUCTION, TRIAGE, abandon, after, by, drifted, last_key, running, skipped, step,
};
use crate::domain::hotfix::Stuck;
use crate::fixture::{Play, commit, live, person, production, voted};

#[test]
fn an_abandoned_run_keeps_only_what_it_owes() {
    let busy = |play: Play| {
        drifted(play)
            .changed(|state| {
                state.holds.insert(person("ben"), "wait".to_owned());
                state.stuck.push(Stuck { effect: Effect::OpenPull, reason: "no".to_owned(), asked: None });
                state.rebase_conflict = Some(Vec::new());
                state.abandon_requested = Some((person("dee"), "it hangs".to_owned()));
                state.override_requested.insert(step("review"), (person("dee"), "x".to_owned(), "y".to_owned()));
                state.steps[LOCAL] = skipped();
            })
            .state
    };
    let over = |who: &str| StepState::Skipped { by: Some(person(who)), reason: "the run was abandoned".to_owned() };
    let owing = by(&busy(live()), "ben", abandon(Some("dee")));
    assert_eq!(owing.steps[MAIN], StepState::Ahead, "production has the fix");
    assert_eq!((&owing.steps[TRIAGE], &owing.steps[POSTMORTEM]), (&over("dee"), &over("dee")));
    assert!(matches!(owing.steps[PRODUCTION], StepState::Done { .. }) && owing.steps[LOCAL] == skipped());
    assert!(owing.lane_released && owing.holds.is_empty() && owing.stuck.is_empty() && owing.votes.is_empty());
    assert!(
        owing.rebase_conflict.is_none() && owing.abandon_requested.is_none() && owing.override_requested.is_empty()
    );
    assert!(owing.drifts.is_empty() && owing.rebased_onto == [(production(), commit("9999999"))].into());
    let abandoned = owing.abandoned.unwrap();
    assert_eq!((abandoned.by, abandoned.asked_by), (person("ben"), Some(person("dee"))));
    assert_eq!(abandoned.believed, [last_key(&live().state)].into());
    let free = by(&busy(voted()), "dee", abandon(None));
    assert_eq!((&free.steps[PRODUCTION], &free.steps[MAIN]), (&over("dee"), &over("dee")));
    assert_eq!(free.phase, Phase::Underway);
    let alone = after(&live().state, Actor::Person(person("dee")), abandon(Some("dee")));
    assert_eq!(alone.unwrap_err(), "it takes a second person");
}

#[test]
fn an_abandoned_deployment_counts_as_failed() {
    let state = by(&running().state, "dee", abandon(None));
    let failed = DeployState::Failed("the run was abandoned while it was open".to_owned());
    assert_eq!(
        state.deploys.iter().map(|deploy| &deploy.state).collect::<Vec<_>>(),
        [&DeployState::Succeeded, &failed]
    );
}
