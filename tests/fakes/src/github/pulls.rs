//! Pull requests and their reviews.

use serde_json::{Value, json};

use super::addresses::{add_addresses, encoded};
use super::serve::{Call, Reply};
use super::shape;
use super::state::{Event, Issue, Pull, Review, State};
use crate::objects::{self, is_ancestor, of_objects, tip};

pub(super) fn number_of(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

pub(super) fn has(state: &State, full: &str, number: &str) -> Option<u64> {
    let number = number_of(number);
    state.repos[full].issues.get(&number).filter(|issue| issue.pull.is_some()).map(|_| number)
}

/// Returns a pull request as JSON. Lists omit the fields that GitHub has to compute, such as `mergeable`.
pub(super) fn shown(state: &State, full: &str, number: u64, whole: bool) -> Value {
    let repo = &state.repos[full];
    let issue = &repo.issues[&number];
    let pull = issue.pull.as_ref().unwrap();
    let (api, name) = (state.api(), repo.full());
    let base = format!("{api}/repos/{name}");
    let end = |branch: &str, sha: &str, fork: Option<u64>| {
        let mut shown = shape::repository(state, full);
        if let Some(id) = fork {
            shown["id"] = id.into();
            shown["fork"] = true.into();
            shown["full_name"] = format!("stranger/{}", repo.name).into();
        }
        let owner = if fork.is_some() { "stranger" } else { repo.owner.as_str() };
        json!({ "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha, "repo": shown, "user": shape::user(state, repo.owner_id) })
    };
    let merged = pull.merged.as_ref();
    let mut value = json!({
        "id": issue.id, "node_id": format!("PR_{}", issue.id), "number": number, "title": issue.title, "body": issue.body,
        "url": format!("{base}/pulls/{number}"), "html_url": format!("{}/{name}/pull/{number}", state.url),
        "issue_url": format!("{base}/issues/{number}"), "state": if issue.open { "open" } else { "closed" }, "locked": false,
        "user": shape::user(state, issue.user), "labels": labels(state, full, &issue.labels), "draft": pull.draft,
        "created_at": issue.created, "updated_at": issue.updated, "closed_at": issue.closed,
        "merged_at": merged.map(|merged| &merged.at), "merge_commit_sha": merged.map(|merged| &merged.commit),
        "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [], "milestone": null,
        "head": end(&pull.head, &pull.head_sha, pull.fork), "base": end(&pull.base, &pull.base_sha, None),
        "author_association": "MEMBER", "auto_merge": null,
    });
    let (own, thread) = (format!("{base}/pulls/{number}"), format!("{base}/issues/{number}"));
    let html = format!("{}/{name}/pull/{number}", state.url);
    add_addresses(&mut value, &own, &["commits", "review_comments"]);
    add_addresses(&mut value, &thread, &["comments"]);
    value["review_comment_url"] = format!("{base}/pulls/comments{{/number}}").into();
    value["statuses_url"] = format!("{base}/statuses/{}", pull.head_sha).into();
    (value["diff_url"], value["patch_url"]) = (format!("{html}.diff").into(), format!("{html}.patch").into());
    let linked = ["comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment"];
    for name in linked {
        value["_links"][name] = json!({ "href": value[format!("{name}_url")] });
    }
    value["_links"]["self"] = json!({ "href": own });
    if whole {
        let range = format!("{}...{}", pull.base_sha, pull.head_sha);
        let stat = of_objects(&repo.place, &["diff", "--shortstat", &range]).unwrap_or_default();
        let counted = |word: &str| {
            let part = stat.split(',').find(|part| part.contains(word)).unwrap_or_default();
            number_of(part.split_whitespace().next().unwrap_or_default())
        };
        value["changed_files"] = counted("file").into();
        value["additions"] = counted("insertion").into();
        value["deletions"] = counted("deletion").into();
        let range = format!("{}..{}", pull.base_sha, pull.head_sha);
        let commits = of_objects(&repo.place, &["rev-list", "--count", &range]);
        value["commits"] = number_of(&commits.unwrap_or_default()).into();
        (value["review_comments"], value["maintainer_can_modify"]) = (0.into(), false.into());
        let mergeable = issue.open.then(|| merges(&repo.place, pull)).filter(|_| !repo.undecided);
        value["merged"] = merged.is_some().into();
        value["mergeable"] = mergeable.map_or(Value::Null, Value::Bool);
        value["mergeable_state"] = if mergeable == Some(true) { "clean" } else { "unknown" }.into();
        value["merged_by"] = merged.map_or(Value::Null, |merged| shape::user(state, merged.by));
        value["comments"] = issue.comments.len().into();
    }
    value
}

/// Returns `true` if the head merges into the base without a conflict.
pub(super) fn merges(place: &std::path::Path, pull: &Pull) -> bool {
    tip(place, &pull.base).is_some_and(|base| objects::merges(place, &base, &pull.head_sha))
}

pub(super) fn labels(state: &State, full: &str, names: &[String]) -> Vec<Value> {
    let repo = state.repos[full].full();
    let shown = |name: &String| json!({ "id": 1, "node_id": "L_1", "name": name, "color": "ededed", "default": false, "description": null, "url": format!("{}/repos/{repo}/labels/{}", state.api(), encoded(name)) });
    names.iter().map(shown).collect()
}

/// Lists the pull requests of a commit: merged ones that brought it in or whose merge commit it is, and open ones that
/// contain it.
pub(super) fn of_commit(state: &State, full: &str, sha: &str) -> Reply {
    let repo = &state.repos[full];
    let Some(sha) = shape::resolve(&repo.place, sha) else {
        return Reply::error(422, &format!("No commit found for SHA: {sha}"), None);
    };
    let has = |pull: &Pull| {
        let before = match &pull.merged {
            Some(merged) if merged.commit == sha => return true,
            Some(merged) => format!("{}^1", merged.commit),
            None => pull.base_sha.clone(),
        };
        is_ancestor(&repo.place, &sha, &pull.head_sha) && !is_ancestor(&repo.place, &sha, &before)
    };
    let found =
        repo.issues.values().filter(|issue| issue.open || issue.pull.as_ref().is_some_and(|it| it.merged.is_some()));
    let found = found.filter(|issue| issue.pull.as_ref().is_some_and(has));
    Reply::List(found.map(|issue| shown(state, full, issue.number, false)).collect(), 30)
}

pub(super) fn list(state: &State, call: &Call, full: &str) -> Reply {
    let repo = &state.repos[full];
    let open = match call.asked("state").unwrap_or("open") {
        "open" => Some(true),
        "closed" => Some(false),
        "all" => None,
        _ => return Reply::invalid(json!({ "resource": "PullRequest", "field": "state", "code": "invalid" })),
    };
    // GitHub ignores a `head` filter that is not `owner:branch`.
    let head = call.asked("head").and_then(|head| head.split_once(':'));
    let mut found: Vec<&Issue> = repo
        .issues
        .values()
        .filter(|issue| open.is_none_or(|open| issue.open == open))
        .filter(|issue| {
            let Some(pull) = issue.pull.as_ref() else { return false };
            let owner = if pull.fork.is_some() { "stranger" } else { repo.owner.as_str() };
            head.is_none_or(|(whose, branch)| pull.head == branch && owner.eq_ignore_ascii_case(whose))
                && call.asked("base").is_none_or(|base| pull.base == base)
        })
        .collect();
    if call.asked("direction") != Some("asc") {
        found.reverse();
    }
    Reply::List(found.iter().map(|issue| shown(state, full, issue.number, false)).collect(), 30)
}

pub(super) fn get(state: &State, full: &str, number: &str) -> Reply {
    has(state, full, number).map_or_else(Reply::not_found, |number| Reply::ok(shown(state, full, number, true)))
}

pub(super) fn create(state: &mut State, call: &Call, full: &str) -> Reply {
    let wanted: Vec<&str> = ["head", "base"].into_iter().filter(|name| call.text(name).is_none()).collect();
    if !wanted.is_empty() {
        return Reply::error(422, &format!("Invalid request.\n\n\"{}\" wasn't supplied.", wanted.join("\", \"")), None);
    }
    let invalid = |field: &str| Reply::invalid(json!({ "resource": "PullRequest", "field": field, "code": "invalid" }));
    let custom =
        |message: String| Reply::invalid(json!({ "resource": "PullRequest", "code": "custom", "message": message }));
    let Some(title) = call.text("title").filter(|title| !title.is_empty()) else {
        return Reply::invalid(json!({ "resource": "PullRequest", "field": "title", "code": "missing_field" }));
    };
    let (owner, place) = (state.repos[full].owner.clone(), state.repos[full].place.clone());
    let (head, base) = (call.text("head").unwrap(), call.text("base").unwrap());
    let head =
        head.split_once(':').filter(|(whose, _)| whose.eq_ignore_ascii_case(&owner)).map_or(head, |(_, branch)| branch);
    let Some(base_sha) = tip(&place, base) else { return invalid("base") };
    let Some(head_sha) = tip(&place, head) else { return invalid("head") };
    let same = |issue: &&Issue| {
        issue.open && issue.pull.as_ref().is_some_and(|p| p.head == head && p.base == base && p.fork.is_none())
    };
    if state.repos[full].issues.values().any(|issue| same(&issue)) {
        return custom(format!("A pull request already exists for {owner}:{head}."));
    }
    if is_ancestor(&place, &head_sha, &base_sha) {
        return custom(format!("No commits between {base} and {head}"));
    }
    let pull = Pull {
        head: head.to_owned(),
        head_sha,
        base: base.to_owned(),
        base_sha,
        merged: None,
        reviews: vec![],
        draft: call.body.get("draft").is_some_and(|draft| draft == true),
        fork: None,
    };
    let number = add(state, full, call.user, title, call.text("body"), Some(pull));
    Reply::One(201, shown(state, full, number, true))
}

/// Adds an issue, or a pull request if `pull` is given; returns its number.
pub(super) fn add(
    state: &mut State,
    full: &str,
    user: u64,
    title: &str,
    body: Option<&str>,
    pull: Option<Pull>,
) -> u64 {
    let (id, at) = (state.id(), state.at());
    let repo = state.repo(full);
    let number = repo.number();
    let issue = Issue {
        id,
        number,
        title: title.to_owned(),
        body: body.map(str::to_owned),
        user,
        open: true,
        labels: vec![],
        comments: vec![],
        events: vec![],
        created: at.clone(),
        updated: at,
        closed: None,
        pull,
    };
    repo.issues.insert(number, issue);
    number
}

pub(super) fn update(state: &mut State, call: &Call, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    match call.text("state") {
        None => {}
        Some("closed") => close(state, full, number, call.user),
        Some("open") => {
            let issue = state.repo(full).issues.get_mut(&number).unwrap();
            if issue.pull.as_ref().unwrap().merged.is_some() {
                return Reply::invalid(
                    json!({ "resource": "PullRequest", "field": "state", "code": "invalid", "message": "state cannot be changed. The pull request is merged." }),
                );
            }
            (issue.open, issue.closed) = (true, None);
        }
        Some(_) => return Reply::invalid(json!({ "resource": "PullRequest", "field": "state", "code": "invalid" })),
    }
    let issue = state.repo(full).issues.get_mut(&number).unwrap();
    if let Some(title) = call.text("title") {
        issue.title = title.to_owned();
    }
    if let Some(body) = call.text("body") {
        issue.body = Some(body.to_owned());
    }
    Reply::ok(shown(state, full, number, true))
}

pub(super) fn close(state: &mut State, full: &str, number: u64, actor: u64) {
    let (id, at) = (state.id(), state.at());
    let issue = state.repo(full).issues.get_mut(&number).unwrap();
    if issue.open {
        (issue.open, issue.closed) = (false, Some(at.clone()));
        issue.events.push(Event { id, event: "closed", actor, label: None, at });
    }
}

fn shown_review(state: &State, full: &str, number: u64, review: &Review) -> Value {
    let repo = state.repos[full].full();
    let html = format!("{}/{repo}/pull/{number}#pullrequestreview-{}", state.url, review.id);
    let pull = format!("{}/repos/{repo}/pulls/{number}", state.api());
    json!({
        "id": review.id, "node_id": format!("PRR_{}", review.id), "user": shape::user(state, review.user), "body": review.body,
        "state": review.state, "commit_id": review.commit, "submitted_at": review.at, "author_association": "MEMBER",
        "html_url": html, "pull_request_url": pull, "_links": { "html": { "href": html }, "pull_request": { "href": pull } },
    })
}

pub(super) fn reviews(state: &State, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let reviews = &state.repos[full].issues[&number].pull.as_ref().unwrap().reviews;
    Reply::List(reviews.iter().map(|review| shown_review(state, full, number, review)).collect(), 30)
}

pub(super) fn review(state: &mut State, call: &Call, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let said = match call.text("event") {
        Some("APPROVE") => "APPROVED",
        Some("REQUEST_CHANGES") => "CHANGES_REQUESTED",
        Some("COMMENT") => "COMMENTED",
        _ => return Reply::error(422, "Unprocessable Entity", Some(json!(["Variable $event is invalid"]))),
    };
    if state.repos[full].issues[&number].user == call.user && said != "COMMENTED" {
        return Reply::error(422, "Unprocessable Entity", Some(json!(["Can not approve your own pull request"])));
    }
    say(state, full, number, call.user, said, call.text("body").unwrap_or_default());
    let review = state.repos[full].issues[&number].pull.as_ref().unwrap().reviews.last().unwrap();
    Reply::ok(shown_review(state, full, number, review))
}

pub(super) fn say(state: &mut State, full: &str, number: u64, user: u64, said: &str, body: &str) {
    let (id, at) = (state.id(), state.at());
    let pull = state.repo(full).issues.get_mut(&number).unwrap().pull.as_mut().unwrap();
    let (state, commit, body) = (said.to_owned(), pull.head_sha.clone(), body.to_owned());
    pull.reviews.push(Review { id, user, state, commit, body, at });
}
