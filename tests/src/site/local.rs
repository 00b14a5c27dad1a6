//! The local forge from the users' side: users act on it directly, not through the bot.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{
    Check, CheckState, Forge, Merge, MergeMethod, NewPullRequest, PullNumber, PullRequests as _, ReviewVerdict,
};
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Platform, Repo};
use hotfix_fakes::server::Control;

use super::{Back, Delivery, Site, repository};
use crate::clock::FakeClock;
use crate::stage::Stage;

pub(super) struct OnDisk {
    local: Arc<Local>,
    repo: Repo,
    stage: Stage,
    clock: Arc<FakeClock>,
}

impl OnDisk {
    pub(super) fn open(stage: &Stage, clock: &Arc<FakeClock>) -> anyhow::Result<Self> {
        let state = stage.root.join("state");
        let mut options = LocalOptions::new(state.join("repositories"), state.join("forge"));
        let turned = clock.clone();
        options.clock = Arc::new(move || turned.moment());
        let local = Arc::new(Local::open(options)?);
        Ok(Self { local, repo: repository(stage)?, stage: stage.clone(), clock: clock.clone() })
    }
}

#[async_trait]
impl Site for OnDisk {
    async fn review(&self, number: PullNumber, who: &str, verdict: ReviewVerdict) -> anyhow::Result<()> {
        let person = PersonRef::new(Platform::Git, format!("{who}@example.org"));
        self.local.review(&self.repo, number, &person, verdict).await?;
        Ok(())
    }

    async fn check(&self, commit: &CommitId, name: &str, state: CheckState) -> anyhow::Result<()> {
        let check = Check { name: name.to_owned(), app: "ci".to_owned(), state };
        Ok(self.local.set_check(&self.repo, commit, check).await?)
    }

    async fn open_pull(&self, who: &str, branch: &BranchName, title: &str) -> anyhow::Result<()> {
        let new = NewPullRequest {
            repo: self.repo.clone(),
            head: branch.clone(),
            base: BranchName::parse("main")?,
            title: title.to_owned(),
            body: String::new(),
            author: Some(PersonRef::new(Platform::Git, format!("{who}@example.org"))),
        };
        self.local.open(&new).await?;
        Ok(())
    }

    async fn merge(&self, number: PullNumber, _: &str, method: MergeMethod) -> anyhow::Result<()> {
        let head = self.local.read(&self.repo, number).await?.head_commit;
        let merge = Merge { expected_head: head, method, title: "Merge the fix".to_owned(), body: String::new() };
        self.local.merge(&self.repo, number, &merge).await?;
        Ok(())
    }

    async fn close(&self, number: PullNumber, _: &str) -> anyhow::Result<()> {
        self.local.close(&self.repo, number).await?;
        Ok(())
    }

    async fn draft(&self, number: PullNumber, on: bool) -> anyhow::Result<()> {
        self.local.set_draft(&self.repo, number, on).await?;
        Ok(())
    }

    async fn label(&self, number: PullNumber, who: &str, label: &str, on: bool) -> anyhow::Result<()> {
        let person = PersonRef::new(Platform::Git, format!("{who}@example.org"));
        match on {
            true => self.local.label_as(&self.repo, number, &person, label).await?,
            false => self.local.unlabel_as(&self.repo, number, &person, label).await?,
        };
        Ok(())
    }

    async fn pull_from(&self, branch: &BranchName) -> anyhow::Result<Option<PullNumber>> {
        let pull = self.local.find(&self.repo, branch, &BranchName::parse("main")?).await?;
        Ok(pull.map(|pull| pull.number))
    }

    fn beside(&self, repo: &Repo) -> Arc<dyn Site> {
        let (stage, clock) = (self.stage.clone(), self.clock.clone());
        Arc::new(Self { local: self.local.clone(), repo: repo.clone(), stage, clock })
    }

    async fn open_issue(&self, _: &str, title: &str, label: &str) -> anyhow::Result<()> {
        self.local.open_issue(&self.repo, title, &[label]).await?;
        Ok(())
    }

    /// Does nothing: the local forge reads its repository on every call.
    fn pushed(&self) {}

    fn port(&self) -> Option<Arc<dyn Forge>> {
        Some(self.local.clone())
    }

    fn calls(&self) -> Option<Arc<Control>> {
        None
    }

    fn git_calls(&self) -> Option<Arc<Control>> {
        None
    }

    fn delivery(&self, _: &str, _: &str, _: jiff::Timestamp) -> Option<Delivery> {
        None
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn rights_used(&self) -> BTreeSet<&'static str> {
        BTreeSet::new()
    }

    async fn pulls(&self) -> anyhow::Result<usize> {
        let mut count = 0;
        while self.local.read(&self.repo, PullNumber(count + 1)).await.is_ok() {
            count += 1;
        }
        Ok(usize::try_from(count)?)
    }

    /// Needs to save nothing: all its state is in the folder, which is restored with the stage.
    fn keep(&self) -> Back {
        let (stage, clock) = (self.stage.clone(), self.clock.clone());
        Box::new(move || Ok(Arc::new(Self::open(&stage, &clock)?)))
    }
}
