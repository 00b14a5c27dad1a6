//! Checks of step-up: if votes need a review on the forge, the forge must support reviews and every voter must have an
//! account there (security case 39).

use std::collections::BTreeSet;

use hotfix_adapters::ids::Platform;

use super::super::diagnostic::{At, Diagnostic, Diagnostics};
use super::super::integrations::HostKind;
use super::super::mechanism::ForgeConfig;
use super::super::read::{Raw, RawEnvironment, RawPlaybook, RawService, RawStep};
use crate::domain::id::PersonId;
use crate::domain::people::People;
use crate::domain::playbook::StepKind;
use crate::policy::Policy;

/// Checks one environment of a service. `places` are the positions of the step-up and of the service's policy.
pub(super) fn check(
    (service, environment): (&RawService, &RawEnvironment),
    (raw, policy, people): (&Raw, &Policy, &People),
    places: (At, At),
    sink: &Diagnostics,
) {
    let name = &environment.name.value;
    let approval = policy.approval(&service.name, name, environment.production);
    if approval.step_up.is_none() || approval.rules.is_empty() {
        return;
    }
    for playbook in without_a_pull(service, raw) {
        let what =
            format!("votes for {name} of {} are to be backed by a review, and nothing could be reviewed", service.name);
        let next = "take the step-up out for this environment, or follow a playbook with a pull request";
        let label = format!("the playbook {} opens no pull request", playbook.id);
        sink.add(Diagnostic::at(places.0, what, "asks for a review", next).see(playbook.at, label));
    }
    let Some(platform) = platform(service, raw) else { return };
    let voters: BTreeSet<PersonId> = approval
        .rules
        .iter()
        .flat_map(|rule| policy.active_holders(people, &service.name, rule.role))
        .filter(|voter| people.get(voter).is_some_and(|person| person.account(platform).is_none()))
        .collect();
    if voters.is_empty() {
        return;
    }
    let names: Vec<&str> = voters.iter().map(PersonId::as_str).collect();
    let what = format!(
        "votes for {name} of {} are to be backed by a review, and these voters have no account for it: {}",
        service.name,
        names.join(", ")
    );
    let next = format!("give each a `{}` in people.toml, or take the role from them", key(platform));
    sink.add(Diagnostic::at(places.0, what, "asks for a review", next).see(places.1, "says who votes"));
}

/// Returns the playbooks of a service that open no pull request, and so have nothing to review.
fn without_a_pull<'a>(service: &RawService, raw: &'a Raw) -> Vec<&'a RawPlaybook> {
    let opens = |steps: &[RawStep]| {
        let pull = |step: &RawStep| {
            step.kind.as_ref().is_some_and(|kind| matches!(kind.value, StepKind::Change { pull: true, .. }))
        };
        steps.is_empty() || steps.iter().any(pull)
    };
    let followed = service.playbook.iter().chain(&service.promote_with);
    let known = followed.filter_map(|wanted| raw.playbooks.iter().find(|playbook| playbook.id == wanted.value));
    known.filter(|playbook| !opens(&playbook.steps) || !opens(&playbook.exceptional)).collect()
}

/// Returns the platform of the reviewers' accounts; `None` if the forge is unknown, which is reported elsewhere.
fn platform(service: &RawService, raw: &Raw) -> Option<Platform> {
    match service.forge.as_ref()? {
        ForgeConfig::Local => Some(Platform::Git),
        ForgeConfig::Named(name) => match raw.forges.get(name)?.kind {
            HostKind::GitHub { .. } => Some(Platform::Github),
            HostKind::GitLab { .. } => Some(Platform::Gitlab),
        },
    }
}

fn key(platform: Platform) -> &'static str {
    match platform {
        Platform::Git => "git",
        Platform::Github => "github",
        Platform::Gitlab => "gitlab",
        Platform::Slack => "slack",
        Platform::Discord => "discord",
        Platform::Console => "console",
    }
}
