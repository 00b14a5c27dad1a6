//! A server with one repository, and a mirror of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::conformance::{Push, Setup};
use hotfix_adapters::forge::credentials::Credentials;
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::hosted::{Accounts, CommitAccounts, Hosted};
use hotfix_adapters::forge::*;
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Repo};
use hotfix_fakes::git::Repositories;
use hotfix_fakes::server::Server;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::repository::{git, import};

/// The credentials that the server expects, and that must not appear anywhere else.
pub(crate) const TOKEN: &str = "Basic eDpjYW5hcnktc2VzYW1l";

/// A server with `team/payments`, and mirrors in a new folder.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Server,
    pub(crate) token: Arc<Token>,
    /// Hook of the server that runs when a push has begun, before the server lists its branches.
    pub(crate) before_push: Arc<BeforePush>,
    pub(crate) mirror: Arc<Mirror>,
}

type BeforePush = Mutex<Option<Box<dyn FnOnce() + Send>>>;

/// A token that tests can replace.
pub(crate) struct Token(Mutex<Option<String>>);

impl Token {
    pub(crate) fn set(&self, token: Option<&str>) {
        *self.0.lock().unwrap() = token.map(String::from);
    }
}

#[async_trait]
impl Credentials for Token {
    async fn authorization(&self, _: &Repo) -> Result<Option<SecretString>, Failure> {
        Ok(self.0.lock().unwrap().clone().map(SecretString::from))
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("served");
        std::fs::create_dir_all(root.join("team")).unwrap();
        let repositories = Repositories::below(root, Arc::new(|token| token == Some(TOKEN)));
        git(&repositories.create("team/payments"), &["config", "core.logAllRefUpdates", "true"], b"");
        let before_push = Arc::new(BeforePush::default());
        let happens = before_push.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (repositories, path) = (repositories.clone(), request.uri().path().to_owned());
            if request.uri().query() == Some("service=git-receive-pack")
                && let Some(act) = happens.lock().unwrap().take()
            {
                act();
            }
            async move { repositories.answer(&path, request).await }
        });
        let server = Server::start(router, |_| true).await;
        let token = Arc::new(Token(Mutex::new(Some(TOKEN.into()))));
        let mirror = Arc::new(Mirror::open(options(&server, &token, folder.path().join("mirrors"))).unwrap());
        Self { folder, server, token, before_push, mirror }
    }

    /// Returns mirrors without any content, as after the loss of the folder.
    pub(crate) fn fresh(&self) -> Mirror {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        Mirror::open(options(&self.server, &self.token, folder)).unwrap()
    }

    /// Opens the mirrors as another process would.
    pub(crate) fn reopened(&self) -> Mirror {
        Mirror::open(options(&self.server, &self.token, self.folder.path().join("mirrors"))).unwrap()
    }

    pub(crate) fn repo(&self) -> Repo {
        Repo::parse("team/payments").unwrap()
    }

    /// Returns the directory of the repository on the server.
    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("served/team/payments.git")
    }

    /// Returns the directory of the mirror.
    pub(crate) fn mirrored(&self) -> PathBuf {
        self.folder.path().join("mirrors/team~payments.git")
    }

    /// Installs a hook that the server runs on every push.
    pub(crate) fn hook(&self, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let hook = self.directory().join("hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns how often the branch `hotfix` moved on the server.
    pub(crate) fn moves(&self) -> usize {
        std::fs::read_to_string(self.directory().join("logs/refs/heads/hotfix")).unwrap().lines().count()
    }

    pub(crate) fn commit(&self, branch: &str, parents: &[&CommitId], files: &[(&str, &str)]) -> CommitId {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        let message = "A change\n";
        import(&self.directory(), Push { branch, parents, files: &files, message, author: "Ada <ada@example.org>" })
    }
}

pub(crate) fn options(server: &Server, token: &Arc<Token>, folder: PathBuf) -> MirrorOptions {
    MirrorOptions {
        folder,
        base_url: server.url(),
        reach: EgressPolicy::default(),
        credentials: token.clone(),
        committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
        time_limit: Duration::from_secs(60),
        silence: Duration::from_secs(60),
    }
}

#[async_trait]
impl Setup for Place {
    fn forge(&self) -> Arc<dyn Forge> {
        Arc::new(Hosted::new(self.mirror.clone(), NoApi))
    }

    fn repo(&self) -> Repo {
        Place::repo(self)
    }

    async fn push(&self, push: Push<'_>) -> CommitId {
        import(&self.directory(), push)
    }

    async fn review(&self, _: PullNumber, _: ReviewVerdict) {
        panic!("there are no pull requests here")
    }

    async fn report(&self, _: &CommitId, _: Check) {
        panic!("there are no checks here")
    }

    async fn label(&self, _: PullNumber, _: &str) {
        panic!("there are no labels here")
    }

    async fn comments(&self, _: PullNumber) -> Vec<String> {
        panic!("there are no comments here")
    }

    async fn close(&self, _: PullNumber) {
        panic!("there are no pull requests here")
    }
}

/// An API that rejects every call: only git is tested here.
pub(crate) struct NoApi;

fn nothing<T>() -> Result<T, Failure> {
    Err(Failure::rejected("this forge is git alone"))
}

#[async_trait]
impl Accounts for NoApi {
    async fn accounts(
        &self,
        _: &Repo,
        _: &CommitId,
        _: &CommitId,
    ) -> Result<BTreeMap<CommitId, CommitAccounts>, Failure> {
        nothing()
    }

    async fn pushers(&self, _: &Repo, _: &BranchName, _: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        nothing()
    }
}

#[async_trait]
impl PullRequests for NoApi {
    async fn find(&self, _: &Repo, _: &BranchName, _: &BranchName) -> Result<Option<PullRequest>, Failure> {
        nothing()
    }

    async fn open(&self, _: &NewPullRequest) -> Result<PullRequest, Failure> {
        nothing()
    }

    async fn read(&self, _: &Repo, _: PullNumber) -> Result<PullRequest, Failure> {
        nothing()
    }

    async fn merge(&self, _: &Repo, _: PullNumber, _: &Merge) -> Result<CommitId, Failure> {
        nothing()
    }

    async fn list_by_label(&self, _: &Repo, _: &str) -> Result<Vec<Labelled>, Failure> {
        nothing()
    }

    async fn find_by_title(&self, _: &Repo, _: &str) -> Result<Vec<Labelled>, Failure> {
        nothing()
    }

    async fn required_checks(&self, _: &Repo, _: &BranchName) -> Result<Vec<String>, Failure> {
        nothing()
    }

    async fn checks(&self, _: &Repo, _: &CommitId) -> Result<Vec<Check>, Failure> {
        nothing()
    }

    async fn set_labels(&self, _: &Repo, _: PullNumber, _: &[String], _: &[String]) -> Result<(), Failure> {
        nothing()
    }

    async fn label_events(&self, _: &Repo, _: PullNumber) -> Result<Vec<LabelEvent>, Failure> {
        nothing()
    }

    async fn comment(&self, _: &Repo, _: PullNumber, _: &str, _: &str) -> Result<(), Failure> {
        nothing()
    }

    async fn close(&self, _: &Repo, _: PullNumber) -> Result<(), Failure> {
        nothing()
    }

    async fn bringing(&self, _: &Repo, _: &CommitId) -> Result<Vec<Bringing>, Failure> {
        nothing()
    }
}
