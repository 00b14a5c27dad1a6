//! A GitLab server: state in memory, code in bare git repositories. Its API is at `{prefix}/api/v4`, its git
//! repositories are at `{prefix}/team/payments.git`. It is strict where GitLab is: unknown tokens, missing parameters,
//! duplicates, moved heads, page sizes.
//!
//! ```text
//! state      data model
//! people     actions of users and CI outside the bot: approve, label, report, deploy
//! api        one API call: authentication, parameters, routing, paging, ETags
//! merges     merge requests            talk   approvals, versions, comments, labels, issues
//! ci         statuses, pipelines, jobs, deployments
//! commits    branches, commits, files  plumb  git commands
//! ```

mod api;
mod ci;
mod commits;
mod merges;
mod people;
mod plumb;
mod state;
mod talk;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State as Given};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::git::{Repositories, is_git};
use crate::server::{Control, Server};

use self::state::World;
pub use self::state::{Pipeline, Project, Settings};

/// API token of the bot's account, which also gives access to git.
pub const TOKEN: &str = "glpat-fake-0123456789abcdef";

/// A running GitLab server. Dropping it stops it and deletes its repositories.
pub struct GitLab {
    server: Server,
    world: Arc<Mutex<World>>,
    repositories: Repositories,
    prefix: String,
    folder: tempfile::TempDir,
}

/// Snapshot of the server's state, without the contents of the repositories.
pub struct Kept(World);

#[derive(Clone)]
struct Site {
    world: Arc<Mutex<World>>,
    repositories: Repositories,
    prefix: String,
}

impl GitLab {
    /// Starts a server at the root of its host.
    pub async fn start() -> Self {
        Self::start_below("").await
    }

    /// Starts a server below a path, such as `/gitlab`.
    ///
    /// # Panics
    /// Panics if no port is free or no temporary folder can be created.
    pub async fn start_below(prefix: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("oauth2:{TOKEN}")));
        let repositories = Repositories::below(folder.path(), Arc::new(move |given| given == Some(basic.as_str())));
        let world = Arc::new(Mutex::new(World::new()));
        let site = Site { world: world.clone(), repositories: repositories.clone(), prefix: prefix.to_owned() };
        let router = Router::new().fallback(answer).with_state(site);
        let server = Server::start_for_all_tests(router, |path| !is_git(path));
        world.lock().unwrap().base = format!("{}{prefix}", server.url());
        Self { server, world, repositories, prefix: prefix.to_owned(), folder }
    }

    /// Returns the base URL including the path prefix, as the bot's configuration expects it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.prefix)
    }

    /// Returns the recorder and fault injector of the API.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.server.control
    }

    /// Returns the recorder and fault injector of git's own HTTP traffic.
    #[must_use]
    pub fn git_control(&self) -> &Arc<Control> {
        &self.server.git
    }

    /// Returns the folder that holds the bare repositories, such as `team/payments.git`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Returns a snapshot of the state, without the contents of the repositories.
    ///
    /// # Panics
    /// Panics if an earlier panic poisoned the state.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.world.lock().unwrap().clone())
    }

    /// Restores a snapshot; the caller restores the contents of the repositories.
    ///
    /// # Panics
    /// Panics if an earlier panic poisoned the state.
    pub fn restore(&self, kept: &Kept) {
        *self.world.lock().unwrap() = kept.0.clone();
    }

    /// Makes projects report the Reporter role (20) for the token. Writes themselves are not refused.
    ///
    /// # Panics
    /// Panics if an earlier panic poisoned the state.
    pub fn permit_reading_only(&self) {
        self.world.lock().unwrap().level = 20;
    }

    /// Creates an empty project such as `team/payments`, and returns the path of its bare repository.
    ///
    /// # Panics
    /// Panics if git fails.
    #[must_use]
    pub fn project(&self, path: &str) -> PathBuf {
        let place = self.repositories.create(path);
        self.world.lock().unwrap().add_project(path, place.clone());
        place
    }
}

async fn answer(Given(site): Given<Site>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix(&site.prefix) else {
        return api::Reply::error(404, "404 Not Found").into();
    };
    if !is_git(path) {
        return api::answer(&site.world, path, request).await;
    }
    let answer = site.repositories.answer(path, request).await;
    let project = path.trim_start_matches('/').split(".git/").next().unwrap_or_default();
    let mut world = site.world.lock().unwrap();
    if world.projects.contains_key(project) {
        world.pushed(project);
    }
    answer
}
