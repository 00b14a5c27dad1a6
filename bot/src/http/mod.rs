//! HTTP, served by two listeners that share nothing but the engine: one takes what the outside sends, the other answers
//! those who watch over the process. So nobody who is slow or loud at the first can silence the second.
//!
//! ```text
//! hooks    POST /hooks/<name>: verify → durable → 200     listen  = "127.0.0.1:8080"
//! chat     POST at the paths of the chat: the same         the same listener
//! status   GET /healthz /readyz /metrics                  metrics = "127.0.0.1:9090"
//! server   accepts, bounds and drains connections; HTTP/1.1 alone, because a proxy stands in front (security case 10)
//! places   who gives way when there are too many
//! meter    how far a connection has come
//! body     reads a body, up to a size and a moment
//! metrics  what a scrape shows
//! ```
//! Invariants: nothing unsigned reaches the engine; success is answered after the commit, never before; nobody who is not
//! authenticated holds a connection longer than [`Limits::lifetime`]; no connection is closed on a request at work. Called by `cli`, which binds before the engine starts and drains before it
//! stops. Another kind of sender is another path in `hooks`.

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

/// What is served, and where.
pub struct Options {
    /// Where webhooks come in; `None` for nowhere.
    pub listen: Option<SocketAddr>,
    /// Where health and metrics are asked for; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// The webhooks by name: `github` is sent to `/hooks/github`. The names also label metrics.
    pub hooks: BTreeMap<String, Arc<dyn Webhook>>,
    /// The chat, when it calls us.
    pub chat: Option<Arc<dyn WebhookReceiver>>,
    /// What is refused for its size, its number or its slowness.
    pub limits: Limits,
}

/// What a listener refuses for its size, its number or its slowness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a webhook, in bytes.
    pub body_bytes: usize,
    /// How many connections each listener holds at a time. One more takes the place of the one that has sent least.
    pub connections: usize,
    /// The share of one address, in connections. When all places are taken, an address that holds more gives way first.
    pub connections_per_address: usize,
    /// How many genuine deliveries wait for the journal at a time. More are answered with 503, and sent again later.
    pub queue: usize,
    /// How long a request may take to say its head, and again to send its body; and how long a connection without an
    /// authenticated request may be idle.
    pub patience: Duration,
    /// How long a connection may be idle after an authenticated request.
    pub idle: Duration,
    /// After this long a connection without an authenticated request is closed, and so is one whose request is at work.
    pub lifetime: Duration,
    /// So young a connection gives way after older ones: its request may be on its way.
    pub grace: Duration,
    /// How long a stop waits for what is in flight.
    pub drain: Duration,
    /// The engine has stalled when it made no pass for so long. A pass only claims; acts, which take minutes, go on beside it.
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

/// Why a listener could not be had.
#[derive(Debug, Error)]
#[error(
    "cannot listen on {address}, which is `{key}` under [http] in hotfix.toml; stop what listens there, or name another address"
)]
pub struct BindError {
    key: &'static str,
    address: SocketAddr,
    source: std::io::Error,
}

/// How far the bot is.
#[derive(Clone)]
enum Stage {
    /// The journal is being read.
    Starting,
    /// It works.
    Up(Current),
    /// It takes in nothing more.
    Draining(Current),
}

/// The listeners. They end when this is dropped.
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

/// What is taken in, by whom: it changes when the configuration is read again.
struct Routes {
    hooks: BTreeMap<String, Arc<dyn Webhook>>,
    chat: Option<Arc<dyn WebhookReceiver>>,
}

/// The ways in as they are now.
#[derive(Clone)]
pub struct Endpoints(Arc<RwLock<Arc<Routes>>>);

impl Endpoints {
    /// Takes in by these from now on; a request that began is judged by the ones before.
    pub fn replace(&self, hooks: BTreeMap<String, Arc<dyn Webhook>>, chat: Option<Arc<dyn WebhookReceiver>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Routes { hooks, chat });
    }

    /// The same for the webhooks alone.
    pub fn replace_hooks(&self, hooks: BTreeMap<String, Arc<dyn Webhook>>) {
        let chat = self.now().chat.clone();
        self.replace(hooks, chat);
    }

    fn now(&self) -> Arc<Routes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The listener of webhooks.
enum Inbound {
    /// There is none, or there is none any more.
    Off,
    /// It is bound: who calls before the bot is up waits.
    Bound(TcpListener),
    /// It is served.
    Served(JoinHandle<()>),
}

impl Http {
    /// Binds both listeners, and begins to answer for the health of the process. Webhooks wait for [`Http::open`].
    ///
    /// # Errors
    /// When an address cannot be had.
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
            // It is there until the end: it also says that the bot is draining.
            tokio::spawn(server::serve(listener, Arc::new(site), limits.clone(), std::future::pending()))
        });
        let inbound = inbound.map_or(Inbound::Off, Inbound::Bound);
        let ways_in = Endpoints(Arc::new(RwLock::new(Arc::new(Routes { hooks, chat }))));
        Ok(Self { stage, ways_in, limits, deliveries, inbound, inbound_address, status_address, status })
    }

    /// The ways in, to be replaced.
    #[must_use]
    pub fn ways_in(&self) -> Endpoints {
        self.ways_in.clone()
    }

    /// Where webhooks come in.
    #[must_use]
    pub fn listens_on(&self) -> Option<SocketAddr> {
        self.inbound_address
    }

    /// Where health and metrics are asked for.
    #[must_use]
    pub fn metrics_on(&self) -> Option<SocketAddr> {
        self.status_address
    }

    /// Begins to take webhooks and what the chat sends, now that the engine has read its journal.
    pub fn open(&mut self, engine: impl Into<Current>, listener: &Arc<dyn InboundHandler>) {
        let engine = engine.into();
        if let Inbound::Bound(bound) = std::mem::replace(&mut self.inbound, Inbound::Off) {
            let (ways, deliveries, limits) = (self.ways_in.clone(), self.deliveries.clone(), self.limits.clone());
            let hooks = webhooks::Hooks::new(ways.clone(), engine.clone(), deliveries.clone(), limits.clone());
            let chat = chat::Chat::new(ways, listener.clone(), deliveries, limits);
            let site = Outer { hooks, chat };
            let mut stage = self.stage.subscribe();
            let stop = async move {
                // An error means that nobody is left to say stop, which is as good.
                let _ = stage.wait_for(|stage| matches!(stage, Stage::Draining(_))).await;
            };
            self.inbound =
                Inbound::Served(tokio::spawn(server::serve(bound, Arc::new(site), self.limits.clone(), stop)));
        }
        self.stage.send_replace(Stage::Up(engine));
    }

    /// Waits until a listener ends although nobody told it to: by a fault of the bot. It is logged where it happens.
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

    /// Says that the bot is not ready any more, takes nothing more in, and waits until what is in flight is answered.
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

/// What the outside reaches: the chat at its own paths, and the webhooks.
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

/// An answer, whole in memory.
type Answer = http::Response<Full<bytes::Bytes>>;

/// A status and nothing else.
fn plain(status: http::StatusCode) -> Answer {
    said(status, "")
}

/// A status and a line of text.
fn said(status: http::StatusCode, text: impl Into<bytes::Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer
}

/// The path is there, and not for this method.
fn wrong_method(allowed: &'static str) -> Answer {
    let mut answer = plain(http::StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static(allowed));
    answer
}
