//! Activity on a merge request: approvals, reviewers, versions, comments and labels. Also issues and project labels.

use axum::http::Method;
use serde_json::{Value, json};

use super::api::{Answer, Call, Reply, missing};
use super::state::{Issue, World};

pub(super) fn of(world: &mut World, call: &Call, project: &str, iid: u64, path: &[&str]) -> Answer {
    let read = call.method == Method::GET;
    match path {
        ["approvals"] if read => Ok(approvals(world, project, iid)),
        ["approve"] if call.method == Method::POST => {
            let sha = world.merge_mut(project, iid).sha.clone();
            if call.text("sha").is_some_and(|given| given != sha) {
                return Err(Reply::error(409, format!("SHA does not match HEAD of source branch: {sha}")));
            }
            if world.merge_mut(project, iid).approvals.iter().any(|(by, _)| *by == call.user) {
                return Err(Reply::error(401, "401 Unauthorized"));
            }
            world.approve(project, iid, call.user);
            Ok(approvals(world, project, iid))
        }
        ["unapprove"] if call.method == Method::POST => {
            world.unapprove(project, iid, call.user);
            Ok(approvals(world, project, iid))
        }
        ["reviewers"] if read => {
            let merge = world.merge_mut(project, iid).clone();
            let shown = |(user, state): &(u64, &str)| json!({ "user": world.user_json(*user), "state": state, "created_at": merge.created.to_string() });
            Ok(merge.reviewers.iter().map(shown).collect())
        }
        ["versions"] if read => {
            let merge = world.merge_mut(project, iid).clone();
            let shown = |(id, head, at): &(u64, String, jiff::Timestamp)| {
                json!({ "id": id, "head_commit_sha": head, "base_commit_sha": merge.base_seen,
                        "start_commit_sha": merge.base_seen, "created_at": at.to_string(),
                        "merge_request_id": merge.id, "state": "collected", "real_size": "1" })
            };
            Ok(merge.versions.iter().rev().map(shown).collect())
        }
        ["resource_label_events"] if read => Ok(Value::Array(world.merge_mut(project, iid).label_events.clone())),
        ["notes"] if read => {
            let merge = world.merge_mut(project, iid).clone();
            Ok(merge.notes.iter().rev().map(|note| note_json(world, note)).collect())
        }
        ["notes"] if call.method == Method::POST => {
            let body = call.need("body")?;
            if body.is_empty() {
                return Err(Reply::error(400, "400 Bad request - Note {:note=>[\"can't be blank\"]}"));
            }
            // GitLab runs such a line as a quick action and does not store it as a comment. This fake does both.
            if body.lines().any(|line| line.starts_with("/approve")) {
                world.approve(project, iid, call.user);
            }
            world.note(project, iid, call.user, &body, false);
            let note = world.merge_mut(project, iid).notes.last().unwrap().clone();
            Ok(note_json(world, &note))
        }
        _ => Err(missing()),
    }
}

fn note_json(world: &World, note: &super::state::Note) -> Value {
    json!({ "id": note.id, "body": note.body, "author": world.user_json(note.author), "system": note.system,
            "created_at": note.at.to_string(), "updated_at": note.at.to_string(), "noteable_type": "MergeRequest" })
}

fn approvals(world: &mut World, project: &str, iid: u64) -> Value {
    let settings = world.project(project).settings.clone();
    let merge = world.merge_mut(project, iid).clone();
    let shown = |(user, at): &(u64, jiff::Timestamp)| {
        let mut shown = json!({ "user": world.user_json(*user) });
        if settings.dated_approvals {
            shown["approved_at"] = at.to_string().into();
        }
        shown
    };
    let by: Vec<Value> = merge.approvals.iter().map(shown).collect();
    let left = settings.approvals_required.saturating_sub(by.len());
    json!({ "id": merge.id, "iid": merge.iid, "state": merge.state, "approvals_required": settings.approvals_required,
            "approvals_left": left, "approved": left == 0, "approved_by": by })
}

pub(super) fn issues(world: &mut World, call: &Call, project: &str) -> Answer {
    if call.method == Method::POST {
        let (title, labels) = (call.need("title")?, call.labels("labels"));
        world.open_issue(project, call.user, &title, &labels);
        let issue = world.project(project).issues.last().unwrap();
        return Ok(issue_json(issue));
    }
    let labels = call.labels("labels");
    let wanted = |issue: &&Issue| {
        call.text("state").is_none_or(|state| state == issue.state || state == "all")
            && labels.iter().all(|label| issue.labels.contains(label))
    };
    Ok(world.project(project).issues.iter().rev().filter(wanted).map(issue_json).collect())
}

fn issue_json(issue: &Issue) -> Value {
    json!({ "id": issue.id, "iid": issue.iid, "title": issue.title, "state": issue.state, "labels": issue.labels,
            "author": { "id": issue.author }, "created_at": issue.created.to_string() })
}

pub(super) fn labels(world: &mut World, call: &Call, project: &str) -> Answer {
    if call.method == Method::POST {
        let (name, color) = (call.need("name")?, call.need("color")?);
        let labels = &mut world.project(project).labels;
        if labels.contains(&name) {
            return Err(Reply::error(409, "Label already exists"));
        }
        labels.push(name.clone());
        return Ok(json!({ "id": labels.len(), "name": name, "color": color }));
    }
    let labels = world.project(project).labels.clone();
    Ok(labels.iter().enumerate().map(|(at, name)| json!({ "id": at + 1, "name": name, "color": "#428BCA" })).collect())
}
