//! The Web API endpoint: authenticates a call, checks rate limit and scope, and runs the method. As in Slack, an error
//! is status 200 with `"ok": false`; only a rate limit is status 429.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::limits::{Tier, spend};
use super::state::{Kind, World};
use super::{APP_TOKEN, BOT_TOKEN, Site, Slack, chat, rooms, socket, staff, views};

/// An error of a Web API method: the code in `error`, and further fields of the answer in `more`.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: String,
    pub(super) more: Value,
}

pub(super) type Answer = Result<Value, Refused>;

impl From<&str> for Refused {
    fn from(error: &str) -> Self {
        Self { error: error.to_owned(), more: json!({}) }
    }
}

impl Refused {
    /// Builds an error with details, which Slack reports in `response_metadata.messages`.
    pub(super) fn because(error: &str, reasons: &[String]) -> Self {
        let messages: Vec<String> = reasons.iter().map(|reason| format!("[ERROR] {reason}")).collect();
        let more = json!({ "errors": reasons, "response_metadata": { "messages": messages } });
        Self { error: error.to_owned(), more }
    }

    pub(super) fn json(self) -> Value {
        let mut json = json!({ "ok": false, "error": self.error });
        if let (Some(json), Value::Object(more)) = (json.as_object_mut(), self.more) {
            json.extend(more);
        }
        json
    }
}

/// The arguments of a call, from query, form or JSON body, and the scopes of its token.
pub(super) struct Call {
    pub(super) said: Map<String, Value>,
    pub(super) scopes: Vec<String>,
}

impl Call {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.said.get(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn need(&self, name: &str) -> Result<String, Refused> {
        let missing = || Refused::because("invalid_arguments", &[format!("missing required field: {name}")]);
        self.text(name).ok_or_else(missing)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|said| ["true", "1"].contains(&said.to_lowercase().as_str()))
    }

    pub(super) fn number(&self, name: &str, otherwise: usize) -> usize {
        self.text(name).and_then(|said| said.parse().ok()).unwrap_or(otherwise)
    }

    /// Returns a JSON argument; a form sends it as text. `None` if it is missing or empty, [`Value::Null`] if it
    /// does not parse.
    pub(super) fn json(&self, name: &str) -> Option<Value> {
        let said = self.said.get(name)?;
        match said.as_str() {
            Some("") => None,
            Some(text) => Some(serde_json::from_str(text).unwrap_or(Value::Null)),
            None => Some(said.clone()),
        }
    }
}

/// The permission that a method requires.
enum Needs {
    Nothing,
    Scope(&'static str),
    /// A conversation scope with this suffix: `channels:…`, `groups:…` or `im:…`, depending on the type of the channel.
    Room(&'static str),
    /// The app-level token. All other methods require the bot token.
    App,
}

type Run = fn(&mut World, &Call) -> Answer;

/// Returns the rate limit tier, the required permission and the implementation of a supported method.
fn method(name: &str) -> Option<(Tier, Needs, Run)> {
    use Needs::{App, Nothing, Room, Scope};
    Some(match name {
        "apps.connections.open" => (Tier::One, App, socket::open),
        "auth.test" => (Tier::Four, Nothing, staff::auth_test),
        "bots.info" => (Tier::Three, Scope("users:read"), staff::bots_info),
        "chat.delete" => (Tier::Three, Scope("chat:write"), chat::delete),
        "chat.postEphemeral" => (Tier::Four, Scope("chat:write"), chat::post_ephemeral),
        "chat.postMessage" => (Tier::Post, Scope("chat:write"), chat::post_message),
        "chat.update" => (Tier::Three, Scope("chat:write"), chat::update),
        "conversations.history" => (Tier::Three, Room("history"), rooms::history),
        "conversations.info" => (Tier::Three, Room("read"), rooms::info),
        "conversations.members" => (Tier::Four, Room("read"), rooms::members),
        "conversations.open" => (Tier::Three, Scope("im:write"), rooms::open),
        "conversations.replies" => (Tier::Three, Room("history"), rooms::replies),
        "reactions.add" => (Tier::Three, Scope("reactions:write"), chat::add_reaction),
        "reactions.get" => (Tier::Three, Scope("reactions:read"), chat::reactions),
        "usergroups.list" => (Tier::Two, Scope("usergroups:read"), staff::groups),
        "usergroups.users.list" => (Tier::Two, Scope("usergroups:read"), staff::group_users),
        "users.info" => (Tier::Four, Scope("users:read"), staff::user_info),
        "users.list" => (Tier::Two, Scope("users:read"), staff::users),
        "views.open" => (Tier::Four, Nothing, views::open),
        "views.publish" => (Tier::Four, Nothing, views::publish),
        "views.push" => (Tier::Four, Nothing, views::push),
        "views.update" => (Tier::Four, Nothing, views::update),
        _ => return None,
    })
}

pub(super) async fn answer(
    State(site): State<Site>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let planned = site.world().planned.get_mut(&name).filter(|left| !left.is_empty()).map(|left| left.remove(0));
    match planned.as_deref() {
        Some("hang") => std::future::pending().await,
        Some("ratelimited") => return too_many(30),
        Some(error) => return axum::Json(Refused::from(error).json()).into_response(),
        None => {}
    }
    let mut world = site.world();
    let mut said = match read(&headers, query.as_deref().unwrap_or_default(), &body) {
        Ok(said) => said,
        Err(refused) => return axum::Json(refused.json()).into_response(),
    };
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let spoken = said.remove("token").and_then(|token| token.as_str().map(str::to_owned));
    let token = header.and_then(|it| it.strip_prefix("Bearer ")).map(str::to_owned).or(spoken);
    let shown = |text: &str| serde_json::from_str(text).ok().filter(|it: &Value| it.is_object() || it.is_array());
    let arguments: Map<String, Value> = said
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().and_then(shown).unwrap_or_else(|| value.clone())))
        .collect();
    let answer = match asked(&mut world, &name, token.as_deref(), said) {
        Err(Trouble::TooMany(seconds)) => {
            world.record(&name, arguments.into(), json!({ "ok": false, "error": "ratelimited" }));
            return too_many(seconds);
        }
        Err(Trouble::Refused(refused)) => refused.json(),
        Ok(mut answer) => {
            answer["ok"] = true.into();
            answer
        }
    };
    world.record(&name, arguments.into(), answer.clone());
    site.changed();
    let scopes = world.scopes.iter().cloned().collect::<Vec<_>>().join(",");
    let mut answer = axum::Json(answer).into_response();
    answer.headers_mut().insert("x-oauth-scopes", HeaderValue::from_str(&scopes).expect("scopes are plain"));
    answer
}

impl Slack {
    /// Calls a method with a token, without HTTP. A rate limited call returns `ratelimited` with `retry_after` in
    /// seconds. The call is recorded like any other.
    #[must_use]
    pub fn call(&self, token: &str, method: &str, arguments: &Value) -> Value {
        let mut world = self.site.world();
        let said = arguments.as_object().cloned().unwrap_or_default();
        let answer = match asked(&mut world, method, Some(token), said) {
            Err(Trouble::TooMany(seconds)) => {
                json!({ "ok": false, "error": "ratelimited", "retry_after": seconds })
            }
            Err(Trouble::Refused(refused)) => refused.json(),
            Ok(mut answer) => {
                answer["ok"] = true.into();
                answer
            }
        };
        world.record(method, arguments.clone(), answer.clone());
        answer
    }
}

enum Trouble {
    TooMany(u32),
    Refused(Refused),
}

impl<T: Into<Refused>> From<T> for Trouble {
    fn from(refused: T) -> Self {
        Self::Refused(refused.into())
    }
}

/// Authenticates a call, applies the rate limit, checks the scope, and runs the method, in this order.
fn asked(world: &mut World, name: &str, token: Option<&str>, said: Map<String, Value>) -> Result<Value, Trouble> {
    let Some((tier, needs, run)) = method(name) else { return Err("unknown_method".into()) };
    let app = match token {
        None | Some("") => return Err("not_authed".into()),
        Some(_) if world.revoked => return Err("account_inactive".into()),
        Some(BOT_TOKEN) => false,
        Some(APP_TOKEN) => true,
        Some(_) => return Err("invalid_auth".into()),
    };
    let scopes = if app { &world.app_scopes } else { &world.scopes };
    let call = Call { said, scopes: scopes.iter().cloned().collect() };
    if app != matches!(needs, Needs::App) {
        return Err("not_allowed_token_type".into());
    }
    let channel = call.text("channel").unwrap_or_default();
    if let Some(seconds) = spend(world, name, &channel, tier) {
        return Err(Trouble::TooMany(seconds));
    }
    let needed = match needs {
        Needs::Nothing => None,
        Needs::Scope(scope) => Some(scope.to_owned()),
        Needs::App => Some("connections:write".to_owned()),
        Needs::Room(what) => {
            let kind = match world.channels.get(&channel).map(|room| &room.kind) {
                Some(Kind::Public) | None => "channels",
                Some(Kind::Private) => "groups",
                Some(Kind::Direct(_)) => "im",
            };
            Some(format!("{kind}:{what}"))
        }
    };
    let used = needed.clone();
    if let Some(needed) = needed.filter(|needed| !call.scopes.contains(needed)) {
        let more = json!({ "needed": needed, "provided": call.scopes.join(",") });
        return Err(Refused { error: "missing_scope".to_owned(), more }.into());
    }
    if let Some(used) = used.filter(|_| !app) {
        world.scopes_used.insert(used);
    }
    Ok(run(world, &call)?)
}

/// Reads the arguments of a call. Slack accepts JSON and URL-encoded forms.
fn read(headers: &HeaderMap, query: &str, body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut said = Map::new();
    let mut put = |bytes: &[u8]| {
        for (key, value) in form_urlencoded::parse(bytes) {
            said.insert(key.into_owned(), value.into_owned().into());
        }
    };
    put(query.as_bytes());
    if kind.starts_with("application/json") {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => said.extend(fields),
            Ok(_) => return Err("json_not_object".into()),
            Err(_) if body.is_empty() => {}
            Err(_) => return Err("invalid_json".into()),
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        put(body);
    } else if !body.is_empty() {
        return Err("invalid_post_type".into());
    }
    Ok(said)
}

fn too_many(seconds: u32) -> Response {
    let refused = json!({ "ok": false, "error": "ratelimited" });
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())], axum::Json(refused)).into_response()
}

/// Returns one page of `items` and the cursor of the next page, which is empty for the last one.
pub(super) fn page<T>(call: &Call, items: Vec<T>, limit: usize) -> Result<(Vec<T>, String), Refused> {
    let asked = call.number("limit", limit);
    let limit = if (1..=1000).contains(&asked) { asked } else { return Err("invalid_limit".into()) };
    let start = match call.text("cursor") {
        None => 0,
        Some(cursor) => {
            let plain = hex::decode(&cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let start = plain.and_then(|plain| plain.strip_prefix("next:")?.parse().ok());
            start.filter(|&start: &usize| start < items.len()).ok_or(Refused::from("invalid_cursor"))?
        }
    };
    let more = items.len() > start + limit;
    let next = if more { hex::encode(format!("next:{}", start + limit)) } else { String::new() };
    Ok((items.into_iter().skip(start).take(limit).collect(), next))
}
