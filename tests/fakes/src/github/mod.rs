//! A GitHub server: state in memory, code in bare git repositories, and the REST API in the shape that octokit and
//! PyGithub read. It is strict: it refuses what GitHub refuses, with GitHub's statuses and messages, and knows nothing
//! of the bot.
//!
//! ```text
//! mod       start-up and test setup
//! people    actions of users, Apps and workflows outside the bot
//! state     data model
//! serve     one API call: authentication, paging, ETags, rate limits
//! routes    routing and permission checks
//! pulls, merges, issues, code, checks, deploys, apps     the resources of the API
//! shape, addresses     users, commits and repositories as JSON, with the URLs that they link to
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

/// A throw-away 2048-bit RSA private key in PKCS#1, the format in which GitHub issues App keys. It is used nowhere
/// else.
pub const APP_KEY_PKCS1: &str = include_str!("app-pkcs1.pem");
/// The same key in PKCS#8.
pub const APP_KEY_PKCS8: &str = include_str!("app-pkcs8.pem");

/// A running GitHub server. Dropping it stops it and deletes its repositories.
pub struct GitHubFake {
    /// The HTTP server. Its control counts API calls; git's own traffic has a separate control.
    pub server: Server,
    prefix: String,
    repositories: Repositories,
    state: Arc<Mutex<State>>,
    _folder: tempfile::TempDir,
}

/// Snapshot of the server's state, without the contents of the repositories.
pub struct Kept(State);

impl GitHubFake {
    /// Starts a server with its API below a prefix: `""`, or `"/api/v3"` as on GitHub Enterprise Server.
    ///
    /// # Panics
    /// Panics if no port is free or no temporary folder can be created.
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

    /// Returns the base URL of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}{}", self.server.url(), self.prefix)
    }

    /// Returns the base URL of the git repositories.
    #[must_use]
    pub fn git_url(&self) -> String {
        self.server.url()
    }

    /// Creates an empty repository and returns the path of its bare repository.
    ///
    /// # Panics
    /// Panics if the name is not `owner/name` or git fails.
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

    /// Returns the folder that contains the bare repositories.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self._folder.path().to_owned()
    }

    /// Returns the id of the user with this login; creates the user if there is none.
    #[must_use]
    pub fn user(&self, login: &str) -> u64 {
        self.state().user(login)
    }

    /// Registers a verified mail address of a user, so that commits with this address are attributed to the user.
    pub fn verify_mail(&self, login: &str, mail: &str) {
        let mut state = self.state();
        let id = state.user(login);
        state.mails.insert(mail.to_lowercase(), id);
    }

    /// Registers a personal access token of a user, with all permissions on all repositories.
    pub fn token(&self, login: &str, token: &str) {
        let mut state = self.state();
        let user = state.user(login);
        state.tokens.insert(token.to_owned(), Access { user, repos: None, permissions: None, expires: i64::MAX });
    }

    /// Makes every repository report `push: false` in its permissions. Writes themselves are not refused.
    pub fn permit_reading_only(&self) {
        self.state().reads_only = true;
    }

    /// Revokes a token.
    pub fn revoke(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    /// Revokes every installation token that was issued to an App.
    pub fn revoke_minted(&self) {
        self.state().tokens.retain(|_, access| access.permissions.is_none());
    }

    /// Registers an App with the private key [`APP_KEY_PKCS1`]; returns the App's id.
    #[must_use]
    pub fn app(&self, slug: &str) -> u64 {
        let mut state = self.state();
        let (id, user) = (state.id(), state.bot(&format!("{slug}[bot]")));
        state.apps.insert(id, App { slug: slug.to_owned(), user, public_key: apps::public_key() });
        id
    }

    /// Installs an App on repositories of one owner, with permissions such as `("contents", "write")`; returns the id
    /// of the installation.
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

    /// Returns the permissions that the calls so far required, each as `pull_requests=read`, or as alternatives of
    /// which one suffices: `issues=read; pull_requests=read`.
    #[must_use]
    pub fn rights_used(&self) -> BTreeSet<&'static str> {
        self.state().rights_used.clone()
    }

    /// Returns a snapshot of the state, without the contents of the repositories.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.state().clone())
    }

    /// Restores a snapshot; the caller restores the contents of the repositories.
    pub fn restore(&self, kept: &Kept) {
        *self.state() = kept.0.clone();
    }

    /// Advances the server's clock by this many seconds, for example to expire tokens.
    pub fn pass(&self, seconds: i64) {
        self.state().ahead += seconds;
    }

    /// Returns the server's clock, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.state().now()
    }

    /// Answers every API call with this rate limit; `None` lifts it.
    pub fn limit(&self, limit: Option<Limit>) {
        self.state().limit = limit;
    }

    /// Emulates an older server without `return_run_details`: a workflow dispatch with this key is refused as invalid.
    pub fn age(&self) {
        self.state().old = true;
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
