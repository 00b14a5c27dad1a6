//! Checks of the policy: services and persons exist, and quorums are reachable.

use std::collections::{BTreeMap, BTreeSet};

use super::super::diagnostic::{At, Diagnostic, Diagnostics, Located};
use super::super::read::{Raw, RawPolicy, RawService, RawServicePolicy};
use super::super::reader::nearest;
use super::members::Members;
use super::step_up;
use crate::domain::id::ServiceName;
use crate::domain::service::ApprovalRule;
use crate::policy::{BreakGlassRules, Freeze, Policy, ServicePolicy, Shortfall};

/// Checks the policy and returns the valid form.
pub(super) fn policy(written: &RawPolicy, raw: &Raw, members: &Members<'_>, sink: &Diagnostics) -> Policy {
    let mut services = BTreeMap::new();
    for service in &written.services {
        known_service(&service.name, raw, sink);
        services.insert(service.name.value.clone(), one(service, raw, members, sink));
    }
    for freeze in &written.freezes {
        for service in freeze.services.iter().flatten() {
            known_service(service, raw, sink);
        }
    }
    let freezes = written.freezes.iter().map(|freeze| Freeze {
        services: freeze.services.as_ref().map(|services| services.iter().map(|name| name.value.clone()).collect()),
        from: freeze.from,
        until: freeze.until,
        reason: freeze.reason.clone(),
    });
    let break_glass = written.break_glass.as_ref().and_then(|written| {
        let people = members.resolve(&written.people);
        Some(BreakGlassRules { people, audit: written.audit.clone()? })
    });
    let policy = Policy::new(services, written.quorums.clone(), freezes.collect())
        .with_chat_down(written.chat_down)
        .with_break_glass(break_glass);
    for service in &raw.services {
        check_service(service, written, &policy, raw, sink);
    }
    policy
}

fn one(service: &RawServicePolicy, raw: &Raw, members: &Members<'_>, sink: &Diagnostics) -> ServicePolicy {
    let file = raw.services.iter().find(|known| known.name == service.name.value);
    let named = service.quorums.iter().map(|(environment, _)| environment);
    for environment in named.chain(service.step_up.iter().map(|(environment, _)| environment)) {
        let names = || file.iter().flat_map(|file| &file.environments).map(|known| known.name.value.as_str());
        if file.is_some() && !names().any(|name| name == environment.value.as_str()) {
            let what = format!("{} has no environment {}", service.name.value, environment.value);
            let next = match nearest(environment.value.as_str(), names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", super::super::reader::listed(&names().collect::<Vec<_>>())),
            };
            sink.add(Diagnostic::at(environment.at, what, "unknown environment", next));
        }
    }
    ServicePolicy {
        roles: service.roles.iter().map(|(role, holders)| (*role, members.resolve(holders))).collect(),
        quorums: service.quorums.iter().map(|(name, rules)| (name.value.clone(), rules.value.clone())).collect(),
        step_up: service.step_up.iter().map(|(name, asked)| (name.value.clone(), asked.value)).collect(),
    }
}

fn known_service(name: &Located<ServiceName>, raw: &Raw, sink: &Diagnostics) {
    if raw.service_names.contains(&name.value) {
        return;
    }
    let next = match nearest(name.value.as_str(), raw.service_names.iter().map(ServiceName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write services/{}.toml", name.value),
    };
    sink.add(Diagnostic::at(name.at, format!("there is no service {}", name.value), "unknown service", next));
}

/// Checks that a service has a policy and that each of its quorums is reachable.
fn check_service(service: &RawService, written: &RawPolicy, policy: &Policy, raw: &Raw, sink: &Diagnostics) {
    let own = written.services.iter().find(|own| own.name.value == service.name);
    let Some(own) = own else {
        let what = format!("policy.toml says nothing of {}: nobody could start a hotfix of it", service.name);
        let next = format!("add [services.{}.roles] to policy.toml", service.name);
        sink.add(Diagnostic::at(service.at, what, "this service", next));
        return;
    };
    // Without the list of persons, voters cannot be counted.
    let Some(people) = &raw.people else { return };
    if let (Some(glass), Some(breaker)) = (&written.break_glass, policy.unreviewable(people, &service.name)) {
        let what = format!("when {breaker} breaks the glass of {}, nobody could review that", service.name);
        let next = "give the role approver to somebody else as well, or do not list them";
        sink.add(Diagnostic::at(glass.at, what, "lists them", next).see(own.name.at, "has no other approver"));
    }
    for environment in &service.environments {
        let name = &environment.name.value;
        let special = own.quorums.iter().find(|(known, _)| &known.value == name).map(|(_, rules)| rules.at);
        let usual = if environment.production { written.production_at } else { written.other_at };
        let rules = policy.approval(&service.name, name, environment.production).rules;
        if let Some(shortfall) = policy.shortfall(people, &service.name, &rules) {
            let what =
                format!("nothing could ever be deployed to {name} of {}: the quorum cannot be reached", service.name);
            let places = (special.unwrap_or(usual), own.name.at);
            sink.add(unreachable(what, places, &rules, &shortfall));
        }
        let asked = own.step_up.iter().find(|(known, _)| &known.value == name).map(|(_, asked)| asked.at);
        let places = (asked.or(written.step_up_at).unwrap_or(usual), own.name.at);
        step_up::check((service, environment), (raw, policy, people), places, sink);
    }
}

fn unreachable(what: String, (quorum, roles): (At, At), rules: &[ApprovalRule], shortfall: &Shortfall) -> Diagnostic {
    let names: BTreeSet<&str> = shortfall.roles.iter().map(|role| role.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(" or ");
    let votes: u32 = rules.iter().map(|rule| rule.count).sum();
    let label = format!("asks for {votes} {}", if votes == 1 { "vote" } else { "votes" });
    let there = match shortfall.there {
        0 => "nobody".to_owned(),
        1 => "one person".to_owned(),
        many => format!("{many} people"),
    };
    let next = "give the role to more people, or ask for fewer votes; the requester's own vote never counts";
    Diagnostic::at(quorum, what, label, next)
        .see(roles, format!("as {names}, {there} can vote of {} wanted", shortfall.wanted))
}
