//! Lists that are longer than a page.

use hotfix_adapters::forge::hosted::Accounts as _;
use hotfix_adapters::forge::{PullNumber, PullRequests as _, ReviewVerdict};

use jiff::Timestamp;

use super::support::{Place, TEAM, branch, id, new_pull, repo};

#[tokio::test]
async fn reviews_labels_and_comments_are_read_to_the_last_page() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    (0..150).for_each(|_| place.fake.review(TEAM, number.0, "grace", "COMMENTED"));
    (0..150).for_each(|_| place.fake.review(TEAM, number.0, "grace", "APPROVED"));
    place.fake.review(TEAM, number.0, "grace", "DISMISSED");
    let reviews = place.github.read(&repo(), number).await.unwrap().reviews;
    assert_eq!(
        (reviews.len(), reviews.last().unwrap().verdict),
        (151, ReviewVerdict::Dismissed),
        "comments say nothing"
    );
    for count in 0..120 {
        place.fake.label(TEAM, number.0, "grace", "go");
        place.fake.unlabel(TEAM, number.0, if count == 119 { "pat" } else { "grace" }, "go");
    }
    let labellings = place.github.label_events(&repo(), number).await.unwrap();
    let last = labellings.last().unwrap();
    let pat = place.fake.user("pat").to_string();
    assert_eq!((labellings.len(), last.added, &last.by.as_ref().unwrap().id), (240, false, &pat));
    let first = place.fake.issue(TEAM, "pat", "The first", &["blocker"]);
    for count in 0..230 {
        let _ = place.fake.issue(TEAM, "pat", &format!("Issue {count}"), &["blocker"]);
    }
    let found = place.github.list_by_label(&repo(), "blocker").await.unwrap();
    assert_eq!((found.len(), found[0].number), (231, PullNumber(first)));
}

/// A comment is found by its key after a hundred others, and is not posted again.
#[tokio::test]
async fn a_comment_is_written_once() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    for count in 0..130 {
        place.github.comment(&repo(), number, &format!("HF-1-{count}"), "Hello").await.unwrap();
    }
    place.github.comment(&repo(), number, "HF-1-0", "Hello again").await.unwrap();
    place.github.comment(&repo(), number, "HF-1-129", "Hello again").await.unwrap();
    let comments = place.fake.comments(TEAM, number.0);
    assert_eq!((comments.len(), comments[0].as_str()), (130, "Hello\n\n<!-- hotfix:HF-1-0 -->"));
    let odd = place.github.comment(&repo(), number, "x --> <b>", "Hello").await;
    assert!(odd.is_err(), "a key cannot end the hidden part");
}

/// Returns the newest of many pull requests from one branch into another.
#[tokio::test]
async fn the_newest_of_many_is_found() {
    let place = Place::new("").await;
    place.branches();
    let mut last = PullNumber(0);
    for _ in 0..105 {
        last = place.github.open(&new_pull("fix")).await.unwrap().number;
        place.fake.close(TEAM, last.0, "grace");
    }
    let found = place.github.find(&repo(), &branch("fix"), &branch("main")).await.unwrap().unwrap();
    assert_eq!(found.number, last);
}

/// Without pagination, GitHub silently stops at 250 commits.
#[tokio::test]
async fn accounts_are_read_for_every_commit() {
    let place = Place::new("").await;
    place.fake.verify_mail("ada", "ada@example.org");
    let base = place.commit("main", &[], "lines");
    let head = place.fake.push_many(TEAM, "fix", &base, 320, "Ada <ada@example.org>");
    let head = place.commit("fix", &[&head], "last");
    let accounts = place.github.accounts(&repo(), &id(&base), &id(&head)).await.unwrap();
    let ada = place.fake.user("ada").to_string();
    let known = |who: &Option<hotfix_adapters::ids::PersonRef>| who.as_ref().map(|who| who.id.clone());
    assert_eq!(accounts.len(), 321);
    assert!(accounts.values().all(|it| known(&it.author) == Some(ada.clone())));
    let last = &accounts[&id(&head)];
    assert_eq!((known(&last.author), known(&last.committer)), (Some(ada), None), "Pat's address is nobody's");
}

/// A pull request matches if it has exactly this title, is open, and is not from a fork.
#[tokio::test]
async fn pull_requests_are_found_by_their_title() {
    let place = Place::new("").await;
    let (head, number) = place.opened().await;
    let _ = place.fake.issue(TEAM, "pat", "Fix the fees", &[]);
    let _ = place.fake.fork_pull(TEAM, "fix", head.as_str(), "main");
    let found = place.github.find_by_title(&repo(), "Fix the fees").await.unwrap();
    assert_eq!(found.iter().map(|it| it.number).collect::<Vec<_>>(), [number]);
    assert_eq!(place.github.find_by_title(&repo(), "Fix the fee").await, Ok(vec![]));
    assert_eq!(place.github.find_by_title(&repo(), "From outside").await, Ok(vec![]));
    place.fake.close(TEAM, number.0, "pat");
    assert_eq!(place.github.find_by_title(&repo(), "Fix the fees").await, Ok(vec![]));
}

/// Security case 23: returns the accounts that pushed to a branch after it was last created. Other branches, earlier
/// pushes and deleted accounts do not count. Without permission, no further pages are requested.
#[tokio::test]
async fn who_pushed_is_known_since_the_branch_was_made() {
    let place = Place::new("").await;
    place.branches();
    for who in ["ada", "grace", "pat"] {
        place.fake.verify_mail(who, &format!("{who}@example.org"));
    }
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let pushed =
        |branch: &str, at: &str, who: &str| place.fake.pushed_by(TEAM, branch, at, &format!("{who}@example.org"));
    let ids = |names: &[&str]| -> Vec<String> { names.iter().map(|name| place.fake.user(name).to_string()).collect() };
    let of = async |since: &str| -> Vec<String> {
        let found = place.github.pushers(&repo(), &branch("fix"), moment(since)).await.unwrap();
        found.into_iter().map(|who| who.id).collect()
    };
    assert!(of("2026-03-01T00:00:00Z").await.is_empty());
    pushed("fix", "2026-03-01T10:00:00Z", "pat");
    pushed("main", "2026-03-01T11:00:00Z", "pat");
    for (at, who) in [("10", "ada"), ("11", "grace"), ("12", "nobody"), ("13", "ada")] {
        pushed("fix", &format!("2026-03-02T{at}:00:00Z"), who);
    }
    assert_eq!(of("2026-03-01T00:00:00Z").await, ids(&["ada", "grace", "pat"]));
    assert_eq!(of("2026-03-02T10:30:00Z").await, ids(&["ada", "grace"]), "since then");
    place.fake.deleted_by(TEAM, "fix", "2026-03-03T10:00:00Z", "pat@example.org");
    let _ = place.commit("fix", &[], "again");
    pushed("fix", "2026-03-04T10:00:00Z", "grace");
    assert_eq!(of("2026-03-01T00:00:00Z").await, ids(&["grace"]), "it is another branch of that name");
}
