//! Accounts are identified by number.

use hotfix_adapters::forge::PullRequests as _;
use hotfix_adapters::ids::{PersonRef, Platform};

use super::support::{Place, TEAM, repo};

/// A login can be given up and taken by someone else (security case 20).
#[tokio::test]
async fn people_are_known_by_number() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    place.fake.review(TEAM, number.0, "grace", "APPROVED");
    place.fake.label(TEAM, number.0, "pat", "go");
    let person = |login: &str| PersonRef::new(Platform::Github, place.fake.user(login).to_string());
    let pull = place.github.read(&repo(), number).await.unwrap();
    assert_eq!(
        (pull.author, &pull.reviews[0].person, &pull.reviews[0].commit),
        (Some(person("hotfix-bot")), &person("grace"), &head)
    );
    let labellings = place.github.label_events(&repo(), number).await.unwrap();
    assert_eq!((labellings[0].by.as_ref(), labellings[0].added), (Some(&person("pat")), true));
}

/// A label that is already as requested is a success without a write; GitHub treats `Go` and `go` as equal.
#[tokio::test]
async fn labels_that_are_so_already_are_left_alone() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    place.fake.label(TEAM, number.0, "pat", "Go");
    place.github.set_labels(&repo(), number, &["go".to_owned()], &["never".to_owned()]).await.unwrap();
    assert_eq!(place.count("POST", "/labels") + place.count("DELETE", "/labels"), 0);
    place.github.set_labels(&repo(), number, &["a".to_owned(), "b".to_owned()], &["GO".to_owned()]).await.unwrap();
    assert_eq!(place.github.read(&repo(), number).await.unwrap().labels, ["a", "b"]);
}
