//! One listener on loopback. Every call is recorded, and every call can be told to go wrong: answered with an error before
//! it does anything, cut off in the middle of its answer, or done and then answered with an error.

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

/// The largest body that is read.
const BODY_LIMIT: usize = 64 << 20;

/// How a call goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; this status is answered.
    Refuse(u16),
    /// Nothing is done; this status is answered, and in every field that says something stands what the call was authorised
    /// with: some platforms, and many proxies, say back what they were told.
    Echo(u16),
    /// Nothing is done; 429 with `Retry-After` in seconds.
    TooMany(u32),
    /// Nothing is done; the connection is closed without an answer.
    HangUp,
    /// It is done; the connection is closed in the middle of the answer.
    HalfBody,
    /// It is done; 500 is answered.
    DoneBut500,
    /// It is done; the connection is closed without an answer.
    DoneButHangUp,
    /// Nothing is done, and nothing is ever answered: whoever asked has to give up.
    Silent,
    /// It is done, and nothing is ever answered.
    DoneButSilent,
}

/// One call, as it came in.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path, percent-encoded as it came.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// The headers, lower-case, without what is secret: of `authorization` only the scheme is kept.
    pub headers: BTreeMap<String, String>,
    /// The body, if it is JSON.
    pub body: Option<serde_json::Value>,
    /// The status that was answered; `None` when nothing was.
    pub status: Option<u16>,
    /// The answer, if it is JSON and came whole.
    pub answer: Option<serde_json::Value>,
}

/// What tests watch and steer.
#[derive(Debug, Default)]
pub struct Control {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<Call>,
    /// Faults by the number of the call, counted from 0 since the faults were set.
    faults: BTreeMap<usize, Fault>,
    counted: usize,
    delay: Duration,
    down: Option<Fault>,
}

impl Control {
    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.inner.lock().unwrap().calls.clear();
    }

    /// Breaks these calls, counted from 0 from now on.
    pub fn break_calls(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        let mut inner = self.inner.lock().unwrap();
        inner.faults = faults.into_iter().collect();
        inner.counted = 0;
    }

    /// Breaks every call until it is mended with `None`.
    pub fn down(&self, fault: Option<Fault>) {
        self.inner.lock().unwrap().down = fault;
    }

    /// Answers every call with this status and its credentials, and does nothing, until it is mended with `None`.
    pub fn echo_credentials(&self, status: Option<u16>) {
        self.down(status.map(Fault::Echo));
    }

    /// Delays every call.
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

/// A running server. It ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What tests watch and steer.
    pub control: Arc<Control>,
    /// The same for git's own traffic.
    pub git: Arc<Control>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves a router on a free port of loopback, on the runtime of the caller. git's own traffic has a control of its own;
    /// other calls that `counted` says no to pass unrecorded and unharmed: they are what tests use to steer the fake.
    ///
    /// # Panics
    /// Panics when no port is free, and outside a tokio runtime.
    pub async fn start(router: Router, counted: fn(&str) -> bool) -> Self {
        Self::start_on(&tokio::runtime::Handle::current(), router, counted)
    }

    /// Does the same on a runtime that lasts as long as the process, for a server that outlives the test that starts it.
    ///
    /// # Panics
    /// Panics when no port is free.
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

    /// Its address as a URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The runtime of the servers that outlive the test that started them.
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
        // git shows plain text, and nothing else.
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

/// Never answers; ends with the connection, which whoever asked closes.
async fn silence(control: &Control, call: Call) -> Response {
    control.record(call);
    std::future::pending().await
}

/// What an answer says. One whose length is not known is a stream, and is left to whoever asked.
async fn read(answer: Response) -> (Response, Option<serde_json::Value>) {
    if answer.body().size_hint().exact().is_none() {
        return (answer, None);
    }
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let read = serde_json::from_slice(&bytes).ok();
    (Response::from_parts(parts, Body::from(bytes)), read)
}

/// What a call was authorised with, in every shape in which it could be said back, and its path.
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

/// As GitHub, GitLab, Drone, Slack, Discord and registries have it.
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

/// An answer whose body breaks off: hyper closes the connection.
fn broken(start: Bytes, length: Option<usize>) -> Response {
    let parts = [Ok(start), Err(std::io::Error::other("cut off"))];
    let stream = futures::stream::iter(parts);
    let mut answer = Response::new(Body::from_stream(stream));
    if let Some(length) = length {
        answer.headers_mut().insert("content-length", HeaderValue::from(length));
    }
    answer
}

/// As near to silence as HTTP gets: a head that promises a body, and no body.
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
