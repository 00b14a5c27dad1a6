//! The gateway: one connection that the bot keeps, over which Discord tells what people do. Our own loop, over the same
//! sockets and the same TLS as every other connection. A session survives its connections, and what was missed is told when
//! it goes on; where it cannot, the reactions of every open question are read again.

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
use super::context::Context;
use super::web::Call;
use crate::chat::InboundHandler;
use crate::chat::inbound::EventSource;
use crate::failure::Failure;

pub(super) use self::connect::ask;
pub(super) use self::frame::INTENTS;

/// What a person has to change is said this often.
const COMPLAINT: Duration = Duration::from_secs(60);

/// Discord's gateway.
pub struct Gateway {
    core: Arc<Context>,
}

impl Gateway {
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

/// What goes on when a connection is lost.
#[derive(Debug, Clone)]
struct Session {
    id: String,
    /// The number of the last event.
    sequence: u64,
    /// Where it goes on.
    url: String,
    /// The bot's own number.
    me: String,
}

impl Session {
    /// From the first event.
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
        // Acts outlive the connection while they are handled.
        while gone.recv().await.is_some() {}
    }
}

/// Keeps the connection up.
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

/// Says again and again what a person has to do.
async fn complain(why: Option<&'static str>) {
    let Some(why) = why else { return std::future::pending().await };
    loop {
        tracing::error!("Discord turned the bot away: {why}");
        sleep(COMPLAINT).await;
    }
}

/// Opens a connection, goes on with the session or begins one, and stays until it ends.
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

/// Makes the commands known, if Discord knows others; again until it can be done.
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

impl Context {
    /// Everywhere, so that they can be said to the bot directly too.
    async fn register(&self) -> Result<(), Failure> {
        let ours = commands::commands(&self.commands);
        if self.commands.is_empty() || commands::are_the_same(&ours, &self.registered().await?) {
            return Ok(());
        }
        let path = ["applications", self.application.as_str(), "commands"];
        self.web.set(Method::PUT, Call::new(&path, "make the commands known"), &ours).await?;
        tracing::info!("Discord knows the commands now");
        Ok(())
    }

    /// The commands that Discord knows.
    pub(super) async fn registered(&self) -> Result<Value, Failure> {
        let path = ["applications", self.application.as_str(), "commands"];
        Ok(self.web.read(Call::new(&path, "ask which commands are known")).await?)
    }
}

/// Waits until the bot stops. Whoever could say so and is gone has said it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
