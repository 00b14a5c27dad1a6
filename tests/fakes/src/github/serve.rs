//! Processing of one API call: authentication, decoding, paging, ETags and rate limit headers. Routing is in `routes`.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::state::{Access, State};
use super::{apps, code, routes};
use crate::git::{Repositories, is_git};

/// Form in which GitHub reports a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Primary limit: 403 with no requests remaining; the budget resets after this many seconds.
    Primary(i64),
    /// Secondary limit: 403 with `Retry-After`, in seconds.
    Secondary(u32),
    /// Secondary limit: 403 with a message only, without a header.
    SecondaryInWords,
}

/// A decoded and authenticated API call.
pub(super) struct Call {
    pub(super) method: String,
    /// Percent-decoded segments of the path below the prefix.
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
    pub(super) user: u64,
    pub(super) access: Option<Access>,
    /// Id of the App if the call is authenticated with the App's JSON web token; then `access` is `None`.
    pub(super) app: Option<u64>,
}

impl Call {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// Answer of a handler. Lists are split into pages when the answer is sent.
pub(super) enum Reply {
    One(u16, Value),
    /// A list and its default page size.
    List(Vec<Value>, usize),
    /// A list in an object under this key, next to `total_count`, and its default page size.
    Wrapped(&'static str, Vec<Value>, usize),
    /// A list in the given object under this key, and the maximum length without paging parameters.
    Within(Value, &'static str, Vec<Value>, usize),
    Nothing(u16),
    Forbidden(&'static str),
}

impl Reply {
    pub(super) fn ok(value: Value) -> Self {
        Self::One(200, value)
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found", None)
    }

    pub(super) fn error(status: u16, message: &str, errors: Option<Value>) -> Self {
        let documentation = "https://docs.github.com/rest";
        let mut body = json!({ "message": message, "documentation_url": documentation, "status": status.to_string() });
        if let Some(errors) = errors {
            body["errors"] = errors;
        }
        Self::One(status, body)
    }

    pub(super) fn invalid(errors: Value) -> Self {
        Self::error(422, "Validation Failed", Some(json!([errors])))
    }
}

/// Returns `true` if git traffic is authenticated: a valid token is the password, with any user name.
pub(super) fn may_git(state: &State, authorization: Option<&str>) -> bool {
    let pair = authorization.and_then(|text| text.strip_prefix("Basic "));
    let pair = pair.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let token = pair.split_once(':').map(|(_, password)| password).unwrap_or_default();
    state.tokens.get(token).is_some_and(|access| access.expires > state.now())
}

pub(super) async fn answer(
    state: &Mutex<State>,
    repositories: &Repositories,
    prefix: &str,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if is_git(&path) {
        let answer = repositories.answer(&path, request).await;
        code::settle_all(&mut state.lock().unwrap());
        return answer;
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let mut state = state.lock().unwrap();
    if let Some(limit) = state.limit {
        return limited(&state, limit);
    }
    let Some(below) = path.strip_prefix(prefix).filter(|below| below.starts_with('/')) else {
        return (StatusCode::NOT_FOUND, "this is not the API").into_response();
    };
    let reply = match call(&state, &parts, below, &body) {
        Ok(call) => {
            if call.method != "GET"
                && let Some(race) = state.race.take()
            {
                race(&mut state);
            }
            let reply = routes::route(&mut state, &call);
            return finish(&mut state, &parts.headers, &call, &parts.uri.to_string(), reply);
        }
        Err(reply) => reply,
    };
    let call = Call {
        method: parts.method.to_string(),
        path: vec![],
        query: BTreeMap::new(),
        body: Value::Null,
        user: 0,
        access: None,
        app: None,
    };
    finish(&mut state, &parts.headers, &call, "", reply)
}

fn call(state: &State, parts: &axum::http::request::Parts, below: &str, body: &[u8]) -> Result<Call, Reply> {
    let (user, access, app) = speaker(state, &parts.headers)?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let body = match body {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).map_err(|_| Reply::error(400, "Problems parsing JSON", None))?,
    };
    Ok(Call {
        method: parts.method.to_string(),
        path: below.split('/').skip(1).map(decode).collect(),
        query: query.map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))).collect(),
        body,
        user,
        access,
        app,
    })
}

type Speaker = (u64, Option<Access>, Option<u64>);

fn speaker(state: &State, headers: &HeaderMap) -> Result<Speaker, Reply> {
    let unknown = || Reply::error(401, "Bad credentials", None);
    let text = headers.get("authorization").and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| Reply::error(401, "Requires authentication", None))?;
    let token = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("token ")).ok_or_else(unknown)?;
    if token.matches('.').count() == 2 {
        let app = apps::verify(state, token).map_err(|why| Reply::error(401, &why, None))?;
        return Ok((state.apps[&app].user, None, Some(app)));
    }
    let access = state.tokens.get(token).filter(|access| access.expires > state.now()).ok_or_else(unknown)?;
    Ok((access.user, Some(access.clone()), None))
}

fn limited(state: &State, limit: Limit) -> Response {
    let words = match limit {
        Limit::Primary(_) => "API rate limit exceeded for user ID 1.",
        Limit::Secondary(_) | Limit::SecondaryInWords => {
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        }
    };
    let mut answer = (StatusCode::FORBIDDEN, axum::Json(json!({ "message": words }))).into_response();
    let headers = answer.headers_mut();
    match limit {
        Limit::Primary(seconds) => {
            headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
            headers.insert("x-ratelimit-reset", HeaderValue::from(state.now() + seconds));
        }
        Limit::Secondary(seconds) => {
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
        Limit::SecondaryInWords => {}
    }
    answer
}

fn finish(state: &mut State, headers: &HeaderMap, call: &Call, uri: &str, reply: Reply) -> Response {
    let (status, body, link, needs) = match reply {
        Reply::One(status, value) => (status, Some(value), None, None),
        Reply::Nothing(status) => (status, None, None, None),
        Reply::Forbidden(needs) => {
            let body = json!({ "message": "Resource not accessible by integration", "status": "403" });
            (403, Some(body), None, Some(needs))
        }
        Reply::List(all, usual) => {
            let (page, link) = page(state, call, uri, all, usual);
            (200, Some(Value::Array(page)), link, None)
        }
        Reply::Wrapped(name, all, usual) => {
            let total = all.len();
            let (page, link) = page(state, call, uri, all, usual);
            (200, Some(json!({ "total_count": total, name: page })), link, None)
        }
        Reply::Within(mut object, name, all, most) => {
            let paged = call.query.contains_key("page") || call.query.contains_key("per_page");
            let (page, link) =
                if paged { page(state, call, uri, all, 30) } else { (all.into_iter().take(most).collect(), None) };
            object[name] = Value::Array(page);
            (200, Some(object), link, None)
        }
    };
    let text = body.map(|body| body.to_string());
    let tag = text.as_deref().map(|text| {
        let mut hasher = DefaultHasher::new();
        (text, headers.get("authorization").map(HeaderValue::as_bytes)).hash(&mut hasher);
        format!("W/\"{:016x}\"", hasher.finish())
    });
    let known = headers.get("if-none-match").and_then(|value| value.to_str().ok());
    let unchanged = call.method == "GET" && status == 200 && known.is_some() && known == tag.as_deref();
    if !unchanged {
        state.remaining -= 1;
    }
    let mut answer = Response::new(if unchanged { Body::empty() } else { Body::from(text.unwrap_or_default()) });
    *answer.status_mut() = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::from_u16(status).unwrap() };
    let mut put = |name: &'static str, value: &str| {
        answer.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    };
    put("content-type", "application/json; charset=utf-8");
    put("x-github-media-type", "github.v3; format=json");
    put("x-ratelimit-limit", "5000");
    put("x-ratelimit-remaining", &state.remaining.to_string());
    put("x-ratelimit-reset", &(state.now() + 3600).to_string());
    if let Some(tag) = tag.filter(|_| call.method == "GET" && status == 200) {
        put("etag", &tag);
    }
    if let Some(link) = link {
        put("link", &link);
    }
    if let Some(needs) = needs {
        put("x-accepted-github-permissions", needs);
    }
    answer
}

/// Cuts out the requested page and builds the `Link` header. Page sizes over a hundred are reduced to a hundred.
fn page(state: &State, call: &Call, uri: &str, all: Vec<Value>, usual: usize) -> (Vec<Value>, Option<String>) {
    let number = |name: &str| call.asked(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(usual).clamp(1, 100);
    let page = number("page").unwrap_or(1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let path = uri.split('?').next().unwrap_or_default();
    let other: Vec<String> = call
        .query
        .iter()
        .filter(|(name, _)| *name != "page")
        .map(|(name, value)| {
            format!("{name}={}&", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
        })
        .collect();
    let link =
        |number: usize, rel: &str| format!("<{}{path}?{}page={number}>; rel=\"{rel}\"", state.url, other.concat());
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    let shown = all.into_iter().skip((page - 1) * size).take(size).collect();
    (shown, (!links.is_empty()).then(|| links.join(", ")))
}
