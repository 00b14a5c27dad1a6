//! Merges of pull requests, performed with git in the bare repository.

use serde_json::json;

use super::pulls::has;
use super::serve::{Call, Reply};
use super::state::{Event, Merged, State};
use crate::objects::{tip, try_git};

const NOT_MERGEABLE: &str = "Pull Request is not mergeable";

pub(super) fn is_merged(state: &State, full: &str, number: &str) -> Reply {
    let merged = has(state, full, number)
        .is_some_and(|number| state.repos[full].issues[&number].pull.as_ref().unwrap().merged.is_some());
    if merged { Reply::Nothing(204) } else { Reply::not_found() }
}

pub(super) fn merge(state: &mut State, call: &Call, full: &str, number: &str) -> Reply {
    let Some(number) = has(state, full, number) else { return Reply::not_found() };
    let repo = &state.repos[full];
    let issue = &repo.issues[&number];
    let pull = issue.pull.as_ref().unwrap();
    if !issue.open {
        return Reply::error(405, NOT_MERGEABLE, None);
    }
    if call.text("sha").is_some_and(|sha| sha != pull.head_sha) {
        return Reply::error(409, "Head branch was modified. Review and try the merge again.", None);
    }
    if let Some(why) = &repo.blocked {
        return Reply::error(405, why, None);
    }
    if repo.undecided {
        return Reply::error(405, NOT_MERGEABLE, None);
    }
    let place = repo.place.clone();
    let (head, base) = (pull.head_sha.clone(), pull.base.clone());
    let Some(base_sha) = tip(&place, &base) else { return Reply::error(405, NOT_MERGEABLE, None) };
    let Ok(tree) = try_git(&place, &["merge-tree", "--write-tree", &base_sha, &head], &[]) else {
        return Reply::error(405, NOT_MERGEABLE, None);
    };
    let usual = format!("Merge pull request #{number} from {}/{}", repo.owner, pull.head);
    let (squash, title) = match call.text("merge_method").unwrap_or("merge") {
        "merge" => (false, call.text("commit_title").map_or(usual, str::to_owned)),
        "squash" => {
            (true, call.text("commit_title").map_or_else(|| format!("{} (#{number})", issue.title), str::to_owned))
        }
        _ => return Reply::error(422, "Invalid request.\n\nNo such merge_method.", None),
    };
    let message = format!("{title}\n\n{}", call.text("commit_message").unwrap_or_default());
    // GitHub attributes a squash commit to the author of the pull request, and a merge commit to the user who merges.
    let author = if squash { issue.user } else { call.user };
    let login = state.users[&author].login.clone();
    let mail = format!("{author}+{login}@users.noreply.github.com");
    let names = [
        ("GIT_AUTHOR_NAME", login.as_str()),
        ("GIT_AUTHOR_EMAIL", mail.as_str()),
        ("GIT_COMMITTER_NAME", "GitHub"),
        ("GIT_COMMITTER_EMAIL", "noreply@github.com"),
    ];
    let mut args = vec!["commit-tree", tree.as_str(), "-m", message.trim_end(), "-p", base_sha.as_str()];
    if !squash {
        args.extend(["-p", head.as_str()]);
    }
    let commit = try_git(&place, &args, &names).unwrap();
    try_git(&place, &["update-ref", &format!("refs/heads/{base}"), &commit, &base_sha], &[]).unwrap();
    let (id, at) = (state.id(), state.at());
    let issue = state.repo(full).issues.get_mut(&number).unwrap();
    (issue.open, issue.closed) = (false, Some(at.clone()));
    issue.events.push(Event { id, event: "merged", actor: call.user, label: None, at: at.clone() });
    issue.pull.as_mut().unwrap().merged = Some(Merged { at, by: call.user, commit: commit.clone() });
    super::code::settle(state, full);
    Reply::ok(json!({ "sha": commit, "merged": true, "message": "Pull Request successfully merged" }))
}
