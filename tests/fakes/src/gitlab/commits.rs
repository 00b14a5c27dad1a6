//! Branches, commits and files of a project, and its push events.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::api::{Answer, Call, Reply, missing};
use super::plumb;
use super::state::World;
use crate::objects::{commit_named, of_objects, tip};
use crate::pushes::{NONE, Pushed, pushes};

pub(super) fn of(world: &mut World, call: &Call, project: &str, path: &[&str]) -> Answer {
    let place = world.project(project).place.clone();
    match (call.method.as_str(), path) {
        ("GET", ["branches"]) => {
            let refs = plumb::ask(&place, &["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"]);
            let refs = refs.unwrap_or_default();
            Ok(refs.lines().filter_map(|name| branch_json(&place, name)).collect())
        }
        ("POST", ["branches"]) => {
            let (name, from) = (call.need("branch")?, call.need("ref")?);
            if tip(&place, &name).is_some() {
                return Err(Reply::error(400, "Branch already exists"));
            }
            let sha = tip(&place, &from).or_else(|| commit_named(&place, &from));
            let sha = sha.ok_or_else(|| Reply::error(400, format!("Invalid reference name: {from}")))?;
            plumb::point(&place, &name, &sha);
            branch_json(&place, &name).ok_or_else(missing)
        }
        ("GET", ["branches", name]) => {
            branch_json(&place, name).ok_or_else(|| Reply::error(404, "404 Branch Not Found"))
        }
        ("DELETE", ["branches", name]) => {
            tip(&place, name).ok_or_else(|| Reply::error(404, "404 Branch Not Found"))?;
            plumb::ask(&place, &["update-ref", "-d", &format!("refs/heads/{name}")]);
            Ok(Value::Null)
        }
        ("GET", ["commits"]) => {
            let range = call.text("ref_name").unwrap_or_else(|| "main".to_owned());
            let list = plumb::ask(&place, &["rev-list", "--end-of-options", &range]).ok_or_else(missing)?;
            Ok(list.lines().filter_map(|sha| commit_json(&place, sha)).collect())
        }
        ("POST", ["commits"]) => write(world, call, project),
        ("GET", ["commits", sha]) => {
            let sha = commit_named(&place, sha).ok_or_else(|| Reply::error(404, "404 Commit Not Found"))?;
            commit_json(&place, &sha).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

type Place = std::path::Path;

fn branch_json(place: &Place, name: &str) -> Option<Value> {
    let sha = tip(place, name)?;
    Some(json!({ "name": name, "commit": commit_json(place, &sha)?, "merged": false, "protected": false,
                 "default": name == "main", "can_push": true }))
}

fn commit_json(place: &Place, sha: &str) -> Option<Value> {
    let format = "--format=%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%aI%x00%cI%x00%s%x00%B";
    let text = of_objects(place, &["log", "-1", format, sha]).ok()?;
    let field: Vec<&str> = text.split('\0').collect();
    Some(
        json!({ "id": field[0], "short_id": &field[0][..8], "parent_ids": field[1].split_whitespace().collect::<Vec<_>>(),
                 "author_name": field[2], "author_email": field[3], "committer_name": field[4],
                 "committer_email": field[5], "authored_date": field[6], "committed_date": field[7],
                 "created_at": field[7], "title": field[8], "message": field[9] }),
    )
}

/// Creates one commit from a list of file actions, as `POST …/repository/commits` does.
fn write(world: &mut World, call: &Call, project: &str) -> Answer {
    let (branch, message) = (call.need("branch")?, call.need("commit_message")?);
    let actions = call.said.get("actions").and_then(Value::as_array).filter(|actions| !actions.is_empty());
    let missing_actions = || Reply { status: 400, body: json!({ "error": "actions is missing" }) };
    let actions = actions.ok_or_else(missing_actions)?;
    let place = world.project(project).place.clone();
    let from_elsewhere =
        call.said.contains_key("start_sha") || call.text("start_branch").is_some_and(|it| it != branch);
    if from_elsewhere && !call.flag("force") && tip(&place, &branch).is_some() {
        let words =
            format!("A branch called '{branch}' already exists. Switch to that branch in order to make changes");
        return Err(Reply::error(400, words));
    }
    let start = call.text("start_branch").unwrap_or_else(|| branch.clone());
    let parent = call.text("start_sha").or_else(|| tip(&place, &start));
    let index = place.join("fake-index").to_str().unwrap().to_owned();
    let own = [("GIT_INDEX_FILE", index.as_str())];
    let _ = std::fs::remove_file(&index);
    if let Some(parent) = &parent {
        plumb::run(&place, &["read-tree", parent], b"", &own).ok_or_else(missing)?;
    }
    for action in actions {
        let text = |name: &str| action.get(name).and_then(Value::as_str);
        let (Some(act), Some(path)) = (text("action"), text("file_path")) else { return Err(missing_actions()) };
        let there = plumb::run(&place, &["ls-files", "--error-unmatch", path], b"", &own).is_some();
        let wrong = match act {
            "create" if there => Some("A file with this name already exists"),
            "update" | "delete" if !there => Some("A file with this name doesn't exist"),
            "create" | "update" | "delete" => None,
            _ => Some("this action is unknown"),
        };
        if let Some(wrong) = wrong {
            return Err(Reply::error(400, wrong));
        }
        if let (Some(expected), Some(parent)) = (text("last_commit_id"), &parent) {
            let last = plumb::ask(&place, &["log", "-1", "--format=%H", parent, "--", path]);
            if last.as_deref() != Some(expected) {
                let words = "You are attempting to update a file that has changed since you started editing it.";
                return Err(Reply::error(400, words));
            }
        }
        if act == "delete" {
            plumb::run(&place, &["update-index", "--force-remove", path], b"", &own).ok_or_else(missing)?;
            continue;
        }
        let content = text("content").unwrap_or_default();
        let bytes = match text("encoding") {
            Some("base64") => BASE64_STANDARD.decode(content).map_err(|_| Reply::error(400, "no base64"))?,
            _ => content.as_bytes().to_vec(),
        };
        let blob = plumb::run(&place, &["hash-object", "-w", "--stdin"], &bytes, &[]).ok_or_else(missing)?;
        let info = format!("100644,{blob},{path}");
        plumb::run(&place, &["update-index", "--add", "--cacheinfo", &info], b"", &own).ok_or_else(missing)?;
    }
    let tree = plumb::run(&place, &["write-tree"], b"", &own).ok_or_else(missing)?;
    let parents: Vec<&str> = parent.iter().map(String::as_str).collect();
    let commit = plumb::commit(&place, &tree, &parents, &message);
    plumb::point(&place, &branch, &commit);
    world.pushed(project);
    commit_json(&place, &commit).ok_or_else(missing)
}

/// Lists the events of a project, newest first. Only push events exist here. `after` is a date and exclusive.
pub(super) fn events(world: &World, call: &Call, project: &str) -> Answer {
    let invalid = |name: &str| Reply { status: 400, body: json!({ "error": format!("{name} is invalid") }) };
    if call.text("action").is_some_and(|action| action != "pushed") {
        return Ok(json!([]));
    }
    let after = match call.text("after") {
        Some(day) => Some(day.parse::<jiff::civil::Date>().map_err(|_| invalid("after"))?),
        None => None,
    };
    let it = &world.projects[project];
    let late = |push: &Pushed| {
        let day = push.at.parse::<jiff::Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
        after.is_none_or(|after| day > after)
    };
    let shown = pushes(&it.place).into_iter().filter(late).zip(1_u64..).map(|(push, id)| {
        let (action, name) = match (push.old == NONE, push.new == NONE) {
            (true, _) => ("created", "pushed new"),
            (_, true) => ("removed", "deleted"),
            _ => ("pushed", "pushed to"),
        };
        let (kind, short) = match push.name.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", push.name.trim_start_matches("refs/heads/")),
        };
        let who = push.by.split('@').next().unwrap_or_default();
        let author = world.users.iter().find(|(_, name)| *name == who).map_or(1, |(id, _)| *id);
        let none = |id: &str| if id == NONE { Value::Null } else { id.into() };
        json!({
            "id": id, "project_id": it.id, "action_name": name, "target_id": null, "target_iid": null, "target_type": null,
            "target_title": null, "author_id": author, "author": world.user_json(author), "created_at": push.at,
            "author_username": world.users[&author], "push_data": {
                "commit_count": 1, "action": action, "ref_type": kind, "commit_from": none(&push.old),
                "commit_to": none(&push.new), "ref": short, "commit_title": null, "ref_count": null,
            },
        })
    });
    Ok(shown.collect())
}
