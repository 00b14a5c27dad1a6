//! Git data of a repository: branches, rules, refs, commits, comparisons and pushes; also the effect of pushes on pull
//! requests.

use std::path::Path;

use serde_json::{Value, json};

use super::addresses::encoded;
use super::serve::{Call, Reply};
use super::shape;
use super::state::{Event, Merged, State};
use crate::objects::{is_ancestor, of_objects, tip, try_git};
use crate::pushes::{NONE, pushes};

pub(super) fn settle_all(state: &mut State) {
    let names: Vec<String> = state.repos.keys().cloned().collect();
    names.iter().for_each(|full| settle(state, full));
}

/// Updates the open pull requests from their branches, as GitHub does after a push: new heads, merges by push, and
/// closing if the head branch is gone.
pub(super) fn settle(state: &mut State, full: &str) {
    let (at, actor) = (state.at(), state.user("web-flow"));
    let mut next = state.id();
    let Some(repo) = state.repos.get_mut(full) else { return };
    let place = repo.place.clone();
    for issue in repo.issues.values_mut().filter(|issue| issue.open) {
        let Some(pull) = issue.pull.as_mut().filter(|pull| pull.fork.is_none()) else { continue };
        let head = tip(&place, &pull.head);
        let gone = head.is_none();
        pull.head_sha = head.unwrap_or_else(|| pull.head_sha.clone());
        let Some(base) = tip(&place, &pull.base) else { continue };
        let came_in = base != pull.base_sha
            && is_ancestor(&place, &pull.head_sha, &base)
            && !is_ancestor(&place, &pull.head_sha, &pull.base_sha);
        let mut close = |event| {
            issue.open = false;
            issue.closed = Some(at.clone());
            next += 1;
            issue.events.push(Event { id: next, event, actor, label: None, at: at.clone() });
        };
        if came_in {
            let commit = brought_by(&place, &pull.head_sha, &base);
            pull.merged = Some(Merged { at: at.clone(), by: actor, commit });
            close("merged");
        } else if gone {
            close("closed");
        }
        pull.base_sha = base;
    }
}

/// Returns the oldest first-parent commit of the base that contains the head.
fn brought_by(place: &Path, head: &str, base: &str) -> String {
    let line = of_objects(place, &["rev-list", "--first-parent", base]).unwrap();
    let has = line.lines().take_while(|commit| is_ancestor(place, head, commit));
    has.last().unwrap_or(base).to_owned()
}

fn shown_ref(state: &State, full: &str, name: &str, sha: &str) -> Value {
    let base = format!("{}/repos/{}", state.api(), state.repos[full].full());
    json!({
        "ref": name, "node_id": format!("REF_{name}"), "url": format!("{base}/git/{name}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{base}/git/commits/{sha}") },
    })
}

fn refs(state: &State, full: &str, below: &str) -> Vec<(String, String)> {
    let format = "--format=%(refname) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
    let text = try_git(&state.repos[full].place, &["for-each-ref", format], &[]).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.filter(|(name, _)| name.starts_with(below)).map(|(name, sha)| (name.to_owned(), sha.to_owned())).collect()
}

pub(super) fn branches(state: &State, full: &str) -> Reply {
    let base = format!("{}/repos/{}", state.api(), state.repos[full].full());
    let shown = refs(state, full, "refs/heads/").into_iter().map(|(name, sha)| {
        let url = format!("{base}/commits/{sha}");
        json!({ "name": name.trim_start_matches("refs/heads/"), "commit": { "sha": sha, "url": url }, "protected": false })
    });
    Reply::List(shown.collect(), 30)
}

pub(super) fn branch(state: &State, full: &str, name: &str) -> Reply {
    let Some(sha) = tip(&state.repos[full].place, name) else { return Reply::error(404, "Branch not found", None) };
    let commit = shape::commits(state, full, &[sha]).remove(0);
    let repo = state.repos[full].full();
    let base = format!("{}/repos/{repo}/branches/{}", state.api(), encoded(name));
    let html = format!("{}/{repo}/tree/{}", state.url, encoded(name));
    let required = &state.repos[full].required;
    let contexts: Vec<&String> =
        required.iter().filter(|(branch, _)| branch == name).map(|(_, context)| context).collect();
    let protection = match contexts.is_empty() {
        true => {
            json!({ "enabled": false, "required_status_checks": { "enforcement_level": "off", "contexts": [], "checks": [] } })
        }
        false => json!({
            "enabled": true,
            "required_status_checks": { "enforcement_level": "non_admins", "contexts": contexts, "checks": [] },
        }),
    };
    Reply::ok(json!({
        "name": name, "commit": commit, "protected": !contexts.is_empty(),
        "protection_url": format!("{base}/protection"), "protection": protection, "_links": { "self": base, "html": html },
    }))
}

/// Lists the ruleset rules that apply to a branch.
pub(super) fn rules(state: &State, full: &str, name: &str) -> Reply {
    let required = &state.repos[full].required_by_rules;
    let checks: Vec<_> = required
        .iter()
        .filter(|(branch, _)| branch == name)
        .map(|(_, context)| json!({ "context": context, "integration_id": null }))
        .collect();
    let rule = (!checks.is_empty()).then(|| {
        let parameters = json!({ "strict_required_status_checks_policy": false, "required_status_checks": checks });
        let source = ("ruleset_source_type", "ruleset_source", "ruleset_id");
        json!({ "type": "required_status_checks", "parameters": parameters, source.0: "Repository", source.1: full, source.2: 1 })
    });
    Reply::List(rule.into_iter().collect(), 30)
}

pub(super) fn reference(state: &State, full: &str, name: &str) -> Reply {
    let name = format!("refs/{name}");
    match refs(state, full, &name).into_iter().find(|(other, _)| *other == name) {
        Some((name, sha)) => Reply::ok(shown_ref(state, full, &name, &sha)),
        None => Reply::not_found(),
    }
}

pub(super) fn matching(state: &State, full: &str, name: &str) -> Reply {
    let found = refs(state, full, &format!("refs/{name}"));
    Reply::List(found.iter().map(|(name, sha)| shown_ref(state, full, name, sha)).collect(), 30)
}

pub(super) fn create_ref(state: &mut State, call: &Call, full: &str) -> Reply {
    let (Some(name), Some(sha)) = (call.text("ref"), call.text("sha")) else {
        return Reply::error(422, "Invalid request.\n\n\"ref\", \"sha\" weren't supplied.", None);
    };
    let place = state.repos[full].place.clone();
    if !name.starts_with("refs/") || name.split('/').count() < 3 {
        return Reply::error(422, &format!("{name} is not a valid ref name."), None);
    }
    if try_git(&place, &["cat-file", "-e", &format!("{sha}^{{commit}}")], &[]).is_err() {
        return Reply::error(422, "Object does not exist", None);
    }
    if try_git(&place, &["update-ref", name, sha, &"0".repeat(40)], &[]).is_err() {
        let taken = refs(state, full, name).iter().any(|(other, _)| other == name);
        return Reply::error(422, if taken { "Reference already exists" } else { "Reference update failed" }, None);
    }
    settle(state, full);
    Reply::One(201, shown_ref(state, full, name, sha))
}

pub(super) fn update_ref(state: &mut State, call: &Call, full: &str, name: &str) -> Reply {
    let Some(sha) = call.text("sha") else {
        return Reply::error(422, "Invalid request.\n\n\"sha\" wasn't supplied.", None);
    };
    let (name, place) = (format!("refs/{name}"), state.repos[full].place.clone());
    let Some((_, old)) = refs(state, full, &name).into_iter().find(|(other, _)| *other == name) else {
        return Reply::error(422, "Reference does not exist", None);
    };
    let forced = call.body.get("force").and_then(Value::as_bool).unwrap_or(false);
    if !forced && !is_ancestor(&place, &old, sha) {
        return Reply::error(422, "Update is not a fast forward", None);
    }
    if try_git(&place, &["update-ref", &name, sha, &old], &[]).is_err() {
        return Reply::error(422, "Object does not exist", None);
    }
    settle(state, full);
    Reply::ok(shown_ref(state, full, &name, sha))
}

pub(super) fn delete_ref(state: &mut State, full: &str, name: &str) -> Reply {
    let name = format!("refs/{name}");
    if !refs(state, full, &name).iter().any(|(other, _)| *other == name) {
        return Reply::error(422, "Reference does not exist", None);
    }
    try_git(&state.repos[full].place, &["update-ref", "-d", &name], &[]).unwrap();
    settle(state, full);
    Reply::Nothing(204)
}

/// Lists the pushes to the repository, newest first. GitHub pages this list by cursor, so page numbers are refused.
pub(super) fn activity(state: &State, call: &Call, full: &str) -> Reply {
    if call.asked("page").is_some() {
        return Reply::error(422, "This list goes by `before` and `after`.", None);
    }
    let place = &state.repos[full].place;
    let wanted = call
        .asked("ref")
        .map(|name| if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") });
    let of_it = pushes(place).into_iter().filter(|push| wanted.as_ref().is_none_or(|name| *name == push.name));
    let shown = of_it.zip(1..).map(|(push, id)| {
        let kind = match (push.old == NONE, push.new == NONE) {
            (true, _) => "branch_creation",
            (_, true) => "branch_deletion",
            _ if is_ancestor(place, &push.old, &push.new) => "push",
            _ => "force_push",
        };
        let actor = state.mails.get(&push.by).map_or(Value::Null, |id| shape::user(state, *id));
        json!({
            "id": id, "node_id": format!("PSH_{id}"), "before": push.old, "after": push.new, "ref": push.name,
            "timestamp": push.at, "activity_type": kind, "actor": actor,
        })
    });
    Reply::List(shown.collect(), 30)
}

pub(super) fn commits(state: &State, call: &Call, full: &str) -> Reply {
    let place = &state.repos[full].place;
    let Some(start) = shape::resolve(place, call.asked("sha").unwrap_or("main")) else { return Reply::not_found() };
    let ids: Vec<String> = of_objects(place, &["rev-list", &start]).unwrap().lines().map(str::to_owned).collect();
    Reply::List(shape::commits(state, full, &ids), 30)
}

pub(super) fn commit(state: &State, full: &str, words: &str) -> Reply {
    match shape::resolve(&state.repos[full].place, words) {
        Some(sha) => Reply::ok(shape::commits(state, full, &[sha]).remove(0)),
        None => Reply::error(422, &format!("No commit found for SHA: {words}"), None),
    }
}

/// Compares two revisions given as `base...head`. Without paging parameters, the list ends after 250 commits and only
/// `total_commits` shows the rest.
pub(super) fn compare(state: &State, full: &str, range: &str) -> Reply {
    let place = &state.repos[full].place;
    let ends = range.split_once("...").map(|(base, head)| (shape::resolve(place, base), shape::resolve(place, head)));
    let Some((Some(base), Some(head))) = ends else { return Reply::not_found() };
    let Ok(fork) = of_objects(place, &["merge-base", &base, &head]) else { return Reply::not_found() };
    let list = |range: String| -> Vec<String> {
        let text = of_objects(place, &["rev-list", "--reverse", "--topo-order", &range]).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (ahead, behind) = (list(format!("{base}..{head}")), list(format!("{head}..{base}")));
    let status = match (ahead.len(), behind.len()) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let one = |sha: &String| shape::commits(state, full, std::slice::from_ref(sha)).remove(0);
    let name = state.repos[full].full();
    let (api, html) = (format!("{}/repos/{name}", state.api()), format!("{}/{name}", state.url));
    let object = json!({
        "url": format!("{api}/compare/{range}"), "html_url": format!("{html}/compare/{range}"),
        "permalink_url": format!("{html}/compare/{base}...{head}"), "diff_url": format!("{html}/compare/{range}.diff"),
        "patch_url": format!("{html}/compare/{range}.patch"), "base_commit": one(&base), "merge_base_commit": one(&fork), "status": status,
        "ahead_by": ahead.len(), "behind_by": behind.len(), "total_commits": ahead.len(), "files": [],
    });
    Reply::Within(object, "commits", shape::commits(state, full, &ahead), 250)
}
