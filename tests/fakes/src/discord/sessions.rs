//! Gateway sessions: event dispatch by intent, and the events that a resume replays.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::state::State;

pub(super) const GUILDS: u64 = 1;
pub(super) const GUILD_MEMBERS: u64 = 1 << 1;
pub(super) const GUILD_PRESENCES: u64 = 1 << 8;
pub(super) const GUILD_MESSAGES: u64 = 1 << 9;
pub(super) const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
pub(super) const DIRECT_MESSAGES: u64 = 1 << 12;
pub(super) const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;
/// Intents that an application may use only if they are enabled for it.
pub(super) const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// Pseudo-intent of events that all sessions receive.
pub(super) const ALWAYS: u64 = 0;

/// An instruction to the task of a connection.
pub(super) enum Out {
    Frame(Value),
    Close(u16, &'static str),
    /// Drops the connection without a close frame.
    Cut,
}

/// A gateway session. It survives its connection and can be resumed.
pub(super) struct Session {
    pub(super) intents: u64,
    /// Sequence number of the last event.
    pub(super) sequence: u64,
    /// All events of the session, for replay.
    pub(super) events: Vec<Value>,
    /// Number and sender of the current connection; `None` while the client is disconnected.
    pub(super) line: Option<(u64, UnboundedSender<Out>)>,
}

/// A frame that a client sent over the gateway.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of the connection, counted from 1.
    pub connection: u64,
    /// Opcode: 1 heartbeat, 2 identify, 3 presence update, 4 voice state update, 6 resume, 8 request members.
    pub op: u64,
    /// The payload (`d`), without the token.
    pub data: Value,
}

/// The state of the gateway.
pub(super) struct Gateway {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) connections: u64,
    pub(super) frames: Vec<Frame>,
    pub(super) heartbeat_ms: u64,
    /// Heartbeats are acknowledged.
    pub(super) acks: bool,
    /// Resume requests are accepted.
    pub(super) resumes: bool,
    /// Events are dropped; no session receives them, not even on resume.
    pub(super) losing: bool,
    /// New connections are refused.
    pub(super) down: bool,
    /// Intents for which at least one session has received an event.
    pub(super) used: u64,
    /// Privileged intents that are enabled for the application.
    pub(super) given: u64,
    /// Number of sessions that may still be started today.
    pub(super) remaining: u32,
    /// Time of the first session start, in milliseconds; `reset_after` is relative to it.
    pub(super) opened_ms: Option<i64>,
}

/// Maximum number of session starts per day.
pub(super) const A_DAY: u32 = 1000;

impl Default for Gateway {
    fn default() -> Self {
        Self {
            sessions: BTreeMap::new(),
            connections: 0,
            frames: Vec::new(),
            heartbeat_ms: 41_250,
            acks: true,
            resumes: true,
            losing: false,
            down: false,
            used: 0,
            given: 0,
            remaining: A_DAY,
            opened_ms: None,
        }
    }
}

/// Sends an event to all sessions with this intent. `data` is called with `true` to include message content, and with
/// `false` for sessions without the intent `MESSAGE_CONTENT`.
pub(super) fn dispatch(state: &mut State, intent: u64, event: &str, data: impl Fn(&State, bool) -> Value) {
    if state.gateway.losing {
        return;
    }
    let (reads, hides) = (data(state, true), data(state, false));
    let Gateway { sessions, used, .. } = &mut state.gateway;
    for session in sessions.values_mut() {
        if intent != ALWAYS && session.intents & intent == 0 {
            continue;
        }
        *used |= intent;
        let data = if session.intents & MESSAGE_CONTENT > 0 { &reads } else { &hides };
        tell(session, event, data.clone());
    }
}

/// Adds an event to a session and sends it if the session is connected. Otherwise a resume replays it.
pub(super) fn tell(session: &mut Session, event: &str, data: Value) {
    session.sequence += 1;
    let frame = json!({ "op": 0, "s": session.sequence, "t": event, "d": data });
    session.events.push(frame.clone());
    if let Some((_, line)) = &session.line {
        let _ = line.send(Out::Frame(frame));
    }
}

/// Sends a frame that is not an event to all connections.
pub(super) fn each_line(state: &mut State, out: impl Fn() -> Out) {
    for session in state.gateway.sessions.values_mut() {
        let gone = session.line.as_ref().is_some_and(|(_, line)| line.send(out()).is_err());
        if gone {
            session.line = None;
        }
    }
}

/// Ends all connections. Later events wait for a resume.
pub(super) fn cut(state: &mut State, out: impl Fn() -> Out) {
    each_line(state, out);
    for session in state.gateway.sessions.values_mut() {
        session.line = None;
    }
}
