//! Promotion or deployment to selected targets only: `--only` (PROMO-8). Targets that are not selected are not touched,
//! and a run that does not change production makes no claim about it.

use hotfix_adapters::ids::Environment;

use super::plan::{Plan, environment_of};
use super::playbook::{Artifact, StepKind, StepSpec};
use super::refusal::Refusal;
use super::service::{EnvironmentPlan, Service};

impl Plan {
    /// Returns the selected targets in an environment; empty for all of them.
    #[must_use]
    pub fn only_in(&self, environment: &Environment) -> Vec<String> {
        let there = self.environment(environment).map_or(&[][..], |e| &e.targets);
        let named = there.iter().filter(|target| self.only.contains(&target.name));
        named.map(|target| target.name.clone()).collect()
    }

    /// Returns `true` if a deployment to this environment changes what production runs: it is a production environment,
    /// and the selection does not exclude its production targets.
    #[must_use]
    pub fn reaches_production(&self, environment: &Environment) -> bool {
        self.environment(environment).is_some_and(|e| e.production && reaches(e, &self.only))
    }

    /// Returns `true` if the selection leaves production unchanged.
    #[must_use]
    pub fn leaves_production(&self) -> bool {
        !self.only.is_empty() && !self.lanes().any(|lane| self.reaches_production(lane))
    }

    /// Returns the destination of a deployment for messages: the environment, or the selected targets in it.
    #[must_use]
    pub fn place(&self, environment: &Environment) -> String {
        let only = self.only_in(environment);
        if only.is_empty() {
            environment.to_string()
        } else if self.reaches_production(environment) {
            format!("{environment} (only {})", only.join(", "))
        } else {
            only.join(" and ")
        }
    }
}

fn reaches(environment: &EnvironmentPlan, only: &[String]) -> bool {
    let mut named = environment.targets.iter().filter(|target| only.contains(&target.name)).peekable();
    named.peek().is_none() || named.any(|target| target.production)
}

/// Narrows the steps to the selected targets: removes steps about other environments, and verifications of a production
/// that stays unchanged.
///
/// # Errors
/// Refuses unknown targets, and lists the known ones.
pub(super) fn narrowed(steps: Vec<StepSpec>, only: &[String], service: &Service) -> Result<Vec<StepSpec>, Refusal> {
    if only.is_empty() {
        return Ok(steps);
    }
    let lanes: Vec<&EnvironmentPlan> = service.environments.iter().filter(|e| is_lane(&steps, e)).collect();
    let productions: Vec<&EnvironmentPlan> = lanes.iter().copied().filter(|e| e.production).collect();
    if only.iter().all(|name| productions.iter().any(|e| e.name.as_str() == name)) {
        return Ok(in_productions(steps, only, &productions));
    }
    let targets = lanes.iter().flat_map(|e| &e.targets).map(|target| target.name.as_str());
    let named = productions.iter().filter(|_| productions.len() > 1).map(|e| e.name.as_str());
    let known: Vec<&str> = targets.chain(named).collect();
    let unknown: Vec<&str> = only.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        let promotes = steps.iter().any(|step| matches!(step.kind, StepKind::Target));
        return Err(not_there(service, &unknown, &known, promotes));
    }
    let out: Vec<&EnvironmentPlan> =
        lanes.iter().copied().filter(|e| !e.targets.iter().any(|target| only.contains(&target.name))).collect();
    let still: Vec<&EnvironmentPlan> = lanes.into_iter().filter(|e| !reaches(e, only)).collect();
    let step = |step: StepSpec| {
        let about = environment_of(&step.kind).cloned();
        let is = |list: &[&EnvironmentPlan]| list.iter().any(|e| Some(&e.name) == about.as_ref());
        if is(&out) || (is(&still) && matches!(step.kind, StepKind::Verify { .. })) {
            None
        } else if is(&still) {
            about.map(|environment| retitled(step, &environment, only))
        } else {
            Some(step)
        }
    };
    Ok(steps.into_iter().filter_map(step).collect())
}

/// Returns the refusal that lists the unknown and the known targets.
fn not_there(service: &Service, unknown: &[&str], known: &[&str], promotes: bool) -> Refusal {
    let (name, names) = (&service.name, unknown.join(", "));
    let whole = if promotes { "promoted" } else { "deployed" };
    let next = if known.is_empty() {
        format!("It is {whole} whole: leave --only out.")
    } else {
        format!("It has: {}.", known.join(", "))
    };
    if promotes {
        let targets = if unknown.len() == 1 { "target" } else { "targets" };
        let reason = format!("{name} has no {targets} {names} to promote.");
        return Refusal::new("promotion.target", reason, next).because_of("PROMO-8");
    }
    let reason = format!("{name} has nothing called {names} to which a fix could be deployed alone.");
    Refusal::new("only.unknown", reason, next)
}

/// Narrows the steps to the selected production environments: removes steps about the others (HOCS-3).
fn in_productions(steps: Vec<StepSpec>, only: &[String], productions: &[&EnvironmentPlan]) -> Vec<StepSpec> {
    let out = |step: &StepSpec| {
        environment_of(&step.kind).is_some_and(|about| {
            productions.iter().any(|e| &e.name == about) && !only.iter().any(|name| name == about.as_str())
        })
    };
    steps.into_iter().filter(|step| !out(step)).collect()
}

/// Returns `true` if the deployable commit is deployed to this environment.
fn is_lane(steps: &[StepSpec], environment: &EnvironmentPlan) -> bool {
    steps.iter().any(|step| {
        matches!(&step.kind, StepKind::Deploy { environment: e, what: Artifact::Fix, .. } if e == &environment.name)
    })
}

/// Replaces the environment in the title with the targets, where production stays unchanged and the title
/// would be wrong.
fn retitled(step: StepSpec, environment: &Environment, only: &[String]) -> StepSpec {
    let title = step.title.replace(environment.as_str(), &only.join(" and "));
    StepSpec { title, ..step }
}

#[cfg(test)]
mod tests;
