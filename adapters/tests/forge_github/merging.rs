//! Opening and merging pull requests: GitHub's refusals, and calls that take effect once although the response is lost.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{PullRequests as _, PullState};
use hotfix_fakes::server::Fault;

use super::support::{Place, TEAM, branch, merge_of, new_pull, rejected, repo, retried};

/// The head moves between the adapter's read and its call: GitHub's own comparison refuses the merge
/// (security case 27).
#[tokio::test]
async fn a_head_that_moves_at_the_last_moment_is_not_merged() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    let sneaked = place.commit("elsewhere", &[head.as_str()], "sneaked");
    place.fake.race_push(TEAM, "fix", &sneaked);
    let reason = rejected(place.github.merge(&repo(), number, &merge_of(&head)).await);
    assert!(reason.contains(&sneaked) && reason.contains("Review what came in"), "{reason}");
    let merge = place.fake.server.control.calls().into_iter().find(|call| call.method == "PUT").unwrap();
    assert_eq!((merge.status, merge.body.unwrap()["sha"].as_str()), (Some(409), Some(head.as_str())));
    assert_eq!(place.github.read(&repo(), number).await.unwrap().state, PullState::Open);
}

/// A 405 response passes on GitHub's own reason.
#[tokio::test]
async fn what_stands_in_the_way_of_a_merge_is_said() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    place.fake.block(TEAM, Some("Required status check \"build\" is expected."));
    let reason = rejected(place.github.merge(&repo(), number, &merge_of(&head)).await);
    assert!(reason.contains("Required status check \"build\" is expected"), "{reason}");
}

/// Right after a push GitHub does not know the mergeability yet; the adapter retries.
#[tokio::test]
async fn what_github_has_not_found_out_yet_is_tried_again() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    place.fake.undecided(TEAM, true);
    retried(place.github.merge(&repo(), number, &merge_of(&head)).await);
    place.fake.undecided(TEAM, false);
    place.fake.block(TEAM, Some("Base branch was modified. Review and try the merge again."));
    retried(place.github.merge(&repo(), number, &merge_of(&head)).await);
    place.fake.block(TEAM, None);
    place.github.merge(&repo(), number, &merge_of(&head)).await.unwrap();
}

/// Someone else opens the same pull request between the adapter's read and its call: GitHub answers 422, and that one
/// is used.
#[tokio::test]
async fn a_duplicate_is_the_one_that_is_there() {
    let place = Place::new("").await;
    place.branches();
    place.fake.race_open(TEAM, "fix", "main");
    let pull = place.github.open(&new_pull("fix")).await.unwrap();
    let answers: Vec<_> =
        place.fake.server.control.calls().iter().filter(|c| c.method == "POST").map(|c| c.status).collect();
    assert_eq!((pull.title.as_str(), place.fake.pulls(TEAM), answers), ("First", 1, vec![Some(422)]));
}

/// Without changes, or without the branch, the error contains GitHub's reason.
#[tokio::test]
async fn what_cannot_be_opened_is_rejected_with_the_reason() {
    let place = Place::new("").await;
    let (base, _) = place.branches();
    let _ = place.commit("main", &[base.as_str()], "later");
    let _ = place.fake.push_many(TEAM, "even", base.as_str(), 1, "Ada <ada@example.org>");
    assert!(rejected(place.github.open(&new_pull("nowhere")).await).contains("head invalid"));
    let mut none = new_pull("main");
    none.base = branch("even");
    none.head = branch("main");
    place.github.open(&none).await.unwrap();
    let mut same = new_pull("main");
    same.base = branch("main");
    assert!(rejected(place.github.open(&same).await).contains("No commits between main and main"));
}

/// The call takes effect but gets a 500, no response or half of one: one pull request, one merge, one comment,
/// one label.
#[tokio::test]
async fn what_was_done_without_an_answer_is_found_and_not_repeated() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new("").await;
        let (_, head) = place.branches();
        // The first call searches for it, the second opens it.
        place.fake.server.control.break_calls([(1, fault.clone())]);
        let pull = place.github.open(&new_pull("fix")).await.unwrap();
        assert_eq!((place.fake.pulls(TEAM), place.count("POST", "/pulls")), (1, 1), "{fault:?}");
        place.fake.server.control.break_calls([(1, fault.clone())]);
        place.github.comment(&repo(), pull.number, "HF-1/opened", "Hello").await.unwrap();
        assert_eq!(place.fake.comments(TEAM, pull.number.0).len(), 1, "{fault:?}");
        place.fake.server.control.break_calls([(1, fault.clone())]);
        place.github.set_labels(&repo(), pull.number, &["hotfix".to_owned()], &[]).await.unwrap();
        place.fake.server.control.break_calls([(1, fault.clone())]);
        let merged = place.github.merge(&repo(), pull.number, &merge_of(&head)).await.unwrap();
        assert_eq!(place.count("PUT", "/merge"), 1, "{fault:?}");
        let pull = place.github.read(&repo(), pull.number).await.unwrap();
        assert_eq!((pull.state, pull.labels), (PullState::Merged(merged), vec!["hotfix".to_owned()]), "{fault:?}");
    }
}

/// If a call gets no response and cannot be verified, the result is uncertain, and nothing is retried automatically.
#[tokio::test]
async fn what_may_have_been_done_is_uncertain() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    for fault in [Fault::Refuse(502), Fault::HangUp] {
        place.fake.server.control.break_calls([(1, fault.clone())]);
        let answer = place.github.merge(&repo(), number, &merge_of(&head)).await;
        assert!(matches!(answer, Err(Failure::Uncertain { .. })), "{answer:?}");
        place.fake.server.control.break_calls([(1, fault.clone())]);
        let answer = place.github.comment(&repo(), number, "k", "text").await;
        assert!(matches!(answer, Err(Failure::Uncertain { .. })), "{answer:?}");
        place.fake.server.control.break_calls([(1, fault.clone())]);
        let answer = place.github.close(&repo(), number).await;
        assert!(matches!(answer, Err(Failure::Uncertain { .. })), "{answer:?}");
    }
    place.github.merge(&repo(), number, &merge_of(&head)).await.unwrap();
    assert!(rejected(place.github.close(&repo(), number).await).contains("is merged"));
}

#[tokio::test]
async fn a_withdrawn_one_is_closed_once_and_again() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    place.github.close(&repo(), number).await.unwrap();
    place.github.close(&repo(), number).await.unwrap();
    assert_eq!(place.github.read(&repo(), number).await.unwrap().state, PullState::Closed);
    assert_eq!(place.count("PATCH", "/pulls/"), 1);
}

/// A fork may have a branch of the same name (security case 47).
#[tokio::test]
async fn a_branch_of_a_fork_is_not_ours() {
    let place = Place::new("").await;
    let (_, head) = place.branches();
    let number = place.fake.fork_pull(TEAM, "fix", head.as_str(), "main");
    assert_eq!(place.github.find(&repo(), &branch("fix"), &branch("main")).await, Ok(None));
    let foreign = hotfix_adapters::forge::PullNumber(number);
    assert!(rejected(place.github.read(&repo(), foreign).await).contains("fork"));
    assert!(rejected(place.github.merge(&repo(), foreign, &merge_of(&head)).await).contains("fork"));
}
