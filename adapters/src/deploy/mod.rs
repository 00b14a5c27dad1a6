//! The deploy port: what puts a commit into an environment, and says what runs there. Adapters: [`command`],
//! [`drone`], [`manual`], [`pipeline`], [`promotion`], [`tag`], [`workflow`].

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

/// The first words of the reason of a failed deployment that did nothing at all.
pub const NOTHING_BEGUN: &str = "Nothing was begun";

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{CommitId, DeployKey, Environment, Repo};
use crate::registry::Image;

/// A mechanism that deploys. One instance serves one environment of one service.
#[async_trait]
pub trait Deploy: Send + Sync {
    /// Starts a deployment; one that was started under this key before is left alone, whatever became of it.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure>;

    /// How the deployment with this key stands; `None` when it never started.
    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure>;

    /// What runs now; `None` when the mechanism cannot tell.
    async fn running(&self) -> Result<Option<Running>, Failure>;

    /// The newest deployment that succeeded, whoever asked for it; `None` when the mechanism knows of none.
    async fn last_success(&self) -> Result<Option<Deployment>, Failure>;

    /// Whether the mechanism could work now, without doing anything.
    async fn probe(&self) -> Result<(), Failure>;

    /// Returns what this deployment would change in files that people keep, computed from those files as they are now;
    /// `None` when the mechanism changes no files. Nothing is written.
    ///
    /// # Errors
    /// [`Failure::Rejected`] when the changes cannot be made, with the file and the line.
    async fn edits(&self, _request: &DeployRequest) -> Result<Option<Edits>, Failure> {
        Ok(None)
    }

    /// How a person does a deployment that this mechanism leaves to one; `None` when it does it itself.
    ///
    /// # Errors
    /// When the instructions name something that is not known of the deployment.
    fn instructions(&self, _request: &DeployRequest) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// How long to wait between two questions how a deployment stands: asking a far system costs calls.
    fn pace(&self) -> Duration {
        Duration::from_millis(500)
    }
}

/// A deployment to be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRequest {
    /// Its natural key.
    pub key: DeployKey,
    /// Of what.
    pub repo: Repo,
    /// Exactly which commit.
    pub commit: CommitId,
    /// Where to.
    pub environment: Environment,
    /// The image that was built of it, where images are deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// What ran there before, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<CommitId>,
    /// What it is for, in one line, for people who meet it over there: `HF-12 Fix the 500 on upload`.
    #[serde(default)]
    pub about: String,
    /// Which parts of the environment alone, by name, where a mechanism knows parts; empty is all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What else comes along, a line each, such as the changes of other people with their authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub riders: Vec<String>,
}

/// The changes of files that a deployment makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// The changes for people to read: a unified diff with a line of context, or, when that is long, the places that get the
    /// same value, each with its file and line. Nothing is left out.
    pub diff: String,
    /// The SHA-256 of the values that are changed, each with its file, its place, and its text before and after, in
    /// hexadecimal digits. Changes elsewhere in the files leave it as it is.
    pub digest: String,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployStatus {
    /// It runs, or waits for something over there.
    InProgress {
        /// What it waits for, when that is worth telling people, such as a label on a merge request.
        note: Option<String>,
    },
    /// What was asked for is declared, and something else brings it about: merged, and not known to run.
    RollingOut {
        /// What it waits for.
        note: Option<String>,
        /// Whether something is asked here that will confirm it.
        confirmed_here: bool,
    },
    /// It ended well.
    Succeeded {
        /// When.
        at: Timestamp,
    },
    /// It ended badly.
    Failed {
        /// Why, with the end of what it printed, bounded, for a person.
        reason: String,
    },
    /// A person does it, and has to say how it went.
    AwaitingWord,
}

/// What runs in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The commit.
    pub commit: CommitId,
}

/// A deployment that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The commit.
    pub commit: CommitId,
    /// When it ended.
    pub at: Timestamp,
}
