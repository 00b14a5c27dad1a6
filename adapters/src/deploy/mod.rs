//! The deploy port: [`Deploy`], a mechanism that deploys a commit to one environment and reports what runs there.
//! Adapters: [`command`], [`drone`], [`manual`], [`pipeline`], [`promotion`], [`tag`], [`workflow`].

pub mod command;
mod deny_list;
pub mod drone;
pub mod manual;
pub mod pipeline;
pub mod promotion;
pub mod tag;
mod template_values;
pub mod workflow;

pub use template_values::{names_image, names_previous};

/// Prefix of the reason of a [`DeployStatus::Failed`] for a deployment that had no effect at all.
pub const NOTHING_BEGUN: &str = "Nothing was begun";

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{CommitId, DeployKey, Environment, Repo};
use crate::registry::Image;

/// A deploy mechanism. One instance serves one environment of one service.
#[async_trait]
pub trait Deploy: Send + Sync {
    /// Starts a deployment. Idempotent by key: a key that was started before is left alone, whatever its outcome.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure>;

    /// Returns the status of the deployment with this key; `None` if it never started.
    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure>;

    /// Returns the commit that runs in the environment; `None` if the mechanism cannot tell.
    async fn running(&self) -> Result<Option<Running>, Failure>;

    /// Returns the newest successful deployment, by the bot or not; `None` if the mechanism knows of none.
    async fn last_success(&self) -> Result<Option<Deployment>, Failure>;

    /// Checks that the mechanism is usable, without deploying anything.
    async fn probe(&self) -> Result<(), Failure>;

    /// Previews the changes that this deployment would make to files under version control, computed from their current
    /// contents. Writes nothing. `None` if the mechanism edits no files.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the edits cannot be made; the reason names the file and the line.
    async fn edits(&self, _request: &DeployRequest) -> Result<Option<Edits>, Failure> {
        Ok(None)
    }

    /// Returns the instructions for a deployment that is done by hand; `None` if the mechanism deploys automatically.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the instructions use a value that the request lacks, such as the image.
    fn instructions(&self, _request: &DeployRequest) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Returns the interval between two polls of a deployment's status. Longer for remote systems, where each poll
    /// costs API calls.
    fn pace(&self) -> Duration {
        Duration::from_millis(500)
    }
}

/// The parameters of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRequest {
    /// Idempotency key of the deployment.
    pub key: DeployKey,
    /// The repository that the commit is in.
    pub repo: Repo,
    /// Full id of the commit to deploy.
    pub commit: CommitId,
    /// The environment to deploy to.
    pub environment: Environment,
    /// The image built from the commit, for mechanisms that deploy images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The commit that ran in the environment before; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<CommitId>,
    /// One-line purpose, shown in the remote system: `HF-12 Fix the 500 on upload`.
    #[serde(default)]
    pub about: String,
    /// Names of the only parts of the environment to deploy to, for mechanisms that have parts. Empty means all parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Other changes that this deployment includes, one line each, such as other people's changes with their authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub riders: Vec<String>,
}

/// A preview of the file edits of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// The edits for people to read: a unified diff with one line of context or, if that is long, a list of the places
    /// that get the same value, each with its file and line. Always complete.
    pub diff: String,
    /// SHA-256, in hexadecimal, of the edited values: for each its file, its place, and its text before and after.
    /// Unrelated changes in the files do not change it.
    pub digest: String,
}

/// The status of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployStatus {
    /// It runs, or waits in the remote system.
    InProgress {
        /// The condition it waits for, if worth reporting, such as a label on a merge request.
        note: Option<String>,
    },
    /// Declared (merged) and left to another system to roll out; not yet known to run.
    RollingOut {
        /// The condition that the rollout waits for.
        note: Option<String>,
        /// `true` if the mechanism itself will confirm the rollout, by checks or a query; `false` if it cannot.
        confirmed_here: bool,
    },
    /// It succeeded.
    Succeeded {
        /// End time of the deployment.
        at: Timestamp,
    },
    /// It failed.
    Failed {
        /// The reason for people to read, with the end of the output, bounded in length.
        reason: String,
    },
    /// A user does it by hand and has to report the outcome.
    AwaitingWord,
}

/// The current contents of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Full id of the commit that runs.
    pub commit: CommitId,
}

/// A past deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Full id of the deployed commit.
    pub commit: CommitId,
    /// End time of the deployment.
    pub at: Timestamp,
}
