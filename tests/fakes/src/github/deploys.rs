//! Deployments with their statuses, and workflows with `workflow_dispatch` runs.

use serde_json::{Value, json};

use super::addresses::add_addresses;
use super::pulls::number_of;
use super::serve::{Call, Reply};
use super::shape;
use super::state::{Deployment, DeploymentStatus, State, Workflow, WorkflowRun};
use crate::objects::tip;

fn shown(state: &State, full: &str, it: &Deployment) -> Value {
    let base = format!("{}/repos/{}/deployments/{}", state.api(), state.repos[full].full(), it.id);
    json!({
        "id": it.id, "node_id": format!("DE_{}", it.id), "url": base, "statuses_url": format!("{base}/statuses"),
        "repository_url": format!("{}/repos/{}", state.api(), state.repos[full].full()), "sha": it.sha, "ref": it.name, "task": "deploy", "payload": it.payload,
        "original_environment": it.environment, "environment": it.environment, "description": it.description,
        "creator": shape::user(state, it.creator), "created_at": it.at, "updated_at": it.at,
        "transient_environment": false, "production_environment": it.environment == "production",
    })
}

/// Lists the deployments, newest first.
pub(super) fn list(state: &State, call: &Call, full: &str) -> Reply {
    let fits = |name: &str, value: &str| call.asked(name).is_none_or(|asked| asked == value);
    let found = state.repos[full].deployments.iter().rev();
    let found =
        found.filter(|it| fits("sha", &it.sha) && fits("ref", &it.name) && fits("environment", &it.environment));
    Reply::List(found.map(|it| shown(state, full, it)).collect(), 30)
}

pub(super) fn create(state: &mut State, call: &Call, full: &str) -> Reply {
    let Some(name) = call.text("ref") else {
        return Reply::error(422, "Invalid request.\n\n\"ref\" wasn't supplied.", None);
    };
    let Some(sha) = shape::resolve(&state.repos[full].place, name) else {
        return Reply::error(422, &format!("No ref found for: {name}"), None);
    };
    let environment = call.text("environment").unwrap_or("production").to_owned();
    let id = deploy(state, full, name, &sha, &environment, call.user);
    let it = state.repo(full).deployments.last_mut().unwrap();
    it.payload = call.body.get("payload").cloned().unwrap_or_else(|| json!({}));
    it.description = call.text("description").map(str::to_owned);
    let it = state.repos[full].deployments.iter().find(|it| it.id == id).unwrap();
    Reply::One(201, shown(state, full, it))
}

pub(super) fn deploy(state: &mut State, full: &str, name: &str, sha: &str, environment: &str, creator: u64) -> u64 {
    let (id, at) = (state.id(), state.at());
    state.repo(full).deployments.push(Deployment {
        id,
        sha: sha.to_owned(),
        name: name.to_owned(),
        environment: environment.to_owned(),
        payload: json!({}),
        description: None,
        creator,
        at,
        statuses: vec![],
    });
    id
}

fn shown_status(state: &State, full: &str, of: &Deployment, it: &DeploymentStatus) -> Value {
    let repo = format!("{}/repos/{}", state.api(), state.repos[full].full());
    let base = format!("{repo}/deployments/{}", of.id);
    json!({
        "id": it.id, "node_id": format!("DES_{}", it.id), "url": format!("{base}/statuses/{}", it.id), "state": it.state,
        "description": "", "environment": of.environment, "target_url": "", "log_url": "", "environment_url": "",
        "deployment_url": base, "repository_url": repo,
        "creator": shape::user(state, it.creator), "created_at": it.at, "updated_at": it.at,
    })
}

/// Lists the statuses of a deployment, newest first.
pub(super) fn statuses(state: &State, full: &str, id: &str) -> Reply {
    let id = number_of(id);
    match state.repos[full].deployments.iter().find(|it| it.id == id) {
        Some(it) => {
            Reply::List(it.statuses.iter().rev().map(|status| shown_status(state, full, it, status)).collect(), 30)
        }
        None => Reply::not_found(),
    }
}

pub(super) fn set_status(state: &mut State, call: &Call, full: &str, id: &str) -> Reply {
    let (id, said) = (number_of(id), call.text("state").unwrap_or_default().to_owned());
    if !["error", "failure", "inactive", "in_progress", "queued", "pending", "success"].contains(&said.as_str()) {
        return Reply::invalid(json!({ "resource": "DeploymentStatus", "field": "state", "code": "invalid" }));
    }
    if !state.repos[full].deployments.iter().any(|it| it.id == id) {
        return Reply::not_found();
    }
    say(state, full, id, &said, call.user);
    let it = state.repos[full].deployments.iter().find(|it| it.id == id).unwrap();
    Reply::One(201, shown_status(state, full, it, it.statuses.last().unwrap()))
}

/// Adds a status to a deployment. A success marks earlier successful deployments in the same environment as inactive.
pub(super) fn say(state: &mut State, full: &str, id: u64, said: &str, creator: u64) {
    let (at, number) = (state.at(), state.id());
    let deployments = &mut state.repo(full).deployments;
    let environment = deployments.iter().find(|it| it.id == id).unwrap().environment.clone();
    for it in deployments.iter_mut() {
        let status = |state: &str| DeploymentStatus { id: number, state: state.to_owned(), creator, at: at.clone() };
        let succeeded = it.statuses.last().is_some_and(|last| last.state == "success");
        if it.id == id {
            it.statuses.push(status(said));
        } else if said == "success" && it.environment == environment && succeeded {
            it.statuses.push(status("inactive"));
        }
    }
}

fn find<'a>(state: &'a State, full: &str, words: &str) -> Option<&'a Workflow> {
    let fits = |it: &&Workflow| it.id == number_of(words) || it.file.path.rsplit('/').next() == Some(words);
    state.repos[full].workflows.iter().find(fits)
}

fn shown_workflow(state: &State, full: &str, it: &Workflow) -> Value {
    let (repo, id) = (state.repos[full].full(), it.id);
    json!({
        "id": id, "node_id": format!("W_{id}"), "name": it.file.name, "path": it.file.path, "state": "active",
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "badge_url": "",
        "url": format!("{}/repos/{repo}/actions/workflows/{id}", state.api()),
        "html_url": format!("{}/{repo}/blob/main/{}", state.url, it.file.path),
    })
}

pub(super) fn workflows(state: &State, full: &str) -> Reply {
    let shown = state.repos[full].workflows.iter().map(|it| shown_workflow(state, full, it));
    Reply::Wrapped("workflows", shown.collect(), 30)
}

pub(super) fn workflow(state: &State, full: &str, words: &str) -> Reply {
    find(state, full, words).map_or_else(Reply::not_found, |it| Reply::ok(shown_workflow(state, full, it)))
}

/// Returns GitHub's refusal of an invalid dispatch; `None` if the dispatch is valid.
fn refuse(state: &State, call: &Call, it: &Workflow) -> Option<Reply> {
    let words = |message: String| Some(Reply::error(422, &message, None));
    let known: &[&str] = if state.old { &["ref", "inputs"] } else { &["ref", "inputs", "return_run_details"] };
    let object = call.body.as_object()?;
    if let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) {
        return words(format!("Invalid request.\n\n\"{name}\" is not a permitted key."));
    }
    if !it.file.dispatch {
        return words("Workflow does not have 'workflow_dispatch' trigger".to_owned());
    }
    let none = serde_json::Map::new();
    let inputs = object.get("inputs").and_then(Value::as_object).unwrap_or(&none);
    if let Some((name, _)) = inputs.iter().find(|(_, value)| !value.is_string()) {
        return words(format!("Invalid request.\n\nFor 'properties/{name}', it is not a string."));
    }
    let unexpected: Vec<_> =
        inputs.keys().filter(|name| !it.file.inputs.iter().any(|(known, _)| known == *name)).collect();
    if !unexpected.is_empty() {
        return words(format!("Unexpected inputs provided: {unexpected:?}"));
    }
    let missing = it.file.inputs.iter().find(|(name, required)| *required && !inputs.contains_key(name));
    missing.and_then(|(name, _)| words(format!("Required input '{name}' not provided")))
}

pub(super) fn dispatch(state: &mut State, call: &Call, full: &str, words: &str) -> Reply {
    let Some(it) = find(state, full, words) else { return Reply::not_found() };
    if let Some(refused) = refuse(state, call, it) {
        return refused;
    }
    let Some(name) = call.text("ref") else {
        return Reply::error(422, "Invalid request.\n\n\"ref\" wasn't supplied.", None);
    };
    let branch = name.trim_start_matches("refs/heads/");
    let place = &state.repos[full].place;
    let Some(sha) = tip(place, branch).or_else(|| shape::resolve(place, name)) else {
        return Reply::error(422, &format!("No ref found for: {name}"), None);
    };
    let inputs = call.body.get("inputs").cloned().unwrap_or_else(|| json!({}));
    let mut title = it.file.run_name.clone().unwrap_or_else(|| it.file.name.clone());
    for (name, value) in inputs.as_object().into_iter().flatten() {
        title = title.replace(&format!("${{{{ inputs.{name} }}}}"), value.as_str().unwrap_or_default());
    }
    let (workflow, branch) = (it.id, branch.to_owned());
    let (id, at, number) = (state.id(), state.at(), state.repos[full].workflow_runs.len() as u64 + 1);
    let run = WorkflowRun {
        id,
        workflow,
        title,
        branch,
        sha,
        status: "queued".to_owned(),
        conclusion: None,
        number,
        actor: call.user,
        at: at.clone(),
        updated: at,
        inputs,
    };
    state.repo(full).workflow_runs.push(run);
    if call.body.get("return_run_details") != Some(&Value::Bool(true)) {
        return Reply::Nothing(204);
    }
    let repo = state.repos[full].full();
    Reply::ok(json!({
        "workflow_run_id": id, "run_url": format!("{}/repos/{repo}/actions/runs/{id}", state.api()),
        "html_url": format!("{}/{repo}/actions/runs/{id}", state.url),
    }))
}

fn shown_run(state: &State, full: &str, run: &WorkflowRun) -> Value {
    let repo = &state.repos[full];
    let workflow = repo.workflows.iter().find(|it| it.id == run.workflow).unwrap();
    let url = format!("{}/repos/{}/actions/runs/{}", state.api(), repo.full(), run.id);
    let suite = format!("{}/repos/{}/check-suites/{}", state.api(), repo.full(), run.id);
    let workflow_url = format!("{}/repos/{}/actions/workflows/{}", state.api(), repo.full(), run.workflow);
    let mut value = json!({
        "id": run.id, "node_id": format!("WFR_{}", run.id), "name": workflow.file.name, "display_title": run.title,
        "head_branch": run.branch, "head_sha": run.sha, "path": workflow.file.path, "run_number": run.number, "run_attempt": 1,
        "event": "workflow_dispatch", "status": run.status, "conclusion": run.conclusion, "workflow_id": run.workflow,
        "check_suite_id": run.id, "check_suite_url": suite, "workflow_url": workflow_url, "url": url,
        "html_url": format!("{}/{}/actions/runs/{}", state.url, repo.full(), run.id), "pull_requests": [],
        "created_at": run.at, "updated_at": run.updated, "run_started_at": run.at,
        "actor": shape::user(state, run.actor), "triggering_actor": shape::user(state, run.actor),
        "repository": shape::repository(state, full), "head_repository": shape::repository(state, full),
        "head_commit": shape::head_commit(state, full, &run.sha),
    });
    add_addresses(&mut value, &url, &["artifacts", "cancel", "jobs", "logs", "rerun"]);
    value
}

/// Lists workflow runs, newest first; of one workflow, if one is given by id or file name.
pub(super) fn runs(state: &State, call: &Call, full: &str, words: Option<&str>) -> Reply {
    let workflow = match words.map(|words| find(state, full, words)) {
        Some(None) => return Reply::not_found(),
        Some(Some(it)) => Some(it.id),
        None => None,
    };
    let fits = |name: &str, value: &str| call.asked(name).is_none_or(|asked| asked == value);
    // Timestamps in search syntax have whole seconds; a filter that cannot be parsed matches nothing.
    let whole = |text: &str| text.len() == "2024-01-01T00:00:00Z".len();
    let since = call.asked("created").map(|text| {
        let time = text.strip_prefix(">=").filter(|text| whole(text))?;
        time.parse::<jiff::Timestamp>().ok()
    });
    let is_since = |at: &str| {
        let at = at.parse::<jiff::Timestamp>().unwrap();
        since.is_none_or(|since| since.is_some_and(|since| at >= since))
    };
    let found = state.repos[full].workflow_runs.iter().rev().filter(|run| {
        workflow.is_none_or(|id| run.workflow == id)
            && is_since(&run.at)
            && fits("branch", &run.branch)
            && fits("head_sha", &run.sha)
            && fits("event", "workflow_dispatch")
            && fits("status", run.conclusion.as_deref().unwrap_or(&run.status))
    });
    Reply::Wrapped("workflow_runs", found.map(|run| shown_run(state, full, run)).collect(), 30)
}

pub(super) fn run(state: &State, full: &str, id: &str) -> Reply {
    let id = number_of(id);
    let run = state.repos[full].workflow_runs.iter().find(|run| run.id == id);
    run.map_or_else(Reply::not_found, |run| Reply::ok(shown_run(state, full, run)))
}

/// Cancels a workflow run. A completed run is refused.
pub(super) fn cancel(state: &mut State, full: &str, id: &str) -> Reply {
    let (id, at) = (number_of(id), state.at());
    let Some(run) = state.repo(full).workflow_runs.iter_mut().find(|run| run.id == id) else {
        return Reply::not_found();
    };
    if run.status == "completed" {
        return Reply::error(409, "Cannot cancel a workflow run that is completed.", None);
    }
    (run.status, run.conclusion, run.updated) = ("completed".to_owned(), Some("cancelled".to_owned()), at);
    Reply::One(202, json!({}))
}
