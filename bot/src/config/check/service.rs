//! A service: its environments, its playbook, and whether the two fit.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ConfiguredService;
use super::super::fault::{Fault, Sink};
use super::super::mechanism::{MechanismConfig, Probe};
use super::super::read::{Raw, RawEnvironment, RawService};
use super::super::reader::{listed, nearest};
use super::members::Members;
use super::steps;
use crate::domain::id::{PlaybookId, ServiceName};
use crate::domain::service::{EnvironmentPlan, Service};
use crate::policy::Policy;

/// All services; `None` when one is not valid.
pub(super) fn all(
    raw: &Raw,
    policy: Option<&Policy>,
    members: &Members<'_>,
    sink: &Sink,
) -> Option<BTreeMap<ServiceName, ConfiguredService>> {
    let mut services = Some(BTreeMap::new());
    for service in &raw.services {
        let whole = check_environments(service, sink);
        check_probes(service, sink);
        // Whether a playbook fits environments that are wrong themselves, nobody can say.
        check_playbook(service, raw, policy.filter(|_| whole), sink);
        let team = members.resolve(&service.team);
        if service.team.is_empty() {
            let what = format!("nobody would be told of a hotfix of {}", service.name);
            sink.add(Fault::at(service.at, what, "its `team` is empty", "name people or a group in `team` (APPLY-15)"));
        }
        let valid = policy.and_then(|policy| valid(service, policy, team.into_iter().collect()));
        services = services.zip(valid).map(|(mut all, one)| {
            all.insert(service.name.clone(), one);
            all
        });
    }
    services
}

fn valid(service: &RawService, policy: &Policy, team: Vec<crate::domain::id::PersonId>) -> Option<ConfiguredService> {
    let mut mechanisms = BTreeMap::new();
    for environment in &service.environments {
        mechanisms.insert(environment.name.value.clone(), environment.mechanism.clone()?);
    }
    let environments = service.environments.iter().map(|environment| planned(service, environment, policy));
    Some(ConfiguredService {
        service: Service {
            name: service.name.clone(),
            about: service.about.clone()?,
            repo: service.repo.as_ref()?.value.clone(),
            main: service.main.as_ref()?.value.clone(),
            playbook: service.playbook.as_ref()?.value.clone(),
            channel: service.channel.clone()?,
            environments: environments.collect(),
            team,
            release_blockers: service.release_blockers.clone(),
            required_checks: service.required_checks.clone(),
        },
        forge: service.forge?,
        mechanisms,
        capabilities: service.capabilities.iter().map(|(kind, config)| (*kind, config.value.clone())).collect(),
    })
}

fn planned(service: &RawService, environment: &RawEnvironment, policy: &Policy) -> EnvironmentPlan {
    EnvironmentPlan {
        name: environment.name.value.clone(),
        production: environment.production,
        mechanism: environment.mechanism.as_ref().map(MechanismConfig::in_words).unwrap_or_default(),
        approval: policy.approval(&service.name, &environment.name.value, environment.production),
    }
}

/// Distinct names, and exactly one production; answers whether there is exactly one.
fn check_environments(service: &RawService, sink: &Sink) -> bool {
    let (mut seen, mut production, mut productions) = (BTreeMap::new(), None, 0);
    for environment in &service.environments {
        let name = &environment.name;
        if let Some(first) = seen.insert(name.value.clone(), name.at) {
            let what = format!("{} has the environment {} twice", service.name, name.value);
            sink.add(Fault::at(name.at, what, "named again", "rename one of them").see(first, "named here"));
        }
        if name.value.as_str() == "local" {
            let what = "an environment cannot be called local";
            sink.add(Fault::at(
                name.at,
                what,
                "taken",
                "`local` is a developer's machine in `verify`; choose another name",
            ));
        }
        if environment.production {
            productions += 1;
            if let Some(first) = production.replace(name.at) {
                let what = format!("{} has two production environments", service.name);
                let next = "keep `production = true` on one; two productions are two services";
                sink.add(Fault::at(name.at, what, "a second one", next).see(first, "the first one"));
            }
        }
    }
    if production.is_none() && !service.environments.is_empty() {
        let what = format!("{} has no production environment", service.name);
        sink.add(Fault::at(
            service.at,
            what,
            "this service",
            "write `production = true` in one of its [[environment]]",
        ));
    }
    productions == 1
}

fn check_probes(service: &RawService, sink: &Sink) {
    let names: Vec<&str> = service.environments.iter().map(|environment| environment.name.value.as_str()).collect();
    for capability in service.capabilities.values() {
        match &capability.value.probe {
            Probe::Environment(environment) if !names.contains(&environment.as_str()) => {
                let what = format!("{} has no environment {environment} to probe", service.name);
                let next = format!("it has {}", listed(&names));
                sink.add(Fault::at(capability.at, what, "probes it here", next));
            }
            Probe::Environment(_) | Probe::Command(_) => {}
        }
    }
}

fn check_playbook(service: &RawService, raw: &Raw, policy: Option<&Policy>, sink: &Sink) {
    let Some(wanted) = &service.playbook else { return };
    if !raw.playbook_names.contains(&wanted.value) {
        let names: BTreeSet<&str> = raw.playbook_names.iter().map(PlaybookId::as_str).collect();
        let next = match nearest(wanted.value.as_str(), names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", listed(&names.into_iter().collect::<Vec<_>>())),
        };
        sink.add(Fault::at(wanted.at, format!("there is no playbook {}", wanted.value), "unknown playbook", next));
    }
    if let Some(playbook) = raw.playbooks.iter().find(|playbook| playbook.id == wanted.value) {
        steps::fit(service, wanted.at, playbook, policy, sink);
    }
}
