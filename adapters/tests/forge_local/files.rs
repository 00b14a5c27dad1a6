//! Modes, links and folders, which a commit of files must preserve.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{Files, NewCommit};
use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;

use crate::support::{Place, git, id};

/// Creates a commit with a script, a link, a link to a folder, a submodule and a file in a folder.
fn place() -> (Place, CommitId) {
    let place = Place::new();
    let link = |target: &str| format!("data {}\n{target}\n", target.len());
    let input = format!(
        "commit refs/heads/main\nmark :1\ncommitter A <a@b> 1 +0000\ndata 1\nx\n\
         M 100755 inline run.sh\n{}M 120000 inline link\n{}M 120000 inline folder-link\n{}\
         M 160000 {} module\nM 100644 inline folder/file\n{}\nget-mark :1\n",
        link("#!/bin/sh"),
        link("/etc/passwd"),
        link("folder"),
        "1".repeat(40),
        link("content"),
    );
    let commit = id(git(&place.directory(), &["fast-import", "--quiet"], input.as_bytes()));
    (place, commit)
}

async fn committed(place: &Place, parent: &CommitId, files: &[(&str, &str)]) -> Result<CommitId, Failure> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let new = NewCommit { parent: parent.clone(), message: "x".into(), files, at: Timestamp::UNIX_EPOCH };
    place.local.commit_files(&place.repo(), &new).await
}

#[tokio::test]
async fn a_script_stays_one_and_everything_else_stays_as_it_is() {
    let (place, base) = place();
    let made = committed(&place, &base, &[("run.sh", "new"), ("folder/new", "1")]).await.unwrap();
    let tree = |commit: &CommitId| place.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", commit.as_str()]);
    let expected = tree(&base).replace("100644 folder/file", "100644 folder/file\n100644 folder/new");
    assert_eq!(tree(&made), expected);
    assert_eq!(place.git(&["diff-tree", "-r", "--name-only", base.as_str(), made.as_str()]), "folder/new\nrun.sh");
    place.git(&["fsck", "--strict", made.as_str()]);
}

#[tokio::test]
async fn links_and_submodules_are_neither_read_nor_written_nor_passed_through() {
    let (place, base) = place();
    for path in ["link", "folder-link", "module", "folder"] {
        let read = place.local.read_file(&place.repo(), &base, path).await;
        assert!(matches!(&read, Err(Failure::Rejected { reason }) if reason.contains(path)), "{path}: {read:?}");
    }
    assert_eq!(place.local.read_file(&place.repo(), &base, "folder-link/file").await, Ok(None));
    for path in ["link", "folder-link", "folder-link/file", "module", "module/file", "folder", "run.sh/file"] {
        let written = committed(&place, &base, &[(path, "x")]).await;
        let first = path.split('/').next().unwrap();
        assert!(matches!(&written, Err(Failure::Rejected { reason }) if reason.contains(first)), "{path}: {written:?}");
    }
}

#[tokio::test]
async fn files_of_one_commit_do_not_get_in_each_others_way_unseen() {
    let (place, base) = place();
    assert!(committed(&place, &base, &[("new", "1"), ("new/below", "2")]).await.is_err());
    assert!(committed(&place, &base, &[("new/below", "2"), ("new", "1")]).await.is_err());
    let made = committed(&place, &base, &[("new/a", "1"), ("new/b", "2"), ("new/a", "3")]).await.unwrap();
    assert_eq!(place.local.paths(&place.repo(), &made, "new").await.unwrap(), ["new/a", "new/b"]);
    assert_eq!(place.local.read_file(&place.repo(), &made, "new/a").await, Ok(Some(b"3".to_vec())));
}
