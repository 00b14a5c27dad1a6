//! A GitHub with one repository, `team/payments`, and the adapter on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::github::{Auth, GitHub, GitHubOptions};
use hotfix_adapters::forge::local::{Local, LocalOptions};
use hotfix_adapters::forge::{
    Change, Check, CheckState, Containment, DiffSize, Files, Forge, History, Labelled, Labelling, Merge, MergeMethod,
    NewCommit, NewPullRequest, Pick, Picked, PullNumber, PullRequest, PullRequests, Range, Refs, Verdict,
};
use hotfix_adapters::vocabulary::{BranchName, CommitId, Repo, TagName};
use hotfix_fakes::github::{Commit, GitHubFake};
use jiff::Timestamp;
use secrecy::SecretString;

pub(crate) const TEAM: &str = "team/payments";
pub(crate) const TOKEN: &str = "ghp_0123456789abcdefCANARY";

pub(crate) fn repo() -> Repo {
    Repo::parse(TEAM).unwrap()
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

pub(crate) fn id(text: &str) -> CommitId {
    CommitId::parse(text).unwrap()
}

/// A clock that tests move.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(Timestamp::now().as_second() + self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Options for a fake; the time-out is long enough for a slow machine and never waited for.
pub(crate) fn options(fake: &GitHubFake, auth: Auth, clock: &Clock) -> GitHubOptions {
    let clock = clock.clone();
    GitHubOptions {
        api_url: fake.api_url(),
        git_url: fake.git_url(),
        clock: Arc::new(move || clock.now()),
        timeout: Duration::from_secs(60),
        ..GitHubOptions::new(auth)
    }
}

pub(crate) struct Place {
    pub(crate) fake: GitHubFake,
    pub(crate) github: Arc<GitHub>,
    forge: Arc<Both>,
    _ledger: tempfile::TempDir,
}

impl Place {
    pub(crate) async fn new(prefix: &str) -> Self {
        let fake = GitHubFake::start(prefix).await;
        let _ = fake.create(TEAM);
        fake.token("hotfix-bot", TOKEN);
        let github = options(&fake, Auth::Token(SecretString::from(TOKEN)), &Clock::default());
        let github = GitHub::new(github).unwrap();
        let (github, ledger) = (Arc::new(github), tempfile::tempdir().unwrap());
        let local = Local::open(LocalOptions::new(fake.root(), ledger.path())).unwrap();
        let forge = Arc::new(Both { github: github.clone(), local: Arc::new(local) });
        Self { fake, github, forge, _ledger: ledger }
    }

    /// A commit that sets one file.
    pub(crate) fn commit(&self, branch: &str, parents: &[&str], file: &str) -> String {
        let files = [(file, Some("1"))];
        let author = "Ada <ada@example.org>";
        self.fake.push(TEAM, Commit { branch, parents, files: &files, message: "Set", author })
    }

    /// `main`, and `fix` one commit ahead of it.
    pub(crate) fn branches(&self) -> (CommitId, CommitId) {
        let base = self.commit("main", &[], "lines");
        let head = self.commit("fix", &[&base], "fix");
        (id(&base), id(&head))
    }

    /// These, and a pull request between them.
    pub(crate) async fn opened(&self) -> (CommitId, PullNumber) {
        let (_, head) = self.branches();
        (head, self.github.open(&new_pull("fix")).await.unwrap().number)
    }

    /// How many calls with this method and this in the path there were.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.fake.server.control.calls().iter().filter(|call| call.method == method && call.path.contains(part)).count()
    }
}

pub(crate) fn new_pull(head: &str) -> NewPullRequest {
    let (title, body) = ("Fix the fees".into(), "They were wrong.".into());
    NewPullRequest { repo: repo(), head: branch(head), base: branch("main"), title, body, author: None }
}

pub(crate) fn merge_of(head: &CommitId) -> Merge {
    let (title, body) = ("Merge the fix".into(), "Approved by Grace.".into());
    Merge { expected_head: head.clone(), method: MergeMethod::Merge, title, body }
}

#[track_caller]
pub(crate) fn rejected<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    match result {
        Err(Failure::Rejected { reason }) => reason,
        other => panic!("this should have been rejected: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn retried<T: std::fmt::Debug>(result: Result<T, Failure>) -> (String, Option<Duration>) {
    match result {
        Err(Failure::Retry { reason, after }) => (reason, after),
        other => panic!("this should be tried again: {other:?}"),
    }
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
        let Push { branch, parents, files, message, author } = push;
        let parents: Vec<&str> = parents.iter().map(|parent| parent.as_str()).collect();
        id(&self.fake.push(TEAM, Commit { branch, parents: &parents, files, message, author }))
    }

    async fn review(&self, number: PullNumber, verdict: Verdict) {
        let said = match verdict {
            Verdict::Approved => "APPROVED",
            Verdict::ChangesRequested => "CHANGES_REQUESTED",
            Verdict::Dismissed => "DISMISSED",
        };
        self.fake.review(TEAM, number.0, "grace", said);
    }

    async fn report(&self, commit: &CommitId, check: Check) {
        let how = match check.state {
            CheckState::Pending => "in_progress",
            CheckState::Success => "success",
            CheckState::Failure => "failure",
            CheckState::Neutral => "neutral",
        };
        self.fake.check(TEAM, commit.as_str(), &check.app, &check.name, how);
    }

    async fn label(&self, number: PullNumber, label: &str) {
        self.fake.label(TEAM, number.0, "grace", label);
    }

    async fn close(&self, number: PullNumber) {
        self.fake.close(TEAM, number.0, "grace");
    }
}

/// Pull requests by GitHub's API, and the rest by git on the fake's own repository.
struct Both {
    github: Arc<GitHub>,
    local: Arc<Local>,
}

#[async_trait]
impl Refs for Both {
    async fn tip(&self, repo: &Repo, branch: &BranchName) -> Result<Option<CommitId>, Failure> {
        self.local.tip(repo, branch).await
    }
    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.local.create(repo, branch, at).await
    }
    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        self.local.advance(repo, branch, from, to).await
    }
    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.local.delete(repo, branch, at).await
    }
    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.local.tag(repo, tag, at).await
    }
    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        self.local.branches(repo, below).await
    }
}

#[async_trait]
impl PullRequests for Both {
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure> {
        self.github.find(repo, head, base).await
    }
    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure> {
        self.github.open(new).await
    }
    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure> {
        self.github.read(repo, number).await
    }
    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        self.github.merge(repo, number, merge).await
    }
    async fn labelled(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure> {
        self.github.labelled(repo, label).await
    }
    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure> {
        self.github.checks(repo, commit).await
    }
    async fn relabel(&self, repo: &Repo, number: PullNumber, add: &[String], remove: &[String]) -> Result<(), Failure> {
        self.github.relabel(repo, number, add, remove).await
    }
    async fn labellings(&self, repo: &Repo, number: PullNumber) -> Result<Vec<Labelling>, Failure> {
        self.github.labellings(repo, number).await
    }
    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure> {
        self.github.comment(repo, number, key, text).await
    }
    async fn withdraw(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure> {
        self.github.withdraw(repo, number).await
    }
}

#[async_trait]
impl Files for Both {
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.local.read_file(repo, at, path).await
    }
    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        self.local.paths(repo, at, below).await
    }
    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure> {
        self.local.commit_files(repo, new).await
    }
}

#[async_trait]
impl History for Both {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.local.resolve(repo, words).await
    }
    async fn between(&self, repo: &Repo, base: &CommitId, head: &CommitId, max: usize) -> Result<Range, Failure> {
        self.local.between(repo, base, head, max).await
    }
    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.local.size(repo, base, head).await
    }
    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.local.containment(repo, change, tip).await
    }
    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.local.pick(repo, pick).await
    }
    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure> {
        self.local.count(repo, commit).await
    }
}
