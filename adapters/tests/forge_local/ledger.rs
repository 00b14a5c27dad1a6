//! The ledger of the local forge, which holds everything that git does not, and the users' actions on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::local::Local;
use hotfix_adapters::forge::{
    Check, CheckState, History, NewPullRequest, PullNumber, PullRequest, PullRequests, PullState, Refs, ReviewVerdict,
};
use hotfix_adapters::ids::{BranchName, CommitId, PersonRef, Platform, Repo};

use crate::support::{Place, git, grace, open};

fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

fn pull_from(place: &Place, head: &str) -> NewPullRequest {
    let (title, body) = (format!("Merge {head}"), "Please.".to_owned());
    NewPullRequest { repo: place.repo(), head: branch(head), base: branch("main"), title, body, author: Some(grace()) }
}

async fn opened() -> (Place, CommitId, CommitId, PullRequest) {
    let place = Place::new();
    let base = place.commit("main", &[], &[("a", "1")], "Start");
    let head = place.commit("fix", &[&base], &[("a", "2")], "Fix");
    let pull = place.local.open(&pull_from(&place, "fix")).await.unwrap();
    (place, base, head, pull)
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(result: Result<T, Failure>, naming: &str) {
    match result {
        Err(Failure::Rejected { reason }) if reason.contains(naming) => {}
        other => panic!("not rejected naming {naming:?}: {other:?}"),
    }
}

#[tokio::test]
async fn everything_outlives_a_restart() {
    let (place, base, head, pull) = opened().await;
    let (local, repo) = (&place.local, place.repo());
    local.review(&repo, pull.number, &grace(), ReviewVerdict::Approved).await.unwrap();
    local.label(&repo, pull.number, "urgent").await.unwrap();
    let check = Check { name: "build".into(), app: "ci".into(), state: CheckState::Success };
    local.set_check(&repo, &base, check.clone()).await.unwrap();
    let before = local.read(&repo, pull.number).await.unwrap();
    let again = open(place.folder.path());
    assert_eq!(again.read(&repo, pull.number).await.as_ref(), Ok(&before));
    assert_eq!(
        (before.author, before.labels, &before.reviews[0].person),
        (Some(grace()), vec!["urgent".into()], &grace())
    );
    assert_eq!((&before.reviews[0].commit, before.reviews[0].at.as_second()), (&head, 1_700_000_000));
    assert_eq!(again.checks(&repo, &base).await, Ok(vec![check]));
}

#[tokio::test]
async fn only_its_owner_can_read_it() {
    let (place, ..) = opened().await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.ledger()), mode(place.ledger().parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn two_processes_that_write_at_once_lose_nothing() {
    let (place, _, _, pull) = opened().await;
    let processes = [open(place.folder.path()), open(place.folder.path())];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (local, repo, number) = (processes[n % 2].clone(), place.repo(), pull.number);
        tasks.spawn(async move {
            let person = PersonRef::new(Platform::Git, format!("person{n}@example.org"));
            local.review(&repo, number, &person, ReviewVerdict::Approved).await.unwrap();
            local.open_issue(&repo, "Broken", &["release-blocker"]).await.unwrap()
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 20, "no number is given twice");
    assert_eq!(place.local.read(&place.repo(), pull.number).await.unwrap().reviews.len(), 20);
    assert_eq!(place.local.list_by_label(&place.repo(), "release-blocker").await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_understood_is_named_and_left_alone() {
    let (place, _, _, pull) = opened().await;
    for (text, word) in
        [("{ half", "understood"), ("{\"format\":9,\"next\":1,\"pulls\":[],\"issues\":[],\"checks\":{}}", "format 9")]
    {
        fs::write(place.ledger(), text).unwrap();
        assert_rejected(place.local.read(&place.repo(), pull.number).await, word);
        assert_rejected(place.local.open_issue(&place.repo(), "x", &[]).await, "team~payments.json");
        assert_eq!(fs::read_to_string(place.ledger()).unwrap(), text);
    }
}

#[tokio::test]
async fn issues_with_labels_are_found_until_they_are_closed() {
    let (place, _, _, pull) = opened().await;
    let (local, repo) = (&place.local, place.repo());
    let issue = local.open_issue(&repo, "Payments fail", &["release-blocker"]).await.unwrap();
    assert_ne!(issue, pull.number);
    local.label(&repo, pull.number, "release-blocker").await.unwrap();
    let numbers = async || -> Vec<PullNumber> {
        local.list_by_label(&repo, "release-blocker").await.unwrap().into_iter().map(|it| it.number).collect()
    };
    assert_eq!(numbers().await, [pull.number, issue]);
    local.unlabel(&repo, pull.number, "release-blocker").await.unwrap();
    assert_eq!(numbers().await, [issue]);
    local.close_issue(&repo, issue).await.unwrap();
    assert!(numbers().await.is_empty());
    assert_rejected(local.close_issue(&repo, issue).await, "2");
    assert_rejected(local.label(&repo, PullNumber(77), "x").await, "77");
}

#[tokio::test]
async fn what_is_over_takes_no_reviews() {
    let (place, _, head, pull) = opened().await;
    place.git(&["update-ref", "refs/heads/main", head.as_str()]);
    assert_rejected(
        place.local.review(&place.repo(), pull.number, &grace(), ReviewVerdict::Approved).await,
        "not open",
    );
    let read = place.local.read(&place.repo(), pull.number).await.unwrap();
    assert_eq!((read.state, read.reviews), (PullState::Merged(head), vec![]), "a fast-forward push merged it");
}

#[tokio::test]
async fn a_branch_that_a_push_deletes_leaves_its_last_known_head() {
    let (place, base, head, pull) = opened().await;
    place.git(&["update-ref", "-d", "refs/heads/fix"]);
    let read = place.local.read(&place.repo(), pull.number).await.unwrap();
    assert_eq!((read.state, read.head_commit), (PullState::Open, head));
    let other = place.commit("fix", &[&base], &[("a", "3")], "Fix, otherwise");
    assert_eq!(place.local.read(&place.repo(), pull.number).await.unwrap().head_commit, other, "pushed again");
}

#[tokio::test]
async fn a_head_that_goes_back_to_the_base_was_not_merged() {
    let (place, base, _, pull) = opened().await;
    place.git(&["update-ref", "refs/heads/fix", base.as_str()]);
    assert_eq!(place.local.read(&place.repo(), pull.number).await.unwrap().state, PullState::Open);
    let next = place.commit("main", &[&base], &[("b", "1")], "Next");
    assert_eq!(place.local.read(&place.repo(), pull.number).await.unwrap().state, PullState::Open);
    place.git(&["update-ref", "refs/heads/fix", next.as_str()]);
    assert_eq!(place.local.read(&place.repo(), pull.number).await.unwrap().state, PullState::Open);
}

#[tokio::test]
async fn a_pull_request_needs_something_to_merge() {
    let (place, base, ..) = opened().await;
    place.local.create(&place.repo(), &branch("empty"), &base).await.unwrap();
    assert_rejected(place.local.open(&pull_from(&place, "empty")).await, "nothing to merge");
    assert_rejected(place.local.open(&pull_from(&place, "main")).await, "itself");
}

#[tokio::test]
async fn a_check_is_of_a_commit_that_is_there() {
    let (place, ..) = opened().await;
    let check = Check { name: "build".into(), app: "ci".into(), state: CheckState::Success };
    let nowhere = CommitId::parse(&"5".repeat(40)).unwrap();
    assert_rejected(place.local.set_check(&place.repo(), &nowhere, check).await, "5555555");
}

#[tokio::test]
async fn a_checkout_serves_too_but_its_branch_stays_under_its_feet() {
    let place = Place::new();
    let folder = place.folder.path().join("repositories/shop");
    fs::create_dir_all(&folder).unwrap();
    git(&folder, &["init", "--quiet", "--initial-branch=main", "."], b"");
    git(&folder, &["commit", "--quiet", "--allow-empty", "-m", "Start"], b"");
    let repo = Repo::parse("shop").unwrap();
    let start = place.local.resolve(&repo, "main").await.unwrap().unwrap();
    git(&folder, &["commit", "--quiet", "--allow-empty", "-m", "Next"], b"");
    let next = place.local.resolve(&repo, "main").await.unwrap().unwrap();
    assert_rejected(place.local.advance(&repo, &branch("main"), &next, &start).await, "checked out");
    assert_rejected(place.local.delete(&repo, &branch("main"), &next).await, "checked out");
    place.local.create(&repo, &branch("hotfix"), &start).await.unwrap();
    place.local.advance(&repo, &branch("hotfix"), &start, &next).await.unwrap();
    git(&folder, &["switch", "--quiet", "--detach"], b"");
    place.local.advance(&repo, &branch("main"), &next, &start).await.unwrap();
}

#[tokio::test]
async fn a_missing_repository_is_named_without_its_folder() {
    let place = Place::new();
    let local: &Local = &place.local;
    for name in ["nothing", "team", "team/other"] {
        let found = local.tip(&Repo::parse(name).unwrap(), &branch("main")).await;
        assert_eq!(found, Err(Failure::rejected(format!("there is no repository {name}"))));
    }
    let options = hotfix_adapters::forge::local::LocalOptions::new("/nonexistent/x", place.folder.path());
    assert_rejected(Local::open(options).map(|_| ()), "/nonexistent/x");
}

/// Failures are shown in chat, so they must not reveal folders of the server.
#[tokio::test]
async fn no_failure_names_a_folder() {
    let (place, base, _, pull) = opened().await;
    let (local, repo) = (&place.local, place.repo());
    let folder = place.folder.path().to_str().unwrap();
    let nowhere = CommitId::parse(&"5".repeat(40)).unwrap();
    let unknown = local.size(&repo, &base, &nowhere).await.unwrap_err();
    assert!(!unknown.reason().contains(folder), "{unknown}");
    fs::write(place.ledger(), "{").unwrap();
    let torn = local.read(&repo, pull.number).await.unwrap_err();
    assert!(torn.reason().contains("team~payments.json") && !torn.reason().contains(folder), "{torn}");
}
