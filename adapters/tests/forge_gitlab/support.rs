//! A fake GitLab with one project, a mirror of it, and both as one forge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::gitlab::{GitLab, GitLabOptions};
use hotfix_adapters::forge::hosted::{Accounts, CommitAccounts, Hosted};
use hotfix_adapters::forge::{
    Bringing, Check, CheckState, Forge, LabelEvent, Labelled, Merge, MergeMethod, NewPullRequest, PullNumber,
    PullRequest, PullRequests, ReviewVerdict, Signature,
};
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Repo};
use hotfix_fakes::git::{git, git_out};
use hotfix_fakes::gitlab as fake;
use jiff::Timestamp;

pub(crate) const PROJECT: &str = "team/payments";

pub(crate) struct Place {
    pub(crate) fake: Arc<fake::GitLab>,
    pub(crate) gitlab: GitLab,
    forge: Arc<Hosted<Api>>,
    directory: PathBuf,
    _mirrors: tempfile::TempDir,
}

/// GitLab's API, for a project that is reconfigured to the requested merge method.
struct Api {
    fake: Arc<fake::GitLab>,
    gitlab: GitLab,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::below("").await
    }

    pub(crate) async fn below(prefix: &str) -> Self {
        let fake = Arc::new(fake::GitLab::start_below(prefix).await);
        let directory = fake.project(PROJECT);
        let gitlab = GitLab::new(options(&fake)).unwrap();
        let mirrors = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(MirrorOptions {
            folder: mirrors.path().join("mirrors"),
            base_url: gitlab.base_url(),
            reach: EgressPolicy::default(),
            credentials: Arc::new(gitlab.clone()),
            committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
            time_limit: Duration::from_secs(60),
            silence: Duration::from_secs(60),
        });
        let api = Api { fake: fake.clone(), gitlab: gitlab.clone() };
        let forge = Arc::new(Hosted::new(Arc::new(mirror.unwrap()), api));
        Self { fake, gitlab, forge, directory, _mirrors: mirrors }
    }

    /// Creates `main`, and `fix` one commit ahead of it with a merge request.
    pub(crate) async fn opened(&self) -> (CommitId, CommitId, PullRequest) {
        let base = self.commit("main", &[], "a");
        let head = self.commit("fix", &[&base], "b");
        let pull = self.gitlab.open(&new_pull("fix")).await.unwrap();
        (base, head, pull)
    }

    pub(crate) fn commit(&self, branch: &str, parents: &[&CommitId], file: &str) -> CommitId {
        let files = [(file, Some("text"))];
        let author = "Ada <12-ada@users.noreply.127.0.0.1>";
        let commit = import(&self.directory, Push { branch, parents, files: &files, message: file, author });
        self.fake.pushed(PROJECT);
        commit
    }
}

pub(crate) fn options(fake: &fake::GitLab) -> GitLabOptions {
    GitLabOptions::new(fake.url(), fake::TOKEN.to_owned().into())
}

pub(crate) fn repo() -> Repo {
    Repo::parse(PROJECT).unwrap()
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

pub(crate) fn new_pull(head: &str) -> NewPullRequest {
    let (title, body) = ("Fix the fees".to_owned(), "They were wrong.".to_owned());
    NewPullRequest { repo: repo(), head: branch(head), base: branch("main"), title, body, author: None }
}

pub(crate) fn merge_of(head: &CommitId) -> Merge {
    let (title, body) = ("Merge the fix".into(), "Approved by Grace.".into());
    Merge { expected_head: head.clone(), method: MergeMethod::Merge, title, body }
}

/// Creates one commit with `git fast-import`, which needs no checkout.
fn import(directory: &Path, push: Push<'_>) -> CommitId {
    let Push { branch, parents, files, message, author } = push;
    let mut input = format!("commit refs/heads/{branch}\nmark :1\nauthor {author} 1690000000 +0200\n");
    input += &format!("committer Pat <pat@example.org> 1690000001 +0200\ndata {}\n{message}\n", message.len());
    for (place, parent) in parents.iter().enumerate() {
        input += &format!("{} {parent}\n", if place == 0 { "from" } else { "merge" });
    }
    for (path, text) in files {
        match text {
            Some(text) => input += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()),
            None => input += &format!("D {path}\n"),
        }
    }
    // Without a parent, fast-import would continue an existing branch.
    let input = if parents.is_empty() { format!("reset refs/heads/{branch}\n\n{input}") } else { input };
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), input).unwrap();
    let line = format!("git fast-import --quiet --force < {}", script.path().display());
    git(directory, &["-c", &format!("alias.load=!{line}"), "load"]);
    CommitId::parse(&git_out(directory, &["rev-parse", &format!("refs/heads/{branch}")])).unwrap()
}

#[async_trait]
impl Setup for Place {
    fn forge(&self) -> Arc<dyn Forge> {
        self.forge.clone()
    }

    fn repo(&self) -> Repo {
        repo()
    }

    async fn push(&self, push: Push<'_>) -> CommitId {
        let commit = import(&self.directory, push);
        self.fake.pushed(PROJECT);
        commit
    }

    /// Uses one reviewer per verdict: on GitLab, a reviewer's later verdict replaces the earlier one.
    async fn review(&self, number: PullNumber, verdict: ReviewVerdict) {
        match verdict {
            ReviewVerdict::Approved => self.fake.approve(PROJECT, number.0, "grace"),
            ReviewVerdict::ChangesRequested => self.fake.request_changes(PROJECT, number.0, "edsger"),
            ReviewVerdict::Dismissed => self.fake.unapprove(PROJECT, number.0, "grace"),
        }
    }

    async fn report(&self, commit: &CommitId, check: Check) {
        let state = match check.state {
            CheckState::Pending => "pending",
            CheckState::Success => "success",
            CheckState::Failure => "failed",
            CheckState::Neutral => "skipped",
        };
        self.fake.report(PROJECT, commit.as_str(), &check.app, &check.name, state);
    }

    async fn label(&self, number: PullNumber, label: &str) {
        self.fake.label(PROJECT, number.0, "grace", label, true);
    }

    async fn comments(&self, number: PullNumber) -> Vec<String> {
        self.fake.comments(PROJECT, number.0)
    }

    async fn close(&self, number: PullNumber) {
        self.fake.close(PROJECT, number.0);
    }
}

#[async_trait]
impl PullRequests for Api {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        self.gitlab.find(repo, head, base).await
    }
    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.gitlab.open(new).await
    }
    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.gitlab.read(repo, number).await
    }
    /// Sets the project to fast-forward for a squash; otherwise GitLab adds a merge commit on top of the squash.
    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        if merge.method == MergeMethod::Squash {
            self.fake.set(repo.as_str(), |settings| settings.merge_method = "ff");
        }
        self.gitlab.merge(repo, number, merge).await
    }
    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        self.gitlab.list_by_label(repo, label).await
    }
    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure> {
        self.gitlab.find_by_title(repo, title).await
    }

    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure> {
        self.gitlab.required_checks(repo, branch).await
    }
    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.gitlab.checks(repo, commit).await
    }
    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure> {
        self.gitlab.set_labels(repo, number, add, remove).await
    }
    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        self.gitlab.label_events(repo, number).await
    }
    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.gitlab.comment(repo, number, key, text).await
    }
    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.gitlab.close(repo, number).await
    }
    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure> {
        self.gitlab.bringing(repo, commit).await
    }
}

#[async_trait]
impl Accounts for Api {
    async fn accounts(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        self.gitlab.accounts(repo, base, head).await
    }

    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        self.gitlab.pushers(repo, branch, since).await
    }

    async fn own(&self, repo: &Repo) -> Result<Option<PersonRef>, Failure> {
        self.gitlab.own(repo).await
    }
}
