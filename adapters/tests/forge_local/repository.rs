//! Real git repositories, with the steps that developers take.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hotfix_adapters::forge::conformance::Push;
use hotfix_adapters::ids::CommitId;

/// Runs git in a directory without user configuration; panics on failure.
pub(crate) fn git(directory: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}");
    output.stdout
}

/// Creates one commit with `git fast-import`, which needs no checkout and only one process.
pub(crate) fn import(directory: &Path, push: Push<'_>) -> CommitId {
    let Push { branch, parents, files, message, author } = push;
    let mut input = format!("commit refs/heads/{branch}\nmark :1\nauthor {author} 1690000000 +0200\n");
    input += &format!("committer Pat <pat@example.org> 1690000001 +0200\ndata {}\n{message}\n", message.len());
    for (place, parent) in parents.iter().enumerate() {
        input += &format!("{} {parent}\n", if place == 0 { "from" } else { "merge" });
    }
    for (path, text) in files {
        match text {
            Some(text) => input += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()),
            None => input += &format!("D {path}\n"),
        }
    }
    // Without a parent, fast-import would continue an existing branch.
    let input = if parents.is_empty() { format!("reset refs/heads/{branch}\n\n{input}") } else { input };
    let answer = git(directory, &["fast-import", "--quiet", "--force"], format!("{input}\nget-mark :1\n").as_bytes());
    id(answer)
}

/// Parses a commit id from git's output.
pub(crate) fn id(text: impl AsRef<[u8]>) -> CommitId {
    CommitId::parse(std::str::from_utf8(text.as_ref()).unwrap().trim()).unwrap()
}
