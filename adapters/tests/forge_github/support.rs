//! A fake GitHub with one repository, `team/payments`, and the adapter for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions};
use hotfix_adapters::forge::hosted::Hosted;
use hotfix_adapters::forge::{
    Check, CheckState, Forge, Merge, MergeMethod, NewPullRequest, PullNumber, PullRequests as _, ReviewVerdict,
    Signature,
};
use hotfix_adapters::ids::{BranchName, CommitId, Repo};
use hotfix_fakes::github::{Commit, GitHubFake};
use jiff::{SignedDuration, Timestamp};
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
        // The clock has a finer resolution than GitHub's timestamps.
        Timestamp::now() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Returns options for a fake; the timeout is long enough for a slow machine, and never reached.
pub(crate) fn options(fake: &GitHubFake, auth: GitHubAuth, clock: &Clock) -> GitHubOptions {
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
    pub(crate) github: GitHub,
    forge: Arc<Hosted<GitHub>>,
    _mirrors: tempfile::TempDir,
}

impl Place {
    pub(crate) async fn new(prefix: &str) -> Self {
        let fake = GitHubFake::start(prefix).await;
        let _ = fake.create(TEAM);
        fake.token("hotfix-bot", TOKEN);
        let github = options(&fake, GitHubAuth::Token(SecretString::from(TOKEN)), &Clock::default());
        let github = GitHub::new(github).unwrap();
        let mirrors = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(MirrorOptions {
            folder: mirrors.path().join("mirrors"),
            base_url: fake.git_url(),
            reach: EgressPolicy::default(),
            credentials: Arc::new(github.clone()),
            committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
            time_limit: Duration::from_secs(60),
            silence: Duration::from_secs(60),
        });
        let forge = Arc::new(Hosted::new(Arc::new(mirror.unwrap()), github.clone()));
        Self { fake, github, forge, _mirrors: mirrors }
    }

    /// Pushes a commit that sets one file; returns its id.
    pub(crate) fn commit(&self, branch: &str, parents: &[&str], file: &str) -> String {
        let files = [(file, Some("1"))];
        let author = "Ada <ada@example.org>";
        self.fake.push(TEAM, Commit { branch, parents, files: &files, message: "Set", author })
    }

    /// Creates `main`, and `fix` one commit ahead of it.
    pub(crate) fn branches(&self) -> (CommitId, CommitId) {
        let base = self.commit("main", &[], "lines");
        let head = self.commit("fix", &[&base], "fix");
        (id(&base), id(&head))
    }

    /// Creates both branches and a pull request between them.
    pub(crate) async fn opened(&self) -> (CommitId, PullNumber) {
        let (_, head) = self.branches();
        (head, self.github.open(&new_pull("fix")).await.unwrap().number)
    }

    /// Returns the number of calls with this method whose path contains `part`.
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

    async fn review(&self, number: PullNumber, verdict: ReviewVerdict) {
        let said = match verdict {
            ReviewVerdict::Approved => "APPROVED",
            ReviewVerdict::ChangesRequested => "CHANGES_REQUESTED",
            ReviewVerdict::Dismissed => "DISMISSED",
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

    async fn comments(&self, number: PullNumber) -> Vec<String> {
        self.fake.comments(TEAM, number.0)
    }

    async fn close(&self, number: PullNumber) {
        self.fake.close(TEAM, number.0, "grace");
    }
}
