//! One REST call: rate limit, authentication, dispatch, and the headers of the answer.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::reply::{Outcome, Refusal, Reply, Wrongs};
use super::state::State;
use super::{Shared, limits, routes, sessions};

/// A parsed REST call.
pub(super) struct Call {
    pub(super) method: String,
    /// Decoded path segments below `/api/v10`.
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
}

impl Call {
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(super) fn asked_id(&self, name: &str) -> Option<u64> {
        self.asked(name)?.parse().ok()
    }

    /// Returns `limit`, or `usual` if it is not set. Refuses a value that is not between 1 and `most`.
    pub(super) fn most(&self, usual: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.asked("limit") else { return Ok(usual) };
        let mut wrongs = Wrongs::default();
        let number: Value = text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
        let number = wrongs.number(&number, "limit", 1, i64::try_from(most).unwrap());
        wrongs.end()?;
        Ok(usize::try_from(number.unwrap()).unwrap())
    }
}

pub(super) fn query(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

pub(super) async fn answer(shared: &Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let below = parts.uri.path().strip_prefix("/api/v10/");
    let mut state = shared.lock();
    let state = &mut *state;
    let path: Vec<String> = below
        .unwrap_or_default()
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let route = route(parts.method.as_str(), &path);
    let (told, counted) = limits::count(&mut state.limits, state.now_ms, &route);
    let call = || {
        let body = match body.as_ref() {
            [] => Value::Null,
            bytes => {
                let words = "The request body contains invalid JSON.";
                serde_json::from_slice(bytes).map_err(|_| Refusal::new(400, 50109, words))?
            }
        };
        Ok(Call { method: parts.method.to_string(), path, query: query(parts.uri.query().unwrap_or_default()), body })
    };
    let open = route.contains("/interactions/") || route.contains("/webhooks/") || route.ends_with("/gateway");
    let outcome = counted.and_then(|()| match below {
        None => Err(Refusal::new(404, 0, "404: Not Found")),
        Some(_) => {
            speaks(state, &parts.headers, open)?;
            routes::route(state, &call()?)
        }
    });
    let mut answer = finish(state, outcome);
    told.write(answer.headers_mut());
    shared.changed.notify_waiters();
    answer
}

/// Returns the rate limit key of a call: the method and the path, in which all ids except that of the channel or
/// guild are replaced.
fn route(method: &str, path: &[String]) -> String {
    let kept = |(place, part): (usize, &String)| match part.parse::<u64>() {
        Ok(_) if place != 1 => ":id".to_owned(),
        _ if path[0] == "interactions" || path[0] == "webhooks" => path[0].clone(),
        _ => part.clone(),
    };
    format!("{method} /{}", path.iter().enumerate().map(kept).collect::<Vec<_>>().join("/") + "/")
        .trim_end_matches('/')
        .to_owned()
}

/// Checks the user agent and the token. `open` routes need no token.
fn speaks(state: &State, headers: &HeaderMap, open: bool) -> Result<(), Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // In front of Discord, Cloudflare blocks requests without a valid user agent.
    if !header("user-agent").starts_with("DiscordBot (") {
        return Err(Refusal::new(403, 40333, "internal network error"));
    }
    let known = header("authorization").strip_prefix("Bot ").is_some_and(|token| token == state.token);
    // A wrong token is refused even on routes that need none.
    if known || open && !headers.contains_key("authorization") {
        return Ok(());
    }
    Err(Refusal::new(401, 0, "401: Unauthorized"))
}

fn finish(state: &mut State, outcome: Outcome) -> Response {
    let (status, body) = match outcome {
        Ok(Reply::Json(status, value)) => (status, Some(value)),
        Ok(Reply::Nothing) => (204, None),
        Err(refusal) => (refusal.status, Some(refusal.body)),
    };
    state.limits.invalid += u32::from([401, 403, 429].contains(&status));
    let mut answer = Response::new(body.as_ref().map_or_else(Body::empty, |body| Body::from(body.to_string())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    if body.is_some() {
        answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    }
    answer
}

/// Returns the gateway URL; for a bot, also the session start limit.
pub(super) fn gateway(state: &State, bot: bool) -> Outcome {
    let url = state.url.replacen("http", "ws", 1);
    if !bot {
        return Reply::ok(serde_json::json!({ "url": url }));
    }
    let day_ms = 86_400_000;
    let since = state.gateway.opened_ms.map_or(0, |at| (state.now_ms - at).rem_euclid(day_ms));
    Reply::ok(serde_json::json!({ "url": url, "shards": 1, "session_start_limit": {
        "total": sessions::A_DAY, "remaining": state.gateway.remaining, "reset_after": day_ms - since, "max_concurrency": 1,
    } }))
}
