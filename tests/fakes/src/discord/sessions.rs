//! The sessions of the gateway: what each is told, and what it hears of when it comes back.

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
/// Whoever asks for these must have been given them.
pub(super) const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// Every session is told.
pub(super) const ALWAYS: u64 = 0;

/// What a connection is to do.
pub(super) enum Out {
    Frame(Value),
    Close(u16, &'static str),
    /// Cut, without a word.
    Cut,
}

pub(super) struct Session {
    pub(super) intents: u64,
    /// The number of the last event.
    pub(super) sequence: u64,
    pub(super) events: Vec<Value>,
    pub(super) line: Option<(u64, UnboundedSender<Out>)>,
}

/// One frame that a client sent.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The number of the connection, counted from 1.
    pub connection: u64,
    /// What it is: 1 heartbeat, 2 identify, 3 presence, 6 resume, 8 ask for members.
    pub op: u64,
    /// What it says, without the token.
    pub data: Value,
}

pub(super) struct Gateway {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) connections: u64,
    pub(super) frames: Vec<Frame>,
    pub(super) heartbeat_ms: u64,
    /// Heartbeats are answered.
    pub(super) acks: bool,
    pub(super) resumes: bool,
    /// Events happen and no session hears of them, not later either.
    pub(super) losing: bool,
    pub(super) down: bool,
    /// The intents by which something was told.
    pub(super) used: u64,
    /// The privileged intents that the application was given.
    pub(super) given: u64,
    /// How many sessions may still be opened today.
    pub(super) remaining: u32,
    pub(super) opened_ms: Option<i64>,
}

/// How many sessions may be opened in a day.
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

/// Tells every session that asked for one of these intents. `data` is made for each, by whether it may read messages.
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

/// Tells one session, now or when it resumes.
pub(super) fn tell(session: &mut Session, event: &str, data: Value) {
    session.sequence += 1;
    let frame = json!({ "op": 0, "s": session.sequence, "t": event, "d": data });
    session.events.push(frame.clone());
    if let Some((_, line)) = &session.line {
        let _ = line.send(Out::Frame(frame));
    }
}

/// Tells every connection something that is no event.
pub(super) fn each_line(state: &mut State, out: impl Fn() -> Out) {
    for session in state.gateway.sessions.values_mut() {
        let gone = session.line.as_ref().is_some_and(|(_, line)| line.send(out()).is_err());
        if gone {
            session.line = None;
        }
    }
}

/// Ends every connection; what happens from now on waits for a resume.
pub(super) fn cut(state: &mut State, out: impl Fn() -> Out) {
    each_line(state, out);
    for session in state.gateway.sessions.values_mut() {
        session.line = None;
    }
}
