//! The HTTP servers: two listeners that share only the engine. One takes inbound requests, the other serves health and
//! metrics, so slow or excessive inbound traffic cannot block monitoring.
//!
//! ```text
//! webhooks          POST /hooks/<name>: verify → durable → 200    listen  = "127.0.0.1:8080"
//! chat              POST at the paths of the chat: the same       the same listener
//! status            GET /healthz /readyz /metrics                 metrics = "127.0.0.1:9090"
//! server            accepts, limits and drains connections; HTTP/1.1 only, behind a proxy (security case 10)
//! connection_slots  limits the number of connections and evicts
//! meter             tracks the state and deadlines of a connection
//! body              reads a body, with limits on size and time
//! metrics           the metrics of a scrape
//! ```
//!
//! Invariants: nothing unsigned reaches the engine; success is answered only after the commit; an unauthenticated
//! client holds a connection no longer than [`Limits::lifetime`]; no connection is closed while its request is being
//! handled, within that limit. Called by `cli`, which binds before the engine starts and drains before it stops.

mod body;
mod chat;
mod connection_slots;
mod meter;
mod metrics;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use hotfix_adapters::chat::InboundHandler;
use hotfix_adapters::chat::inbound::WebhookReceiver;
use hotfix_adapters::forge::webhook::Webhook;
use http_body_util::Full;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::engine::Current;

/// The options of the HTTP servers.
pub struct Options {
    /// Address of the webhook listener; `None` for none.
    pub listen: Option<SocketAddr>,
    /// Address of the listener for health and metrics; `None` for none.
    pub metrics: Option<SocketAddr>,
    /// The webhooks by name: `github` receives at `/hooks/github`. The names are also metric labels.
    pub hooks: BTreeMap<String, Arc<dyn Webhook>>,
    /// The receiver of the chat's requests; `None` if the chat does not send requests.
    pub chat: Option<Arc<dyn WebhookReceiver>>,
    /// The limits of both listeners.
    pub limits: Limits,
}

/// Limits on the size, number and duration of requests and connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of a request body, in bytes.
    pub body_bytes: usize,
    /// Maximum number of connections per listener. One more evicts the connection that ranks lowest.
    pub connections: usize,
    /// Fair share of connections per address. If all slots are taken, an address above its share is evicted first.
    pub connections_per_address: usize,
    /// Maximum number of deliveries that wait for the journal, for webhooks (after authentication) and for the chat
    /// each. More are answered with 503, so that the sender retries.
    pub queue: usize,
    /// Timeout for the head of a request, and again for its body; also the idle timeout of a connection without an
    /// authenticated request.
    pub patience: Duration,
    /// Idle timeout of a connection after an authenticated request.
    pub idle: Duration,
    /// Maximum lifetime of a connection without an authenticated request; also the timeout for handling one request.
    pub lifetime: Duration,
    /// The age below which a connection is evicted after older ones: its request may be in flight.
    pub grace: Duration,
    /// Timeout for requests in flight at a shutdown.
    pub drain: Duration,
    /// The time without a scheduler pass after which the engine counts as stalled. A pass only claims work; effects,
    /// which can take minutes, run in parallel.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            connections: 128,
            connections_per_address: 64,
            queue: 256,
            patience: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            grace: Duration::from_millis(250),
            lifetime: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            stall: Duration::from_secs(60),
        }
    }
}

/// A listener could not be bound.
#[derive(Debug, Error)]
#[error(
    "cannot listen on {address}, which is `{key}` under [http] in hotfix.toml; stop what listens there, or name another address"
)]
pub struct BindError {
    key: &'static str,
    address: SocketAddr,
    source: std::io::Error,
}

/// The lifecycle stage of the bot.
#[derive(Clone)]
enum Stage {
    /// The journal is being read.
    Starting,
    /// The bot accepts requests.
    Up(Current),
    /// The bot is shutting down and accepts no new requests.
    Draining(Current),
}

/// The HTTP listeners. Dropping this aborts them.
pub struct Http {
    stage: watch::Sender<Stage>,
    ways_in: Endpoints,
    limits: Limits,
    deliveries: metrics::Deliveries,
    inbound: Inbound,
    inbound_address: Option<SocketAddr>,
    status_address: Option<SocketAddr>,
    status: Option<JoinHandle<()>>,
}

/// The receivers of inbound requests; replaced at a reload.
struct Routes {
    hooks: BTreeMap<String, Arc<dyn Webhook>>,
    chat: Option<Arc<dyn WebhookReceiver>>,
}

/// A shared handle to the current receivers of inbound requests.
#[derive(Clone)]
pub struct Endpoints(Arc<RwLock<Arc<Routes>>>);

impl Endpoints {
    /// Replaces all receivers. A request that has already looked up its receiver still uses the old one.
    pub fn replace(&self, hooks: BTreeMap<String, Arc<dyn Webhook>>, chat: Option<Arc<dyn WebhookReceiver>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Routes { hooks, chat });
    }

    /// Replaces the webhooks and keeps the chat.
    pub fn replace_hooks(&self, hooks: BTreeMap<String, Arc<dyn Webhook>>) {
        let chat = self.now().chat.clone();
        self.replace(hooks, chat);
    }

    fn now(&self) -> Arc<Routes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state of the inbound listener.
enum Inbound {
    /// Not configured, or stopped.
    Off,
    /// Bound but not served: clients that connect wait.
    Bound(TcpListener),
    /// Served by this task.
    Served(JoinHandle<()>),
}

impl Http {
    /// Binds both listeners and begins to serve health and metrics. Inbound requests wait for [`Http::open`].
    ///
    /// # Errors
    /// A [`BindError`] if an address cannot be bound.
    pub async fn bind(options: Options) -> Result<Self, BindError> {
        let Options { listen, metrics, hooks, chat, limits } = options;
        let inbound = bind("listen", listen).await?;
        let watched = bind("metrics", metrics).await?;
        let address = |listener: &Option<TcpListener>| listener.as_ref().and_then(|bound| bound.local_addr().ok());
        let (inbound_address, status_address) = (address(&inbound), address(&watched));
        let (stage, seen) = watch::channel(Stage::Starting);
        let calls = chat.as_ref().map(|_| chat::SOURCE.to_owned());
        let deliveries = metrics::Deliveries::of(hooks.keys().chain(&calls));
        let status = watched.map(|listener| {
            let site = status::Status::new(seen, deliveries.clone(), limits.stall);
            // It runs until the end: it also reports that the bot is draining.
            tokio::spawn(server::serve(listener, Arc::new(site), limits.clone(), std::future::pending()))
        });
        let inbound = inbound.map_or(Inbound::Off, Inbound::Bound);
        let ways_in = Endpoints(Arc::new(RwLock::new(Arc::new(Routes { hooks, chat }))));
        Ok(Self { stage, ways_in, limits, deliveries, inbound, inbound_address, status_address, status })
    }

    /// Returns the handle to replace the receivers of inbound requests.
    #[must_use]
    pub fn ways_in(&self) -> Endpoints {
        self.ways_in.clone()
    }

    /// Returns the bound address of the inbound listener.
    #[must_use]
    pub fn listens_on(&self) -> Option<SocketAddr> {
        self.inbound_address
    }

    /// Returns the bound address of the listener for health and metrics.
    #[must_use]
    pub fn metrics_on(&self) -> Option<SocketAddr> {
        self.status_address
    }

    /// Begins to serve webhooks and chat requests, after the engine has read its journal.
    pub fn open(&mut self, engine: impl Into<Current>, listener: &Arc<dyn InboundHandler>) {
        let engine = engine.into();
        if let Inbound::Bound(bound) = std::mem::replace(&mut self.inbound, Inbound::Off) {
            let (ways, deliveries, limits) = (self.ways_in.clone(), self.deliveries.clone(), self.limits.clone());
            let hooks = webhooks::Hooks::new(ways.clone(), engine.clone(), deliveries.clone(), limits.clone());
            let chat = chat::Chat::new(ways, listener.clone(), deliveries, limits);
            let site = Outer { hooks, chat };
            let mut stage = self.stage.subscribe();
            let stop = async move {
                // An error means that the sender was dropped, which also means stop.
                let _ = stage.wait_for(|stage| matches!(stage, Stage::Draining(_))).await;
            };
            self.inbound =
                Inbound::Served(tokio::spawn(server::serve(bound, Arc::new(site), self.limits.clone(), stop)));
        }
        self.stage.send_replace(Stage::Up(engine));
    }

    /// Waits until a listener ends unexpectedly, because of a bug. The cause is logged where it happens.
    pub async fn broken(&mut self) {
        let inbound = match &mut self.inbound {
            Inbound::Served(task) => Some(task),
            Inbound::Off | Inbound::Bound(_) => None,
        };
        let ended = inbound.into_iter().chain(&mut self.status);
        let ended: Vec<_> = ended.map(|task| async move { drop(task.await) }.boxed()).collect();
        if ended.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(ended).await;
    }

    /// Reports the bot as not ready, accepts no new requests, and waits for requests in flight.
    pub async fn drain(&mut self) {
        self.stage.send_modify(|stage| {
            if let Stage::Up(engine) = stage {
                *stage = Stage::Draining(engine.clone());
            }
        });
        if let Inbound::Served(task) = std::mem::replace(&mut self.inbound, Inbound::Off) {
            let _ = task.await;
        }
    }
}

/// The handler of the inbound listener: routes to the chat by its paths, and everything else to the webhooks.
struct Outer {
    hooks: webhooks::Hooks,
    chat: chat::Chat,
}

#[async_trait]
impl server::Handler for Outer {
    async fn answer(&self, request: http::Request<hyper::body::Incoming>) -> Answer {
        if self.chat.has(request.uri().path()) {
            self.chat.answer(request).await
        } else {
            self.hooks.answer(request).await
        }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        if let Inbound::Served(task) = &self.inbound {
            task.abort();
        }
        if let Some(task) = &self.status {
            task.abort();
        }
    }
}

async fn bind(key: &'static str, address: Option<SocketAddr>) -> Result<Option<TcpListener>, BindError> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|source| BindError { key, address, source })
}

/// A response with its whole body in memory.
type Answer = http::Response<Full<bytes::Bytes>>;

/// Returns a response with an empty body.
fn plain(status: http::StatusCode) -> Answer {
    said(status, "")
}

/// Returns a response with a text body.
fn said(status: http::StatusCode, text: impl Into<bytes::Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer
}

/// Returns 405 for a path that exists but does not allow the method.
fn wrong_method(allowed: &'static str) -> Answer {
    let mut answer = plain(http::StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static(allowed));
    answer
}
