//! Slack's Socket Mode as an [`EventSource`], over WebSocket connections that the bot opens. Each connection has one
//! task that only reads and writes; each envelope is handled in a task of its own. The event loop is our own because
//! slack-morphism runs handlers inside its read loop. A connection that Slack is about to close is replaced beforehand.

mod backoff;
mod connect;
mod connection;
mod envelope;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::backoff::{Backoff, CloseReason};
use self::connection::Connection;
use super::context::SlackContext;
use crate::chat::InboundHandler;
use crate::chat::inbound::EventSource;

/// The [`EventSource`] for Socket Mode.
pub struct SocketMode {
    core: Arc<SlackContext>,
}

impl SocketMode {
    pub(super) fn new(core: Arc<SlackContext>) -> Self {
        Self { core }
    }
}

/// State shared by all connections.
#[derive(Clone)]
struct Shared {
    core: Arc<SlackContext>,
    listener: Arc<dyn InboundHandler>,
    stop: watch::Receiver<bool>,
    /// Held by every running task; [`EventSource::run`] returns when all clones are dropped.
    alive: mpsc::Sender<()>,
}

#[async_trait]
impl EventSource for SocketMode {
    async fn run(&self, listener: Arc<dyn InboundHandler>, stop: watch::Receiver<bool>) {
        let (alive, mut gone) = mpsc::channel(1);
        let shared = Shared { core: Arc::clone(&self.core), listener, stop, alive };
        let mut slots = JoinSet::new();
        for _ in 0..self.core.connections {
            slots.spawn(keep(shared.clone()));
        }
        while let Some(ended) = slots.join_next().await {
            if ended.is_err() && !*shared.stop.borrow() {
                tracing::error!("a connection to Slack fell over; another one takes its place");
                slots.spawn(keep(shared.clone()));
            }
        }
        drop(shared);
        // Connections outlive their slots while they flush pending acknowledgements.
        while gone.recv().await.is_some() {}
    }
}

/// Keeps one connection slot open, with backoff between attempts, until the bot stops.
async fn keep(shared: Shared) {
    let mut patience = Backoff::default();
    let mut stop = shared.stop.clone();
    loop {
        let filled = tokio::select! {
            end = fill(&shared) => end,
            () = stopped(&mut stop) => return,
        };
        let wait = patience.after(&filled);
        if !wait.is_zero() {
            tracing::warn!(slack.end = ?filled, wait_ms = wait.as_millis(), "a connection to Slack is opened again later");
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Opens a connection and returns when it needs a replacement. The old connection may go on for a grace period.
async fn fill(shared: &Shared) -> CloseReason {
    let socket = match connect::open(&shared.core).await {
        Ok(socket) => socket,
        Err(failure) => return CloseReason::NotOpened(failure),
    };
    let opened_at = Instant::now();
    let (going, gone) = oneshot::channel();
    tokio::spawn(Connection::new(socket, shared.clone(), going).run());
    match gone.await {
        Ok(why) => CloseReason::Gone { why, lived: opened_at.elapsed() },
        Err(_) => CloseReason::Gone { why: "it fell over".to_owned(), lived: opened_at.elapsed() },
    }
}

/// Waits until the bot stops, or until the sender of the signal is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
