//! One gateway connection: hello, identify or resume, heartbeats, and Discord's close codes for invalid frames.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::Shared;
use super::sessions::{self, Frame, Out, Session, tell};
use super::shape;
use super::state::State;

/// Maximum number of frames that a client may send per minute.
const A_MINUTE: usize = 120;
/// Window of the frame limit, in milliseconds.
const MINUTE_MS: i64 = 60_000;
/// Maximum size of a client frame, in bytes.
const FRAME_LIMIT: usize = 4096;
/// All intent bits that Discord defines.
const KNOWN: u64 = ((1 << 17) - 1) | (0b11 << 20) | (0b11 << 24);

type Closing = (u16, &'static str);

/// A gateway connection. `sent` holds the times of the client's frames in the last minute.
struct Connection {
    number: u64,
    line: UnboundedSender<Out>,
    session: Option<String>,
    sent: VecDeque<i64>,
}

pub(super) async fn serve(shared: Arc<Shared>, query: BTreeMap<String, String>, mut socket: WebSocket) {
    let (line, mut orders) = unbounded_channel();
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    let mut connection = {
        let mut state = shared.lock();
        state.gateway.connections += 1;
        let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": state.gateway.heartbeat_ms, "_trace": [] } });
        let _ = line.send(match (asked("v"), asked("encoding"), asked("compress")) {
            ("10", "json", "") => Out::Frame(hello),
            ("10", ..) => Out::Close(4002, "this fake speaks JSON without compression only"),
            _ => Out::Close(4012, "Invalid API version"),
        });
        Connection { number: state.gateway.connections, line, session: None, sent: VecDeque::new() }
    };
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Out::Frame(frame)) => {
                    if socket.send(Message::text(frame.to_string())).await.is_err() { break }
                }
                Some(Out::Close(code, reason)) => {
                    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
                    break;
                }
                Some(Out::Cut) | None => break,
            },
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let mut state = shared.lock();
                    if let Err((code, reason)) = connection.hear(&mut state, text.as_str()) {
                        let _ = connection.line.send(Out::Close(code, reason));
                    }
                    drop(state);
                    shared.changed.notify_waiters();
                }
                Some(Ok(Message::Close(frame))) => {
                    // A session that the client closes with 1000 or 1001 is invalidated; any other can be resumed.
                    if frame.is_none_or(|frame| [1000, 1001].contains(&frame.code)) && let Some(id) = &connection.session {
                        shared.lock().gateway.sessions.remove(id);
                    }
                    break;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    let mut state = shared.lock();
    let session = connection.session.and_then(|id| state.gateway.sessions.get_mut(&id));
    if let Some(session) = session.filter(|it| it.line.as_ref().is_some_and(|(number, _)| *number == connection.number))
    {
        session.line = None;
    }
    drop(state);
    shared.changed.notify_waiters();
}

impl Connection {
    fn hear(&mut self, state: &mut State, text: &str) -> Result<(), Closing> {
        self.sent.push_back(state.now_ms);
        self.sent.retain(|at| state.now_ms - at < MINUTE_MS);
        if self.sent.len() > A_MINUTE {
            return Err((4008, "Rate limited."));
        }
        let frame: Option<Value> = serde_json::from_str(text).ok().filter(|_| text.len() <= FRAME_LIMIT);
        let frame = frame.ok_or((4002, "Error while decoding payload."))?;
        let op = frame["op"].as_u64().ok_or((4001, "Unknown opcode."))?;
        let mut data = frame["d"].clone();
        if let Some(fields) = data.as_object_mut() {
            fields.remove("token");
        }
        state.gateway.frames.push(Frame { connection: self.number, op, data });
        match (op, &self.session) {
            (1, _) => self.heartbeat(state, &frame["d"]),
            (2 | 6, Some(_)) => Err((4005, "Already authenticated.")),
            (2, None) => self.identify(state, &frame["d"]),
            (6, None) => self.resume(state, &frame["d"]),
            (3 | 4 | 8, None) => Err((4003, "Not authenticated.")),
            (3 | 4, Some(_)) => Ok(()),
            (8, Some(id)) => members(state, id, &frame["d"]),
            _ => Err((4001, "Unknown opcode.")),
        }
    }

    fn heartbeat(&self, state: &State, last: &Value) -> Result<(), Closing> {
        let known = self.session.as_ref().and_then(|id| state.gateway.sessions.get(id)).map(|it| it.sequence);
        if !last.is_null() && last.as_u64().is_none_or(|last| last > known.unwrap_or_default()) {
            return Err((4007, "Invalid seq."));
        }
        if state.gateway.acks {
            let _ = self.line.send(Out::Frame(json!({ "op": 11, "s": null, "t": null, "d": null })));
        }
        Ok(())
    }

    /// Starts a session and sends `READY` and `GUILD_CREATE`.
    fn identify(&mut self, state: &mut State, data: &Value) -> Result<(), Closing> {
        let told = |name: &str| data["properties"][name].is_string();
        if !(told("os") && told("browser") && told("device")) {
            return Err((4002, "Error while decoding payload."));
        }
        if data["token"].as_str() != Some(state.token.as_str()) {
            return Err((4004, "Authentication failed."));
        }
        if !data["shard"].is_null() && data["shard"] != json!([0, 1]) {
            return Err((4010, "Invalid shard."));
        }
        let intents = data["intents"].as_u64().filter(|intents| !KNOWN & intents == 0);
        let intents = intents.ok_or((4013, "Invalid intent(s)."))?;
        if intents & sessions::PRIVILEGED & !state.gateway.given > 0 {
            return Err((4014, "Disallowed intent(s)."));
        }
        if state.gateway.remaining == 0 {
            self.invalid(false);
            return Ok(());
        }
        state.gateway.opened_ms.get_or_insert(state.now_ms);
        state.gateway.remaining -= 1;
        let id = format!("{:032x}", state.id());
        let line = Some((self.number, self.line.clone()));
        let mut session = Session { intents, sequence: 0, events: Vec::new(), line };
        let ready = json!({
            "v": 10, "user": shape::own_user(state), "session_id": id, "shard": [0, 1], "_trace": [], "session_type": "normal",
            "guilds": [{ "id": state.guild.to_string(), "unavailable": true }], "private_channels": [], "relationships": [],
            "presences": [], "user_settings": {}, "user_settings_proto": "", "geo_ordered_rtc_regions": [],
            "guild_join_requests": [], "resume_gateway_url": state.url.replacen("http", "ws", 1),
            "application": { "id": state.app.to_string(), "flags": 0 },
        });
        tell(&mut session, "READY", ready);
        if intents & sessions::GUILDS > 0 {
            tell(&mut session, "GUILD_CREATE", shape::guild_create(state, intents & sessions::GUILD_MEMBERS > 0));
        }
        state.gateway.sessions.insert(id.clone(), session);
        self.session = Some(id);
        Ok(())
    }

    /// Resumes a session and replays the events after the client's last sequence number.
    fn resume(&mut self, state: &mut State, data: &Value) -> Result<(), Closing> {
        if data["token"].as_str() != Some(state.token.as_str()) {
            return Err((4004, "Authentication failed."));
        }
        let id = data["session_id"].as_str().unwrap_or_default();
        let sequence = data["seq"].as_u64().unwrap_or_default();
        if !state.gateway.resumes {
            state.gateway.sessions.remove(id);
        }
        let Some(session) = state.gateway.sessions.get_mut(id) else {
            self.invalid(false);
            return Ok(());
        };
        if sequence > session.sequence {
            return Err((4007, "Invalid seq."));
        }
        let missed = session.events.iter().filter(|event| event["s"].as_u64().is_some_and(|it| it > sequence));
        for event in missed {
            let _ = self.line.send(Out::Frame(event.clone()));
        }
        session.line = Some((self.number, self.line.clone()));
        tell(session, "RESUMED", json!({ "_trace": [] }));
        self.session = Some(id.to_owned());
        Ok(())
    }

    fn invalid(&self, resumable: bool) {
        let _ = self.line.send(Out::Frame(json!({ "op": 9, "s": null, "t": null, "d": resumable })));
    }
}

/// Sends members by id. The full list requires the intent `GUILD_MEMBERS`.
fn members(state: &mut State, id: &str, data: &Value) -> Result<(), Closing> {
    let wanted: Vec<u64> = match &data["user_ids"] {
        Value::Array(ids) => ids.iter().filter_map(|id| id.as_str()?.parse().ok()).collect(),
        Value::String(id) => id.parse().into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => state.members.keys().copied().collect(),
    };
    let found: Vec<Value> = wanted.iter().filter_map(|id| shape::member(state, *id)).collect();
    let missing: Vec<String> = wanted.iter().filter(|id| !state.members.contains_key(id)).map(u64::to_string).collect();
    let chunk = json!({
        "guild_id": state.guild.to_string(), "members": found, "chunk_index": 0, "chunk_count": 1, "not_found": missing,
        "nonce": data["nonce"],
    });
    let session = state.gateway.sessions.get_mut(id).ok_or((4009, "Session timed out."))?;
    if data["user_ids"].is_null() && session.intents & sessions::GUILD_MEMBERS == 0 {
        return Err((4014, "Disallowed intent(s)."));
    }
    tell(session, "GUILD_MEMBERS_CHUNK", chunk);
    Ok(())
}
