//! Conformance cases about the files of a commit.

use jiff::Timestamp;

use super::{Push, Setup, TEN, assert_rejected, branch, commit, main_branch, nowhere};
use crate::forge::NewCommit;
use crate::ids::CommitId;

fn new(parent: &CommitId, files: &[(&str, &[u8])]) -> NewCommit {
    NewCommit {
        parent: parent.clone(),
        message: "Release 1.2.3\n\nWhy.\n".into(),
        files: files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect(),
        at: Timestamp::from_second(1_700_000_000).unwrap(),
    }
}

/// A file is returned with its content at the commit; a missing file is `None`.
pub async fn a_file_is_read_as_it_was(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "lines", "one\r\ntwo").await;
    let read = async |at: &CommitId, path: &str| forge.read_file(&repo, at, path).await;
    assert_eq!(read(&base, "lines").await, Ok(Some(TEN.into())));
    assert_eq!(read(&next, "lines").await, Ok(Some(b"one\r\ntwo".to_vec())));
    assert_eq!(read(&next, "nothing").await, Ok(None));
    assert_eq!(read(&next, "lines/below").await, Ok(None));
    assert_rejected(read(&nowhere(), "lines").await, "");
}

/// A path is taken literally, even if it looks like a pattern, an option or a pathspec.
pub async fn a_path_is_no_pattern(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    for path in ["*", "l*", ":/lines", ":(glob)*", "../lines", "/lines", "./lines", "--help", ""] {
        let answer = forge.read_file(&repo, &base, path).await;
        let harmless = matches!(answer, Ok(None) | Err(crate::failure::Failure::Rejected { .. }));
        assert!(harmless, "{path:?} became {answer:?}");
    }
}

/// Reading or writing a folder as a file is rejected.
pub async fn a_folder_is_no_file(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "deploy/values.yaml", "a: 1\n").await;
    assert_rejected(forge.read_file(&repo, &next, "deploy").await, "deploy");
    assert_rejected(forge.commit_files(&repo, &new(&next, &[("deploy", b"x")])).await, "deploy");
}

/// Files are listed by folder and sorted; `""` lists the whole tree.
pub async fn paths_are_listed_by_folder_not_by_prefix(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let names = ["deploy/b/c.yaml", "deploy/a.yaml", "deploy-old/x", "deployed", "ä ö.txt"];
    let files: Vec<_> = names.iter().map(|name| (*name, Some("1"))).collect();
    let push = Push { branch: "main", parents: &[], files: &files, message: "Start", author: "A <a@b>" };
    let base = setup.push(push).await;
    let paths = async |below: &str| forge.paths(&repo, &base, below).await.unwrap();
    assert_eq!(paths("deploy").await, ["deploy/a.yaml", "deploy/b/c.yaml"]);
    assert_eq!(paths("deployed").await, ["deployed"]);
    assert_eq!(paths("nothing").await, Vec::<String>::new());
    let mut all = names.map(String::from).to_vec();
    all.sort();
    assert_eq!(paths("").await, all);
    assert_rejected(forge.paths(&repo, &nowhere(), "").await, "");
}

/// One commit changes several files, leaves all others, and moves no branch.
pub async fn a_commit_changes_these_files_and_moves_nothing(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let files = [("values.yaml", Some("a: 1\n")), ("deploy/keep", Some("k")), ("deploy/old", Some("o"))];
    let push = Push { branch: "main", parents: &[], files: &files, message: "Start", author: "A <a@b>" };
    let base = setup.push(push).await;
    let order = new(&base, &[("values.yaml", b"a: 2\n"), ("deploy/new/deep/er.txt", b"n"), ("deploy/old", b"O")]);
    let made = forge.commit_files(&repo, &order).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(base.clone())));
    let expected = ["deploy/keep", "deploy/new/deep/er.txt", "deploy/old", "values.yaml"];
    assert_eq!(forge.paths(&repo, &made, "").await.unwrap(), expected);
    for (path, content) in [("values.yaml", "a: 2\n"), ("deploy/new/deep/er.txt", "n"), ("deploy/old", "O")] {
        assert_eq!(forge.read_file(&repo, &made, path).await, Ok(Some(content.into())), "{path}");
    }
    assert_eq!(forge.read_file(&repo, &made, "deploy/keep").await, Ok(Some(b"k".to_vec())));
    let range = forge.commits_between(&repo, &base, &made, 10).await.unwrap();
    let info = &range.commits[0];
    assert_eq!((range.total, info.parents.as_slice(), info.subject.as_str()), (1, &[base][..], "Release 1.2.3"));
    assert_eq!(info.at.as_second(), 1_700_000_000);
    forge.create(&repo, &branch("release"), &made).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("release")).await, Ok(Some(made)));
}

/// Content is stored byte for byte, regardless of `.gitattributes`.
pub async fn content_is_kept_byte_for_byte(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let files = [(".gitattributes", Some("* text=auto eol=crlf\n*.bin filter=lfs\n")), ("a", Some("1"))];
    let push = Push { branch: "main", parents: &[], files: &files, message: "Start", author: "A <a@b>" };
    let base = setup.push(push).await;
    let every: Vec<u8> = (0..=255).collect();
    let contents: [&[u8]; 5] = [b"", b"no end", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", b"mixed\r\nends\n", &every];
    for content in contents {
        let order = new(&base, &[("a", content), ("b.bin", content)]);
        let made = forge.commit_files(&repo, &order).await.unwrap();
        for path in ["a", "b.bin"] {
            assert_eq!(forge.read_file(&repo, &made, path).await.unwrap().as_deref(), Some(content), "{path}");
        }
    }
}

/// Equal arguments yield the same commit id.
pub async fn the_same_files_are_the_same_commit(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let order = new(&base, &[("a", b"1"), ("b", b"2")]);
    let first = forge.commit_files(&repo, &order).await.unwrap();
    assert_eq!(forge.commit_files(&repo, &order).await, Ok(first.clone()));
    let others = [
        NewCommit { at: order.at + std::time::Duration::from_secs(1), ..order.clone() },
        NewCommit { message: "Other".into(), ..order.clone() },
        new(&base, &[("a", b"1"), ("b", b"3")]),
    ];
    for other in others {
        assert_ne!(forge.commit_files(&repo, &other).await.unwrap(), first);
    }
}

/// Paths outside the repository are rejected, and so is `.git` in every spelling that some file system accepts.
pub async fn a_path_that_is_no_file_of_a_repository_is_rejected(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let paths = [
        "",
        "/",
        "/etc/passwd",
        "../out",
        "a/../../out",
        "a/..",
        "./a",
        "a//b",
        "a/",
        ".git/config",
        "a/.GIT/hooks/x",
        ".git",
        "a\0b",
        ".git./config",
        ".git /config",
        "git~1/config",
        ".g\u{200c}it/config",
        "a\\..\\b",
        "a\nb",
    ];
    for path in paths {
        assert_rejected(forge.commit_files(&repo, &new(&base, &[("fine", b"1"), (path, b"1")])).await, "");
    }
    assert_rejected(forge.commit_files(&repo, &new(&base, &[("lines/below", b"1")])).await, "lines");
    assert_rejected(forge.commit_files(&repo, &new(&nowhere(), &[("a", b"1")])).await, "");
}
