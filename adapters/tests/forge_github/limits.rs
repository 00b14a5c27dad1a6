//! Rate limits, and calls that do not count against them.

use std::time::Duration;

use hotfix_adapters::forge::PullRequests as _;
use hotfix_adapters::forge::github::Calls;
use hotfix_fakes::github::Limit;
use hotfix_fakes::server::Fault;

use super::support::{Place, TEAM, merge_of, new_pull, repo, retried};

/// 429 with `Retry-After`, the hourly limit, and the secondary limit with and without a delay (security case 56).
#[tokio::test]
async fn github_says_how_long_it_wants_to_be_left_alone() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    place.fake.server.control.break_calls([(0, Fault::TooMany(17))]);
    assert_eq!(retried(place.github.read(&repo(), number).await).1, Some(Duration::from_secs(17)));
    place.fake.server.control.break_calls([(1, Fault::TooMany(3))]);
    assert_eq!(retried(place.github.merge(&repo(), number, &merge_of(&head)).await).1, Some(Duration::from_secs(3)));
    let limits =
        [(Limit::Secondary(40), 40..=40), (Limit::SecondaryInWords, 60..=60), (Limit::Primary(1200), 1190..=1200)];
    for (limit, expected) in limits {
        place.fake.limit(Some(limit));
        let after = retried(place.github.read(&repo(), number).await).1.unwrap().as_secs();
        assert!(expected.contains(&after), "{limit:?} {after}");
        retried(place.github.open(&new_pull("fix")).await);
        place.fake.limit(None);
    }
    place.github.merge(&repo(), number, &merge_of(&head)).await.unwrap();
}

/// A poll without news costs nothing.
#[tokio::test]
async fn a_poll_that_changes_nothing_is_not_counted() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    let first = place.github.read(&repo(), number).await.unwrap();
    let before = place.github.calls();
    for _ in 0..5 {
        assert_eq!(place.github.read(&repo(), number).await.as_ref(), Ok(&first));
    }
    let after = place.github.calls();
    assert_eq!(
        after,
        Calls { counted: before.counted, unchanged: before.unchanged + 10 },
        "the pull request and its reviews"
    );
    place.fake.review(TEAM, number.0, "grace", "APPROVED");
    assert_eq!(place.github.read(&repo(), number).await.unwrap().reviews.len(), 1, "and sees what is new");
    assert_eq!(place.github.calls().counted, after.counted + 1);
}
