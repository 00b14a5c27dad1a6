//! What deploys elsewhere: workflows, pipelines, Drone, merge requests in another repository.

use std::collections::BTreeMap;

use hotfix_adapters::deploy::promotion::{Approval, HotfixVersions, MergeBy, Target};
use hotfix_adapters::ids::{BranchName, Repo};

use crate::config::secret::SecretSource;

/// A workflow of GitHub Actions that is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowConfig {
    /// Its file, such as `deploy.yml`.
    pub workflow: String,
    /// The branch or tag it runs on.
    pub reference: String,
    /// Its inputs, with placeholders.
    pub inputs: BTreeMap<String, String>,
    /// The input that carries the key, which its `run-name` shows.
    pub key_input: String,
    /// The GitHub environment whose deployments prove what ran; without, the run has to be at our commit.
    pub deployments: Option<String>,
    /// Targets that are never deployed to.
    pub forbidden: Vec<String>,
    /// How long to wait between two looks, in seconds.
    pub pace_seconds: u32,
}

/// A pipeline of GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineConfig {
    /// The branch or tag it runs on.
    pub reference: String,
    /// Its variables, with placeholders.
    pub variables: BTreeMap<String, String>,
    /// What GitLab calls the environment.
    pub environment: String,
    /// Targets that are never deployed to.
    pub forbidden: Vec<String>,
    /// How long to wait between two looks, in seconds.
    pub pace_seconds: u32,
}

/// A Drone promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroneConfig {
    /// Where Drone is.
    pub url: String,
    /// The token of an account that may promote.
    pub token: SecretSource,
    /// What Drone calls the environment.
    pub target: String,
    /// Its parameters, with placeholders.
    pub parameters: BTreeMap<String, String>,
    /// Targets that are never deployed to; those of HOCS-26 unless the configuration says others.
    pub forbidden: Vec<String>,
    /// How long to wait between two looks, in seconds.
    pub pace_seconds: u32,
}

/// A merge request in another repository, which names the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotionConfig {
    /// The name of the forge; the service's own when absent.
    pub forge: Option<String>,
    /// The repository.
    pub repo: Repo,
    /// Its branch that is deployed from.
    pub main: BranchName,
    /// Where the commit is named.
    pub targets: Vec<Target>,
    /// What lets it be merged.
    pub approval: Approval,
    /// Labels that stop it.
    pub hold_labels: Vec<String>,
    /// Where hotfixes are declared.
    pub hotfix_versions: Option<HotfixVersions>,
    /// Who merges.
    pub merge: MergeBy,
    /// What confirms the rollout that follows the merge.
    pub rollout: RolloutConfig,
    /// A link to compare two commits, with `{old}` and `{new}`.
    pub compare: Option<String>,
}

/// What confirms a rollout. A cluster of the environment does too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutConfig {
    /// The checks of the merge that have to pass.
    pub checks: Vec<String>,
    /// The command that prints the full id of the commit that runs.
    pub running: Option<Vec<String>>,
    /// Where nothing confirms it: after so many minutes a person is asked.
    pub ask_minutes: u32,
}
