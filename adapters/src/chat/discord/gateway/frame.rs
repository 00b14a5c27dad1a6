//! What goes over the gateway. Pure.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// Servers with their threads, and reactions in them; interactions are told unasked. Nothing here is privileged.
pub(in super::super) const INTENTS: u64 = 1 | (1 << 10);

/// A frame of Discord's.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// The greeting: how often to send heartbeats, in milliseconds.
    Hello(u64),
    /// A heartbeat arrived.
    Acknowledged,
    /// A heartbeat is wanted at once.
    Wanted,
    /// The connection is to be opened anew.
    Reconnect,
    /// The session is over, or may still go on.
    Invalid(bool),
    /// Something happened: its number, its name and what it says.
    Event(u64, String, Value),
    Other,
}

/// Reads a frame.
pub(super) fn read(text: &str) -> Frame {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return Frame::Other };
    let data = value.get_mut("d").map(Value::take).unwrap_or_default();
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    match number("op") {
        Some(0) => match (number("s"), value.get("t").and_then(Value::as_str)) {
            (Some(sequence), Some(name)) => Frame::Event(sequence, name.to_owned(), data),
            _ => Frame::Other,
        },
        Some(1) => Frame::Wanted,
        Some(7) => Frame::Reconnect,
        Some(9) => Frame::Invalid(data.as_bool().unwrap_or_default()),
        Some(10) => data.get("heartbeat_interval").and_then(Value::as_u64).map_or(Frame::Other, Frame::Hello),
        Some(11) => Frame::Acknowledged,
        Some(_) | None => Frame::Other,
    }
}

pub(super) fn heartbeat(sequence: Option<u64>) -> String {
    json!({ "op": 1, "d": sequence }).to_string()
}

pub(super) fn identify(token: &SecretString) -> String {
    let properties = json!({ "os": std::env::consts::OS, "browser": "hotfix", "device": "hotfix" });
    json!({ "op": 2, "d": { "token": token.expose_secret(), "intents": INTENTS, "properties": properties } })
        .to_string()
}

pub(super) fn resume(token: &SecretString, session: &str, sequence: u64) -> String {
    json!({ "op": 6, "d": { "token": token.expose_secret(), "session_id": session, "seq": sequence } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_tolerantly() {
        assert_eq!(
            read(r#"{"op":10,"d":{"heartbeat_interval":41250,"_trace":[]},"s":null,"t":null}"#),
            Frame::Hello(41250)
        );
        assert_eq!(read(r#"{"op":9,"d":null}"#), Frame::Invalid(false));
        assert_eq!(read(r#"{"op":9,"d":true}"#), Frame::Invalid(true));
        assert_eq!(read(r#"{"op":0,"t":"X","s":3,"d":{"a":1}}"#), Frame::Event(3, "X".to_owned(), json!({"a": 1})));
        for odd in ["", "[]", "null", r#"{"op":"x"}"#, r#"{"op":0,"t":"X"}"#, r#"{"op":10}"#, r#"{"op":99}"#] {
            assert_eq!(read(odd), Frame::Other, "{odd}");
        }
    }
}
