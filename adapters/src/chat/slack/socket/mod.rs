//! Socket Mode: connections that the bot opens, over which Slack hands it what people do. Our own loop, because the library's
//! works where it should read. Every connection is a task that reads and writes and nothing else; each envelope is a task of
//! its own. A connection that is about to go is replaced before it goes.

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
use super::context::Context;
use crate::chat::InboundHandler;
use crate::chat::inbound::EventSource;

/// Slack's Socket Mode.
pub struct SocketMode {
    core: Arc<Context>,
}

impl SocketMode {
    pub(super) fn new(core: Arc<Context>) -> Self {
        Self { core }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Shared {
    core: Arc<Context>,
    listener: Arc<dyn InboundHandler>,
    stop: watch::Receiver<bool>,
    /// Held as long as something still runs.
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
        // Connections outlive their places while they hand on what they took.
        while gone.recv().await.is_some() {}
    }
}

/// Keeps one place filled.
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

/// Opens a connection, and stays until it needs another one in its place. It may go on beside that one for a while.
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

/// Waits until the bot stops. Whoever could say so and is gone has said it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
