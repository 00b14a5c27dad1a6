//! One API call: authentication, parameters, routing, paging and ETags.

use std::sync::Mutex;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::state::World;
use super::{TOKEN, ci, commits, merges, talk};

/// An answer with an explicit status; used for errors.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

pub(super) type Answer = Result<Value, Reply>;

impl Reply {
    pub(super) fn error(status: u16, message: impl Into<Value>) -> Self {
        Self { status, body: json!({ "message": message.into() }) }
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        (StatusCode::from_u16(reply.status).unwrap(), axum::Json(reply.body)).into_response()
    }
}

pub(super) fn missing() -> Reply {
    Reply::error(404, "404 Not Found")
}

/// An authenticated API call with the merged parameters of its query and body.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) said: Map<String, Value>,
    pub(super) user: u64,
    /// Absolute URL of the call without the `page` parameter, for `Link` headers.
    address: String,
}

impl Call {
    /// Builds a call for an action of a user on the web pages.
    pub(super) fn by(user: u64, method: Method, said: Map<String, Value>) -> Self {
        Self { method, said, user, address: String::new() }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.said.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|said| ["true", "t", "1", "yes", "on"].contains(&said.to_lowercase().as_str()))
    }

    pub(super) fn need(&self, name: &str) -> Result<String, Reply> {
        let missing = || Reply { status: 400, body: json!({ "error": format!("{name} is missing") }) };
        self.text(name).ok_or_else(missing)
    }

    /// Returns a list of labels, which clients send comma-separated or as an array.
    pub(super) fn labels(&self, name: &str) -> Vec<String> {
        let split = |text: &str| text.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        match self.said.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => split(text),
            _ => Vec::new(),
        }
    }
}

pub(super) async fn answer(world: &Mutex<World>, path: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap_or_default();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let token = header("authorization").and_then(|it| it.strip_prefix("Bearer ")).or_else(|| header("private-token"));
    if token != Some(TOKEN) {
        return Reply::error(401, "401 Unauthorized").into();
    }
    let Some(path) = path.strip_prefix("/api/v4/") else { return missing().into() };
    let mut said = Map::new();
    let query = parts.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).for_each(|(key, value)| put(&mut said, &key, &value));
    if header("content-type").is_some_and(|kind| kind.starts_with("application/json")) && !body.is_empty() {
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => said.extend(fields),
            Ok(_) | Err(_) => {
                return Reply { status: 400, body: json!({ "error": "Problems parsing JSON" }) }.into();
            }
        }
    } else {
        form_urlencoded::parse(&body).for_each(|(key, value)| put(&mut said, &key, &value));
    }
    let segments: Vec<String> = path
        .split('/')
        .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut world = world.lock().unwrap();
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "page");
    let others = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
    let address = format!("{}/api/v4/{path}?{others}", world.base);
    let call = Call { method: parts.method, said, user: 1, address };
    let created = call.method == Method::POST;
    match route(&mut world, &call, &segments) {
        Ok(Value::Array(items)) => page(&call, header("if-none-match"), items),
        Ok(Value::Null) => StatusCode::NO_CONTENT.into_response(),
        Ok(value) => tagged(&call, header("if-none-match"), if created { 201 } else { 200 }, &value),
        Err(reply) => reply.into(),
    }
}

/// Adds one parameter in Rack's form syntax: `a`, `a[]`, `a[b]`, `a[][b]`. A key that the last element of `a[][…]`
/// already has begins a new element.
fn put(said: &mut Map<String, Value>, key: &str, value: &str) {
    let value = Value::String(value.to_owned());
    let Some((name, rest)) = key.split_once('[') else {
        said.insert(key.to_owned(), value);
        return;
    };
    let place = said.entry(name.to_owned());
    match rest.trim_end_matches(']').split_once("][") {
        None if rest == "]" => {
            if let Value::Array(items) = place.or_insert_with(|| json!([])) {
                items.push(value);
            }
        }
        None => {
            if let Value::Object(fields) = place.or_insert_with(|| json!({})) {
                fields.insert(rest.trim_end_matches(']').to_owned(), value);
            }
        }
        Some((_, field)) => {
            let Value::Array(items) = place.or_insert_with(|| json!([])) else { return };
            if items.last().is_none_or(|last| last.get(field).is_some()) {
                items.push(json!({}));
            }
            if let Some(Value::Object(fields)) = items.last_mut() {
                fields.insert(field.to_owned(), value);
            }
        }
    }
}

fn route(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match path {
        ["user"] => Ok(world.user_json(call.user)),
        ["version"] => Ok(json!({ "version": "18.2.0", "revision": "fake" })),
        ["projects", project, rest @ ..] => {
            let known = |(path, it): (&String, &super::Project)| {
                (path == project || it.id.to_string() == *project).then(|| path.clone())
            };
            let not = || Reply::error(404, "404 Project Not Found");
            let project = world.projects.iter().find_map(known).ok_or_else(not)?;
            world.pushed(&project);
            in_project(world, call, &project, rest)
        }
        _ => Err(Reply { status: 404, body: json!({ "error": "404 Not Found" }) }),
    }
}

fn in_project(world: &mut World, call: &Call, project: &str, path: &[&str]) -> Answer {
    match path {
        [] => {
            let it = world.project(project);
            let (id, method) = (it.id, it.settings.merge_method);
            let access = json!({ "project_access": { "access_level": world.level }, "group_access": null });
            Ok(json!({ "id": id, "path_with_namespace": project, "name": project, "default_branch": "main",
                       "merge_method": method, "permissions": access, "web_url": format!("{}/{project}", world.base) }))
        }
        ["merge_requests"] => merges::all(world, call, project),
        ["merge_requests", iid, rest @ ..] => {
            let iid: u64 = iid.parse().map_err(|_| missing())?;
            if !world.project(project).merges.iter().any(|merge| merge.iid == iid) {
                return Err(missing());
            }
            match rest {
                [] => merges::one(world, call, project, iid),
                ["merge"] => merges::merge(world, call, project, iid),
                rest => talk::of(world, call, project, iid, rest),
            }
        }
        ["repository", "commits", sha, "merge_requests"] => merges::of_commit(world, project, sha),
        ["issues"] => talk::issues(world, call, project),
        ["labels"] => talk::labels(world, call, project),
        ["events"] => commits::events(world, call, project),
        ["repository", rest @ ..] if rest.last() == Some(&"statuses") => ci::statuses(world, call, project, rest),
        ["statuses", sha] => ci::report(world, call, project, sha),
        ["repository", rest @ ..] => commits::of(world, call, project, rest),
        ["pipeline"] => ci::run(world, call, project),
        ["pipelines", rest @ ..] => ci::pipelines(world, call, project, rest),
        ["deployments"] => ci::deployments(world, call, project),
        _ => Err(Reply { status: 404, body: json!({ "error": "404 Not Found" }) }),
    }
}

/// Cuts out the requested page and adds GitLab's paging headers.
fn page(call: &Call, known: Option<&str>, items: Vec<Value>) -> Response {
    let number = |name: &str, otherwise: usize| call.text(name).and_then(|it| it.parse().ok()).unwrap_or(otherwise);
    let (size, page) = (number("per_page", 20).clamp(1, 100), number("page", 1).max(1));
    let total = items.len();
    let pages = total.div_ceil(size).max(1);
    let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
    let mut answer = tagged(call, known, 200, &Value::Array(shown));
    let next = if page < pages { (page + 1).to_string() } else { String::new() };
    let link = if next.is_empty() { String::new() } else { format!("<{}&page={next}>; rel=\"next\"", call.address) };
    for (name, value) in [
        ("x-next-page", next),
        ("x-page", page.to_string()),
        ("x-per-page", size.to_string()),
        ("x-prev-page", if page > 1 { (page - 1).to_string() } else { String::new() }),
        ("x-total", total.to_string()),
        ("x-total-pages", pages.to_string()),
        ("link", link),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    }
    answer
}

/// Answers with an ETag if the call is a `GET`, and with 304 if the client already has this version.
fn tagged(call: &Call, known: Option<&str>, status: u16, value: &Value) -> Response {
    use std::hash::{Hash as _, Hasher as _};
    let text = value.to_string();
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    if call.method != Method::GET {
        return (StatusCode::from_u16(status).unwrap(), axum::Json(value)).into_response();
    }
    if known == Some(tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, [("etag", tag)]).into_response();
    }
    (StatusCode::OK, [("etag", tag)], axum::Json(value)).into_response()
}
