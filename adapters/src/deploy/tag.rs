//! Release by tag: the bot sets a tag, and an external system that watches the repository deploys it. A user reports
//! the outcome, unless a query can tell what runs.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::command::{CommandOptionsError, Pattern, Placeholder, Query, RunFolder, Values, blocking};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::failure::Failure;
use crate::forge::Refs;
use crate::ids::{DeployKey, Environment, Repo, TagName};

/// The options of a [`TagRelease`].
pub struct TagOptions {
    /// The forge that the tag is set on.
    pub forge: Arc<dyn Refs>,
    /// The repository that the tag is set in.
    pub repo: Repo,
    /// The environment that the release deploys to.
    pub environment: Environment,
    /// Pattern of the tag name, such as `release-{short}`. It may use `{commit}`, `{short}`, `{environment}` and
    /// `{key}`.
    pub tag: String,
    /// The query that returns the running commit; `None` if there is none.
    pub running: Option<Query>,
    /// The folder that records the tags set per deployment key: the key alone does not name the commit.
    pub runs: PathBuf,
}

/// The deploy mechanism that releases by setting a tag.
pub struct TagRelease {
    forge: Arc<dyn Refs>,
    repo: Repo,
    environment: Environment,
    tag: Pattern,
    running: Option<Query>,
    runs: PathBuf,
}

/// The record of a tag that was set.
#[derive(Debug, Serialize, Deserialize)]
struct Tagged {
    request: DeployRequest,
    tag: TagName,
}

const RECORD: &str = "tagged.json";

impl TagRelease {
    /// Checks the options.
    ///
    /// # Errors
    /// An [`CommandOptionsError`] if the pattern is invalid or does not produce valid tag names.
    pub fn new(options: TagOptions) -> Result<Self, CommandOptionsError> {
        let allowed = [Placeholder::Commit, Placeholder::Short, Placeholder::Environment, Placeholder::Key];
        let tag = Pattern::parse(&options.tag, &allowed)?;
        // All values have the same shape as this sample: if the sample makes a valid tag name, every value does.
        let sample = tag.fill(&Values {
            commit: &"0".repeat(40),
            short: "0000000",
            environment: options.environment.as_str(),
            key: "k",
            ..Values::default()
        });
        if let Err(error) = TagName::parse(&sample) {
            return Err(CommandOptionsError::Pattern {
                pattern: options.tag,
                why: format!("makes no good tag: {error}"),
            });
        }
        Ok(Self {
            forge: options.forge,
            repo: options.repo,
            environment: options.environment,
            tag,
            running: options.running,
            runs: options.runs,
        })
    }

    /// Returns the tag that releases a request.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the filled-in pattern is not a valid tag name.
    pub fn tag_for(&self, request: &DeployRequest) -> Result<TagName, Failure> {
        let name = self.tag.fill(&Values {
            commit: request.commit.as_str(),
            short: request.commit.short(),
            environment: request.environment.as_str(),
            key: request.key.as_str(),
            ..Values::default()
        });
        TagName::parse(&name).map_err(|error| Failure::rejected(format!("the release cannot be tagged: {error}")))
    }

    async fn tagged(&self, key: &DeployKey) -> Result<Option<Tagged>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        blocking(move || run.read(RECORD)).await
    }
}

#[async_trait]
impl Deploy for TagRelease {
    /// Sets the tag, then records it. After a crash in between, the tag is set again, which has no effect.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment != self.environment || request.repo != self.repo {
            return Err(Failure::rejected(format!(
                "this mechanism releases {} to {}, not {} to {}",
                self.repo, self.environment, request.repo, request.environment
            )));
        }
        if let Some(known) = self.tagged(&request.key).await? {
            if known.request == *request {
                return Ok(());
            }
            return Err(Failure::rejected(format!(
                "the deployment {} is known, and of something else: the tag {} at {}; a new deployment needs a new key",
                request.key,
                known.tag,
                known.request.commit.short()
            )));
        }
        let tag = self.tag_for(request)?;
        self.forge.tag(&self.repo, &tag, &request.commit).await?;
        let run = RunFolder::of(&self.runs, &request.key);
        let record = Tagged { request: request.clone(), tag };
        blocking(move || run.make().and_then(|()| run.write(RECORD, &record))).await
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        Ok(self.tagged(key).await?.map(|_| DeployStatus::AwaitingWord))
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        match &self.running {
            Some(query) => query.ask().await,
            None => Ok(None),
        }
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Failure> {
        let runs = self.runs.clone();
        blocking(move || super::command::prove_writable(&runs)).await?;
        if let Some(query) = &self.running {
            query.present()?;
            query.ask().await?;
        }
        Ok(())
    }
}
