//! Some targets of a promotion and no others: `promote --only` (PROMO-8). What is not named is not touched, and what says
//! nothing of production claims nothing of it.

use hotfix_adapters::vocabulary::Environment;

use super::plan::{Plan, environment_of};
use super::playbook::{StepKind, StepSpec, What};
use super::refusal::Refusal;
use super::service::{EnvironmentPlan, Service};

impl Plan {
    /// The targets that alone are changed in an environment; empty for all of them.
    #[must_use]
    pub fn only_in(&self, environment: &Environment) -> Vec<String> {
        let there = self.environment(environment).map_or(&[][..], |e| &e.targets);
        let named = there.iter().filter(|target| self.only.contains(&target.name));
        named.map(|target| target.name.clone()).collect()
    }

    /// Whether a deployment to this environment changes what production runs: it is production, and the targets that
    /// are promoted alone are not all others.
    #[must_use]
    pub fn reaches_production(&self, environment: &Environment) -> bool {
        self.environment(environment).is_some_and(|e| e.production && reaches(e, &self.only))
    }

    /// Whether the run leaves production as it is: it promotes targets that say nothing of it.
    #[must_use]
    pub fn leaves_production(&self) -> bool {
        !self.only.is_empty() && !self.lanes().any(|lane| self.reaches_production(lane))
    }

    /// What is deployed to, as people say it: the environment, or the targets in it that alone are promoted.
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

/// The steps of a promotion of these targets alone: what is about other environments is left out, and so is a look at a
/// production that stays as it is.
///
/// # Errors
/// Names a target that is not there, and those that are.
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

/// Returns the refusal that names what is not there, and what is.
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

/// The steps of a run for these productions alone: what is about another one is left out (HOCS-3).
fn in_productions(steps: Vec<StepSpec>, only: &[String], productions: &[&EnvironmentPlan]) -> Vec<StepSpec> {
    let out = |step: &StepSpec| {
        environment_of(&step.kind).is_some_and(|about| {
            productions.iter().any(|e| &e.name == about) && !only.iter().any(|name| name == about.as_str())
        })
    };
    steps.into_iter().filter(|step| !out(step)).collect()
}

/// Whether what ships is deployed there.
fn is_lane(steps: &[StepSpec], environment: &EnvironmentPlan) -> bool {
    steps.iter().any(|step| {
        matches!(&step.kind, StepKind::Deploy { environment: e, what: What::Ships, .. } if e == &environment.name)
    })
}

/// A title that names production would be wrong where production stays as it is.
fn retitled(step: StepSpec, environment: &Environment, only: &[String]) -> StepSpec {
    let title = step.title.replace(environment.as_str(), &only.join(" and "));
    StepSpec { title, ..step }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::playbook::{Level, ServiceKind, Trigger};
    use crate::domain::service::{Approval, RequiredChecks, TargetPlan};

    fn environment(name: &str, production: bool, targets: &[(&str, bool)]) -> EnvironmentPlan {
        let target =
            |(name, production): &(&str, bool)| TargetPlan { name: (*name).to_owned(), production: *production };
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

    fn step(id: &str, title: &str, kind: StepKind) -> StepSpec {
        StepSpec {
            id: id.parse().unwrap(),
            title: title.to_owned(),
            level: Level::Must,
            serves: Vec::new(),
            remind_minutes: 0,
            only_for: None,
            kind,
        }
    }

    fn steps() -> Vec<StepSpec> {
        let mut steps = vec![step("schema", "Schemas", deploy("schemas", What::Schema))];
        for name in ["west", "east"] {
            let environment: Environment = name.parse().unwrap();
            let place = crate::domain::playbook::VerifyPlace::Environment(environment.clone());
            let look = StepKind::Verify { place, question: String::new(), by: Vec::new() };
            steps.push(step(&format!("agree-{name}"), &format!("Agree to {name}"), StepKind::Approve { environment }));
            steps.push(step(&format!("to-{name}"), "Promote", deploy(name, What::Ships)));
            steps.push(step(&format!("look-{name}"), "Look", look));
        }
        steps
    }

    fn deploy(environment: &str, what: What) -> StepKind {
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

    /// PROMO-8: an environment with none of the targets is left out, and a production that stays as it is is not looked at.
    #[test]
    fn what_is_not_named_is_left_out() {
        assert_eq!(left(&[]).unwrap().len(), 7);
        let west = ["schema: Schemas", "agree-west: Agree to west", "to-west: Promote", "look-west: Look"];
        assert_eq!(left(&["prod"]).unwrap(), west);
        assert_eq!(left(&["prod", "ci"]).unwrap(), west);
        assert_eq!(left(&["ci"]).unwrap(), ["schema: Schemas", "agree-west: Agree to ci", "to-west: Promote"]);
    }

    /// HOCS-3: a run for one of several productions leaves the other as it is.
    #[test]
    fn the_other_production_is_left_out() {
        let whole = ["schema: Schemas", "agree-east: Agree to east", "to-east: Promote", "look-east: Look"];
        assert_eq!(left(&["east"]).unwrap(), whole);
        assert_eq!(left(&["east", "west"]).unwrap().len(), 7);
    }

    #[test]
    fn a_target_that_is_not_there_is_refused_by_name() {
        // The schemas are promoted by a word of their own.
        let promotion = [vec![step("target", "What", StepKind::Target)], steps()].concat();
        let refusal = left_of(promotion, &["ci", "cli", "schemas"]).unwrap_err();
        assert_eq!(refusal.code, "promotion.target");
        assert_eq!(refusal.reason, "reports has no targets cli, schemas to promote.");
        assert_eq!(refusal.next, "It has: prod, ci, prod-east, west, east.");
    }

    /// A hotfix promotes nothing, so its refusal does not speak of that.
    #[test]
    fn what_is_not_there_is_refused_in_the_words_of_the_run() {
        let refusal = left(&["cli"]).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.requirement), ("only.unknown", None));
        assert_eq!(refusal.reason, "reports has nothing called cli to which a fix could be deployed alone.");
    }
}
