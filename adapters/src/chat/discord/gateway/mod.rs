//! Discord's gateway as an [`EventSource`], over one connection that the bot keeps open. It uses the same WebSocket and
//! TLS code as all other connections. A session survives its connections: on resume, Discord replays missed events. If
//! it cannot be resumed, the reactions of every open vote request are reconciled.

mod backoff;
mod connect;
mod connection;
mod events;
mod frame;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use self::backoff::{Backoff, CloseReason, Next};
use self::connection::Connection;
use super::commands;
use super::context::DiscordContext;
use super::web::DiscordCall;
use crate::chat::InboundHandler;
use crate::chat::inbound::EventSource;
use crate::failure::Failure;

pub(super) use self::connect::ask;
pub(super) use self::frame::INTENTS;

/// Interval at which a problem that an operator has to fix is logged.
const COMPLAINT: Duration = Duration::from_secs(60);

/// The [`EventSource`] for Discord's gateway.
pub struct Gateway {
    core: Arc<DiscordContext>,
}

impl Gateway {
    pub(super) fn new(core: Arc<DiscordContext>) -> Self {
        Self { core }
    }
}

/// State shared by the connection and its handlers.
#[derive(Clone)]
struct Shared {
    core: Arc<DiscordContext>,
    listener: Arc<dyn InboundHandler>,
    stop: watch::Receiver<bool>,
    /// Held by every running task; [`EventSource::run`] returns when all clones are dropped.
    alive: mpsc::Sender<()>,
}

/// A gateway session, which outlives a connection.
#[derive(Debug, Clone)]
struct Session {
    id: String,
    /// Sequence number of the last event.
    sequence: u64,
    /// Gateway URL for resuming; may be empty.
    url: String,
    /// The bot's own user id.
    me: String,
}

impl Session {
    /// Creates a session from the `READY` event; `None` if ids are missing.
    fn begun(ready: &Value) -> Option<Self> {
        let text = |place: &str| ready.pointer(place).and_then(Value::as_str).map(str::to_owned);
        let url = text("/resume_gateway_url").unwrap_or_default();
        Some(Self { id: text("/session_id")?, sequence: 0, url, me: text("/user/id")? })
    }
}

#[async_trait]
impl EventSource for Gateway {
    async fn run(&self, listener: Arc<dyn InboundHandler>, stop: watch::Receiver<bool>) {
        let (alive, mut gone) = mpsc::channel(1);
        let shared = Shared { core: Arc::clone(&self.core), listener, stop, alive };
        tokio::join!(register(&shared), keep(&shared));
        drop(shared);
        // Handlers outlive the connection.
        while gone.recv().await.is_some() {}
    }
}

/// Keeps the connection open, with backoff between attempts, until the bot stops.
async fn keep(shared: &Shared) {
    let (mut patience, mut session) = (Backoff::default(), None);
    let mut stop = shared.stop.clone();
    while !*stop.borrow() {
        let end = connect(shared, &mut session).await;
        if *stop.borrow() {
            return;
        }
        let Next { wait, resume, hopeless } = patience.after(&end);
        if !resume {
            session = None;
        }
        tracing::info!(discord.end = ?end, wait_ms = wait.as_millis(), resume, "the connection to Discord is opened again");
        let until = Instant::now() + wait;
        tokio::select! {
            () = sleep_until(until) => {}
            () = complain(hopeless) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Logs repeatedly the problem that an operator has to fix; never returns.
async fn complain(why: Option<&'static str>) {
    let Some(why) = why else { return std::future::pending().await };
    loop {
        tracing::error!("Discord turned the bot away: {why}");
        sleep(COMPLAINT).await;
    }
}

/// Opens a connection, resumes or starts a session, and runs until the connection ends.
async fn connect(shared: &Shared, session: &mut Option<Session>) -> CloseReason {
    let going_on = session.as_ref().and_then(|session| connect::resumed(&shared.core, &session.url));
    let opened = async {
        let url = match going_on {
            Some(url) => url,
            None => {
                *session = None;
                connect::fresh(&shared.core).await?
            }
        };
        connect::open(url, &shared.core.reach).await
    };
    let mut stop = shared.stop.clone();
    let opened = tokio::select! {
        opened = opened => opened,
        () = stopped(&mut stop) => Err(Failure::retry("the bot stops")),
    };
    match opened {
        Ok(socket) => Connection::new(socket, shared, session).run().await,
        Err(failure) => CloseReason::NotOpened(failure),
    }
}

/// Registers the commands if Discord's differ; retries until it succeeds or the bot stops.
async fn register(shared: &Shared) {
    let (mut patience, mut stop) = (Backoff::default(), shared.stop.clone());
    loop {
        let end = tokio::select! {
            done = shared.core.register() => match done {
                Ok(()) => return,
                Err(failure) => failure,
            },
            () = stopped(&mut stop) => return,
        };
        tracing::warn!(why = end.reason(), "the commands could not be made known to Discord");
        let Next { wait, .. } = patience.after(&CloseReason::NotOpened(end));
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

impl DiscordContext {
    /// Registers the commands globally, so that they work in direct messages too.
    async fn register(&self) -> Result<(), Failure> {
        let ours = commands::commands(&self.commands);
        if self.commands.is_empty() || commands::are_the_same(&ours, &self.registered().await?) {
            return Ok(());
        }
        let path = ["applications", self.application.as_str(), "commands"];
        self.web.set(Method::PUT, DiscordCall::new(&path, "make the commands known"), &ours).await?;
        tracing::info!("Discord knows the commands now");
        Ok(())
    }

    /// Returns the commands that are registered at Discord.
    pub(super) async fn registered(&self) -> Result<Value, Failure> {
        let path = ["applications", self.application.as_str(), "commands"];
        Ok(self.web.read(DiscordCall::new(&path, "ask which commands are known")).await?)
    }
}

/// Waits until the bot stops, or until the sender of the signal is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
