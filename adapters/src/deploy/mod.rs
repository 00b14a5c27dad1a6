//! The deploy port: what puts a commit into an environment, and says what runs there. Adapters: [`command`],
//! [`manual`], [`tag`].

pub mod command;
pub mod manual;
pub mod tag;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::vocabulary::{CommitId, DeployKey, Environment, Repo};

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
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployStatus {
    /// It runs.
    InProgress,
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
