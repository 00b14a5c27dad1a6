//! The HTTP listener on loopback that all fakes run on. It records every call and can inject a fault into it: answer
//! with an error before the call takes effect, cut the answer off in the middle, or let the call take effect and then
//! answer with an error.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt as _;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::git::is_git;

/// Maximum size of a request body, in bytes.
const BODY_LIMIT: usize = 64 << 20;

/// A fault that is injected into one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this status; the call has no effect.
    Refuse(u16),
    /// Answers with this status and repeats the credentials of the call in every text field of the error, as some
    /// platforms and many proxies do; the call has no effect.
    Echo(u16),
    /// Answers 429 with `Retry-After` in seconds; the call has no effect.
    TooMany(u32),
    /// Closes the connection without an answer; the call has no effect.
    HangUp,
    /// Closes the connection in the middle of the answer; the call takes effect.
    HalfBody,
    /// Answers 500 although the call takes effect.
    DoneBut500,
    /// Closes the connection without an answer; the call takes effect.
    DoneButHangUp,
    /// Never answers, so that the client has to time out; the call has no effect.
    Silent,
    /// Never answers; the call takes effect.
    DoneButSilent,
}

/// One recorded HTTP call and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// HTTP method, upper case.
    pub method: String,
    /// Path of the request, still percent-encoded.
    pub path: String,
    /// Query string without the question mark; empty if there is none.
    pub query: String,
    /// Headers with lower-case names. Credentials are redacted: of `authorization`, `private-token` and `job-token`,
    /// only the authentication scheme is kept.
    pub headers: BTreeMap<String, String>,
    /// Request body; `None` if it is not JSON.
    pub body: Option<serde_json::Value>,
    /// Status of the answer; `None` if the call was not answered.
    pub status: Option<u16>,
    /// Body of the answer; `None` if it is a stream, not JSON, or was cut off.
    pub answer: Option<serde_json::Value>,
}

/// Recorder and fault injector of one server, used by tests.
#[derive(Debug, Default)]
pub struct Control {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<Call>,
    /// Faults, keyed by the number of the call; the first call after [`Control::break_calls`] is 0.
    faults: BTreeMap<usize, Fault>,
    counted: usize,
    delay: Duration,
    down: Option<Fault>,
}

impl Control {
    /// Returns the recorded calls, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// Clears the recorded calls; later calls are recorded as before.
    pub fn forget(&self) {
        self.inner.lock().unwrap().calls.clear();
    }

    /// Injects faults into the calls with these numbers; the next call is number 0. Replaces the faults set before.
    pub fn break_calls(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        let mut inner = self.inner.lock().unwrap();
        inner.faults = faults.into_iter().collect();
        inner.counted = 0;
    }

    /// Injects a fault into every call, with priority over [`Control::break_calls`]; `None` ends the outage.
    pub fn down(&self, fault: Option<Fault>) {
        self.inner.lock().unwrap().down = fault;
    }

    /// Answers every call with this status and the credentials of the call, without effect; `None` ends it.
    pub fn echo_credentials(&self, status: Option<u16>) {
        self.down(status.map(Fault::Echo));
    }

    /// Delays every call by this duration before it is processed; zero turns the delay off.
    pub fn delay(&self, delay: Duration) {
        self.inner.lock().unwrap().delay = delay;
    }

    fn next(&self) -> (Option<Fault>, Duration) {
        let mut inner = self.inner.lock().unwrap();
        let number = inner.counted;
        inner.counted += 1;
        let fault = inner.down.clone().or_else(|| inner.faults.remove(&number));
        (fault, inner.delay)
    }

    fn record(&self, call: Call) {
        self.inner.lock().unwrap().calls.push(call);
    }
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    /// Loopback address that the server listens on.
    pub address: SocketAddr,
    /// Control of the calls that the server counts, usually the API.
    pub control: Arc<Control>,
    /// Control of git's own HTTP traffic.
    pub git: Arc<Control>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server with this router on a free loopback port, on the caller's runtime. Calls with a path that
    /// `counted` accepts go through [`Server::control`], calls of git through [`Server::git`]; all others bypass both,
    /// so that tests can drive the fake unrecorded and without faults.
    ///
    /// # Panics
    /// Panics if no port is free, and outside a tokio runtime.
    pub async fn start(router: Router, counted: fn(&str) -> bool) -> Self {
        Self::start_on(&tokio::runtime::Handle::current(), router, counted)
    }

    /// Does the same on a runtime that lives until the process exits, for a server that outlives the test that starts
    /// it.
    ///
    /// # Panics
    /// Panics if no port is free.
    #[must_use]
    pub fn start_for_all_tests(router: Router, counted: fn(&str) -> bool) -> Self {
        Self::start_on(runtime().handle(), router, counted)
    }

    fn start_on(runtime: &tokio::runtime::Handle, router: Router, counted: fn(&str) -> bool) -> Self {
        let (control, git) = (Arc::new(Control::default()), Arc::new(Control::default()));
        let watch = Watch { control: control.clone(), git: git.clone(), counted };
        let router = router.layer(axum::middleware::from_fn_with_state(watch, watched));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        let task = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let _ = axum::serve(listener, router).await;
        });
        Self { address, control, git, task }
    }

    /// Returns the base URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Returns the process-wide runtime for servers that outlive the test that started them.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime for the servers")
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Watch {
    control: Arc<Control>,
    git: Arc<Control>,
    counted: fn(&str) -> bool,
}

async fn watched(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let control = match (watch.counted)(&path) {
        true => watch.control,
        false if is_git(&path) => watch.git,
        false => return next.run(request).await,
    };
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let headers = parts.headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let secret = ["authorization", "private-token", "job-token"].contains(&name.as_str());
        let shown = if secret {
            text.split(' ').next().filter(|_| text.contains(' ')).unwrap_or("…").to_owned()
        } else {
            text
        };
        (name.as_str().to_owned(), shown)
    });
    let mut call = Call {
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: serde_json::from_slice(&bytes).ok(),
        status: None,
        answer: None,
    };
    let (fault, delay) = control.next();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let told = credentials(&parts.headers, parts.uri.path());
    let request = Request::from_parts(parts, Body::from(bytes));
    let hung_up = matches!(fault, Some(Fault::HangUp | Fault::DoneButHangUp));
    let answer = match fault {
        None => next.run(request).await,
        Some(Fault::Refuse(status)) => refuse(status),
        // git shows the error body to the user only if it is plain text.
        Some(Fault::Echo(status)) if is_git(&call.path) => (code(status), told).into_response(),
        Some(Fault::Echo(status)) => echo(status, &told),
        Some(Fault::TooMany(seconds)) => {
            let mut answer = refuse(429);
            answer.headers_mut().insert("retry-after", HeaderValue::from(seconds));
            answer
        }
        Some(Fault::HangUp) => hang_up(),
        Some(Fault::HalfBody) => half(next.run(request).await).await,
        Some(Fault::DoneBut500) => {
            next.run(request).await;
            refuse(500)
        }
        Some(Fault::DoneButHangUp) => {
            next.run(request).await;
            hang_up()
        }
        Some(Fault::Silent) => return silence(&control, call).await,
        Some(Fault::DoneButSilent) => {
            next.run(request).await;
            return silence(&control, call).await;
        }
    };
    let (answer, read) = read(answer).await;
    (call.status, call.answer) = ((!hung_up).then(|| answer.status().as_u16()), read);
    control.record(call);
    answer
}

/// Records the call and never answers; the future is dropped when the client closes the connection.
async fn silence(control: &Control, call: Call) -> Response {
    control.record(call);
    std::future::pending().await
}

/// Reads the body of an answer as JSON. A body of unknown length is a stream and is passed on unread.
async fn read(answer: Response) -> (Response, Option<serde_json::Value>) {
    if answer.body().size_hint().exact().is_none() {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let read = serde_json::from_slice(&bytes).ok();
    (Response::from_parts(parts, Body::from(bytes)), read)
}

/// Returns a text with the credentials of a call, encoded and decoded, and its path.
fn credentials(headers: &HeaderMap, path: &str) -> String {
    let mut told = Vec::new();
    for name in ["authorization", "private-token", "job-token"] {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        told.push(value.to_owned());
        let basic = value.split_once(' ').and_then(|(_, basic)| BASE64_STANDARD.decode(basic).ok());
        told.extend(basic.map(|plain| String::from_utf8_lossy(&plain).into_owned()));
    }
    told.retain(|text| !text.is_empty());
    format!("the fake was told to say this back: {} at {path}", told.join(" "))
}

/// Builds an error body that holds the text in every field that GitHub, GitLab, Drone, Slack, Discord and registries
/// use for messages.
fn echo(status: u16, told: &str) -> Response {
    let body = serde_json::json!({
        "ok": false, "message": told, "error": told, "error_description": told, "needed": told, "provided": told,
        "errors": [{ "message": told, "field": told, "code": told, "detail": told }],
        "response_metadata": { "messages": [told] }, "id": told, "token": null,
    });
    let mut answer = (code(status), axum::Json(body)).into_response();
    answer.headers_mut().insert("x-accepted-github-permissions", HeaderValue::from_str(told).expect("it is plain"));
    answer
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}

fn refuse(status: u16) -> Response {
    let status = code(status);
    (status, axum::Json(serde_json::json!({ "message": "the fake was told to refuse this" }))).into_response()
}

/// Builds an answer with a body that fails after `start`, which makes hyper close the connection.
fn broken(start: Bytes, length: Option<usize>) -> Response {
    let parts = [Ok(start), Err(std::io::Error::other("cut off"))];
    let stream = futures::stream::iter(parts);
    let mut answer = Response::new(Body::from_stream(stream));
    if let Some(length) = length {
        answer.headers_mut().insert("content-length", HeaderValue::from(length));
    }
    answer
}

/// Builds the closest approximation to a closed connection that hyper allows: headers that promise a body, then no
/// body.
fn hang_up() -> Response {
    broken(Bytes::new(), Some(1 << 20))
}

async fn half(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut cut = broken(bytes.slice(..bytes.len() / 2), Some(bytes.len().max(1)));
    *cut.status_mut() = parts.status;
    cut
}
