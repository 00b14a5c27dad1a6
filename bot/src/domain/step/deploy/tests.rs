//! Tests of the progress of a deployment step.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::service::TargetPlan;
use crate::fixture::{Play, asked, commit, live, person, production, staging, voted};

/// Returns the progress of the deployment to production.
fn of(play: &Play, trigger: Trigger) -> Progress {
    progress(&play.state, &"production".parse().unwrap(), &production(), trigger)
}

/// Returns a run whose deployment to production is in this state.
fn stands(deploy: DeployState) -> Play {
    live().changed(|state| state.deploys.last_mut().unwrap().state = deploy)
}

#[test]
fn what_a_deployment_waits_for_follows_from_how_it_stands() {
    let merged = |state: &mut Hotfix| state.deploys.last_mut().unwrap().merged_at = Some(state.opened_at);
    let cases = [
        (stands(DeployState::Running), Wait::Deploying(production())),
        (stands(DeployState::RollingOut), Wait::RollingOut(production())),
        (stands(DeployState::AwaitingConfirmation), Wait::DeployByHand(production())),
        (stands(DeployState::AwaitingConfirmation).changed(merged), Wait::RolloutWord(production())),
        (stands(DeployState::Failed("no".to_owned())), Wait::DeployFailed(production())),
        (voted(), Wait::DeployCommand(production())),
    ];
    for (play, wait) in cases {
        assert_eq!(of(&play, Trigger::Command), Progress::Waiting(wait));
    }
}

#[test]
fn it_is_done_when_what_ships_runs_there() {
    assert_eq!(of(&live(), Trigger::Command), Progress::done("1111111 runs on production"));
    let said = live().changed(|state| state.deploys.last_mut().unwrap().confirmed_by = Some(person("ben")));
    assert_eq!(of(&said, Trigger::Command), Progress::done("1111111 runs on production, says <@ben>"));
    let narrowed = said.changed(|state| {
        state.plan.environments[1].targets = vec![TargetPlan { name: "eu".to_owned(), production: true }];
        state.plan.only = vec!["eu".to_owned()];
    });
    let promoted = "1111111 is promoted to production (only eu), says <@ben>";
    assert_eq!(of(&narrowed, Trigger::Command), Progress::done(promoted));
}

/// Deployments of another commit, or to another environment, do not count.
#[test]
fn another_deployment_is_not_this_one() {
    let command = Progress::Waiting(Wait::DeployCommand(production()));
    let moved = live().changed(|state| state.head.as_mut().unwrap().tip = commit("2222222"));
    assert_eq!(of(&moved, Trigger::Command), command);
    let elsewhere = live().changed(|state| state.deploys.last_mut().unwrap().intent.environment = staging());
    assert_eq!(of(&elsewhere, Trigger::Command), command);
}

#[test]
fn one_that_begins_by_itself_does_so_at_its_turn_and_waits_for_people_after_it_was_refused() {
    let beginning = Progress::Waiting(Wait::Bot("beginning the deployment"));
    let command = Progress::Waiting(Wait::DeployCommand(production()));
    assert_eq!(of(&asked(), Trigger::Auto), beginning);
    assert_eq!(of(&asked(), Trigger::Command), command);
    assert_eq!(of(&voted(), Trigger::Auto), command, "its turn has come before");
}

#[test]
fn the_facts_are_read_while_it_is_asked_for() {
    let reading = Progress::Waiting(Wait::Bot("reading the facts once more"));
    let ready = voted().by("ana", UserCommand::Deploy(production()));
    assert_eq!(of(&ready, Trigger::Command), reading);
    let again = live().changed(|state| state.requested_deploy.clone_from(&ready.state.requested_deploy));
    assert_eq!(of(&again, Trigger::Command), reading);
    let elsewhere = again.changed(|state| state.requested_deploy.as_mut().unwrap().environment = staging());
    assert_eq!(of(&elsewhere, Trigger::Command), Progress::done("1111111 runs on production"));
}
