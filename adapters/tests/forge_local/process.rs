//! Git processes: isolated from the user's configuration and environment, with a timeout, and with a clear error for
//! every failure.

use std::time::Duration;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::git::{Git, OLDEST_VERSION};
use hotfix_adapters::forge::{Change, Containment, Pick, Picked};
use hotfix_adapters::ids::BranchName;
use jiff::Timestamp;

use crate::support::Place;

/// Returns a pick during which git runs this command as a merge driver of the repository.
fn pick_that_runs(place: &Place, command: &str) -> Pick {
    place.git(&["config", "merge.spy.driver", command]);
    let base = place.commit("main", &[], &[(".gitattributes", "file merge=spy\n"), ("file", "1")], "Start");
    let source = place.commit("main", &[&base], &[("file", "2")], "Source");
    let onto = place.commit("hotfix", &[&base], &[("file", "3")], "Production");
    Pick { onto, source, at: Timestamp::UNIX_EPOCH, trace: false }
}

#[tokio::test]
async fn the_installed_git_will_do() {
    assert!(Git::check_version().await.unwrap() >= OLDEST_VERSION);
}

#[tokio::test]
async fn nothing_of_our_environment_reaches_git() {
    let place = Place::new();
    let seen = place.folder.path().join("environment");
    let pick = pick_that_runs(&place, &format!("env > {}; exit 1", seen.display()));
    let answer = Git::at(place.directory()).config("http.extraHeader", "x").pick(&pick).await;
    assert_eq!(answer, Ok(Picked::Conflict { files: vec!["file".into()] }));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "we do have something that must not leak");
    assert!(!seen.contains("CARGO"), "{seen}");
    for line in ["HOME=/nonexistent", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"] {
        assert!(seen.lines().any(|other| other == line), "{line}");
    }
}

/// Git writes the files of a merge driver into its working directory, so the bot needs write access there; git
/// removes them.
#[tokio::test]
async fn what_a_merge_driver_is_given_lies_in_the_repository() {
    let place = Place::new();
    let seen = place.folder.path().join("folder");
    let pick = pick_that_runs(&place, &format!("pwd > {}; exit 1", seen.display()));
    let answer = Git::at(place.directory()).pick(&pick).await;
    assert_eq!(answer, Ok(Picked::Conflict { files: vec!["file".into()] }));
    let ran_in = std::fs::read_to_string(seen).unwrap();
    assert_eq!(std::fs::canonicalize(ran_in.trim()).unwrap(), std::fs::canonicalize(place.directory()).unwrap());
    let left = std::fs::read_dir(place.directory()).unwrap().flatten();
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".merge_file")));
}

#[tokio::test]
async fn what_takes_too_long_is_stopped() {
    let place = Place::new();
    let pick = pick_that_runs(&place, "exec sleep 600");
    let git = Git::at(place.directory()).time_limit(Duration::from_millis(300));
    let failure = git.pick(&pick).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Retry { reason, .. } if reason.contains("merge-tree") && reason.contains("300 ms"))
    );
}

#[tokio::test]
async fn whoever_stops_waiting_stops_git_and_its_children() {
    let place = Place::new();
    let file = place.folder.path().join("process");
    let pick = pick_that_runs(&place, &format!("echo $$ > {}; exec sleep 600", file.display()));
    let git = Git::at(place.directory());
    let started = async {
        loop {
            match std::fs::read_to_string(&file).unwrap_or_default().trim() {
                "" => tokio::task::yield_now().await,
                process => return process.to_owned(),
            }
        }
    };
    let process = tokio::select! {
        answer = git.pick(&pick) => panic!("{answer:?}"),
        process = started => process,
    };
    // The process is gone, or a zombie that its new parent has not reaped yet.
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    let gone = async {
        while runs() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the process outlived the wait for it");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_kept() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let head = place.commit("main", &[&base], &[("a", "2")], "Next");
    let failure = Git::at(place.directory()).output_limit(20).between(&base, &head, 1).await.unwrap_err();
    assert!(failure.reason().contains("20 bytes"), "{failure}");
}

/// Buffered output is limited; the patch of a large file is compared as a stream.
#[tokio::test]
async fn the_patch_of_a_large_file_may_be_longer_than_an_answer() {
    let place = Place::new();
    let large = "0123456789\n".repeat(10_000);
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let head = place.commit("fix", &[&base], &[("large", &large)], "Large");
    let other = place.commit("main", &[&base], &[("a", "2")], "Other");
    let tip = place.commit("main", &[&other], &[("large", &large)], "Large again");
    let change = Change { base, head };
    let how = Git::at(place.directory()).output_limit(20_000).containment(&change, &tip).await.unwrap();
    assert_eq!(how, Containment::Patch);
}

#[tokio::test]
async fn a_repository_that_is_gone_is_named() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let git = Git::at(place.directory());
    std::fs::remove_dir_all(place.directory()).unwrap();
    let failures = [
        git.tip(&BranchName::parse("main").unwrap()).await.unwrap_err(),
        git.is_ancestor(&base, &base).await.unwrap_err(),
        git.resolve("main").await.unwrap_err(),
    ];
    for failure in failures {
        let named = failure.reason().contains(place.directory().to_str().unwrap());
        assert!(named && matches!(failure, Failure::Rejected { .. }), "{failure:?}");
    }
}

#[tokio::test]
async fn a_locked_branch_is_tried_again_later() {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let next = place.commit("next", &[&base], &[("a", "2")], "Next");
    std::fs::write(place.directory().join("refs/heads/main.lock"), "").unwrap();
    let main = BranchName::parse("main").unwrap();
    let failure = Git::at(place.directory()).move_branch(&main, &base, &next).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retry { reason, .. } if reason.contains("main.lock")), "{failure:?}");
}

/// A hook of the repository would run on every branch update.
#[tokio::test]
async fn hooks_are_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let hook = place.directory().join("hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    Git::at(place.directory()).create_branch(&BranchName::parse("hotfix").unwrap(), &base).await.unwrap();
}
