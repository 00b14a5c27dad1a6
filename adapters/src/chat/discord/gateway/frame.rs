//! Gateway frames: parsing and encoding. Pure.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// Gateway intents: servers with their threads, and reactions. Interactions need no intent. None of them is privileged.
pub(in super::super) const INTENTS: u64 = 1 | (1 << 10);

/// A frame from Discord.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// Greeting with the heartbeat interval in milliseconds.
    Hello(u64),
    /// Acknowledgement of a heartbeat.
    Acknowledged,
    /// Request for an immediate heartbeat.
    Wanted,
    /// Request to reconnect and resume.
    Reconnect,
    /// The session is invalid; `true` if it can be resumed.
    Invalid(bool),
    /// An event: sequence number, name and data.
    Event(u64, String, Value),
    Other,
}

/// Parses a frame; anything unknown becomes [`Frame::Other`].
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
