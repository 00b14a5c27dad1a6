//! Reviews, checks, labels and comments.

use std::collections::BTreeMap;

use hotfix_adapters::forge::hosted::{Accounts, CommitAccounts};
use hotfix_adapters::forge::{CheckState, PullRequests, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, PersonRef, Platform};
use hotfix_fakes::server::Fault;
use jiff::Timestamp;

use crate::support::{PROJECT, Place, new_pull, repo};

fn person(id: u64) -> PersonRef {
    PersonRef::new(Platform::Gitlab, id.to_string())
}

/// GitLab keeps an approval after a push; the adapter assigns it to the older head, with or without a date.
#[tokio::test]
async fn a_stale_approval_names_the_old_head() {
    for dated in [true, false] {
        let place = Place::new().await;
        place.fake.set(PROJECT, |settings| settings.dated_approvals = dated);
        let (_, head, pull) = place.opened().await;
        place.fake.approve(PROJECT, pull.number.0, "grace");
        let next = place.commit("fix", &[&head], "sneaked");
        place.fake.approve(PROJECT, pull.number.0, "edsger");
        let now = place.gitlab.read(&repo(), pull.number).await.unwrap();
        let said: Vec<_> = now.reviews.iter().map(|it| (&it.person, &it.commit, it.verdict)).collect();
        let (grace, edsger) = (person(place.fake.user("grace")), person(place.fake.user("edsger")));
        assert_eq!(said, [(&grace, &head, ReviewVerdict::Approved), (&edsger, &next, ReviewVerdict::Approved)]);
        assert_eq!(now.head_commit, next);
        place.fake.unapprove(PROJECT, pull.number.0, "edsger");
        assert_eq!(place.gitlab.read(&repo(), pull.number).await.unwrap().reviews.len(), 1, "taken back");
    }
}

/// Security case 53: user text is plain text on GitLab, never a quick action of the bot.
#[tokio::test]
async fn a_comment_is_made_once_and_is_never_an_act() {
    let place = Place::new().await;
    let base = place.commit("main", &[], "a");
    place.commit("fix", &[&base], "b");
    let new = hotfix_adapters::forge::NewPullRequest { body: "Fees.\n/approve".into(), ..new_pull("fix") };
    let pull = place.gitlab.open(&new).await.unwrap();
    assert_eq!(place.fake.merge_requests(PROJECT).1, "Fees.\n\\/approve");
    for (number, fault) in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody].into_iter().enumerate() {
        place.fake.control().break_calls([(1, fault)]);
        for _ in 0..2 {
            let key = format!("HF-1:{number}");
            place.gitlab.comment(&repo(), pull.number, &key, "Grace said:\n/approve\n/merge").await.unwrap();
        }
    }
    let comments = place.fake.comments(PROJECT, pull.number.0);
    assert_eq!(comments.len(), 3, "{comments:?}");
    assert_eq!(comments[0], "Grace said:\n\\/approve\n\\/merge\n\n<!-- hotfix:HF-1:0 -->");
    assert_eq!(place.fake.approvals(PROJECT, pull.number.0), 0);
}

/// Security case 51: lists are read beyond the first page.
#[tokio::test]
async fn lists_are_read_to_their_end() {
    let place = Place::new().await;
    let (_, head, pull) = place.opened().await;
    for number in 0..230 {
        place.fake.report(PROJECT, head.as_str(), "ci", &format!("check {number}"), "success");
    }
    place.fake.report(PROJECT, head.as_str(), "ci", "last", "failed");
    let checks = place.gitlab.checks(&repo(), &head).await.unwrap();
    assert_eq!(checks.len(), 231);
    assert_eq!(checks.iter().filter(|check| check.state == CheckState::Failure).count(), 1);
    for number in 0..101 {
        place.gitlab.comment(&repo(), pull.number, &format!("k{number}"), "text").await.unwrap();
    }
    place.gitlab.comment(&repo(), pull.number, "k0", "text").await.unwrap();
    assert_eq!(place.fake.comments(PROJECT, pull.number.0).len(), 101, "the oldest is on the last page");
}

/// Security case 52: a commit status with a job's name does not replace the job, nor does GitLab's outdated mark hide
/// the job.
#[tokio::test]
async fn a_status_does_not_stand_in_for_a_job() {
    let place = Place::new().await;
    let (_, head, _) = place.opened().await;
    place.fake.job(PROJECT, head.as_str(), "fix", "build", "failed");
    place.fake.report(PROJECT, head.as_str(), "mallory", "build", "success");
    let checks = place.gitlab.checks(&repo(), &head).await.unwrap();
    let shown: Vec<_> = checks.iter().map(|it| (it.app.as_str(), it.state)).collect();
    assert_eq!(shown, [("gitlab", CheckState::Failure), ("mallory", CheckState::Success)]);
    place.fake.job(PROJECT, head.as_str(), "fix", "build", "success");
    let checks = place.gitlab.checks(&repo(), &head).await.unwrap();
    assert_eq!(checks[0].state, CheckState::Success, "it was run again");
}

#[tokio::test]
async fn labels_change_and_it_is_known_who_changed_them() {
    let place = Place::new().await;
    let (_, _, pull) = place.opened().await;
    let (add, remove) = (vec!["hotfix".to_owned(), "urgent".to_owned()], vec!["chore".to_owned()]);
    place.fake.label(PROJECT, pull.number.0, "grace", "chore", true);
    place.fake.control().break_calls([(1, Fault::DoneBut500)]);
    place.gitlab.set_labels(&repo(), pull.number, &add, &remove).await.unwrap();
    place.fake.control().forget();
    place.gitlab.set_labels(&repo(), pull.number, &add, &remove).await.unwrap();
    assert!(place.fake.control().calls().iter().all(|call| call.method == "GET"), "what is so is let be");
    let labellings = place.gitlab.label_events(&repo(), pull.number).await.unwrap();
    let shown: Vec<_> = labellings.iter().map(|it| (it.label.as_str(), it.added, it.by.clone().unwrap().id)).collect();
    let grace = place.fake.user("grace").to_string();
    let expected = [("chore", true, grace), ("hotfix", true, "1".into()), ("urgent", true, "1".into())];
    assert_eq!(shown[..3], expected);
    assert_eq!((shown[3].0, shown[3].1), ("chore", false));
    place.fake.issue(PROJECT, "It crashes", &["hotfix"]);
    let titles: Vec<_> =
        place.gitlab.list_by_label(&repo(), "hotfix").await.unwrap().into_iter().map(|it| it.title).collect();
    assert_eq!(titles, ["Fix the fees", "It crashes"], "issues as well");
}

#[tokio::test]
async fn one_is_withdrawn_once() {
    let place = Place::new().await;
    let (_, head, pull) = place.opened().await;
    place.fake.control().break_calls([(1, Fault::DoneButHangUp)]);
    place.gitlab.close(&repo(), pull.number).await.unwrap();
    place.gitlab.close(&repo(), pull.number).await.unwrap();
    let pull = place.gitlab.open(&new_pull("fix")).await.unwrap();
    place.gitlab.merge(&repo(), pull.number, &crate::support::merge_of(&head)).await.unwrap();
    assert!(place.gitlab.close(&repo(), pull.number).await.is_err(), "a merged one is not withdrawn");
}

#[tokio::test]
async fn only_an_address_of_gitlabs_own_names_an_account() {
    let place = Place::new().await;
    let (base, head, _) = place.opened().await;
    let accounts = place.gitlab.accounts(&repo(), &base, &head).await.unwrap();
    let expected = CommitAccounts { author: Some(person(12)), committer: None };
    assert_eq!(accounts, BTreeMap::from([(head, expected)]));
}

/// Security case 23: returns the accounts that pushed to a branch after it was last created. Other branches, tags and
/// earlier pushes do not count.
#[tokio::test]
async fn who_pushed_is_known_since_the_branch_was_made() {
    let place = Place::new().await;
    place.opened().await;
    let ids = |names: &[&str]| -> Vec<PersonRef> { names.iter().map(|name| person(place.fake.user(name))).collect() };
    let of = async |since: &str| {
        let since: Timestamp = since.parse().unwrap();
        place.gitlab.pushers(&repo(), &BranchName::parse("fix").unwrap(), since).await.unwrap()
    };
    let pushed = |branch: &str, at: &str, who: &str| place.fake.pushed_by(PROJECT, branch, at, who);
    assert!(of("2026-03-01T00:00:00Z").await.is_empty());
    for who in ["ada", "grace", "pat"] {
        let _ = place.fake.user(who);
    }
    pushed("fix", "2026-03-01T10:00:00Z", "pat");
    pushed("main", "2026-03-01T11:00:00Z", "pat");
    for (at, who) in [("10", "ada"), ("11", "grace"), ("12", "ada")] {
        pushed("fix", &format!("2026-03-02T{at}:00:00Z"), who);
    }
    assert_eq!(of("2026-03-01T00:00:00Z").await, ids(&["ada", "grace", "pat"]));
    assert_eq!(of("2026-03-02T10:30:00Z").await, ids(&["ada", "grace"]), "since then");
    assert!(of("2026-03-02T12:30:00Z").await.is_empty(), "nobody since, on the same day");
    place.fake.deleted_by(PROJECT, "fix", "2026-03-03T10:00:00Z", "pat");
    place.commit("fix", &[], "again");
    pushed("fix", "2026-03-04T10:00:00Z", "grace");
    assert_eq!(of("2026-03-01T00:00:00Z").await, ids(&["grace"]), "it is another branch of that name");
}

/// Unchanged responses are not sent again.
#[tokio::test]
async fn what_is_known_is_asked_for_conditionally() {
    let place = Place::new().await;
    let (_, head, pull) = place.opened().await;
    let first = place.gitlab.read(&repo(), pull.number).await.unwrap();
    place.fake.control().forget();
    assert_eq!(place.gitlab.read(&repo(), pull.number).await.unwrap(), first);
    let statuses: Vec<_> = place.fake.control().calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(304), Some(304)]);
    let next = place.commit("fix", &[&head], "c");
    assert_eq!(place.gitlab.read(&repo(), pull.number).await.unwrap().head_commit, next);
}
