//! Checks that a playbook fits a service: its environments exist, nothing is deployed without approval, and commits
//! that are deployed before they are on mainline are merged back.

use hotfix_adapters::deploy::names_image;
use hotfix_adapters::ids::Environment;

use super::super::diagnostic::{At, Diagnostic, Diagnostics};
use super::super::mechanism::MechanismConfig;
use super::super::read::{RawEnvironment, RawPlaybook, RawService, RawStep};
use super::super::reader::listed;
use super::service::group_of;
use crate::domain::plan::environment_of;
use crate::domain::playbook::{BranchRole, CapabilityKind, Level, StepKind};
use crate::policy::Policy;

/// Checks a playbook for a service that names it at `at`.
pub(super) fn fit(service: &RawService, at: At, playbook: &RawPlaybook, policy: Option<&Policy>, sink: &Diagnostics) {
    check_path(service, at, &playbook.steps, policy, sink);
    // A path that its capability gate keeps closed may name environments that do not exist yet.
    let opens = CapabilityKind::ALL.iter().all(|kind| service.capabilities.contains_key(kind));
    if opens && !playbook.exceptional.is_empty() {
        check_path(service, at, &playbook.exceptional, policy, sink);
    }
}

fn check_path(service: &RawService, at: At, steps: &[RawStep], policy: Option<&Policy>, sink: &Diagnostics) {
    let present: Vec<&RawStep> = steps.iter().filter(|step| stays(service, at, step, sink)).collect();
    if present.iter().any(|step| step.kind.is_none()) || service.environments.is_empty() {
        return;
    }
    if let Some(policy) = policy {
        check_approvals(service, at, &present, policy, sink);
    }
    check_verifications(service, at, &present, sink);
    check_images(service, at, &present, sink);
    check_return(service, at, &present, sink);
}

/// Returns `true` if a step is part of the plan. If its environment does not exist, the step is omitted, which is a
/// fault unless the step is optional or has `if_present`.
fn stays(service: &RawService, at: At, step: &RawStep, sink: &Diagnostics) -> bool {
    let Some(kind) = &step.kind else { return true };
    let Some(environment) = environment_of(&kind.value) else {
        return true;
    };
    let names: Vec<&str> = service.environments.iter().map(|known| known.name.value.as_str()).collect();
    if meant(service, environment).next().is_some() {
        return true;
    }
    let optional = step.level.as_ref().is_some_and(|level| matches!(level.value, Level::Should | Level::May));
    let if_present = step.if_present.as_ref().is_some_and(|flag| flag.value);
    if !optional && !if_present && !names.is_empty() {
        let what = format!("a step needs the environment {environment}, which {} has not", service.name);
        let next = format!("it has {}; add the environment, or write `if_present = true` in the step", listed(&names));
        sink.add(Diagnostic::at(kind.at, what, "this environment", next).see(at, "follows this playbook"));
    }
    false
}

/// Returns the environments that a step applies to: the one with that name, or all of that group.
fn meant<'a>(service: &'a RawService, named: &'a Environment) -> impl Iterator<Item = &'a RawEnvironment> {
    let by_name = service.environments.iter().any(|known| &known.name.value == named);
    service
        .environments
        .iter()
        .filter(move |known| if by_name { &known.name.value == named } else { group_of(known).as_ref() == Some(named) })
}

/// Checks that every deployment for which the policy requires votes has an approval step before it.
fn check_approvals(service: &RawService, at: At, steps: &[&RawStep], policy: &Policy, sink: &Diagnostics) {
    let mut deployed_production = false;
    for (index, environment, place) in deployments(steps) {
        let production = is_production(service, environment);
        deployed_production |= production;
        let votes = meant(service, environment)
            .any(|one| !policy.approval(&service.name, &one.name.value, one.production).rules.is_empty());
        let before = steps.iter().take(index);
        if !votes || before.clone().any(|step| approves(step, environment)) {
            continue;
        }
        let what = format!("nothing ships unapproved: {environment} is deployed without a vote");
        let next = format!("put a step with kind = \"approve\" and environment = \"{environment}\" above it");
        let mut fault = Diagnostic::at(place, what, "deployed here", next).see(at, "follows this playbook");
        let late =
            steps.iter().skip(index).find(|step| approves(step, environment)).and_then(|step| step.kind.as_ref());
        if let Some(late) = late {
            fault = fault.see(late.at, "the vote comes too late");
        }
        sink.add(fault);
    }
    if let (false, Some(production)) = (deployed_production, service.environments.iter().find(|known| known.production))
    {
        let what = format!("the playbook never deploys to {}", production.name.value);
        let next = format!("add a step with kind = \"deploy\" and environment = \"{}\"", production.name.value);
        sink.add(Diagnostic::at(at, what, "this playbook", next).see(production.name.at, "production of this service"));
    }
}

/// Checks that an environment is verified only after this run has deployed to it.
fn check_verifications(service: &RawService, at: At, steps: &[&RawStep], sink: &Diagnostics) {
    for (index, step) in steps.iter().enumerate() {
        let Some(kind) = step.kind.as_ref().filter(|kind| matches!(kind.value, StepKind::Verify { .. })) else {
            continue;
        };
        let Some(environment) = environment_of(&kind.value) else {
            continue;
        };
        // Deployments by others were already confirmed to contain the fix.
        let reached = |step: &&&RawStep| matches!(step.kind.as_ref().map(|kind| &kind.value), Some(StepKind::OnEnvironment { environment: e }) if e == environment);
        if steps.iter().take(index).any(|step| reached(&step)) {
            continue;
        }
        if !deployments(steps).any(|(deployed, name, _)| deployed < index && name == environment) {
            let what = format!("{environment} is verified before this run deployed to it");
            let next = format!("put the step that deploys to {environment} above it");
            let follows = format!("{} follows this playbook", service.name);
            sink.add(Diagnostic::at(kind.at, what, "nothing of this run is there yet", next).see(at, follows));
        }
    }
}

/// Checks that a mechanism that uses the image has an image step before it (HOCS-22, HOCS-25). Otherwise every
/// deployment by it would be refused, and `retry` could not help.
fn check_images(service: &RawService, at: At, steps: &[&RawStep], sink: &Diagnostics) {
    for (index, environment, place) in deployments(steps) {
        let is_image = |step: &&RawStep| step.kind.as_ref().is_some_and(|kind| matches!(kind.value, StepKind::Image));
        if service.registry.is_none() || steps.iter().take(index).any(is_image) {
            continue;
        }
        let names = |one: &&RawEnvironment| one.mechanism.iter().flat_map(MechanismConfig::patterns).any(names_image);
        for one in meant(service, environment).filter(names) {
            let what = format!("the deployment to {} names an image, and no step finds it", one.name.value);
            let next = "put a step with kind = \"image\" above it, or leave {tag}, {digest} and {image} out";
            let fault =
                Diagnostic::at(place, what, "deployed here", next).see(one.name.at, "its mechanism names the image");
            sink.add(fault.see(at, "follows this playbook"));
        }
    }
}

/// Checks that commits that reach production before mainline are merged back (APPLY-12, SRE-10, HOCS-35).
fn check_return(service: &RawService, at: At, steps: &[&RawStep], sink: &Diagnostics) {
    let is = |step: &RawStep, wanted: fn(&StepKind) -> bool| step.kind.as_ref().is_some_and(|kind| wanted(&kind.value));
    let branches = steps.iter().any(|step| is(step, |kind| matches!(kind, StepKind::Branch { .. })));
    let production = deployments(steps).find(|(_, environment, _)| is_production(service, environment));
    let Some((index, _, place)) = production.filter(|_| branches) else {
        return;
    };
    let merges = |step: &&RawStep| is(step, |kind| matches!(kind, StepKind::Merge { .. } | StepKind::OnMain));
    // A merge into an integration branch is not a merge into mainline.
    let elsewhere =
        steps.iter().any(|step| is(step, |kind| matches!(kind, StepKind::Branch { which: BranchRole::Integration })));
    let merged = !elsewhere && steps.iter().take(index).any(merges);
    let returned = steps.iter().skip(index).any(|step| is(step, |kind| matches!(kind, StepKind::Mainline { .. })));
    if !merged && !returned {
        let what = "the fix goes to production and never to main: the next release would lose it (APPLY-12)";
        let next = "add a step with kind = \"mainline\" below it, or one with kind = \"merge\" above it";
        sink.add(Diagnostic::at(place, what, "deployed from a branch", next).see(at, "follows this playbook"));
    }
}

/// Returns the deployments of a path: index of the step, environment, and position.
fn deployments<'a>(steps: &'a [&RawStep]) -> impl Iterator<Item = (usize, &'a Environment, At)> {
    steps.iter().enumerate().filter_map(|(index, step)| {
        let kind = step.kind.as_ref().filter(|kind| matches!(kind.value, StepKind::Deploy { .. }))?;
        Some((index, environment_of(&kind.value)?, kind.at))
    })
}

fn approves(step: &RawStep, environment: &Environment) -> bool {
    let kind = step.kind.as_ref();
    kind.is_some_and(|kind| matches!(&kind.value, StepKind::Approve { environment: named } if named == environment))
}

fn is_production(service: &RawService, environment: &Environment) -> bool {
    meant(service, environment).any(|known| known.production)
}
