//! Deploy mechanism: promotion by merge request. Files of another repository name the commit of a service, and a remote
//! system deploys what that repository's main branch names. This adapter opens the merge request, tracks it until it is
//! merged, and reports success only after it has read main again.
//!
//! A proposal is found again by its branch, `promote-` and the deployment's key. Its record,
//! `<runs>/<key>/promotion.json`, is written before each action, so that a crash at any moment repeats nothing: the
//! same proposal makes the same commit.
//!
//! A merge is not a rollout: see [`Rollout`].

mod announce;
mod approval;
mod drift;
mod edit_session;
mod hotfix;
mod open;
mod options;
mod record;
mod rollout;
mod running;
mod search;
mod targets;
mod text;
mod track;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::command::{RunFolder, blocking, prove_writable};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Edits, Running};
use crate::failure::Failure;
use crate::forge::Forge;
use crate::ids::{BranchName, CommitId, DeployKey, Environment, PersonRef, Repo};
pub use options::{
    Approval, Exclude, HotfixVersions, MergeBy, PromotionOptions, PromotionOptionsError, Target, TargetKind, Value,
};
use record::Proposal;
pub use rollout::Rollout;
use search::Exclusion;

/// A merge request waits for people and for a queue: more frequent polls would only cost API calls.
const PACE: Duration = Duration::from_secs(15);

const RECORD: &str = "promotion.json";

/// The deploy mechanism that opens a merge request in another repository.
pub struct Promotion {
    forge: Arc<dyn Forge>,
    repo: Repo,
    main: BranchName,
    source: Repo,
    environment: Environment,
    service: String,
    targets: Vec<Target>,
    exclusions: Vec<Vec<Exclusion>>,
    approval: Approval,
    hold_labels: Vec<String>,
    hotfix_versions: Option<HotfixVersions>,
    merge: MergeBy,
    rollout: Rollout,
    compare: Option<String>,
    bot: Option<PersonRef>,
    names: BTreeMap<PersonRef, String>,
    runs: PathBuf,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Promotion {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn branch(&self, key: &DeployKey) -> Result<BranchName, Failure> {
        BranchName::parse(&format!("promote-{key}"))
            .map_err(|error| Failure::rejected(format!("the deployment {key} gets no branch: {error}")))
    }

    async fn main_tip(&self) -> Result<CommitId, Failure> {
        let tip = self.forge.tip(&self.repo, &self.main).await?;
        tip.ok_or_else(|| {
            Failure::rejected(format!("{} has no branch {}. Correct the promotion's settings.", self.repo, self.main))
        })
    }

    async fn proposal(&self, key: &DeployKey) -> Result<Option<Proposal>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        blocking(move || run.read(RECORD)).await
    }

    async fn remember(&self, proposal: &Proposal) -> Result<(), Failure> {
        let run = RunFolder::of(&self.runs, &proposal.request.key);
        let proposal = proposal.clone();
        blocking(move || run.make().and_then(|()| run.write(RECORD, &proposal))).await
    }
}

#[async_trait]
impl Deploy for Promotion {
    /// Opens the merge request. Rejected without any effect: a target that is missing or ambiguous, a promotion that
    /// would change nothing, and one that is already open under another key.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        self.propose(request).await
    }

    async fn edits(&self, request: &DeployRequest) -> Result<Option<Edits>, Failure> {
        self.preview(request).await.map(Some)
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        self.follow(key).await
    }

    /// The commit reported by the rollout's query, if there is one; otherwise the commit that the production targets
    /// name on main. These must agree, and each must name a commit (SRE-2). `None` if all of them name a short id only,
    /// which does not identify a commit.
    async fn running(&self) -> Result<Option<Running>, Failure> {
        let named = self.named().await?.map(|commit| Running { commit });
        let told = match &self.rollout {
            Rollout::Awaited { running: Some(query), .. } => query.ask().await?,
            Rollout::Awaited { running: None, .. } | Rollout::None => None,
        };
        Ok(told.or(named))
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Failure> {
        let runs = self.runs.clone();
        blocking(move || prove_writable(&runs)).await?;
        let mut sheet = self.sheet(self.main_tip().await?);
        for number in 0..self.targets.len() {
            self.survey(number, &mut sheet).await?;
        }
        Ok(())
    }

    fn pace(&self) -> Duration {
        PACE
    }
}
