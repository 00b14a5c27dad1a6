//! Remote deploy mechanisms: workflows, pipelines, Drone, and merge requests in another repository.

use std::collections::BTreeMap;

use hotfix_adapters::deploy::promotion::{Approval, HotfixVersions, MergeBy, Target};
use hotfix_adapters::ids::{BranchName, Repo};

use crate::config::secret::SecretSource;

/// A GitHub Actions workflow that is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowConfig {
    /// File name of the workflow, such as `deploy.yml`.
    pub workflow: String,
    /// The branch or tag to run on.
    pub reference: String,
    /// Inputs of the workflow, with placeholders.
    pub inputs: BTreeMap<String, String>,
    /// The input that carries the deployment key; `run-name` must show it.
    pub key_input: String,
    /// The GitHub environment whose deployments prove the deployed commit. If `None`, the workflow run must be at the
    /// deployed commit.
    pub deployments: Option<String>,
    /// Targets that are never deployed to.
    pub forbidden: Vec<String>,
    /// Poll interval in seconds.
    pub pace_seconds: u32,
}

/// A GitLab pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineConfig {
    /// The branch or tag to run on.
    pub reference: String,
    /// Variables of the pipeline, with placeholders.
    pub variables: BTreeMap<String, String>,
    /// Name of the environment in GitLab.
    pub environment: String,
    /// Targets that are never deployed to.
    pub forbidden: Vec<String>,
    /// Poll interval in seconds.
    pub pace_seconds: u32,
}

/// A Drone promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroneConfig {
    /// Base URL of the Drone server.
    pub url: String,
    /// Token of an account that may promote.
    pub token: SecretSource,
    /// Name of the environment in Drone.
    pub target: String,
    /// Parameters of the promotion, with placeholders.
    pub parameters: BTreeMap<String, String>,
    /// Targets that are never deployed to; defaults to those of HOCS-26.
    pub forbidden: Vec<String>,
    /// Poll interval in seconds.
    pub pace_seconds: u32,
}

/// A merge request in another repository that names the commit to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotionConfig {
    /// Name of the forge; `None` for the service's own forge.
    pub forge: Option<String>,
    /// The repository that receives the merge request.
    pub repo: Repo,
    /// The branch that is deployed from.
    pub main: BranchName,
    /// The files and keys that name the commit.
    pub targets: Vec<Target>,
    /// The approval that the merge request needs.
    pub approval: Approval,
    /// Labels that block the merge.
    pub hold_labels: Vec<String>,
    /// The place where hotfix versions are declared, if there is one.
    pub hotfix_versions: Option<HotfixVersions>,
    /// The account or automation that merges.
    pub merge: MergeBy,
    /// Confirmation of the rollout after the merge.
    pub rollout: RolloutConfig,
    /// URL template for comparing two commits, with `{old}` and `{new}`.
    pub compare: Option<String>,
}

/// Confirmation of a rollout. A cluster of the environment confirms it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutConfig {
    /// Checks of the merge commit that must pass.
    pub checks: Vec<String>,
    /// Command that prints the full id of the running commit.
    pub running: Option<Vec<String>>,
    /// Minutes after which the bot asks a person, if nothing confirms the rollout.
    pub ask_minutes: u32,
}
