//! Issues, labels, events and comments. As on GitHub, every pull request is also an issue.

use serde_json::{Value, json};

use super::addresses::add_addresses;
use super::pulls::{add, labels as shown_labels, number_of};
use super::serve::{Call, Reply};
use super::shape;
use super::state::{Comment, Event, Issue, State};

fn has(state: &State, full: &str, number: &str) -> Option<u64> {
    Some(number_of(number)).filter(|number| state.repos[full].issues.contains_key(number))
}

fn shown(state: &State, full: &str, issue: &Issue) -> Value {
    let repo = state.repos[full].full();
    let (base, number) = (format!("{}/repos/{repo}", state.api()), issue.number);
    let mut value = json!({
        "id": issue.id, "node_id": format!("I_{}", issue.id), "number": number, "title": issue.title, "body": issue.body,
        "url": format!("{base}/issues/{number}"), "html_url": format!("{}/{repo}/issues/{number}", state.url),
        "state": if issue.open { "open" } else { "closed" }, "user": shape::user(state, issue.user), "locked": false,
        "labels": shown_labels(state, full, &issue.labels), "assignee": null, "assignees": [], "milestone": null,
        "comments": issue.comments.len(), "created_at": issue.created, "updated_at": issue.updated, "closed_at": issue.closed,
    });
    if issue.pull.is_some() {
        let html = format!("{}/{repo}/pull/{number}", state.url);
        let (diff, patch) = (format!("{html}.diff"), format!("{html}.patch"));
        value["pull_request"] =
            json!({ "url": format!("{base}/pulls/{number}"), "html_url": html, "diff_url": diff, "patch_url": patch });
    }
    value["repository_url"] = base.as_str().into();
    add_addresses(&mut value, &format!("{base}/issues/{number}"), &["comments", "events", "labels"]);
    value
}

pub(super) fn list(state: &State, call: &Call, full: &str) -> Reply {
    let open = match call.asked("state").unwrap_or("open") {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    };
    let wanted: Vec<String> =
        call.asked("labels").unwrap_or_default().split(',').filter(|l| !l.is_empty()).map(str::to_lowercase).collect();
    let carries = |issue: &Issue, label: &String| issue.labels.iter().any(|other| other.to_lowercase() == *label);
    let issues = state.repos[full].issues.values().rev();
    let found = issues
        .filter(|issue| open.is_none_or(|open| issue.open == open))
        .filter(|issue| wanted.iter().all(|label| carries(issue, label)));
    Reply::List(found.map(|issue| shown(state, full, issue)).collect(), 30)
}

pub(super) fn create(state: &mut State, call: &Call, full: &str) -> Reply {
    let Some(title) = call.text("title") else {
        return Reply::error(422, "Invalid request.\n\n\"title\" wasn't supplied.", None);
    };
    let number = add(state, full, call.user, title, call.text("body"), None);
    let names: Vec<String> = strings(&call.body["labels"]);
    names.iter().for_each(|name| label(state, full, number, name, call.user));
    Reply::One(201, shown(state, full, &state.repos[full].issues[&number]))
}

pub(super) fn get(state: &State, full: &str, number: &str) -> Reply {
    has(state, full, number)
        .map_or_else(Reply::not_found, |number| Reply::ok(shown(state, full, &state.repos[full].issues[&number])))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn labels(state: &State, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    Reply::List(shown_labels(state, full, &state.repos[full].issues[&number].labels), 30)
}

pub(super) fn add_labels(state: &mut State, call: &Call, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let names = strings(if call.body.is_array() { &call.body } else { &call.body["labels"] });
    names.iter().for_each(|name| label(state, full, number, name, call.user));
    Reply::ok(Value::Array(shown_labels(state, full, &state.repos[full].issues[&number].labels)))
}

pub(super) fn remove_label(state: &mut State, call: &Call, full: &str, number: &str, name: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    if !unlabel(state, full, number, name, call.user) {
        return Reply::error(404, "Label does not exist", None);
    }
    Reply::ok(Value::Array(shown_labels(state, full, &state.repos[full].issues[&number].labels)))
}

pub(super) fn label(state: &mut State, full: &str, number: u64, name: &str, actor: u64) {
    let (id, at) = (state.id(), state.at());
    let issue = state.repo(full).issues.get_mut(&number).unwrap();
    if issue.labels.iter().all(|other| other.to_lowercase() != name.to_lowercase()) {
        issue.labels.push(name.to_owned());
        issue.events.push(Event { id, event: "labeled", actor, label: Some(name.to_owned()), at });
    }
}

pub(super) fn unlabel(state: &mut State, full: &str, number: u64, name: &str, actor: u64) -> bool {
    let (id, at) = (state.id(), state.at());
    let issue = state.repo(full).issues.get_mut(&number).unwrap();
    let before = issue.labels.len();
    issue.labels.retain(|other| other.to_lowercase() != name.to_lowercase());
    let gone = issue.labels.len() < before;
    if gone {
        issue.events.push(Event { id, event: "unlabeled", actor, label: Some(name.to_owned()), at });
    }
    gone
}

pub(super) fn events(state: &State, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let base = format!("{}/repos/{}", state.api(), state.repos[full].full());
    let shown = |event: &Event| {
        let mut value = json!({
            "id": event.id, "node_id": format!("E_{}", event.id), "url": format!("{base}/issues/events/{}", event.id), "actor": shape::user(state, event.actor),
            "event": event.event, "commit_id": null, "commit_url": null, "created_at": event.at,
            "performed_via_github_app": null,
        });
        if let Some(name) = &event.label {
            value["label"] = json!({ "name": name, "color": "ededed" });
        }
        value
    };
    Reply::List(state.repos[full].issues[&number].events.iter().map(shown).collect(), 30)
}

fn shown_comment(state: &State, full: &str, number: u64, comment: &Comment) -> Value {
    let (repo, id) = (state.repos[full].full(), comment.id);
    let base = format!("{}/repos/{repo}/issues", state.api());
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": format!("{base}/comments/{id}"), "body": comment.body,
        "html_url": format!("{}/{repo}/issues/{number}#issuecomment-{id}", state.url), "issue_url": format!("{base}/{number}"),
        "user": shape::user(state, comment.user), "created_at": comment.at, "updated_at": comment.at,
        "author_association": "MEMBER",
    })
}

pub(super) fn comments(state: &State, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let comments = &state.repos[full].issues[&number].comments;
    Reply::List(comments.iter().map(|comment| shown_comment(state, full, number, comment)).collect(), 30)
}

pub(super) fn comment(state: &mut State, call: &Call, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let Some(body) = call.text("body").filter(|body| !body.is_empty() && body.len() <= 65_536) else {
        return Reply::invalid(json!({ "resource": "IssueComment", "field": "body", "code": "invalid" }));
    };
    let (id, at) = (state.id(), state.at());
    let (user, body) = (call.user, body.to_owned());
    let comments = &mut state.repo(full).issues.get_mut(&number).unwrap().comments;
    comments.push(Comment { id, user, body, at });
    let comment = state.repos[full].issues[&number].comments.last().unwrap();
    Reply::One(201, shown_comment(state, full, number, comment))
}
