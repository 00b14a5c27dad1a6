//! Tests of `--only`: the steps that remain in a plan, and its effect on production.

use std::collections::BTreeMap;

use super::*;
use crate::domain::playbook::{ServiceKind, Trigger};
use crate::domain::service::{Approval, RequiredChecks, TargetPlan};
use crate::fixture::{begun, spec};

fn environment(name: &str, production: bool, targets: &[(&str, bool)]) -> EnvironmentPlan {
    let target = |(name, production): &(&str, bool)| TargetPlan { name: (*name).to_owned(), production: *production };
    EnvironmentPlan {
        name: name.parse().unwrap(),
        group: None,
        production,
        mechanism: String::new(),
        approval: Approval::default(),
        targets: targets.iter().map(target).collect(),
        never: None,
    }
}

fn service() -> Service {
    Service {
        name: "reports".parse().unwrap(),
        about: String::new(),
        kind: ServiceKind::App,
        repo: "team/reports".parse().unwrap(),
        main: "main".parse().unwrap(),
        playbook: "app-sre".parse().unwrap(),
        promote_with: None,
        channel: "reports".parse().unwrap(),
        environments: vec![
            environment("schemas", false, &[("schemas", false)]),
            environment("west", true, &[("prod", true), ("ci", false)]),
            environment("east", true, &[("prod-east", true)]),
        ],
        team: Vec::new(),
        release_blockers: Vec::new(),
        hold_labels: Vec::new(),
        required_checks: RequiredChecks::None,
        lenient_checks: Vec::new(),
        parties: BTreeMap::new(),
        has_registry: false,
    }
}

fn steps() -> Vec<StepSpec> {
    let mut steps = vec![spec("schema", "Schemas", deploy("schemas", Artifact::Schema))];
    for name in ["west", "east"] {
        let environment: Environment = name.parse().unwrap();
        let place = crate::domain::playbook::VerifyPlace::Environment(environment.clone());
        let look = StepKind::Verify { place, question: String::new(), by: Vec::new() };
        steps.push(spec(&format!("agree-{name}"), &format!("Agree to {name}"), StepKind::Approve { environment }));
        steps.push(spec(&format!("to-{name}"), "Promote", deploy(name, Artifact::Fix)));
        steps.push(spec(&format!("look-{name}"), "Look", look));
    }
    steps
}

fn deploy(environment: &str, what: Artifact) -> StepKind {
    StepKind::Deploy { environment: environment.parse().unwrap(), trigger: Trigger::Auto, what }
}

fn left(only: &[&str]) -> Result<Vec<String>, Refusal> {
    left_of(steps(), only)
}

fn left_of(steps: Vec<StepSpec>, only: &[&str]) -> Result<Vec<String>, Refusal> {
    let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
    let steps = narrowed(steps, &only, &service())?;
    Ok(steps.into_iter().map(|step| format!("{}: {}", step.id, step.title)).collect())
}

/// PROMO-8: environments without a named target are left out, and an unchanged production is not read.
#[test]
fn what_is_not_named_is_left_out() {
    assert_eq!(left(&[]).unwrap().len(), 7);
    let west = ["schema: Schemas", "agree-west: Agree to west", "to-west: Promote", "look-west: Look"];
    assert_eq!(left(&["prod"]).unwrap(), west);
    assert_eq!(left(&["prod", "ci"]).unwrap(), west);
    assert_eq!(left(&["ci"]).unwrap(), ["schema: Schemas", "agree-west: Agree to ci", "to-west: Promote"]);
}

/// HOCS-3: a run for one of several productions leaves out the others.
#[test]
fn the_other_production_is_left_out() {
    let whole = ["schema: Schemas", "agree-east: Agree to east", "to-east: Promote", "look-east: Look"];
    assert_eq!(left(&["east"]).unwrap(), whole);
    assert_eq!(left(&["east", "west"]).unwrap().len(), 7);
}

#[test]
fn a_target_that_is_not_there_is_refused_by_name() {
    // Schemas are promoted by their own command.
    let promotion = [vec![spec("target", "What", StepKind::Target)], steps()].concat();
    let refusal = left_of(promotion, &["ci", "cli", "schemas"]).unwrap_err();
    assert_eq!(refusal.code, "promotion.target");
    assert_eq!(refusal.reason, "reports has no targets cli, schemas to promote.");
    assert_eq!(refusal.next, "It has: prod, ci, prod-east, west, east.");
}

/// The refusal for a hotfix does not mention promotion.
#[test]
fn what_is_not_there_is_refused_in_the_words_of_the_run() {
    let refusal = left(&["cli"]).unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.requirement), ("only.unknown", None));
    assert_eq!(refusal.reason, "reports has nothing called cli to which a fix could be deployed alone.");
}

/// A single production cannot be named, because nothing would be left out.
#[test]
fn a_single_production_is_not_among_what_can_be_named() {
    let only_west: Vec<StepSpec> = steps().into_iter().filter(|step| !step.id.as_str().ends_with("east")).collect();
    assert_eq!(left_of(only_west.clone(), &["cli"]).unwrap_err().next, "It has: prod, ci.");
    let promotion = [vec![spec("target", "What", StepKind::Target)], only_west].concat();
    let refusal = left_of(promotion, &["cli"]).unwrap_err();
    assert_eq!(refusal.reason, "reports has no target cli to promote.");
    assert_eq!(refusal.requirement, "PROMO-8".parse().ok());
}

#[test]
fn what_has_no_parts_is_deployed_whole() {
    let next = |steps| left_of(steps, &["cli"]).unwrap_err().next;
    assert_eq!(
        next(vec![spec("schema", "Schemas", deploy("schemas", Artifact::Schema))]),
        "It is deployed whole: leave --only out."
    );
    assert_eq!(next(vec![spec("target", "What", StepKind::Target)]), "It is promoted whole: leave --only out.");
}

/// Returns the plan of a run that promotes only these targets.
fn plan(only: &[&str]) -> Plan {
    let mut plan = begun().state.plan;
    plan.environments = service().environments;
    plan.steps = steps();
    plan.only = only.iter().map(|name| (*name).to_owned()).collect();
    plan
}

/// Returns the changed targets of an environment, `true` if they include production, and its name in texts.
fn place(only: &[&str], name: &str) -> (Vec<String>, bool, String) {
    let (plan, name) = (plan(only), name.parse().unwrap());
    (plan.only_in(&name), plan.reaches_production(&name), plan.place(&name))
}

#[test]
fn a_deployment_reaches_production_unless_all_its_targets_are_others() {
    let is = |targets: &[&str], production, words: &str| {
        (targets.iter().map(|name| (*name).to_owned()).collect(), production, words.to_owned())
    };
    assert_eq!(place(&[], "west"), is(&[], true, "west"));
    assert_eq!(place(&["prod"], "west"), is(&["prod"], true, "west (only prod)"));
    assert_eq!(place(&["ci"], "west"), is(&["ci"], false, "ci"));
    assert_eq!(place(&["ci", "prod"], "west"), is(&["prod", "ci"], true, "west (only prod, ci)"));
    assert_eq!(place(&["ci"], "east"), is(&[], true, "east"));
    assert_eq!(place(&[], "schemas"), is(&[], false, "schemas"), "it is no production");
    assert_eq!(place(&[], "moon"), is(&[], false, "moon"));
    let mut both = plan(&["a", "b"]);
    both.environments[1].targets =
        ["a", "b"].map(|name| TargetPlan { name: name.to_owned(), production: false }).into();
    assert_eq!(both.place(&"west".parse().unwrap()), "a and b");
}

#[test]
fn production_is_left_as_it_is_when_no_deployment_reaches_it() {
    let leaves = |only: &[&str], lane: &str| {
        let mut plan = plan(only);
        plan.steps.retain(|step| step.id.as_str() == lane);
        plan.leaves_production()
    };
    assert!(leaves(&["ci"], "to-west") && !leaves(&["prod"], "to-west"));
    assert!(!leaves(&[], "to-west"));
    assert!(!leaves(&[], "schema"), "it is no promotion of some targets alone");
    assert!(leaves(&["schemas"], "schema"));
    assert!(!plan(&["ci"]).leaves_production(), "the other production is reached");
}
