//! git commands that the GitLab fake runs in its bare repositories.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::git::program;
use crate::objects::{is_ancestor, of_objects};

/// Runs git with this standard input and extra environment variables, and returns its output; `None` if it fails.
pub(super) fn run(place: &Path, args: &[&str], input: &[u8], extra: &[(&str, &str)]) -> Option<String> {
    let mut child = Command::new(program())
        .args(args)
        .current_dir(place)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "GitLab"), ("GIT_AUTHOR_EMAIL", "gitlab@example.org")])
        .envs([("GIT_COMMITTER_NAME", "GitLab"), ("GIT_COMMITTER_EMAIL", "gitlab@example.org")])
        .envs(extra.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git can be run");
    child.stdin.take().expect("a pipe").write_all(input).expect("git reads");
    let output = child.wait_with_output().expect("git answers");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

pub(super) fn ask(place: &Path, args: &[&str]) -> Option<String> {
    run(place, args, b"", &[])
}

/// Returns the first-parent commit of `base` that brought `head` in, or `head` itself if it is on that line.
pub(super) fn brought(place: &Path, head: &str, base: &str) -> String {
    let line = of_objects(place, &["rev-list", "--first-parent", base]).unwrap_or_default();
    if line.lines().any(|commit| commit == head) {
        return head.to_owned();
    }
    let line: Vec<&str> = line.lines().take_while(|commit| is_ancestor(place, head, commit)).collect();
    line.last().map_or_else(|| base.to_owned(), ToString::to_string)
}

/// Returns the tree of a merge; `None` if it conflicts.
pub(super) fn merged_tree(place: &Path, base: &str, head: &str) -> Option<String> {
    ask(place, &["merge-tree", "--write-tree", "--name-only", base, head])
        .and_then(|out| out.lines().next().map(str::to_owned))
}

pub(super) fn commit(place: &Path, tree: &str, parents: &[&str], message: &str) -> String {
    let mut args = vec!["commit-tree", tree];
    for parent in parents {
        args.extend(["-p", parent]);
    }
    run(place, &args, message.as_bytes(), &[]).expect("a commit")
}

/// Creates a commit with separate author and committer, each as (name, address).
pub(super) fn commit_as(
    place: &Path,
    (tree, parents): (&str, &[&str]),
    message: &str,
    (author, committer): (&(String, String), &(String, String)),
) -> String {
    let mut args = vec!["commit-tree", tree];
    for parent in parents {
        args.extend(["-p", parent]);
    }
    let names = [
        ("GIT_AUTHOR_NAME", author.0.as_str()),
        ("GIT_AUTHOR_EMAIL", author.1.as_str()),
        ("GIT_COMMITTER_NAME", committer.0.as_str()),
        ("GIT_COMMITTER_EMAIL", committer.1.as_str()),
    ];
    run(place, &args, message.as_bytes(), &names).expect("a commit")
}

pub(super) fn point(place: &Path, branch: &str, to: &str) {
    ask(place, &["update-ref", &format!("refs/heads/{branch}"), to]).expect("a branch");
}
