//! In-memory Drone server: repositories with their builds, and promotions that create new builds. Like Drone, it
//! rejects unknown tokens, missing builds and promotions without a target, limits pages to a hundred builds, and
//! answers `null` if no pipeline handles the target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::{Control, Server};

/// API token of the bot's account.
pub const TOKEN: &str = "drone-fake-0123456789abcdef";

/// One build of a repository.
#[derive(Debug, Clone)]
pub struct Build {
    /// Number of the build, unique in its repository.
    pub number: u64,
    /// Trigger: `push`, `tag`, `promote`, …
    pub event: String,
    /// Status: `pending`, `running`, `success`, …
    pub status: String,
    /// Full id of the commit that is built.
    pub after: String,
    /// Target environment of a promotion; empty for other builds.
    pub deploy_to: String,
    /// Number of the build that was promoted; 0 for other builds.
    pub parent: u64,
    /// Parameters of the build by name; a promotion inherits those of the promoted build.
    pub params: BTreeMap<String, String>,
}

/// A running Drone server. Dropping it stops it.
pub struct Drone {
    server: Server,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    repos: BTreeMap<String, Vec<Build>>,
    /// Target environments that no pipeline handles.
    deaf: BTreeSet<String>,
    /// Reports the token's permissions as read-only.
    reads_only: bool,
}

impl Drone {
    /// Starts a server without repositories.
    pub async fn start() -> Self {
        let world = Arc::new(Mutex::new(World::default()));
        let router = Router::new().fallback(answer).with_state(world.clone());
        Self { server: Server::start(router, |_| true).await, world }
    }

    /// Returns the base URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the recorder and fault injector of the API.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.server.control
    }

    /// Adds a repository without builds; does nothing if it exists.
    pub fn repo(&self, repo: &str) {
        self.world.lock().unwrap().repos.entry(repo.to_owned()).or_default();
    }

    /// Adds a build that was not promoted by the bot, and returns its number.
    ///
    /// # Panics
    /// Panics if the repository does not exist.
    #[must_use]
    pub fn build(&self, repo: &str, event: &str, after: &str, status: &str) -> u64 {
        let mut world = self.world.lock().unwrap();
        let builds = world.repos.get_mut(repo).expect("a repository");
        let number = builds.last().map_or(1, |last| last.number + 1);
        let (event, status, after) = (event.to_owned(), status.to_owned(), after.to_owned());
        let (deploy_to, params) = (String::new(), BTreeMap::new());
        builds.push(Build { number, event, status, after, deploy_to, parent: 0, params });
        number
    }

    /// Changes a build, for example its status.
    ///
    /// # Panics
    /// Panics if the repository or the build does not exist.
    pub fn change(&self, repo: &str, number: u64, change: impl FnOnce(&mut Build)) {
        let mut world = self.world.lock().unwrap();
        let builds = world.repos.get_mut(repo).expect("a repository");
        change(builds.iter_mut().find(|build| build.number == number).expect("a build"));
    }

    /// Makes promotions to this target answer `null`, as if no pipeline handled it.
    pub fn deaf_to(&self, target: &str) {
        self.world.lock().unwrap().deaf.insert(target.to_owned());
    }

    /// Makes every repository report that the token may read but not write. Promotions themselves are not refused.
    pub fn permit_reading_only(&self) {
        self.world.lock().unwrap().reads_only = true;
    }

    /// Returns the promotions of a repository, oldest first.
    #[must_use]
    pub fn promotions(&self, repo: &str) -> Vec<Build> {
        let builds = self.world.lock().unwrap().repos.get(repo).cloned().unwrap_or_default();
        builds.into_iter().filter(|build| build.event == "promote").collect()
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "message": message }))).into_response()
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if token != Some(format!("Bearer {TOKEN}").as_str()) {
        return refuse(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    let said: Vec<(String, String)> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path: Vec<&str> = request.uri().path().trim_start_matches("/api/repos/").split('/').collect();
    let [owner, name, rest @ ..] = path.as_slice() else { return refuse(StatusCode::NOT_FOUND, "Not Found") };
    let mut world = world.lock().unwrap();
    let (deaf, reads_only) = (world.deaf.clone(), world.reads_only);
    let Some(builds) = world.repos.get_mut(&format!("{owner}/{name}")) else {
        return refuse(StatusCode::NOT_FOUND, "sql: no rows in result set");
    };
    let one = |number: &str| builds.iter().find(|build| build.number.to_string() == number).cloned();
    match (request.method().as_str(), rest) {
        ("GET", []) => axum::Json(json!({ "id": 1, "slug": format!("{owner}/{name}"), "active": true,
                "permissions": { "read": true, "write": !reads_only, "admin": false } }))
        .into_response(),
        ("GET", ["builds"]) => axum::Json(page(builds, &said)).into_response(),
        ("GET", ["builds", number]) => match one(number) {
            Some(build) => axum::Json(shown(&build, true)).into_response(),
            None => refuse(StatusCode::NOT_FOUND, "sql: no rows in result set"),
        },
        ("POST", ["builds", number, "promote"]) => match one(number) {
            Some(source) => promote(builds, &source, &said, &deaf),
            None => refuse(StatusCode::NOT_FOUND, "sql: no rows in result set"),
        },
        _ => refuse(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn promote(builds: &mut Vec<Build>, source: &Build, said: &[(String, String)], deaf: &BTreeSet<String>) -> Response {
    let target = said.iter().find(|(name, _)| name == "target").map(|(_, value)| value.clone()).unwrap_or_default();
    if target.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "Missing target environment");
    }
    if deaf.contains(&target) {
        return axum::Json(Value::Null).into_response();
    }
    let mut params = source.params.clone();
    params.extend(said.iter().filter(|(name, _)| name != "target" && name != "access_token").cloned());
    let build = Build {
        number: builds.last().map_or(1, |last| last.number + 1),
        event: "promote".to_owned(),
        status: "pending".to_owned(),
        after: source.after.clone(),
        deploy_to: target,
        parent: source.number,
        params,
    };
    builds.push(build.clone());
    axum::Json(shown(&build, false)).into_response()
}

/// Returns one page of builds, newest first. A page size over a hundred falls back to 25.
fn page(builds: &[Build], said: &[(String, String)]) -> Vec<Value> {
    let number =
        |name: &str| said.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok());
    let size = number("per_page").filter(|size| (1..=100).contains(size)).unwrap_or(25);
    let skip = number("page").unwrap_or(1).saturating_sub(1) * size;
    builds.iter().rev().skip(skip).take(size).map(|build| shown(build, false)).collect()
}

fn shown(build: &Build, whole: bool) -> Value {
    let time = 1_780_000_000 + i64::try_from(build.number).unwrap();
    let ended = ["success", "failure", "error", "killed"].contains(&build.status.as_str());
    let mut value = json!({
        "id": 1000 + build.number, "number": build.number, "parent": build.parent, "status": build.status,
        "event": build.event, "after": build.after, "before": "0".repeat(40), "ref": "refs/heads/main",
        "deploy_to": build.deploy_to, "created": time, "started": time, "updated": time,
        "finished": if ended { time } else { 0 }, "version": 1,
    });
    if build.deploy_to.is_empty() {
        value.as_object_mut().unwrap().remove("deploy_to");
    }
    if !build.params.is_empty() {
        value["params"] = json!(build.params);
    }
    if whole {
        let exit = i32::from(build.status == "failure");
        value["stages"] = json!([{ "name": "deploy", "status": build.status,
                                   "steps": [{ "name": "kubectl", "status": build.status, "exit_code": exit }] }]);
    }
    value
}
