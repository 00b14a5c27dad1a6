//! Check runs, which Apps report, and commit statuses, which any account with write access reports.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::serve::{Call, Reply};
use super::shape;
use super::state::{CheckRun, State, Status};

fn shown_run(state: &State, full: &str, run: &CheckRun) -> Value {
    let done = (run.status == "completed").then_some(&run.at);
    let repo = state.repos[full].full();
    let url = format!("{}/repos/{repo}/check-runs/{}", state.api(), run.id);
    let html = format!("{}/{repo}/runs/{}", state.url, run.id);
    json!({
        "id": run.id, "node_id": format!("CR_{}", run.id), "head_sha": run.sha, "external_id": "", "url": url, "html_url": html,
        "details_url": html, "name": run.name, "status": run.status, "conclusion": run.conclusion, "started_at": run.at,
        "completed_at": done, "output": { "title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/annotations") },
        "check_suite": { "id": run.app.0 }, "pull_requests": [],
        "app": shape::app(state, run.app.0, &run.app.1),
    })
}

/// Lists the check runs of a commit, newest first: only the newest per name and App, unless `filter=all` is given.
pub(super) fn runs(state: &State, call: &Call, full: &str, words: &str) -> Reply {
    let Some(sha) = shape::resolve(&state.repos[full].place, words) else {
        return Reply::error(422, &format!("No commit found for SHA: {words}"), None);
    };
    let mut found: Vec<&CheckRun> = state.repos[full].runs.iter().filter(|run| run.sha == sha).rev().collect();
    if call.asked("filter") != Some("all") {
        let mut newest = BTreeMap::new();
        found.iter().for_each(|run| {
            newest.entry((run.name.clone(), run.app.0)).or_insert(run.id);
        });
        found.retain(|run| newest.values().any(|id| *id == run.id));
    }
    if let Some(name) = call.asked("check_name") {
        found.retain(|run| run.name == name);
    }
    Reply::Wrapped("check_runs", found.iter().map(|run| shown_run(state, full, run)).collect(), 30)
}

pub(super) fn create_run(state: &mut State, call: &Call, full: &str) -> Reply {
    let app = state.apps.iter().find(|(_, app)| app.user == call.user).map(|(id, app)| (*id, app.slug.clone()));
    let Some(app) = app else { return Reply::error(403, "You must authenticate via a GitHub App.", None) };
    let (Some(name), Some(sha)) = (call.text("name"), call.text("head_sha")) else {
        return Reply::error(422, "Invalid request.\n\n\"name\", \"head_sha\" weren't supplied.", None);
    };
    let conclusion = call.text("conclusion");
    let status = if conclusion.is_some() { "completed" } else { call.text("status").unwrap_or("queued") };
    report(state, full, sha, Report { app, name, status, conclusion });
    let run = state.repos[full].runs.last().unwrap();
    Reply::One(201, shown_run(state, full, run))
}

/// A check run to record; `app` is the App's id and slug.
pub(super) struct Report<'a> {
    pub(super) app: (u64, String),
    pub(super) name: &'a str,
    pub(super) status: &'a str,
    pub(super) conclusion: Option<&'a str>,
}

pub(super) fn report(state: &mut State, full: &str, sha: &str, report: Report<'_>) {
    let (id, at, app) = (state.id(), state.at(), report.app);
    let (name, status, conclusion) =
        (report.name.to_owned(), report.status.to_owned(), report.conclusion.map(str::to_owned));
    state.repo(full).runs.push(CheckRun { id, sha: sha.to_owned(), name, app, status, conclusion, at });
}

fn shown_status(state: &State, full: &str, status: &Status) -> Value {
    let url = format!("{}/repos/{}/statuses/{}", state.api(), state.repos[full].full(), status.sha);
    json!({
        "id": status.id, "node_id": format!("SC_{}", status.id), "url": url, "avatar_url": null, "state": status.state,
        "context": status.context, "description": status.description, "target_url": null,
        "creator": shape::user(state, status.creator), "created_at": status.at, "updated_at": status.at,
    })
}

/// Lists all statuses of a commit, newest first.
pub(super) fn statuses(state: &State, full: &str, words: &str) -> Reply {
    let Some(sha) = shape::resolve(&state.repos[full].place, words) else { return Reply::not_found() };
    let found = state.repos[full].statuses.iter().rev().filter(|status| status.sha == sha);
    Reply::List(found.map(|status| shown_status(state, full, status)).collect(), 30)
}

/// Returns the newest status per context and the combined state.
pub(super) fn combined(state: &State, full: &str, words: &str) -> Reply {
    let Some(sha) = shape::resolve(&state.repos[full].place, words) else { return Reply::not_found() };
    let mut newest: BTreeMap<&str, &Status> = BTreeMap::new();
    state.repos[full].statuses.iter().filter(|status| status.sha == sha).for_each(|status| {
        newest.insert(&status.context, status);
    });
    let all = |state: &str| newest.values().all(|status| status.state == state);
    let any = |states: &[&str]| newest.values().any(|status| states.contains(&status.state.as_str()));
    let together = match () {
        () if any(&["failure", "error"]) => "failure",
        () if newest.is_empty() || !all("success") => "pending",
        () => "success",
    };
    let shown: Vec<Value> = newest.values().map(|status| shown_status(state, full, status)).collect();
    let base = format!("{}/repos/{}/commits/{sha}", state.api(), state.repos[full].full());
    Reply::ok(json!({
        "state": together, "sha": sha, "total_count": shown.len(), "statuses": shown, "commit_url": base,
        "url": format!("{base}/status"), "repository": shape::repository(state, full),
    }))
}

pub(super) fn create_status(state: &mut State, call: &Call, full: &str, sha: &str) -> Reply {
    let said = call.text("state").unwrap_or_default().to_owned();
    if !["error", "failure", "pending", "success"].contains(&said.as_str()) {
        return Reply::invalid(json!({ "resource": "Status", "field": "state", "code": "invalid" }));
    }
    if shape::resolve(&state.repos[full].place, sha).is_none() {
        return Reply::error(422, &format!("No commit found for SHA: {sha}"), None);
    }
    let context = call.text("context").unwrap_or("default").to_owned();
    say(state, full, sha, &context, &said, call.user);
    state.repo(full).statuses.last_mut().unwrap().description = call.text("description").map(str::to_owned);
    Reply::One(201, shown_status(state, full, state.repos[full].statuses.last().unwrap()))
}

pub(super) fn say(state: &mut State, full: &str, sha: &str, context: &str, said: &str, creator: u64) {
    let (id, at) = (state.id(), state.at());
    let (sha, context, state_word) = (sha.to_owned(), context.to_owned(), said.to_owned());
    state.repo(full).statuses.push(Status { id, sha, context, state: state_word, description: None, creator, at });
}
