//! Response URLs: up to five posts within thirty minutes, ephemeral unless `response_type` is `in_channel`. The answer
//! to a slash command is a message in the same format.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::Site;
use super::api::{Call, Refused};
use super::chat::{Content, change};
use super::state::{ResponseUrl, World};

/// Maximum number of posts to one response URL.
const USES: u32 = 5;
/// Lifetime of a response URL, in microseconds.
const LIFE_US: i64 = 30 * 60 * 1_000_000;

pub(super) async fn answer(State(site): State<Site>, Path(key): Path<String>, body: Bytes) -> Response {
    let mut world = site.world();
    let said: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answered = posted(&mut world, &key, &said);
    let (status, answer) = match answered {
        Ok(()) => (StatusCode::OK, json!({ "ok": true })),
        Err((status, refused)) => (status, refused.json()),
    };
    world.record("response_url", said, answer.clone());
    site.changed();
    (status, axum::Json(answer)).into_response()
}

fn posted(world: &mut World, key: &str, said: &Value) -> Result<(), (StatusCode, Refused)> {
    let gone = |error: &str| (StatusCode::NOT_FOUND, error.into());
    let now = world.now_us;
    let url = world.urls.get_mut(key).ok_or_else(|| gone("invalid_url"))?;
    if now - url.made_us >= LIFE_US {
        return Err(gone("expired_url"));
    }
    if url.uses == USES {
        return Err(gone("used_url"));
    }
    url.uses += 1;
    let url = url.clone();
    let made = apply(world, &url, said).map_err(|refused| (StatusCode::BAD_REQUEST, refused))?;
    let url = world.urls.get_mut(key).expect("it was there before");
    // After a command, later posts can replace the message that the first one created.
    url.origin = url.origin.take().or(made);
    Ok(())
}

/// Posts, replaces or deletes a message. Returns the `ts` of a new message.
pub(super) fn apply(world: &mut World, url: &ResponseUrl, said: &Value) -> Result<Option<String>, Refused> {
    let Some(fields) = said.as_object() else { return Err("invalid_payload".into()) };
    let call = Call { said: fields.clone(), scopes: Vec::new() };
    let origin = url.origin.clone().filter(|ts| world.message(&url.channel, ts).is_some());
    if call.flag("delete_original") {
        let ts = origin.ok_or("message_not_found")?;
        let room = world.channels.get_mut(&url.channel).expect("a channel");
        room.messages.retain(|message| message.ts != ts);
        return Ok(None);
    }
    let content = Content::read(world, &call)?;
    if content.is_empty() {
        return Err("no_text".into());
    }
    if call.flag("replace_original")
        && let Some(message) = origin.and_then(|ts| world.message(&url.channel, &ts))
    {
        change(message, content);
        return Ok(None);
    }
    let bot = world.bot.clone();
    let mut message = content.message(&bot, call.text("thread_ts").or_else(|| url.thread.clone()));
    match call.text("response_type").as_deref() {
        None | Some("ephemeral") => message.only_for = Some(url.user.clone()),
        Some("in_channel") => {}
        Some(_) => return Err("invalid_response_type".into()),
    }
    Ok(Some(world.put(&url.channel, message)))
}
