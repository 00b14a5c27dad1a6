//! A promotion by merge request: the commit of a service is named in files of another repository, and whatever reads that
//! repository's main branch deploys it. The merge request is proposed here, followed until it is merged, and believed
//! only after main was read again.
//!
//! A proposal is found again by its branch, `promote-` and the deployment's key. What was asked is remembered in
//! `<runs>/<key>/promotion.json`, written before each act, so that a crash at any moment repeats nothing:
//! the same proposal makes the same commit.
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
    Approval, Exclude, HotfixVersions, MergeBy, OptionsError, PromotionOptions, Target, TargetKind, Value,
};
use record::Proposal;
pub use rollout::Rollout;
use search::Exclusion;

/// A merge request waits for people and for a queue: asking more often only costs calls.
const PACE: Duration = Duration::from_secs(15);

const RECORD: &str = "promotion.json";

/// Deploys by proposing a merge request to another repository.
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
    /// Proposes the merge request. Refused before anything is done: a target that is missing or unclear, a promotion
    /// that would change nothing, and one that is proposed already under another key.
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        self.propose(request).await
    }

    async fn edits(&self, request: &DeployRequest) -> Result<Option<Edits>, Failure> {
        self.preview(request).await.map(Some)
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        self.follow(key).await
    }

    /// What runs, where a program tells it; else the commit that the production targets name on main. They have to agree,
    /// and each has to name a commit (SRE-2); `None` when all of them name it by a short id only, which is not enough to
    /// know it.
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
