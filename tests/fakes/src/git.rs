//! Bare git repositories behind git's smart HTTP protocol, served by git's own `git http-backend`. The GitHub and
//! GitLab fakes serve their code with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncWriteExt as _;

use crate::pushes::keep_pushes;

/// Returns `true` if a path belongs to git's own traffic, such as `/team/payments.git/info/refs`, and not to the API.
#[must_use]
pub fn is_git(path: &str) -> bool {
    path.contains(".git/")
}

/// Access check for git traffic: receives the value of the `Authorization` header and returns `true` to grant read and
/// write access to every repository.
pub type Gate = Arc<dyn Fn(Option<&str>) -> bool + Send + Sync>;

/// The bare repositories below one folder; `team/payments` is stored in `team/payments.git`.
#[derive(Clone)]
pub struct Repositories {
    root: PathBuf,
    gate: Gate,
}

impl Repositories {
    /// Serves the repositories below `root` to callers that pass the gate.
    #[must_use]
    pub fn below(root: impl Into<PathBuf>, gate: Gate) -> Self {
        Self { root: root.into(), gate }
    }

    /// Creates an empty bare repository with the default branch `main` and a push log, and returns its path.
    ///
    /// # Panics
    /// Panics if git fails.
    #[must_use]
    pub fn create(&self, name: &str) -> PathBuf {
        let place = self.place(name);
        git(&self.root, &["init", "-q", "--bare", "-b", "main", place.to_str().expect("a plain path")]);
        keep_pushes(&place);
        place
    }

    /// Returns the path of a repository, which need not exist.
    #[must_use]
    pub fn place(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.git"))
    }

    /// Answers one HTTP call of a git client. `path` is relative to the root folder and begins with a slash.
    ///
    /// # Panics
    /// Panics if git cannot be run at all.
    pub async fn answer(&self, path: &str, request: Request) -> Response {
        let (request, body) = request.into_parts();
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        if !(self.gate)(authorization) {
            let challenge = [("www-authenticate", "Basic realm=\"git\"")];
            return (StatusCode::UNAUTHORIZED, challenge, "who are you?").into_response();
        }
        let is_advertisement = self.is_advertisement(path, &request);
        if is_advertisement && let Some(advertised) = ADVERTISED.get() {
            return cgi(advertised);
        }
        let header =
            |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let mut command = tokio::process::Command::new(program());
        command.arg("http-backend").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GIT_PROJECT_ROOT", &self.root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "somebody");
        command.env("PATH_INFO", path).env("REQUEST_METHOD", request.method.as_str());
        command.env("QUERY_STRING", request.uri.query().unwrap_or_default());
        command.env("CONTENT_TYPE", header("content-type")).env("GIT_PROTOCOL", header("git-protocol"));
        command.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
        // GitHub and GitLab allow partial clones and fetching any commit by its id.
        let settings =
            [("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true"), ("safe.directory", "*")];
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let body = axum::body::to_bytes(body, 256 << 20).await.unwrap_or_default();
        let mut child = command.spawn().expect("git can be run");
        let mut stdin = child.stdin.take().expect("a pipe");
        let write = async move {
            let _ = stdin.write_all(&body).await;
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let printed = output.expect("git answers").stdout;
        if is_advertisement && printed.starts_with(b"Expires:") {
            let _ = ADVERTISED.set(printed.clone());
        }
        cgi(&printed)
    }

    /// Returns `true` if the call only requests the capability advertisement of `git-upload-pack`. In version 2 of the
    /// protocol, this answer lists no refs and is the same for all repositories, so it can be cached.
    fn is_advertisement(&self, path: &str, request: &Parts) -> bool {
        let repository = path.strip_suffix("/info/refs").map(|name| self.root.join(name.trim_start_matches('/')));
        let version = request.headers.get("git-protocol").is_some_and(|version| version == "version=2");
        version
            && request.uri.query() == Some("service=git-upload-pack")
            && repository.is_some_and(|place| place.join("HEAD").is_file())
    }
}

/// Cached capability advertisement. Clients request it in half of all calls, and each uncached answer costs three
/// processes.
static ADVERTISED: OnceLock<Vec<u8>> = OnceLock::new();

/// Returns the absolute path of git. With a bare name and a cleared environment, the standard library forks instead of
/// using the cheaper `posix_spawn`.
pub(crate) fn program() -> &'static Path {
    static GIT: OnceLock<PathBuf> = OnceLock::new();
    GIT.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file());
        found.expect("git is on PATH")
    })
}

/// Converts the output of a CGI program to an HTTP answer.
fn cgi(printed: &[u8]) -> Response {
    let end = printed.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(printed.len());
    let head = String::from_utf8_lossy(&printed[..end]).into_owned();
    let body = printed.get(end + 4..).unwrap_or_default().to_vec();
    let mut answer = Response::new(Body::from(body));
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            let code = value.split_whitespace().next().and_then(|code| code.parse().ok()).unwrap_or(500);
            *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        } else if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// Runs git in a folder and returns its standard output, without trailing white space.
///
/// # Panics
/// Panics if git fails; the message contains its standard error.
#[must_use = "use `git` for its effect alone"]
pub fn git_out(folder: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new(program()).args(args).current_dir(folder).env("LC_ALL", "C").output();
    let output = output.expect("git can be run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?} in {}: {complaint}", folder.display());
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Runs git in a folder and discards its output.
///
/// # Panics
/// Panics if git fails.
pub fn git(folder: &Path, args: &[&str]) {
    let _ = git_out(folder, args);
}
