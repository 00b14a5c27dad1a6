//! The parts of Drone's responses that the adapter reads, and the mapping of a build's state to a deployment status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::deploy::{DeployStatus, Deployment};
use crate::ids::CommitId;

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    #[serde(default)]
    pub(super) active: bool,
    permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    #[serde(default)]
    write: bool,
}

impl Repository {
    /// Returns `true` if the token may promote builds of the repository, or if Drone does not report permissions.
    pub(super) fn may_promote(&self) -> bool {
        self.permissions.as_ref().is_none_or(|permissions| permissions.write)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) event: String,
    #[serde(default)]
    pub(super) after: String,
    #[serde(default)]
    deploy_to: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    params: Option<BTreeMap<String, String>>,
    #[serde(default)]
    finished: i64,
    #[serde(default)]
    updated: i64,
    #[serde(default)]
    stages: Option<Vec<Stage>>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    steps: Option<Vec<Step>>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    exit_code: i64,
}

const BAD: [&str; 5] = ["failure", "error", "killed", "declined", "skipped"];

impl Build {
    pub(super) fn is_promotion_to(&self, target: &str) -> bool {
        self.event == "promote" && self.deploy_to == target
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.params.as_ref()?.get(name).map(String::as_str)
    }

    /// Returns the first difference between the build and the request, as text; `None` if they match.
    pub(super) fn differs(&self, (commit, target, wanted): (&str, &str, &BTreeMap<String, String>)) -> Option<String> {
        if !self.is_promotion_to(target) {
            return Some(format!("it is a {} to {:?}", self.event, self.deploy_to));
        }
        if self.after != commit {
            return Some(format!("it runs {}, not {commit}", self.after));
        }
        // Some Drone versions omit the parameters.
        self.params.as_ref()?;
        let other = wanted.iter().find(|(name, value)| self.parameter(name) != Some(value.as_str()));
        other
            .map(|(name, value)| format!("its {name} is {:?}, not {value:?}", self.parameter(name).unwrap_or_default()))
    }

    pub(super) fn stands(&self, link: &str) -> DeployStatus {
        let in_progress = |note: Option<String>| DeployStatus::InProgress { note };
        match self.status.as_str() {
            "success" => DeployStatus::Succeeded { at: self.ended() },
            "blocked" => in_progress(Some(format!("somebody has to approve {link}"))),
            "pending" | "running" | "waiting_on_dependencies" => in_progress(None),
            status if BAD.contains(&status) => {
                DeployStatus::Failed { reason: format!("{link} ended as {status}{}", self.why()) }
            }
            other => in_progress(Some(format!("Drone says {other:?} of {link}"))),
        }
    }

    pub(super) fn deployment(&self) -> Option<Deployment> {
        Some(Deployment { commit: CommitId::parse(&self.after).ok()?, at: self.ended() })
    }

    fn ended(&self) -> Timestamp {
        let second = if self.finished > 0 { self.finished } else { self.updated };
        Timestamp::from_second(second).unwrap_or_default()
    }

    /// Formats the failed steps and Drone's error messages, limited to 600 characters.
    fn why(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(Some(self.error.clone()).filter(|error| !error.is_empty()));
        for stage in self.stages.iter().flatten().filter(|stage| BAD.contains(&stage.status.as_str())) {
            parts.extend(Some(stage.error.clone()).filter(|error| !error.is_empty()));
            let steps =
                stage.steps.iter().flatten().filter(|step| ["failure", "error"].contains(&step.status.as_str()));
            parts.extend(steps.map(|step| format!("step {}/{} exited with {}", stage.name, step.name, step.exit_code)));
        }
        if parts.is_empty() {
            return String::new();
        }
        let words = format!(": {}", parts.join("; "));
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect()
    }
}
