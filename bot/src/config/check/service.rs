//! Checks of a service: its environments, its playbook, and that the two fit together.

use std::collections::{BTreeMap, BTreeSet};

use super::super::ConfiguredService;
use super::super::diagnostic::Located;
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::integrations::ClusterConfig;
use super::super::mechanism::{ForgeConfig, MechanismConfig, ProbeConfig};
use super::super::read::{Member, Raw, RawEnvironment, RawService};
use super::super::reader::{listed, nearest};
use super::members::Members;
use super::steps;
use hotfix_adapters::deploy::promotion::Target;
use hotfix_adapters::deploy::{names_image, names_previous};
use hotfix_adapters::ids::Environment;

use crate::domain::id::{PersonId, PlaybookId, ServiceName};
use crate::domain::playbook::WATCH;
use crate::domain::service::{EnvironmentPlan, Service, TargetPlan};
use crate::policy::Policy;

/// Returns all services; `None` if one is invalid.
pub(super) fn all(
    raw: &Raw,
    policy: Option<&Policy>,
    members: &Members<'_>,
    sink: &Diagnostics,
) -> Option<BTreeMap<ServiceName, ConfiguredService>> {
    let mut services = Some(BTreeMap::new());
    for service in &raw.services {
        let whole = check_environments(service, sink);
        check_patterns(service, sink);
        check_probes(service, sink);
        check_forges(service, raw, sink);
        // The playbook can be checked only against valid environments.
        check_playbook(service, raw, policy.filter(|_| whole), sink);
        let team = members.resolve(&service.team);
        if service.team.is_empty() {
            let what = format!("nobody would be told of a hotfix of {}", service.name);
            sink.add(Diagnostic::at(
                service.at,
                what,
                "its `team` is empty",
                "name people or a group in `team` (APPLY-15)",
            ));
        }
        let party = |(name, people): &(String, Vec<Located<Member>>)| {
            (name.clone(), members.resolve(people).into_iter().collect())
        };
        let parties = service.parties.iter().map(party).collect();
        let valid = policy.and_then(|policy| valid(service, policy, team.into_iter().collect(), parties));
        services = services.zip(valid).map(|(mut all, one)| {
            all.insert(service.name.clone(), one);
            all
        });
    }
    services
}

fn valid(
    service: &RawService,
    policy: &Policy,
    team: Vec<PersonId>,
    parties: BTreeMap<String, Vec<PersonId>>,
) -> Option<ConfiguredService> {
    let mut mechanisms = BTreeMap::new();
    for environment in &service.environments {
        mechanisms.insert(environment.name.value.clone(), environment.mechanism.clone()?);
    }
    let environments = service.environments.iter().map(|environment| planned(service, environment, policy));
    Some(ConfiguredService {
        service: Service {
            name: service.name.clone(),
            about: service.about.clone()?,
            kind: service.kind,
            promote_with: service.promote_with.as_ref().map(|playbook| playbook.value.clone()),
            lenient_checks: service.lenient_checks.clone(),
            parties,
            has_registry: service.registry.is_some(),
            repo: service.repo.as_ref()?.value.clone(),
            main: service.main.as_ref()?.value.clone(),
            playbook: service.playbook.as_ref()?.value.clone(),
            channel: service.channel.clone()?,
            environments: environments.collect(),
            team,
            release_blockers: service.release_blockers.clone(),
            hold_labels: service.hold_labels.clone(),
            required_checks: service.required_checks.clone(),
        },
        forge: service.forge.clone()?,
        registry: service.registry.clone(),
        clusters: clusters(service),
        mechanisms,
        capabilities: service.capabilities.iter().map(|(kind, config)| (*kind, config.value.clone())).collect(),
    })
}

fn planned(service: &RawService, environment: &RawEnvironment, policy: &Policy) -> EnvironmentPlan {
    EnvironmentPlan {
        name: environment.name.value.clone(),
        group: group_of(environment),
        production: environment.production,
        never: environment.never.clone(),
        mechanism: environment.mechanism.as_ref().map(MechanismConfig::in_words).unwrap_or_default(),
        approval: policy.approval(&service.name, &environment.name.value, environment.production),
        targets: targets(environment),
    }
}

fn targets(environment: &RawEnvironment) -> Vec<TargetPlan> {
    let Some(MechanismConfig::Promotion(promotion)) = &environment.mechanism else {
        return Vec::new();
    };
    let target = |target: &Target| TargetPlan { name: target.name.clone(), production: target.production };
    promotion.targets.iter().map(target).collect()
}

fn clusters(service: &RawService) -> BTreeMap<Environment, Vec<ClusterConfig>> {
    let with = service.environments.iter().filter(|environment| !environment.clusters.is_empty());
    with.map(|environment| (environment.name.value.clone(), environment.clusters.clone())).collect()
}

/// Returns the group name of an environment; `production` for every production environment without one.
pub(super) fn group_of(environment: &RawEnvironment) -> Option<Environment> {
    let said = environment.group.as_ref().map(|group| group.value.clone());
    said.or_else(|| Environment::parse("production").ok().filter(|_| environment.production))
}

/// Checks that names are unique and that there is a production environment. Returns `true` if there is one.
fn check_environments(service: &RawService, sink: &Diagnostics) -> bool {
    let (mut seen, mut production) = (BTreeMap::new(), None);
    for environment in &service.environments {
        let name = &environment.name;
        if let Some(first) = seen.insert(name.value.clone(), name.at) {
            let what = format!("{} has the environment {} twice", service.name, name.value);
            sink.add(Diagnostic::at(name.at, what, "named again", "rename one of them").see(first, "named here"));
        }
        if name.value.as_str() == "local" || name.value.as_str() == WATCH {
            let what = format!("an environment cannot be called {}", name.value);
            let next = format!("`{}` is a place of its own in `verify`; choose another name", name.value);
            sink.add(Diagnostic::at(name.at, what, "taken", next));
        }
        if environment.production {
            production = Some(name.at);
        }
        if let (true, Some(never)) = (environment.production, &environment.never) {
            let what = format!("nothing could ever be deployed to production: {}", never.reason);
            sink.add(Diagnostic::at(
                name.at,
                what,
                "production, and never deployed to",
                "take `never` or `production` out",
            ));
        }
    }
    if production.is_none() && !service.environments.is_empty() {
        let what = format!("{} has no production environment", service.name);
        sink.add(Diagnostic::at(
            service.at,
            what,
            "this service",
            "write `production = true` in one of its [[environment]]",
        ));
    }
    production.is_some()
}

/// Checks that the placeholders of a mechanism can be filled in: image placeholders need a registry, and `{previous}`
/// needs a source of the running commit.
fn check_patterns(service: &RawService, sink: &Diagnostics) {
    for environment in &service.environments {
        let Some(mechanism) = &environment.mechanism else { continue };
        let (name, patterns) = (&environment.name, mechanism.patterns());
        if service.registry.is_none() && patterns.iter().any(|text| names_image(text)) {
            let what = format!("the deployment to {} names an image, and {} has no registry", name.value, service.name);
            let next = "add [registry] to the service, or leave {tag}, {digest} and {image} out";
            sink.add(Diagnostic::at(name.at, what, "deployed like this", next));
        }
        let told = mechanism.tells_what_runs() || !environment.clusters.is_empty();
        if !told && patterns.iter().any(|text| names_previous(text)) {
            let what =
                format!("the deployment to {0} names what ran before, and nothing tells what {0} runs", name.value);
            let own = match mechanism {
                MechanismConfig::Command(_) | MechanismConfig::Tag { .. } => "`running` to its `deploy` or ",
                MechanismConfig::Workflow(_) => "`deployments` to its `deploy` or ",
                MechanismConfig::Manual { .. }
                | MechanismConfig::Pipeline(_)
                | MechanismConfig::Drone(_)
                | MechanismConfig::Promotion(_) => "",
            };
            let next = format!("add {own}an [[environment.cluster]], or leave {{previous}} out");
            sink.add(Diagnostic::at(name.at, what, "deployed like this", next));
        }
    }
}

/// Checks that the forges that a service names exist.
fn check_forges(service: &RawService, raw: &Raw, sink: &Diagnostics) {
    let promotes = service.environments.iter().filter_map(|environment| match &environment.mechanism {
        Some(MechanismConfig::Promotion(promotion)) => promotion.forge.as_ref(),
        Some(_) | None => None,
    });
    let own = match &service.forge {
        Some(ForgeConfig::Named(name)) => Some(name),
        Some(ForgeConfig::Local) | None => None,
    };
    for name in own.into_iter().chain(promotes).filter(|name| !raw.forges.contains_key(*name)) {
        let known: Vec<&str> = raw.forges.keys().map(String::as_str).collect();
        let next = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("add [forges.{name}] to hotfix.toml"),
        };
        let what = format!("{} names the forge {name}, which is not there", service.name);
        sink.add(Diagnostic::at(service.at, what, "this service", next));
    }
}

fn check_probes(service: &RawService, sink: &Diagnostics) {
    let names: Vec<&str> = service.environments.iter().map(|environment| environment.name.value.as_str()).collect();
    for capability in service.capabilities.values() {
        match &capability.value.probe {
            ProbeConfig::Environment(environment) if !names.contains(&environment.as_str()) => {
                let what = format!("{} has no environment {environment} to probe", service.name);
                let next = format!("it has {}", listed(&names));
                sink.add(Diagnostic::at(capability.at, what, "probes it here", next));
            }
            ProbeConfig::Environment(_) | ProbeConfig::Command(_) => {}
        }
    }
}

fn check_playbook(service: &RawService, raw: &Raw, policy: Option<&Policy>, sink: &Diagnostics) {
    for wanted in service.playbook.iter().chain(&service.promote_with) {
        check_one_playbook(service, wanted, raw, policy, sink);
    }
}

fn check_one_playbook(
    service: &RawService,
    wanted: &Located<PlaybookId>,
    raw: &Raw,
    policy: Option<&Policy>,
    sink: &Diagnostics,
) {
    if !raw.playbook_names.contains(&wanted.value) {
        let names: BTreeSet<&str> = raw.playbook_names.iter().map(PlaybookId::as_str).collect();
        let next = match nearest(wanted.value.as_str(), names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", listed(&names.into_iter().collect::<Vec<_>>())),
        };
        sink.add(Diagnostic::at(wanted.at, format!("there is no playbook {}", wanted.value), "unknown playbook", next));
    }
    if let Some(playbook) = raw.playbooks.iter().find(|playbook| playbook.id == wanted.value) {
        steps::fit(service, wanted.at, playbook, policy, sink);
    }
}
