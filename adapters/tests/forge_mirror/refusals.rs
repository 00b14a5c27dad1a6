//! Outages, refusals and lost responses of the forge.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::{History, Refs};
use hotfix_adapters::ids::{BranchName, CommitId};
use hotfix_fakes::server::Fault;

use crate::repository::git;
use crate::support::Place;

fn hotfix() -> BranchName {
    BranchName::parse("hotfix").unwrap()
}

/// Returns a place whose mirror knows two commits of `main`.
async fn place() -> (Place, CommitId, CommitId) {
    let place = Place::new().await;
    let base = place.commit("main", &[], &[("a", "1")]);
    let next = place.commit("main", &[&base], &[("a", "2")]);
    place.mirror.count(&place.repo(), &next).await.unwrap();
    (place, base, next)
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(result: Result<T, Failure>, naming: &str) {
    match result {
        Err(Failure::Rejected { reason }) if reason.contains(naming) => {}
        other => panic!("not rejected naming {naming:?}: {other:?}"),
    }
}

#[tokio::test]
async fn a_forge_that_is_down_or_busy_is_asked_again_later() {
    let (place, base, _) = place().await;
    let unknown = CommitId::parse(&"5".repeat(40)).unwrap();
    for fault in [Fault::Refuse(500), Fault::Refuse(503), Fault::TooMany(7), Fault::HangUp] {
        place.server.control.down(Some(fault.clone()));
        let failures = [
            place.mirror.tip(&place.repo(), &hotfix()).await.unwrap_err(),
            place.mirror.resolve(&place.repo(), "main").await.unwrap_err(),
            place.mirror.count(&place.repo(), &unknown).await.unwrap_err(),
            place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap_err(),
        ];
        for failure in failures {
            assert!(matches!(failure, Failure::Retry { .. }), "{fault:?}: {failure:?}");
        }
    }
    place.server.control.down(None);
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
}

#[tokio::test]
async fn what_is_known_needs_no_forge() {
    let (place, base, next) = place().await;
    place.server.control.down(Some(Fault::Refuse(503)));
    assert_eq!(place.mirror.commits_between(&place.repo(), &base, &next, 5).await.unwrap().total, 1);
}

#[tokio::test]
async fn content_that_cannot_be_fetched_now_is_tried_again_later() {
    use hotfix_adapters::forge::Files;
    let (place, _, next) = place().await;
    place.server.control.down(Some(Fault::Refuse(503)));
    let failure = place.mirror.read_file(&place.repo(), &next, "a").await.unwrap_err();
    assert!(matches!(failure, Failure::Retry { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_rejected() {
    let (place, ..) = place().await;
    let nowhere = hotfix_adapters::ids::Repo::parse("team/nowhere").unwrap();
    assert_rejected(place.mirror.tip(&nowhere, &hotfix()).await, "team/nowhere.git");
}

/// The forge itself checks the lease, so a concurrent push wins at any time.
#[tokio::test]
async fn whoever_comes_between_the_look_and_the_push_wins() {
    let (place, base, next) = place().await;
    let theirs = place.commit("theirs", &[&base], &[("b", "1")]);
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
    let (directory, at) = (place.directory(), theirs.clone());
    let act = move || drop(git(&directory, &["update-ref", "refs/heads/hotfix", at.as_str()], b""));
    *place.before_push.lock().unwrap() = Some(Box::new(act));
    let answer = place.mirror.advance(&place.repo(), &hotfix(), &base, &next).await;
    assert_rejected(answer, "somebody moved it");
    assert_eq!(place.mirror.tip(&place.repo(), &hotfix()).await, Ok(Some(theirs)));
}

#[tokio::test]
async fn whoever_comes_between_and_does_the_same_has_done_it() {
    let (place, base, _) = place().await;
    let (directory, at) = (place.directory(), base.clone());
    let act = move || drop(git(&directory, &["update-ref", "refs/heads/hotfix", at.as_str()], b""));
    *place.before_push.lock().unwrap() = Some(Box::new(act));
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
}

#[tokio::test]
async fn a_protected_branch_is_rejected_in_the_words_of_the_forge() {
    let (place, base, next) = place().await;
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
    place.hook("echo 'GH006: Protected branch update failed' >&2; exit 1");
    let answer = place.mirror.advance(&place.repo(), &hotfix(), &base, &next).await;
    assert_rejected(answer, "GH006: Protected branch update failed");
    assert_rejected(place.mirror.delete(&place.repo(), &hotfix(), &base).await, "pre-receive hook declined");
    assert_eq!(place.mirror.tip(&place.repo(), &hotfix()).await, Ok(Some(base)));
}

/// Number of calls before the push of a new branch: two to read its head, and one to begin the push.
const PUSH: usize = 3;

#[tokio::test]
async fn a_lost_answer_is_looked_up_at_once() {
    for fault in [Fault::DoneButHangUp, Fault::DoneBut500, Fault::HalfBody] {
        let (place, base, _) = place().await;
        place.server.control.forget();
        place.server.control.break_calls([(PUSH, fault)]);
        place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
        assert!(place.server.control.calls()[PUSH].path.ends_with("/git-receive-pack"), "the push is what was broken");
        assert_eq!(place.moves(), 1);
    }
}

#[tokio::test]
async fn a_lost_answer_that_cannot_be_looked_up_is_uncertain_and_repeating_is_harmless() {
    let (place, base, _) = place().await;
    place.server.control.forget();
    place.server.control.break_calls([(PUSH, Fault::DoneBut500), (PUSH + 1, Fault::Refuse(503))]);
    let failure = place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap_err();
    assert!(matches!(failure, Failure::Uncertain { .. }), "{failure:?}");
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
    assert_eq!(place.moves(), 1, "the second time nothing was left to do");
    assert_eq!(place.mirror.tip(&place.repo(), &hotfix()).await, Ok(Some(base)));
}

/// Nothing was pushed, but the bot cannot know: the forge may still be at work.
#[tokio::test]
async fn a_push_that_a_gateway_gave_up_on_is_uncertain() {
    let (place, base, _) = place().await;
    place.server.control.break_calls([(PUSH, Fault::Refuse(504))]);
    let failure = place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap_err();
    assert!(matches!(failure, Failure::Uncertain { .. }), "{failure:?}");
    place.mirror.create(&place.repo(), &hotfix(), &base).await.unwrap();
}
