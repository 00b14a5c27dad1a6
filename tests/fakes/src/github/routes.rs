//! Routing of API calls to their handlers, after the check of the token's repositories and permissions.

use super::serve::{Call, Reply};
use super::state::State;
use super::{apps, checks, code, deploys, issues, merges, pulls, shape};

pub(super) fn route(state: &mut State, call: &Call) -> Reply {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["user"]) if call.app.is_none() => Reply::ok(shape::own_user(state, call.user)),
        ("GET", ["users", login]) => match state.users.iter().find(|(_, user)| user.login == *login).map(|(id, _)| *id)
        {
            Some(id) => Reply::ok(shape::user(state, id)),
            None => Reply::not_found(),
        },
        ("GET", ["rate_limit"]) => Reply::ok(serde_json::json!({
            "resources": {}, "rate": { "limit": 5000, "remaining": state.remaining, "reset": state.now() + 3600, "used": 0 }
        })),
        ("GET", ["app"]) => apps::own(state, call),
        ("POST", ["app", "installations", id, "access_tokens"]) => apps::mint(state, call, id),
        ("GET", ["repos", owner, name, "installation"]) => apps::find(state, call, &format!("{owner}/{name}")),
        (_, ["repos", owner, name, rest @ ..]) => {
            let full = format!("{owner}/{name}").to_lowercase();
            let Some(access) = &call.access else {
                return Reply::error(401, "A JSON web token could not be decoded", None);
            };
            let seen = access.repos.as_ref().is_none_or(|repos| repos.contains(&full));
            if !seen || !state.repos.contains_key(&full) {
                return Reply::not_found();
            }
            code::settle(state, &full);
            let needs = needs(call, rest);
            state.rights_used.insert(needs);
            if !may(call, needs) {
                return Reply::Forbidden(needs);
            }
            repository(state, call, &full, rest)
        }
        _ => Reply::not_found(),
    }
}

/// Returns the permissions of which the token of an App must hold one, separated by `; `.
fn needs(call: &Call, rest: &[&str]) -> &'static str {
    let reads = call.method == "GET";
    match rest {
        ["pulls", _, "merge"] => "contents=write",
        ["pulls", ..] if reads => "pull_requests=read",
        ["pulls", ..] => "pull_requests=write",
        ["issues", _, "labels" | "comments" | "events", ..] if reads => "issues=read; pull_requests=read",
        ["issues", _, "labels" | "comments", ..] => "issues=write; pull_requests=write",
        ["issues", ..] if reads => "issues=read",
        ["issues", ..] => "issues=write",
        ["commits", _, "pulls"] => "pull_requests=read",
        ["commits", _, "check-runs"] => "checks=read",
        ["check-runs", ..] => "checks=write",
        ["commits", _, "status" | "statuses"] => "statuses=read",
        ["statuses", ..] if reads => "statuses=read",
        ["statuses", ..] => "statuses=write",
        ["deployments", ..] if reads => "deployments=read",
        ["deployments", ..] => "deployments=write",
        ["actions", ..] if reads => "actions=read",
        ["actions", ..] => "actions=write",
        ["git" | "contents" | "merges", ..] if !reads => "contents=write",
        ["git" | "commits" | "compare" | "branches" | "contents" | "activity", ..] => "contents=read",
        _ => "metadata=read",
    }
}

/// Returns `true` if the token holds one of the permissions. Tokens of users hold all.
fn may(call: &Call, needs: &str) -> bool {
    let Some(permissions) = call.access.as_ref().and_then(|access| access.permissions.as_ref()) else { return true };
    let holds = |need: &str| {
        let (name, level) = need.split_once('=').unwrap();
        permissions.get(name).is_some_and(|had| had == level || had == "write")
    };
    needs.split("; ").any(holds)
}

fn repository(state: &mut State, call: &Call, full: &str, rest: &[&str]) -> Reply {
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(shape::repository(state, full)),
        ("GET", ["pulls"]) => pulls::list(state, call, full),
        ("POST", ["pulls"]) => pulls::create(state, call, full),
        ("GET", ["pulls", number]) => pulls::get(state, full, number),
        ("PATCH", ["pulls", number]) => pulls::update(state, call, full, number),
        ("GET", ["pulls", number, "reviews"]) => pulls::reviews(state, full, number),
        ("POST", ["pulls", number, "reviews"]) => pulls::review(state, call, full, number),
        ("GET", ["pulls", number, "merge"]) => merges::is_merged(state, full, number),
        ("PUT", ["pulls", number, "merge"]) => merges::merge(state, call, full, number),
        ("GET", ["issues"]) => issues::list(state, call, full),
        ("POST", ["issues"]) => issues::create(state, call, full),
        ("GET", ["issues", number]) => issues::get(state, full, number),
        ("GET", ["issues", number, "labels"]) => issues::labels(state, full, number),
        ("POST", ["issues", number, "labels"]) => issues::add_labels(state, call, full, number),
        ("DELETE", ["issues", number, "labels", label]) => issues::remove_label(state, call, full, number, label),
        ("GET", ["issues", number, "events"]) => issues::events(state, full, number),
        ("GET", ["issues", number, "comments"]) => issues::comments(state, full, number),
        ("POST", ["issues", number, "comments"]) => issues::comment(state, call, full, number),
        ("GET", ["activity"]) => code::activity(state, call, full),
        ("GET", ["branches"]) => code::branches(state, full),
        ("GET", ["branches", branch @ ..]) => code::branch(state, full, &branch.join("/")),
        ("GET", ["rules", "branches", branch @ ..]) => code::rules(state, full, &branch.join("/")),
        ("GET", ["git", "ref", name @ ..]) => code::reference(state, full, &name.join("/")),
        ("GET", ["git", "matching-refs", name @ ..]) => code::matching(state, full, &name.join("/")),
        ("POST", ["git", "refs"]) => code::create_ref(state, call, full),
        ("PATCH", ["git", "refs", name @ ..]) => code::update_ref(state, call, full, &name.join("/")),
        ("DELETE", ["git", "refs", name @ ..]) => code::delete_ref(state, full, &name.join("/")),
        ("GET", ["commits"]) => code::commits(state, call, full),
        ("GET", ["commits", sha]) => code::commit(state, full, sha),
        ("GET", ["compare", range]) => code::compare(state, full, range),
        ("GET", ["commits", sha, "pulls"]) => pulls::of_commit(state, full, sha),
        ("GET", ["commits", sha, "check-runs"]) => checks::runs(state, call, full, sha),
        ("POST", ["check-runs"]) => checks::create_run(state, call, full),
        ("GET", ["commits", sha, "statuses"] | ["statuses", sha]) => checks::statuses(state, full, sha),
        ("GET", ["commits", sha, "status"]) => checks::combined(state, full, sha),
        ("POST", ["statuses", sha]) => checks::create_status(state, call, full, sha),
        ("GET", ["deployments"]) => deploys::list(state, call, full),
        ("POST", ["deployments"]) => deploys::create(state, call, full),
        ("GET", ["deployments", id, "statuses"]) => deploys::statuses(state, full, id),
        ("POST", ["deployments", id, "statuses"]) => deploys::set_status(state, call, full, id),
        ("GET", ["actions", "workflows"]) => deploys::workflows(state, full),
        ("GET", ["actions", "workflows", workflow]) => deploys::workflow(state, full, workflow),
        ("POST", ["actions", "workflows", workflow, "dispatches"]) => deploys::dispatch(state, call, full, workflow),
        ("GET", ["actions", "workflows", workflow, "runs"]) => deploys::runs(state, call, full, Some(workflow)),
        ("GET", ["actions", "runs"]) => deploys::runs(state, call, full, None),
        ("GET", ["actions", "runs", id]) => deploys::run(state, full, id),
        ("POST", ["actions", "runs", id, "cancel"]) => deploys::cancel(state, full, id),
        _ => Reply::not_found(),
    }
}
