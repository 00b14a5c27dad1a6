//! Socket Mode: single-use tickets from `apps.connections.open`, at most ten connections, envelopes
//! and their acknowledgements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use super::api::{Answer, Call};
use super::deliver::{Answered, Kind, Retry};
use super::state::World;
use super::{Site, Slack};

/// Maximum number of connections of an app.
const MOST: usize = 10;

/// The reason of Slack's `disconnect` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// `warning`: the connection will be closed in about ten seconds and still works until then.
    Warning,
    /// `refresh_requested`: the connection is old and is closed; the app should open a new one.
    RefreshRequested,
    /// `link_disabled`: Socket Mode was switched off; all connections are closed.
    LinkDisabled,
}

enum Frame {
    Text(String),
    Ping,
    /// Closes the connection with a websocket close frame.
    Close,
    /// Drops the connection without a close frame.
    Cut,
}

struct Wire {
    number: u64,
    out: mpsc::UnboundedSender<Frame>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    last_used: u64,
    tickets: BTreeSet<String>,
    cut_next: bool,
    open: Vec<Wire>,
    /// Senders for expected acknowledgements, keyed by connection number and envelope id.
    waiting: BTreeMap<(u64, String), oneshot::Sender<Value>>,
}

/// All open Socket Mode connections, and the deliveries that wait for an acknowledgement.
#[derive(Default)]
pub(super) struct Wires {
    inner: Mutex<Inner>,
    count: watch::Sender<usize>,
}

impl Wires {
    fn remove(&self, number: u64) {
        let mut inner = self.inner.lock().expect("no test broke it before");
        inner.open.retain(|wire| wire.number != number);
        // Dropping the senders ends the waiting deliveries: this connection cannot acknowledge.
        inner.waiting.retain(|(wire, _), _| *wire != number);
        self.count.send_replace(inner.open.len());
    }

    /// Sends an envelope on the next connection, in rotation, that is not in `had`. Returns `None` if there is none.
    fn send(&self, envelope: &Value, had: &[u64]) -> Option<(u64, oneshot::Receiver<Value>)> {
        let mut inner = self.inner.lock().expect("no test broke it before");
        let (last, cut) = (inner.last_used, std::mem::take(&mut inner.cut_next));
        let fresh = || inner.open.iter().filter(|wire| !had.contains(&wire.number));
        let wire = fresh().find(|wire| wire.number > last).or_else(|| fresh().next())?;
        let number = wire.number;
        let frame = if cut { Frame::Cut } else { Frame::Text(envelope.to_string()) };
        let _ = wire.out.send(frame);
        let (sender, receiver) = oneshot::channel();
        let id = envelope["envelope_id"].as_str().unwrap_or_default().to_owned();
        inner.waiting.insert((number, id), sender);
        inner.last_used = number;
        Some((number, receiver))
    }
}

pub(super) fn open(world: &mut World, _: &Call) -> Answer {
    world.next += 1;
    let ticket = format!("ticket-{:016x}", world.next);
    let host = world.sockets.clone().unwrap_or_else(|| world.base.replacen("http://", "ws://", 1));
    Ok(json!({ "url": format!("{host}/link/?ticket={ticket}&app_id={}", world.app_id()) }))
}

pub(super) async fn answer(
    State(site): State<Site>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").cloned().unwrap_or_default();
    let given = site.world().said.iter().any(|said| {
        let url = said.answer["url"].as_str().unwrap_or_default();
        said.method == "apps.connections.open" && url.contains(&format!("ticket={ticket}&"))
    });
    let fresh = site.wires.inner.lock().expect("no test broke it before").tickets.insert(ticket);
    if !given || !fresh {
        return axum::http::StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(move |socket| serve(site, socket))
}

fn farewell(reason: &str) -> String {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "applink-fake" } }).to_string()
}

async fn serve(site: Site, mut socket: WebSocket) {
    let (out, mut frames) = mpsc::unbounded_channel();
    let hello = {
        let mut inner = site.wires.inner.lock().expect("no test broke it before");
        inner.next += 1;
        let (number, many) = (inner.next, inner.open.len() + 1);
        if many <= MOST {
            inner.open.push(Wire { number, out });
        }
        (number, many)
    };
    let (number, many) = hello;
    if many > MOST {
        let _ = socket.send(Message::Text(farewell("too_many_websockets").into())).await;
        let _ = socket.send(Message::Close(None)).await;
        return;
    }
    let app = site.world().app_id();
    let hello = json!({ "type": "hello", "num_connections": many, "connection_info": { "app_id": app },
        "debug_info": { "host": "applink-fake", "started": "2026-01-01 00:00:00.000", "build_number": 1,
            "approximate_connection_time": 3600 } });
    let _ = socket.send(Message::Text(hello.to_string().into())).await;
    site.wires.count.send_replace(site.wires.inner.lock().expect("no test broke it before").open.len());
    let mut beat = tokio::time::interval(Duration::from_secs(5));
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame.unwrap_or(Frame::Cut),
            _ = beat.tick() => Frame::Ping,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    acknowledged(&site, number, &text);
                    continue;
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => Frame::Cut,
            },
        };
        let sent = match frame {
            Frame::Text(text) => socket.send(Message::Text(text.into())).await,
            Frame::Ping => socket.send(Message::Ping("ping from the fake".into())).await,
            Frame::Close => {
                let _ = socket.send(Message::Close(None)).await;
                break;
            }
            Frame::Cut => break,
        };
        if sent.is_err() {
            break;
        }
    }
    site.wires.remove(number);
}

fn acknowledged(site: &Site, number: u64, text: &str) {
    let frame: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let id = frame["envelope_id"].as_str().unwrap_or_default().to_owned();
    let payload = frame.get("payload").cloned().unwrap_or(Value::Null);
    let waiter = site.wires.inner.lock().expect("no test broke it before").waiting.remove(&(number, id));
    let known = waiter.is_some();
    // Record the acknowledgement before waking its delivery, so that a test that continues then can already see it.
    site.world().record("socket.ack", frame, json!({ "known": known, "connection": number }));
    site.changed();
    let _ = waiter.map(|waiter| waiter.send(payload));
}

/// Delivers a payload over Socket Mode. If the envelope is not acknowledged in time, or its connection closes, it is
/// sent once more on another connection.
pub(super) async fn bring(site: &Site, kind: Kind, payload: &Value, retry: Retry, patience: Duration) -> Answered {
    let (id, twice) = {
        let mut world = site.world();
        world.next += 1;
        (format!("00000000-0000-4000-8000-{:012x}", world.next), world.twice)
    };
    let mut envelope = json!({ "envelope_id": id, "payload": payload });
    match kind {
        Kind::Command => envelope["type"] = "slash_commands".into(),
        Kind::Interaction => envelope["type"] = "interactive".into(),
        Kind::Event => {
            envelope["type"] = "events_api".into();
            envelope["retry_attempt"] = retry.map_or(0, |(number, _)| number).into();
            envelope["retry_reason"] = retry.map_or("", |(_, reason)| reason).into();
        }
    }
    let answers = matches!(kind, Kind::Command) || payload["type"] == "view_submission";
    envelope["accepts_response_payload"] = answers.into();
    let mut had = Vec::new();
    for attempt in 0..2 {
        if attempt == 1 && kind == Kind::Event && retry.is_none() {
            envelope["retry_attempt"] = 1.into();
            envelope["retry_reason"] = "timeout".into();
        }
        let mut waits = Vec::new();
        for _ in 0..if twice { 2 } else { 1 } {
            if let Some((number, wait)) = another(site, &envelope, &had, attempt, patience).await {
                had.push(number);
                waits.push(tokio::time::timeout(patience, wait));
            }
        }
        let acks = join_all(waits).await.into_iter().filter_map(|ack| ack.ok()?.ok());
        if let Some(body) = acks.into_iter().next() {
            return Answered { status: None, body, problem: None };
        }
    }
    Answered::failed(if had.is_empty() { "connection_failed" } else { "http_timeout" })
}

/// Sends an envelope on a connection that is not in `had`. The second attempt waits for such a connection, as Slack
/// does while an app reconnects.
async fn another(
    site: &Site,
    envelope: &Value,
    had: &[u64],
    attempt: usize,
    patience: Duration,
) -> Option<(u64, oneshot::Receiver<Value>)> {
    if attempt == 0 {
        return site.wires.send(envelope, had);
    }
    let mut count = site.wires.count.subscribe();
    let wait = async {
        loop {
            if let Some(sent) = site.wires.send(envelope, had) {
                return Some(sent);
            }
            count.changed().await.ok()?;
        }
    };
    tokio::time::timeout(patience, wait).await.ok().flatten()
}

impl Slack {
    /// Makes `apps.connections.open` return URLs with this address, where a test's proxy forwards to this server.
    pub fn sockets_through(&self, address: std::net::SocketAddr) {
        self.site.world().sockets = Some(format!("ws://{address}"));
    }

    /// Returns the number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.site.wires.count.borrow()
    }

    /// Waits until exactly `many` connections are open.
    pub async fn connected(&self, many: usize) {
        let _ = self.site.wires.count.subscribe().wait_for(|count| *count == many).await;
    }

    /// Sends a `disconnect` message: to the oldest connection, or to all for [`Farewell::LinkDisabled`]. Closes the
    /// connection unless the reason is [`Farewell::Warning`].
    pub fn take_leave(&self, why: Farewell) {
        let inner = self.site.wires.inner.lock().expect("no test broke it before");
        let (reason, whom) = match why {
            Farewell::Warning => ("warning", 1),
            Farewell::RefreshRequested => ("refresh_requested", 1),
            Farewell::LinkDisabled => ("link_disabled", MOST),
        };
        for wire in inner.open.iter().take(whom) {
            let _ = wire.out.send(Frame::Text(farewell(reason)));
            if why != Farewell::Warning {
                let _ = wire.out.send(Frame::Close);
            }
        }
    }

    /// Cuts the connection that is chosen for the next envelope, instead of sending the envelope.
    pub fn cut_at_next(&self) {
        self.site.wires.inner.lock().expect("no test broke it before").cut_next = true;
    }

    /// Cuts all connections without a close frame.
    pub fn cut(&self) {
        let inner = self.site.wires.inner.lock().expect("no test broke it before");
        inner.open.iter().for_each(|wire| _ = wire.out.send(Frame::Cut));
    }
}
