//! The fault-injecting wrapper of the forge: a stop is possible before and after most calls that change refs or pull
//! requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{
    Bringing, Change, Check, CommitDetail, Containment, DiffSize, Files, Forge, History, Introduced, LabelEvent,
    Labelled, Machines, Merge, NewCommit, NewPullRequest, Pick, Picked, PullNumber, PullRequest, PullRequests, Range,
    Refs,
};
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Repo, TagName};
use jiff::Timestamp;

use super::Cut;

/// A forge that fails when the fault injector says so.
pub struct CutForge {
    /// The wrapped forge.
    pub inner: Arc<dyn Forge>,
    /// The fault injector.
    pub cut: Arc<Cut>,
    /// Name of the service whose code is on the forge.
    pub service: String,
}

impl CutForge {
    async fn act<T>(&self, what: String, act: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.cut.reaches("forge")?;
        self.cut.here(&format!("before {what}"))?;
        let answer = act.await;
        self.cut.here(&format!("after {what}"))?;
        answer
    }
}

#[async_trait]
impl Refs for CutForge {
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        self.cut.enter("forge", &self.service).await?;
        self.inner.tips(repo, branches).await
    }

    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.act(format!("the branch {branch} is made"), self.inner.create(repo, branch, at)).await
    }

    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        self.act(format!("the branch {branch} is moved"), self.inner.advance(repo, branch, from, to)).await
    }

    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.act(format!("the branch {branch} is deleted"), self.inner.delete(repo, branch, at)).await
    }

    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.act(format!("the tag {tag} is set"), self.inner.tag(repo, tag, at)).await
    }

    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.branches(repo, below).await
    }
}

#[async_trait]
impl PullRequests for CutForge {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.find(repo, head, base).await
    }

    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.act("the pull request is opened".to_owned(), self.inner.open(new)).await
    }

    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.cut.reaches("forge")?;
        self.inner.read(repo, number).await
    }

    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.act("the pull request is merged".to_owned(), self.inner.merge(repo, number, merge)).await
    }

    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.list_by_label(repo, label).await
    }

    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.find_by_title(repo, title).await
    }

    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.required_checks(repo, branch).await
    }

    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.checks(repo, commit).await
    }

    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        self.act("the pull request is labelled".to_owned(), self.inner.set_labels(repo, number, add, remove)).await
    }

    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.label_events(repo, number).await
    }

    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.act("the pull request is commented".to_owned(), self.inner.comment(repo, number, key, text)).await
    }

    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.act("the pull request is closed".to_owned(), self.inner.close(repo, number)).await
    }

    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.bringing(repo, commit).await
    }
}

#[async_trait]
impl Files for CutForge {
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.read_file(repo, at, path).await
    }

    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.paths(repo, at, below).await
    }

    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure> {
        self.cut.reaches("forge")?;
        self.inner.commit_files(repo, new).await
    }
}

#[async_trait]
impl History for CutForge {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.resolve(repo, words).await
    }

    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure> {
        self.cut.reaches("forge")?;
        self.inner.commits_between(repo, base, head, max).await
    }

    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure> {
        self.cut.reaches("forge")?;
        self.inner.commit(repo, commit).await
    }

    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.cut.reaches("forge")?;
        self.inner.size(repo, base, head).await
    }

    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.cut.reaches("forge")?;
        self.inner.containment(repo, change, tip).await
    }

    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.cut.reaches("forge")?;
        self.inner.pick(repo, pick).await
    }

    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure> {
        self.cut.reaches("forge")?;
        self.inner.count(repo, commit).await
    }

    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        self.cut.reaches("forge")?;
        self.inner.pushers(repo, branch, since).await
    }

    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure> {
        self.cut.reaches("forge")?;
        self.inner.introduced(repo, commit).await
    }

    async fn machines(&self, repo: &Repo) -> Result<Machines, Failure> {
        self.cut.reaches("forge")?;
        self.inner.machines(repo).await
    }
}
