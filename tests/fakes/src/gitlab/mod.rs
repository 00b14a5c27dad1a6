//! GitLab, in memory, with real bare repositories. Its API is at `{prefix}/api/v4` and its git at `{prefix}/team/payments.git`.
//! It is strict where GitLab is: unknown tokens, missing parameters, duplicates, a head that moved, pages.
//!
//! ```text
//! state      what there is
//! people     what people do: approve, label, report, deploy
//! api        one call: who asks, for what, with which parameters
//! merges     merge requests            talk   approvals, versions, comments, labels, issues
//! ci         statuses, pipelines, jobs, deployments
//! commits    branches, commits, files  plumb  git underneath
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

/// The token of the bot's account.
pub const TOKEN: &str = "glpat-fake-0123456789abcdef";

/// A running GitLab. It ends when it is dropped.
pub struct GitLab {
    server: Server,
    world: Arc<Mutex<World>>,
    repositories: Repositories,
    prefix: String,
    folder: tempfile::TempDir,
}

/// How everything was at a moment.
pub struct Kept(World);

#[derive(Clone)]
struct Site {
    world: Arc<Mutex<World>>,
    repositories: Repositories,
    prefix: String,
}

impl GitLab {
    /// Starts one at the root of its host.
    pub async fn start() -> Self {
        Self::start_below("").await
    }

    /// Starts one below a path, such as `/gitlab`.
    ///
    /// # Panics
    /// When no folder or no port can be had.
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

    /// Where it is, as people configure it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.prefix)
    }

    /// What tests watch and steer.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.server.control
    }

    /// The same for git's own traffic.
    #[must_use]
    pub fn git_control(&self) -> &Arc<Control> {
        &self.server.git
    }

    /// The folder that holds the repositories: `team/payments.git`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// How everything is now, without what lies in the repositories.
    ///
    /// # Panics
    /// When a test broke it before.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(self.world.lock().unwrap().clone())
    }

    /// Makes everything as it was; the repositories are put back by whoever keeps them.
    ///
    /// # Panics
    /// When a test broke it before.
    pub fn restore(&self, kept: &Kept) {
        *self.world.lock().unwrap() = kept.0.clone();
    }

    /// The token may read and not push any more.
    ///
    /// # Panics
    /// When a test broke it before.
    pub fn permit_reading_only(&self) {
        self.world.lock().unwrap().level = 20;
    }

    /// Makes an empty project such as `team/payments`, and answers its repository.
    ///
    /// # Panics
    /// When git fails.
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
