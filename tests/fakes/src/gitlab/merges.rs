//! Merge requests: list, open, change and merge.

use axum::http::Method;
use serde_json::{Value, json};

use super::api::{Answer, Call, Reply, missing};
use super::plumb;
use super::state::{MergeRequest, World};
use crate::objects::{is_ancestor, merges, tip};

pub(super) fn all(world: &mut World, call: &Call, project: &str) -> Answer {
    match call.method {
        Method::GET => list(world, call, project),
        Method::POST => open(world, call, project),
        _ => Err(Reply::error(405, "405 Method Not Allowed")),
    }
}

fn list(world: &mut World, call: &Call, project: &str) -> Answer {
    let wanted = |name: &str, value: &str| call.text(name).is_none_or(|wanted| wanted == value || wanted == "all");
    let labels = call.labels("labels");
    let settings = &mut world.project(project).settings;
    if settings.lagging > 0 {
        settings.lagging -= 1;
        return Ok(Value::Array(Vec::new()));
    }
    let found: Vec<u64> = world
        .project(project)
        .merges
        .iter()
        .filter(|it| {
            wanted("source_branch", &it.source) && wanted("target_branch", &it.target) && wanted("state", it.state)
        })
        .filter(|it| labels.iter().all(|label| it.labels.contains(label)))
        .map(|it| it.iid)
        .collect();
    let mut found: Vec<Value> = found.into_iter().map(|iid| shown(world, project, iid)).collect();
    if call.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    Ok(Value::Array(found))
}

/// Lists the merge requests of a commit: merged ones that brought it in, and open ones that contain it.
pub(super) fn of_commit(world: &mut World, project: &str, sha: &str) -> Answer {
    let it = world.project(project);
    let place = it.place.clone();
    let has = |merge: &MergeRequest| {
        let came_as = [&merge.merge_commit, &merge.squash_commit];
        let first = format!("{}^1", merge.merge_commit.as_ref().or(merge.squash_commit.as_ref()).unwrap_or(&merge.sha));
        let before = if merge.state == "merged" { first } else { format!("refs/heads/{}", merge.target) };
        merge.state != "closed"
            && (came_as.into_iter().flatten().any(|commit| commit == sha)
                || is_ancestor(&place, sha, &merge.sha) && !is_ancestor(&place, sha, &before))
    };
    let found: Vec<u64> = it.merges.iter().filter(|merge| has(merge)).map(|merge| merge.iid).collect();
    Ok(found.into_iter().map(|iid| shown(world, project, iid)).collect())
}

fn open(world: &mut World, call: &Call, project: &str) -> Answer {
    let (source, target) = (call.need("source_branch")?, call.need("target_branch")?);
    let title = call.need("title")?;
    let place = world.project(project).place.clone();
    let there = world
        .project(project)
        .merges
        .iter()
        .find(|it| it.state == "opened" && it.source == source && it.target == target);
    if let Some(there) = there {
        let words = format!("Another open merge request already exists for this source branch: !{}", there.iid);
        return Err(Reply::error(409, json!([words])));
    }
    if source == target {
        return Err(Reply::error(422, json!(["You can't use same project/branch for source and target"])));
    }
    let (Some(head), Some(base)) = (tip(&place, &source), tip(&place, &target)) else {
        return Err(Reply::error(400, json!({ "base": ["a branch does not exist"] })));
    };
    let labels = call.labels("labels");
    let description = call.text("description").unwrap_or_default();
    let iid = world.add_merge(project, call.user, &source, &target, (head, base));
    let merge = world.project(project).merges.last_mut().unwrap();
    (merge.title, merge.description, merge.labels) = (title, description, labels);
    Ok(shown(world, project, iid))
}

pub(super) fn one(world: &mut World, call: &Call, project: &str, iid: u64) -> Answer {
    if call.method == Method::PUT {
        update(world, call, project, iid)?;
    } else if call.method != Method::GET {
        return Err(Reply::error(405, "405 Method Not Allowed"));
    }
    Ok(shown(world, project, iid))
}

fn update(world: &mut World, call: &Call, project: &str, iid: u64) -> Result<(), Reply> {
    match call.text("state_event").as_deref() {
        Some("close") => world.close_merge(project, iid),
        Some("reopen") => world.merge_mut(project, iid).state = "opened",
        Some(_) => {
            return Err(Reply { status: 400, body: json!({ "error": "state_event does not have a valid value" }) });
        }
        None => {}
    }
    if call.said.contains_key("labels") {
        let (wanted, there) = (call.labels("labels"), world.merge_mut(project, iid).labels.clone());
        for label in there.iter().filter(|label| !wanted.contains(label)) {
            world.set_label(project, iid, call.user, label, false);
        }
        for label in &wanted {
            world.set_label(project, iid, call.user, label, true);
        }
    }
    for label in call.labels("add_labels") {
        world.set_label(project, iid, call.user, &label, true);
    }
    for label in call.labels("remove_labels") {
        world.set_label(project, iid, call.user, &label, false);
    }
    let merge = world.merge_mut(project, iid);
    if let Some(title) = call.text("title") {
        merge.title = title;
    }
    if let Some(description) = call.text("description") {
        merge.description = description;
    }
    Ok(())
}

pub(super) fn merge(world: &mut World, call: &Call, project: &str, iid: u64) -> Answer {
    if call.method != Method::PUT {
        return Err(Reply::error(405, "405 Method Not Allowed"));
    }
    let merge = world.merge_mut(project, iid).clone();
    if merge.state != "opened" {
        return Err(Reply::error(405, "405 Method Not Allowed"));
    }
    if call.text("sha").is_some_and(|sha| sha != merge.sha) {
        return Err(Reply::error(409, format!("SHA does not match HEAD of source branch: {}", merge.sha)));
    }
    match standing(world, project, &merge).as_str() {
        "mergeable" => {}
        "conflict" | "need_rebase" => return Err(Reply::error(422, "Branch cannot be merged")),
        _ => return Err(Reply::error(405, "405 Method Not Allowed")),
    }
    let it = world.project(project);
    let (place, fast) = (it.place.clone(), it.settings.merge_method == "ff");
    let base = tip(&place, &merge.target).ok_or_else(missing)?;
    let message = |name: &str, otherwise: &str| call.text(name).unwrap_or_else(|| otherwise.to_owned());
    let mut head = merge.sha.clone();
    let mut squashed = None;
    let (merger, author) = (world.signature(call.user), world.signature(merge.author));
    if call.flag("squash") {
        let from = plumb::ask(&place, &["merge-base", &base, &head]).ok_or_else(missing)?;
        let tree = format!("{head}^{{tree}}");
        let words = message("squash_commit_message", &merge.title);
        head = plumb::commit_as(&place, (&tree, &[&from]), &words, (&author, &merger));
        squashed = Some(head.clone());
    }
    let mut commit = None;
    if !fast {
        let words = format!("Merge branch '{}' into '{}'", merge.source, merge.target);
        let tree = plumb::merged_tree(&place, &base, &head).ok_or_else(missing)?;
        let words = message("merge_commit_message", &words);
        head = plumb::commit_as(&place, (&tree, &[&base, &head]), &words, (&merger, &merger));
        commit = Some(head.clone());
    }
    plumb::point(&place, &merge.target, &head);
    let at = world.now();
    let merge = world.merge_mut(project, iid);
    merge.state = "merged";
    (merge.merge_commit, merge.squash_commit) = (commit, squashed);
    (merge.base_seen, merge.ended) = (head, Some(at));
    world.pushed(project);
    Ok(shown(world, project, iid))
}

/// Computes the `detailed_merge_status` of a merge request.
fn standing(world: &mut World, project: &str, merge: &MergeRequest) -> String {
    let it = world.project(project);
    if let Some(standing) = it.settings.standing {
        return standing.to_owned();
    }
    if merge.state != "opened" {
        return "not_open".to_owned();
    }
    if merge.title.starts_with("Draft:") {
        return "draft_status".to_owned();
    }
    let base = tip(&it.place, &merge.target).unwrap_or_default();
    if !merges(&it.place, &base, &merge.sha) {
        return "conflict".to_owned();
    }
    if it.settings.merge_method == "ff" && !is_ancestor(&it.place, &base, &merge.sha) {
        return "need_rebase".to_owned();
    }
    if merge.approvals.len() < it.settings.approvals_required {
        return "not_approved".to_owned();
    }
    "mergeable".to_owned()
}

pub(super) fn shown(world: &mut World, project: &str, iid: u64) -> Value {
    let merge = world.merge_mut(project, iid).clone();
    let standing = standing(world, project, &merge);
    let id = world.project(project).id;
    let reviewers: Vec<Value> = merge.reviewers.iter().map(|(user, _)| world.user_json(*user)).collect();
    json!({
        "id": merge.id,
        "iid": merge.iid,
        "project_id": id,
        "title": merge.title,
        "description": merge.description,
        "state": merge.state,
        "created_at": merge.created.to_string(),
        "updated_at": merge.ended.unwrap_or(merge.created).to_string(),
        "merged_at": merge.ended.filter(|_| merge.state == "merged").map(|at| at.to_string()),
        "closed_at": merge.ended.filter(|_| merge.state == "closed").map(|at| at.to_string()),
        "source_branch": merge.source,
        "target_branch": merge.target,
        "source_project_id": merge.source_project,
        "target_project_id": id,
        "author": world.user_json(merge.author),
        "assignees": [],
        "reviewers": reviewers,
        "labels": merge.labels,
        "draft": merge.title.starts_with("Draft:"),
        "merge_status": if standing == "conflict" { "cannot_be_merged" } else { "can_be_merged" },
        "detailed_merge_status": standing,
        "has_conflicts": standing == "conflict",
        "merge_error": null,
        "sha": merge.sha,
        "merge_commit_sha": merge.merge_commit,
        "squash_commit_sha": merge.squash_commit,
        "squash": merge.squash_commit.is_some(),
        "user_notes_count": merge.notes.iter().filter(|note| !note.system).count(),
        "web_url": format!("{}/{project}/-/merge_requests/{}", world.base, merge.iid),
    })
}
