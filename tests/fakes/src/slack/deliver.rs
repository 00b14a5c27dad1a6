//! Deliveries to the app, over signed HTTP or Socket Mode. As in Slack, a failed event is retried three times:
//! immediately, after one minute and after five minutes.

use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::Value;

use super::state::{Delivery, Due, Kind as Room};
use super::{Site, Slack, payloads, socket};

/// The result of one delivery, as Slack records it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// HTTP status of the app's answer; `None` over Socket Mode, or if there was no answer.
    pub status: Option<u16>,
    /// Body of the app's answer: JSON, a string if it is not JSON, or null if it is empty.
    pub body: Value,
    /// Reason of a failed delivery: `http_timeout`, `connection_failed` or `http_error`. `None` if the
    /// app acknowledged it.
    pub problem: Option<&'static str>,
}

impl Answered {
    /// Returns `true` if the app acknowledged the delivery.
    #[must_use]
    pub fn taken(&self) -> bool {
        self.problem.is_none()
    }

    pub(super) fn failed(problem: &'static str) -> Self {
        Self { status: None, body: Value::Null, problem: Some(problem) }
    }
}

/// The kind of a delivery; it determines the request URL, or the type of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Command,
    Interaction,
    Event,
}

/// Retry number and reason of a repeated event; `None` for the first attempt.
pub(super) type Retry = Option<(u32, &'static str)>;

/// Retry number and delay of the second and the third retry, in microseconds after the first delivery failed.
const LATER_US: [(u32, i64); 2] = [(2, 60_000_000), (3, 300_000_000)];

/// Returns the scope that the bot needs to receive an event; `None` if no scope is required.
fn scope_of(event: &str, room: Option<&Room>) -> Option<String> {
    let scope = match event {
        "app_mention" => "app_mentions:read",
        "reaction_added" | "reaction_removed" => "reactions:read",
        "message.im" => "im:history",
        "subteam_members_changed" => "usergroups:read",
        "user_change" => "users:read",
        "member_joined_channel" => match room {
            Some(Room::Private) => "groups:read",
            Some(Room::Public | Room::Direct(_)) | None => "channels:read",
        },
        _ => return None,
    };
    Some(scope.to_owned())
}

/// A signed HTTP request to the app.
#[derive(Clone)]
pub(super) struct Letter {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Site {
    /// Makes one delivery attempt for a payload. Over Socket Mode, this includes sending the envelope on
    /// a second connection.
    pub(super) async fn bring(&self, kind: Kind, payload: &Value, retry: Retry) -> Answered {
        let (delivery, patience) = {
            let world = self.world();
            (world.delivery.clone(), world.patience)
        };
        match delivery {
            None => Answered::failed("connection_failed"),
            Some(Delivery::Socket) => socket::bring(self, kind, payload, retry, patience).await,
            Some(Delivery::Http(urls)) => {
                let url = match kind {
                    Kind::Command => urls.commands,
                    Kind::Interaction => urls.interactions,
                    Kind::Event => urls.events,
                };
                let letter = self.letter(url, kind, payload, retry);
                self.world().last = Some(letter.clone());
                send(letter, patience).await
            }
        }
    }

    fn letter(&self, url: String, kind: Kind, payload: &Value, retry: Retry) -> Letter {
        let form =
            |pairs: &[(&str, &str)]| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let body = match kind {
            Kind::Event => payload.to_string(),
            Kind::Interaction => form(&[("payload", &payload.to_string())]),
            Kind::Command => {
                let fields = payload.as_object().into_iter().flatten();
                let fields: Vec<_> = fields.map(|(key, it)| (&**key, it.as_str().unwrap_or_default())).collect();
                form(&fields)
            }
        };
        let content = if kind == Kind::Event { "application/json" } else { "application/x-www-form-urlencoded" };
        let (secret, now) = {
            let world = self.world();
            (world.signing_secret.clone(), world.seconds())
        };
        let mut headers = vec![
            ("content-type", content.to_owned()),
            ("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
            ("x-slack-request-timestamp", now.to_string()),
            ("x-slack-signature", signature(&secret, now, &body)),
        ];
        if let Some((number, reason)) = retry {
            headers.push(("x-slack-retry-num", number.to_string()));
            headers.push(("x-slack-retry-reason", reason.to_owned()));
        }
        Letter { url, headers, body }
    }

    /// Sends an event and schedules retries if it fails. Returns `None` without sending it if the app is not
    /// subscribed, lacks the scope, or is not a member of the channel.
    pub(super) async fn event(&self, name: &str, event: Value, channel: Option<&str>) -> Option<Answered> {
        let payload = {
            let mut world = self.world();
            let hidden = channel.is_some_and(|channel| !world.channels[channel].members.contains(&world.bot));
            let scope = scope_of(name, channel.map(|channel| &world.channels[channel].kind));
            let granted = scope.as_ref().is_none_or(|scope| world.scopes.contains(scope));
            if hidden || !granted || !world.subscribed.contains(name) {
                return None;
            }
            world.scopes_used.extend(scope);
            payloads::event(&mut world, event, channel)
        };
        let first = self.bring(Kind::Event, &payload, None).await;
        let Some(reason) = first.problem else { return Some(first) };
        let second = self.bring(Kind::Event, &payload, Some((1, reason))).await;
        if let Some(reason) = second.problem {
            let mut world = self.world();
            let now = world.now_us;
            let due =
                LATER_US.map(|(number, after)| Due { at_us: now + after, number, reason, payload: payload.clone() });
            world.due.extend(due);
        }
        Some(second)
    }

    /// Sends the due retries. A successful one cancels the remaining retries of its event.
    pub(super) async fn send_due(&self) {
        loop {
            let due = {
                let mut world = self.world();
                let now = world.now_us;
                let Some(at) = world.due.iter().position(|due| due.at_us <= now) else { return };
                world.due.remove(at)
            };
            let answered = self.bring(Kind::Event, &due.payload, Some((due.number, due.reason))).await;
            if answered.taken() {
                self.world().due.retain(|other| other.payload["event_id"] != due.payload["event_id"]);
            }
        }
    }
}

impl Slack {
    /// Sends the last HTTP delivery again, byte for byte, as an attacker who recorded it could. The answer is returned
    /// only; it has no effect on the workspace.
    ///
    /// # Panics
    /// Panics if no HTTP delivery has been made.
    pub async fn deliver_again(&self) -> Answered {
        let (letter, patience) = {
            let world = self.site.world();
            (world.last.clone().expect("a delivery"), world.patience)
        };
        send(letter, patience).await
    }

    /// Repeats the last HTTP delivery as Slack's own retry: with a new timestamp, a new signature and the given retry
    /// number. The answer is returned only; it has no effect on the workspace.
    ///
    /// # Panics
    /// Panics if no HTTP delivery has been made.
    pub async fn retry(&self, number: u32) -> Answered {
        let (mut letter, patience) = {
            let world = self.site.world();
            let (mut letter, now) = (world.last.clone().expect("a delivery"), world.seconds());
            let signed = signature(&world.signing_secret, now, &letter.body);
            letter.headers.retain(|(name, _)| !name.starts_with("x-slack-"));
            letter.headers.push(("x-slack-request-timestamp", now.to_string()));
            letter.headers.push(("x-slack-signature", signed));
            (letter, world.patience)
        };
        letter.headers.push(("x-slack-retry-num", number.to_string()));
        letter.headers.push(("x-slack-retry-reason", "http_timeout".to_owned()));
        send(letter, patience).await
    }

    /// Returns the number of scheduled event retries.
    #[must_use]
    pub fn retries_to_come(&self) -> usize {
        self.site.world().due.len()
    }
}

/// Computes Slack's request signature (`x-slack-signature`): HMAC-SHA-256 over `v0:{time}:{body}`, with the
/// time in seconds.
fn signature(secret: &str, time: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{time}:{body}").as_bytes());
    format!("v0={}", hex::encode(tag))
}

async fn send(letter: Letter, patience: Duration) -> Answered {
    match tokio::time::timeout(patience, post(letter)).await {
        Err(_) => Answered::failed("http_timeout"),
        Ok(answered) => answered.unwrap_or_else(|_| Answered::failed("connection_failed")),
    }
}

async fn post(letter: Letter) -> Result<Answered, Box<dyn std::error::Error + Send + Sync>> {
    let uri: hyper::Uri = letter.url.parse()?;
    let authority = uri.authority().ok_or("a URL with a host")?.clone();
    let address = (authority.host().to_owned(), authority.port_u16().unwrap_or(80));
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path).header("host", authority.as_str());
    for (name, value) in letter.headers {
        request = request.header(name, value);
    }
    let answer = sender.send_request(request.body(Full::new(Bytes::from(letter.body)))?).await?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = match serde_json::from_str(&text) {
        Ok(json) => json,
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => Value::String(text),
    };
    let problem = (!status.is_success()).then_some("http_error");
    Ok(Answered { status: Some(status.as_u16()), body, problem })
}

#[cfg(test)]
mod tests {
    /// Uses the example of Slack's documentation.
    #[test]
    fn it_signs_as_slack_does() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                    &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                    &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
                    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = super::signature("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body);
        assert_eq!(signature, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    }
}
