//! A GitHub: state in memory, code in real bare repositories, and the REST API in the shape that octokit and PyGithub read.
//! It is strict: it refuses what GitHub refuses, with GitHub's statuses and words, and it knows nothing of the bot.
//!
//! ```text
//! mod       starting it, and what tests set up
//! people    what people and builds do
//! state     what there is
//! serve     one call: who speaks, what they may, pages, tags, limits
//! routes    which part answers
//! pulls, merges, issues, code, checks, deploys, apps     the parts
//! shape, addresses     people, commits and repositories as JSON, with all that is linked from them
//! ```

mod addresses;
mod apps;
mod checks;
mod code;
mod deploys;
mod issues;
mod merges;
mod people;
mod pulls;
mod routes;
mod serve;
mod shape;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::Request;

use self::state::{Access, App, Installation, Repository, State};
use crate::git::{Repositories, is_git};
use crate::server::Server;

pub use self::people::Commit;
pub use self::serve::Limit;
pub use self::state::WorkflowFile;

/// A throw-away private key of 2048 bits as GitHub hands them out (PKCS#1). It opens nothing.
pub const APP_KEY_PKCS1: &str = include_str!("app-pkcs1.pem");
/// The same key as PKCS#8.
pub const APP_KEY_PKCS8: &str = include_str!("app-pkcs8.pem");

/// A running GitHub.
pub struct GitHubFake {
    /// The server, with the calls to its API; git's own traffic is not counted.
    pub server: Server,
    prefix: String,
    repositories: Repositories,
    state: Arc<Mutex<State>>,
    _folder: tempfile::TempDir,
}

/// How everything was at a moment.
pub struct Kept(State);

impl GitHubFake {
    /// Starts one whose API lies below a prefix: `""`, or `"/api/v3"` as on an Enterprise Server.
    ///
    /// # Panics
    /// When no port or folder can be had.
    pub async fn start(prefix: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let state = Arc::new(Mutex::new(State::new()));
        let gate = {
            let state = state.clone();
            Arc::new(move |authorization: Option<&str>| serve::may_git(&state.lock().unwrap(), authorization))
        };
        let repositories = Repositories::below(folder.path(), gate);
        let (answering, served, below) = (state.clone(), repositories.clone(), prefix.to_owned());
        let router = Router::new().fallback(move |request: Request| {
            let (state, repositories, prefix) = (answering.clone(), served.clone(), below.clone());
            async move { serve::answer(&state, &repositories, &prefix, request).await }
        });
        let server = Server::start_for_all_tests(router, |path| !is_git(path));
        state.lock().unwrap().url = server.url();
        state.lock().unwrap().prefix = prefix.to_owned();
        Self { server, prefix: prefix.to_owned(), repositories, state, _folder: folder }
    }

    /// Where its API is.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}{}", self.server.url(), self.prefix)
    }

    /// Where git is.
    #[must_use]
    pub fn git_url(&self) -> String {
        self.server.url()
    }

    /// Makes an empty repository and answers where its bare repository is.
    ///
    /// # Panics
    /// When the name is not `owner/name` or git fails.
    #[must_use = "use `git` on it"]
    pub fn create(&self, full: &str) -> PathBuf {
        let (owner, name) = full.split_once('/').expect("owner/name");
        std::fs::create_dir_all(self.repositories.place(owner).parent().unwrap().join(owner)).expect("a folder");
        let place = self.repositories.create(full);
        let mut state = self.state();
        let owner_id = state.user(owner);
        let id = state.id();
        state.repos.insert(full.to_lowercase(), Repository::new(id, owner, owner_id, name, place.clone()));
        place
    }

    /// The folder below which the bare repositories are.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self._folder.path().to_owned()
    }

    /// A person with this login; answers their number.
    #[must_use]
    pub fn user(&self, login: &str) -> u64 {
        self.state().user(login)
    }

    /// Says to whom an address belongs, so that commits are attributed.
    pub fn verify_mail(&self, login: &str, mail: &str) {
        let mut state = self.state();
        let id = state.user(login);
        state.mails.insert(mail.to_lowercase(), id);
    }

    /// A personal token that may do everything everywhere.
    pub fn token(&self, login: &str, token: &str) {
        let mut state = self.state();
        let user = state.user(login);
        state.tokens.insert(token.to_owned(), Access { user, repos: None, permissions: None, expires: i64::MAX });
    }

    /// Nobody who asks may write any more.
    pub fn permit_reading_only(&self) {
        self.state().reads_only = true;
    }

    /// Takes a token back.
    pub fn revoke(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    /// Takes every token back that was minted for an App.
    pub fn revoke_minted(&self) {
        self.state().tokens.retain(|_, access| access.permissions.is_none());
    }

    /// Registers an App whose private key is [`APP_KEY_PKCS1`]; answers its number.
    #[must_use]
    pub fn app(&self, slug: &str) -> u64 {
        let mut state = self.state();
        let (id, user) = (state.id(), state.bot(&format!("{slug}[bot]")));
        state.apps.insert(id, App { slug: slug.to_owned(), user, public_key: apps::public_key() });
        id
    }

    /// Installs an App on repositories of one owner with permissions like `("contents", "write")`; answers the number of
    /// the installation.
    #[must_use]
    pub fn install(&self, app: u64, owner: &str, repos: &[&str], permissions: &[(&str, &str)]) -> u64 {
        let mut state = self.state();
        let id = state.id();
        let repos: BTreeSet<String> = repos.iter().map(|repo| repo.to_lowercase()).collect();
        let permissions: BTreeMap<_, _> =
            permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
        state.installations.insert(id, Installation { app, owner: owner.to_lowercase(), repos, permissions });
        id
    }

    /// The permissions that the calls so far took, each as `pull_requests=read`, or several one of which does, as
    /// `issues=read; pull_requests=read`.
    #[must_use]
    pub fn rights_used(&self) -> BTreeSet<&'static str> {
        self.state().rights_used.clone()
    }

    /// How everything is now, without what lies in the repositories.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.state().clone())
    }

    /// Makes everything as it was; the repositories are put back by whoever keeps them.
    pub fn restore(&self, kept: &Kept) {
        *self.state() = kept.0.clone();
    }

    /// Lets time pass on GitHub's side: tokens expire.
    pub fn pass(&self, seconds: i64) {
        self.state().ahead += seconds;
    }

    /// What is the time over there, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.state().now()
    }

    /// Answers every call with a limit until it is lifted with `None`.
    pub fn limit(&self, limit: Option<Limit>) {
        self.state().limit = limit;
    }

    /// Makes it a server from before `return_run_details`, which refuses what it does not know.
    pub fn age(&self) {
        self.state().old = true;
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
