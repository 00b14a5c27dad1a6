//! Users, Apps, repositories and commits as JSON, with the fields that octokit and PyGithub read.

use std::path::Path;

use serde_json::{Value, json};

use super::addresses::{REPOSITORY, USER, add_addresses, encoded};
use super::state::State;
use crate::objects::{commit_named, of_objects, tag, tip};

pub(super) fn user(state: &State, id: u64) -> Value {
    let Some(user) = state.users.get(&id) else { return Value::Null };
    let login = &user.login;
    // The login of an App ends in `[bot]`; URLs need the brackets encoded.
    let word = encoded(login);
    let base = format!("{}/users/{word}", state.api());
    let mut value = json!({
        "login": login, "id": id, "node_id": format!("U_{id}"), "avatar_url": format!("{}/avatars/{id}", state.url),
        "gravatar_id": "", "url": base, "html_url": format!("{}/{word}", state.url), "type": user.kind, "site_admin": false,
    });
    add_addresses(&mut value, &base, &USER);
    value
}

/// Returns the authenticated user, with the fields that only the user may read.
pub(super) fn own_user(state: &State, id: u64) -> Value {
    let mut value = user(state, id);
    for absent in ["name", "company", "location", "email", "hireable", "bio"] {
        value[absent] = Value::Null;
    }
    let none = ["public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos"];
    for none in none.into_iter().chain(["owned_private_repos", "disk_usage", "collaborators"]) {
        value[none] = 0.into();
    }
    (value["blog"], value["two_factor_authentication"]) = ("".into(), true.into());
    (value["created_at"], value["updated_at"]) = (FOUNDED.into(), FOUNDED.into());
    value
}

/// Returns an App as other objects embed it.
pub(super) fn app(state: &State, id: u64, slug: &str) -> Value {
    let owner = state.users.keys().next().map(|owner| user(state, *owner));
    let address = format!("{}/apps/{slug}", state.url);
    json!({
        "id": id, "slug": slug, "node_id": format!("A_{id}"), "client_id": format!("Iv1.{id}"), "name": slug, "owner": owner,
        "description": null, "external_url": address, "html_url": address, "created_at": FOUNDED, "updated_at": FOUNDED,
        "permissions": {}, "events": [],
    })
}

/// Creation time of everything that has no time of its own.
pub(super) const FOUNDED: &str = "2024-01-01T00:00:00Z";

pub(super) fn repository(state: &State, full: &str) -> Value {
    let repo = &state.repos[full];
    let name = repo.full();
    let (api, html) = (format!("{}/repos/{name}", state.api()), format!("{}/{name}", state.url));
    let issues = repo.issues.values().filter(|issue| issue.open).count();
    let mut value = json!({
        "id": repo.id, "node_id": format!("R_{}", repo.id), "name": repo.name, "full_name": name, "private": true,
        "owner": user(state, repo.owner_id), "html_url": html, "description": null, "fork": false, "url": api,
        "clone_url": format!("{html}.git"), "svn_url": html, "git_url": format!("git://example.org/{name}.git"),
        "ssh_url": format!("git@example.org:{name}.git"), "default_branch": "main", "archived": false, "disabled": false,
        "visibility": "private", "has_issues": true, "open_issues": issues, "open_issues_count": issues,
        "created_at": FOUNDED, "updated_at": FOUNDED, "pushed_at": FOUNDED,
        "permissions": { "admin": false, "push": !state.reads_only, "pull": true },
    });
    for absent in ["mirror_url", "homepage", "language", "license"] {
        value[absent] = Value::Null;
    }
    for absent in ["has_projects", "has_downloads", "has_wiki", "has_pages", "has_discussions"] {
        value[absent] = false.into();
    }
    let none = ["forks", "watchers", "forks_count", "watchers_count", "stargazers_count", "network_count", "size"];
    for none in none.into_iter().chain(["subscribers_count"]) {
        value[none] = 0.into();
    }
    add_addresses(&mut value, &api, &REPOSITORY);
    value
}

/// Returns the account that GitHub attributes a commit to: the one with this verified address, or the one with its id
/// in a private `noreply` address; null if there is none.
fn owner_of(state: &State, mail: &str) -> Value {
    let mail = mail.to_lowercase();
    let private = mail.strip_suffix("@users.noreply.github.com").and_then(|local| local.split_once('+'));
    let private = private.and_then(|(id, _)| id.parse().ok()).filter(|id| state.users.contains_key(id));
    state.mails.get(&mail).copied().or(private).map_or(Value::Null, |id| user(state, id))
}

/// Returns commits as the API shows them, in the order of the ids.
pub(super) fn commits(state: &State, full: &str, ids: &[String]) -> Vec<Value> {
    if ids.is_empty() {
        return Vec::new();
    }
    let place = &state.repos[full].place;
    let format = "--format=%H%x1f%P%x1f%T%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e";
    let mut args = vec!["log", "--no-walk=unsorted", format];
    args.extend(ids.iter().map(String::as_str));
    let text = of_objects(place, &args).expect("commits that are there");
    let entries = text.split('\u{1e}').map(|entry| entry.trim_start_matches('\n')).filter(|entry| !entry.is_empty());
    entries.map(|entry| commit(state, full, &entry.split('\u{1f}').collect::<Vec<_>>())).collect()
}

fn commit(state: &State, full: &str, f: &[&str]) -> Value {
    let (base, sha) = (format!("{}/repos/{}", state.api(), state.repos[full].full()), f[0]);
    let parents: Vec<Value> = f[1]
        .split_whitespace()
        .map(|sha| json!({ "sha": sha, "url": format!("{base}/commits/{sha}"), "html_url": format!("{}/commit/{sha}", state.url) }))
        .collect();
    json!({
        "sha": sha, "node_id": format!("C_{sha}"), "url": format!("{base}/commits/{sha}"),
        "html_url": format!("{}/{}/commit/{sha}", state.url, state.repos[full].full()),
        "comments_url": format!("{base}/commits/{sha}/comments"),
        "author": owner_of(state, f[4]), "committer": owner_of(state, f[7]), "parents": parents,
        "commit": {
            "url": format!("{base}/git/commits/{sha}"), "message": f[9].trim_end(), "comment_count": 0,
            "author": { "name": f[3], "email": f[4], "date": utc(f[5]) },
            "committer": { "name": f[6], "email": f[7], "date": utc(f[8]) },
            "tree": { "sha": f[2], "url": format!("{base}/git/trees/{}", f[2]) },
            "verification": { "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null },
        },
    })
}

/// Returns a commit as a workflow run embeds it.
pub(super) fn head_commit(state: &State, full: &str, sha: &str) -> Value {
    let whole = commits(state, full, &[sha.to_owned()]).remove(0);
    let (said, who) = (
        &whole["commit"],
        |name: &str| json!({ "name": whole["commit"][name]["name"], "email": whole["commit"][name]["email"] }),
    );
    json!({
        "id": sha, "tree_id": said["tree"]["sha"], "message": said["message"], "timestamp": said["committer"]["date"],
        "author": who("author"), "committer": who("committer"),
    })
}

fn utc(text: &str) -> String {
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |at| at.to_string())
}

/// Resolves a branch, tag or revision to a commit; `None` if there is none.
pub(super) fn resolve(place: &Path, words: &str) -> Option<String> {
    let plain = !words.is_empty() && !words.starts_with('-');
    let named = || tip(place, words).or_else(|| tag(place, words)).or_else(|| commit_named(place, words));
    plain.then(named).flatten()
}
