//! Checks and commit statuses.

use hotfix_adapters::forge::{Check, CheckState, PullRequests as _};
use hotfix_adapters::ids::BranchName;
use hotfix_fakes::server::Fault;

use super::support::{Place, TEAM, rejected, repo, retried};

fn check(name: &str, app: &str, state: CheckState) -> Check {
    Check { name: name.to_owned(), app: app.to_owned(), state }
}

/// A check of the same name by another app, or a user's commit status, is another check (security case 52).
#[tokio::test]
async fn a_check_is_known_by_its_name_and_who_reported_it() {
    let place = Place::new("").await;
    let (head, _) = place.branches();
    let commit = head.as_str();
    place.fake.check(TEAM, commit, "github-actions", "build", "failure");
    place.fake.check(TEAM, commit, "impostor", "build", "success");
    place.fake.status(TEAM, commit, "mallory", "build", "success");
    place.fake.status(TEAM, commit, "jenkins", "build", "pending");
    place.fake.status(TEAM, commit, "jenkins", "build", "error");
    let checks = place.github.checks(&repo(), &head).await.unwrap();
    let expected = [
        check("build", "github-actions", CheckState::Failure),
        check("build", "impostor", CheckState::Success),
        check("build", "jenkins", CheckState::Failure),
        check("build", "mallory", CheckState::Success),
    ];
    assert_eq!(checks, expected);
}

/// Only a definite success counts as one; every other conclusion does not.
#[tokio::test]
async fn every_other_word_is_no_success() {
    let place = Place::new("").await;
    let (head, _) = place.branches();
    let words = [
        ("success", CheckState::Success),
        ("queued", CheckState::Pending),
        ("waiting", CheckState::Pending),
        ("neutral", CheckState::Neutral),
        ("skipped", CheckState::Neutral),
        ("cancelled", CheckState::Failure),
        ("timed_out", CheckState::Failure),
        ("action_required", CheckState::Failure),
        ("stale", CheckState::Failure),
        ("startup_failure", CheckState::Failure),
        ("a_word_of_next_year", CheckState::Failure),
    ];
    words.iter().for_each(|(word, _)| place.fake.check(TEAM, head.as_str(), "ci", word, word));
    let checks = place.github.checks(&repo(), &head).await.unwrap();
    for (word, state) in words {
        assert_eq!(checks.iter().find(|check| check.name == word).unwrap().state, state, "{word}");
    }
}

/// A failure on the third page is found.
#[tokio::test]
async fn checks_are_read_to_the_last_page() {
    let place = Place::new("").await;
    let (head, _) = place.branches();
    // The newest are listed first, so the oldest is on the last page.
    place.fake.check(TEAM, head.as_str(), "ci", "the-first", "failure");
    place.fake.status(TEAM, head.as_str(), "jenkins", "the-first", "failure");
    for number in 0..205 {
        place.fake.check(TEAM, head.as_str(), "ci", &format!("job-{number}"), "success");
        place.fake.status(TEAM, head.as_str(), "jenkins", &format!("job-{number}"), "success");
    }
    let checks = place.github.checks(&repo(), &head).await.unwrap();
    let failed: Vec<_> =
        checks.iter().filter(|check| check.state == CheckState::Failure).map(|c| c.app.as_str()).collect();
    assert_eq!((checks.len(), failed), (412, vec!["ci", "jenkins"]));
}

/// Unreadable checks are an error, never an empty list (security case 51): neither of the two APIs may fail silently.
#[tokio::test]
async fn unreadable_checks_are_an_error() {
    let place = Place::new("").await;
    let (head, _) = place.branches();
    place.fake.check(TEAM, head.as_str(), "ci", "build", "success");
    for call in [0, 1] {
        place.fake.server.control.break_calls([(call, Fault::Refuse(500))]);
        retried(place.github.checks(&repo(), &head).await);
        place.fake.server.control.break_calls([(call, Fault::HalfBody)]);
        retried(place.github.checks(&repo(), &head).await);
        place.fake.server.control.break_calls([(call, Fault::Refuse(403))]);
        let needs = ["Checks: read", "Commit statuses: read"][call];
        assert!(rejected(place.github.checks(&repo(), &head).await).contains(needs));
    }
}

/// Both branch protection and rulesets require checks. A plan without rulesets answers 403, and branch protection still
/// counts; any other failed read is an error, never fewer checks.
#[tokio::test]
async fn what_protection_and_rulesets_require_is_read() {
    let place = Place::new("").await;
    let _ = place.branches();
    let main = BranchName::parse("main").unwrap();
    assert!(place.github.required_checks(&repo(), &main).await.unwrap().is_empty());
    for (branch, context, by_ruleset) in
        [("main", "unit", true), ("main", "build", false), ("main", "build", true), ("release", "other", false)]
    {
        place.fake.require(TEAM, branch, context, by_ruleset);
    }
    assert_eq!(place.github.required_checks(&repo(), &main).await.unwrap(), ["build", "unit"]);
    place.fake.server.control.break_calls([(1, Fault::Refuse(403))]);
    assert_eq!(place.github.required_checks(&repo(), &main).await.unwrap(), ["build"]);
    for call in [0, 1] {
        place.fake.server.control.break_calls([(call, Fault::Refuse(500))]);
        retried(place.github.required_checks(&repo(), &main).await);
    }
}
