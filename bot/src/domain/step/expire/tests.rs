//! Tests of the expiry: rollbacks and releases that end a hotfix.

use super::*;
use crate::domain::playbook::StepKind;
use crate::domain::service::EnvironmentPlan;
use crate::fixture::{Play, commit, environment, live, production, voted};

fn superseded(state: &mut Hotfix) {
    state.superseded.insert(production(), commit("9999999"));
}

fn rolled_back(state: &mut Hotfix) {
    state.deploys.last_mut().unwrap().intent.rollback = true;
}

fn rolled_in(state: &mut Hotfix) {
    state.rolled_in = true;
}

/// Adds a second production that gets the same deployments.
fn two(state: &mut Hotfix) {
    let plan = EnvironmentPlan { name: environment("us"), ..state.plan.environments[1].clone() };
    state.plan.environments.push(plan);
    let mut step = state.plan.steps[11].clone();
    if let StepKind::Deploy { environment: to, .. } = &mut step.kind {
        *to = environment("us");
    }
    state.plan.steps.push(step);
    let mut deploy = state.deploys.last().unwrap().clone();
    deploy.intent.environment = environment("us");
    state.deploys.insert(0, deploy);
}

fn of(play: &Play) -> Progress {
    progress(&play.state)
}

const RELEASED: &str = "a release that has the fix took its place";
const BACK: &str = "production is back at what it ran before";

/// A hotfix is live until a release or a rollback replaces it on every production (HOCS-34, HOCS-37).
#[test]
fn a_hotfix_stands_until_it_is_released_or_taken_back() {
    let stands = |names: &[&str]| Progress::Waiting(Wait::Expiry(names.iter().map(|name| environment(name)).collect()));
    assert_eq!(of(&live()), stands(&["production"]));
    assert_eq!(of(&live().changed(superseded)), Progress::done(RELEASED));
    assert_eq!(of(&live().changed(rolled_back)), Progress::done(BACK));
    assert_eq!(of(&live().changed(superseded).changed(rolled_back)), Progress::done(RELEASED));
    assert_eq!(of(&live().changed(two)), stands(&["production", "us"]));
    assert_eq!(of(&live().changed(two).changed(superseded)), stands(&["us"]));
    assert_eq!(of(&live().changed(two).changed(rolled_back)), stands(&["us"]));
}

/// A fix that was rolled into the regular release waits for the release on every production.
#[test]
fn a_fix_that_was_rolled_in_waits_for_the_release_everywhere() {
    let waits = |names: &[&str]| Progress::Waiting(Wait::Release(names.iter().map(|name| environment(name)).collect()));
    assert_eq!(of(&voted().changed(rolled_in)), waits(&["production"]));
    assert_eq!(of(&live().changed(rolled_in)), waits(&["production"]));
    assert_eq!(of(&voted().changed(rolled_in).changed(superseded)), Progress::done(RELEASED));
    assert_eq!(of(&live().changed(two).changed(rolled_in).changed(superseded)), waits(&["us"]));
}

#[test]
fn it_was_taken_back_when_nothing_of_it_is_left_and_no_release_came() {
    assert!(reverted(&live().changed(rolled_back).state));
    assert!(reverted(&voted().state), "it never was there");
    assert!(!reverted(&live().state));
    assert!(!reverted(&live().changed(superseded).changed(rolled_back).state));
}
