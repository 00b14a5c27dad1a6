//! Conformance cases about pull requests.

use super::{Setup, TEN, assert_rejected, branch, commit, main_branch, ten_with};
use crate::forge::{
    Check, CheckState, Merge, MergeMethod, NewPullRequest, PullNumber, PullRequest, PullState, ReviewVerdict,
};
use crate::ids::CommitId;

fn from_fix_to_main(setup: &dyn Setup) -> NewPullRequest {
    let (title, body) = ("Fix the fees".into(), "They were wrong.".into());
    NewPullRequest { repo: setup.repo(), head: branch("fix"), base: branch("main"), title, body, author: None }
}

fn merge_of(head: &CommitId) -> Merge {
    let (title, body) = ("Merge the fix".into(), "Approved by Grace.".into());
    Merge { expected_head: head.clone(), method: MergeMethod::Merge, title, body }
}

/// Pushes the ten lines to `main` and one more commit to `fix`, and opens a pull request between them.
async fn opened(setup: &dyn Setup) -> (CommitId, CommitId, PullRequest) {
    let base = main_branch(setup).await;
    let head = commit(setup, "fix", &[&base], "lines", &ten_with("two", "2")).await;
    let pull = setup.forge().open(&from_fix_to_main(setup)).await.unwrap();
    (base, head, pull)
}

/// Opening again returns the open pull request; a closed one is not reused.
pub async fn opening_twice_is_one_pull_request(setup: &dyn Setup) {
    let (_, _, pull) = opened(setup).await;
    let again = setup.forge().open(&from_fix_to_main(setup)).await.unwrap();
    assert_eq!(again.number, pull.number);
    setup.close(pull.number).await;
    let new = setup.forge().open(&from_fix_to_main(setup)).await.unwrap();
    assert_ne!(new.number, pull.number, "a closed one is not an open one");
    let newest = setup.forge().find(&setup.repo(), &branch("fix"), &branch("main")).await.unwrap().unwrap();
    assert_eq!(newest.number, new.number, "the newest is found");
}

/// A pull request is found by its branches in any state, and read by its number.
pub async fn what_was_opened_can_be_found_and_read(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, head, pull) = opened(setup).await;
    assert_eq!((pull.title.as_str(), &pull.state, &pull.head_commit), ("Fix the fees", &PullState::Open, &head));
    assert_eq!((&pull.head, &pull.base), (&branch("fix"), &branch("main")));
    assert_eq!(forge.read(&repo, pull.number).await.as_ref(), Ok(&pull));
    assert_eq!(forge.find(&repo, &branch("fix"), &branch("main")).await, Ok(Some(pull.clone())));
    assert_eq!(forge.find(&repo, &branch("main"), &branch("fix")).await, Ok(None));
    setup.close(pull.number).await;
    let closed = forge.find(&repo, &branch("fix"), &branch("main")).await.unwrap().unwrap();
    assert_eq!((closed.number, closed.state), (pull.number, PullState::Closed));
}

/// Opening a pull request requires both branches.
pub async fn opening_without_a_branch_is_rejected(setup: &dyn Setup) {
    main_branch(setup).await;
    assert_rejected(setup.forge().open(&from_fix_to_main(setup)).await, "fix");
}

/// Reading or merging an unknown number is rejected.
pub async fn an_unknown_number_is_rejected(setup: &dyn Setup) {
    let base = main_branch(setup).await;
    assert_rejected(setup.forge().read(&setup.repo(), PullNumber(987_654)).await, "987654");
    assert_rejected(setup.forge().merge(&setup.repo(), PullNumber(987_654), &merge_of(&base)).await, "987654");
}

/// The head commit follows its branch, and keeps the last commit after the branch is deleted.
pub async fn the_head_follows_its_branch_until_it_is_gone(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, head, pull) = opened(setup).await;
    let next = commit(setup, "fix", &[&head], "more", "1").await;
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().head_commit, next);
    let last = commit(setup, "fix", &[&next], "more", "2").await;
    forge.delete(&repo, &branch("fix"), &last).await.unwrap();
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().head_commit, last, "though nobody had read it since");
}

/// Outdated reviews are kept, each with its own commit.
pub async fn a_review_names_the_commit_it_saw(setup: &dyn Setup) {
    let (_, head, pull) = opened(setup).await;
    setup.review(pull.number, ReviewVerdict::ChangesRequested).await;
    let next = commit(setup, "fix", &[&head], "more", "1").await;
    setup.review(pull.number, ReviewVerdict::Approved).await;
    let reviews = setup.forge().read(&setup.repo(), pull.number).await.unwrap().reviews;
    let said: Vec<_> = reviews.iter().map(|review| (&review.commit, review.verdict)).collect();
    assert_eq!(said, [(&head, ReviewVerdict::ChangesRequested), (&next, ReviewVerdict::Approved)]);
}

/// A merge commit has both parents and the given message, and becomes the head of the base branch.
pub async fn a_merge_has_both_parents_and_its_message(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let theirs = commit(setup, "main", &[&base], "lines", &ten_with("nine", "9")).await;
    let merged = forge.merge(&repo, pull.number, &merge_of(&head)).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(merged.clone())));
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().state, PullState::Merged(merged.clone()));
    let range = forge.commits_between(&repo, &theirs, &merged, 10).await.unwrap();
    let info = range.commits.iter().find(|info| info.id == merged).unwrap();
    assert_eq!((info.parents.as_slice(), info.subject.as_str()), ([theirs, head].as_slice(), "Merge the fix"));
    let size = forge.size(&repo, &base, &merged).await.unwrap();
    assert_eq!((size.files, size.insertions, size.deletions), (1, 2, 2), "both changes of the file are in");
}

/// A repeated merge returns the same commit, even after the head branch is deleted.
pub async fn merging_twice_is_one_commit(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let merged = forge.merge(&repo, pull.number, &merge_of(&head)).await.unwrap();
    assert_eq!(forge.merge(&repo, pull.number, &merge_of(&head)).await, Ok(merged.clone()));
    assert_rejected(forge.merge(&repo, pull.number, &merge_of(&base)).await, "");
    forge.delete(&repo, &branch("fix"), &head).await.unwrap();
    assert_eq!(forge.merge(&repo, pull.number, &merge_of(&head)).await, Ok(merged.clone()));
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(merged.clone())));
    assert_eq!(forge.commits_between(&repo, &base, &merged, 10).await.unwrap().total, 2, "the fix and one merge");
}

/// A merge is rejected if the head moved, and the base branch stays.
pub async fn a_head_that_moved_is_not_merged(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    commit(setup, "fix", &[&head], "sneaked", "in").await;
    assert_rejected(forge.merge(&repo, pull.number, &merge_of(&head)).await, "");
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(base)));
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().state, PullState::Open);
}

/// A merge with conflicts is rejected, and the base branch stays.
pub async fn a_conflict_is_rejected_and_changes_nothing(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let theirs = commit(setup, "main", &[&base], "lines", &ten_with("two", "zwei")).await;
    assert_rejected(forge.merge(&repo, pull.number, &merge_of(&head)).await, "");
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(theirs)));
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().state, PullState::Open);
}

/// A squash is one new commit with a single parent.
pub async fn a_squash_has_one_parent(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let head = commit(setup, "fix", &[&head], "more", "1").await;
    let merge = Merge { method: MergeMethod::Squash, ..merge_of(&head) };
    let merged = forge.merge(&repo, pull.number, &merge).await.unwrap();
    assert_eq!(forge.merge(&repo, pull.number, &merge).await, Ok(merged.clone()));
    let range = forge.commits_between(&repo, &base, &merged, 10).await.unwrap();
    assert_eq!((range.total, range.commits[0].parents.as_slice()), (1, [base].as_slice()));
    assert_eq!(forge.size(&repo, &head, &merged).await.unwrap().files, 0);
}

/// A merge of a closed pull request is rejected.
pub async fn a_closed_one_is_not_merged(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    setup.close(pull.number).await;
    assert_rejected(forge.merge(&repo, pull.number, &merge_of(&head)).await, "");
    assert_eq!(forge.tip(&repo, &branch("main")).await, Ok(Some(base)));
}

/// A merge that a user pushes by hand counts as a merge; merging again returns its commit.
pub async fn a_merge_by_hand_is_a_merge(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let by_hand = commit(setup, "main", &[&base, &head], "lines", &ten_with("two", "2")).await;
    commit(setup, "main", &[&by_hand], "later", "1").await;
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().state, PullState::Merged(by_hand.clone()));
    assert_eq!(forge.merge(&repo, pull.number, &merge_of(&head)).await, Ok(by_hand));
}

/// Only open pull requests with exactly this label are listed.
pub async fn labels_find_open_ones_only(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, _, pull) = opened(setup).await;
    commit(setup, "other", &[&base], "other", TEN).await;
    let other = forge.open(&NewPullRequest { head: branch("other"), ..from_fix_to_main(setup) }).await.unwrap();
    setup.label(pull.number, "release-blocker").await;
    setup.label(other.number, "chore").await;
    let found = forge.list_by_label(&repo, "release-blocker").await.unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.number, it.title.as_str())).collect();
    assert_eq!(found, [(pull.number, "Fix the fees")]);
    assert_eq!(forge.read(&repo, pull.number).await.unwrap().labels, ["release-blocker"]);
    setup.close(pull.number).await;
    assert_eq!(forge.list_by_label(&repo, "release-blocker").await, Ok(vec![]));
    assert_eq!(forge.list_by_label(&repo, "release").await, Ok(vec![]));
}

/// Only open pull requests with exactly this title are listed.
pub async fn titles_find_open_ones_only(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, _, pull) = opened(setup).await;
    commit(setup, "other", &[&base], "other", TEN).await;
    let other = forge.open(&NewPullRequest { head: branch("other"), ..from_fix_to_main(setup) }).await.unwrap();
    let found = forge.find_by_title(&repo, "Fix the fees").await.unwrap();
    let mut numbers: Vec<_> = found.iter().map(|it| it.number).collect();
    numbers.sort();
    assert_eq!(numbers, [pull.number, other.number]);
    assert_eq!(forge.find_by_title(&repo, "Fix the").await, Ok(vec![]));
    setup.close(pull.number).await;
    let left = forge.find_by_title(&repo, "Fix the fees").await.unwrap();
    assert_eq!(left.iter().map(|it| it.number).collect::<Vec<_>>(), [other.number]);
}

/// Checks of the same name from different apps are different checks (security case 52), and each commit has its own.
pub async fn checks_of_one_name_by_two_apps_are_two(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let base = main_branch(setup).await;
    let next = commit(setup, "main", &[&base], "a", "1").await;
    let check = |app: &str, state| Check { name: "build".into(), app: app.into(), state };
    assert_eq!(forge.checks(&repo, &base).await, Ok(vec![]));
    setup.report(&base, check("ci", CheckState::Pending)).await;
    setup.report(&base, check("ci", CheckState::Success)).await;
    setup.report(&base, check("impostor", CheckState::Failure)).await;
    let mut checks = forge.checks(&repo, &base).await.unwrap();
    checks.sort_by(|a, b| a.app.cmp(&b.app));
    assert_eq!(checks, [check("ci", CheckState::Success), check("impostor", CheckState::Failure)]);
    assert_eq!(forge.checks(&repo, &next).await, Ok(vec![]));
}

/// Labels that are already in the requested state are left alone, without a label event.
pub async fn labels_are_put_on_and_taken_off_once(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, _, pull) = opened(setup).await;
    let (add, none) = (["hotfix".to_owned(), "urgent".to_owned()], []);
    for _ in 0..2 {
        forge.set_labels(&repo, pull.number, &add, &none).await.unwrap();
    }
    let mut labels = forge.read(&repo, pull.number).await.unwrap().labels;
    labels.sort();
    assert_eq!(labels, ["hotfix", "urgent"]);
    for _ in 0..2 {
        forge.set_labels(&repo, pull.number, &["done".into()], &["urgent".into(), "never".into()]).await.unwrap();
    }
    let mut labels = forge.read(&repo, pull.number).await.unwrap().labels;
    labels.sort();
    assert_eq!(labels, ["done", "hotfix"]);
    let changes = forge.label_events(&repo, pull.number).await.unwrap();
    let changes: Vec<_> = changes.iter().map(|it| (it.label.as_str(), it.added)).collect();
    assert_eq!(changes.len(), 4, "{changes:?}");
    for change in [("hotfix", true), ("urgent", true), ("done", true), ("urgent", false)] {
        assert!(changes.contains(&change), "{change:?} is not in {changes:?}");
    }
    assert_rejected(forge.set_labels(&repo, PullNumber(987_654), &add, &none).await, "987654");
}

/// Label events name the account and the time, oldest first.
pub async fn labellings_say_who_and_when(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, _, pull) = opened(setup).await;
    assert_eq!(forge.label_events(&repo, pull.number).await, Ok(vec![]));
    setup.label(pull.number, "approved-for-release").await;
    forge.set_labels(&repo, pull.number, &[], &["approved-for-release".into()]).await.unwrap();
    let found = forge.label_events(&repo, pull.number).await.unwrap();
    let changes: Vec<_> = found.iter().map(|it| (it.label.as_str(), it.added)).collect();
    assert_eq!(changes, [("approved-for-release", true), ("approved-for-release", false)]);
    assert!(found[0].by.is_some(), "a person did that");
    assert!(found[0].at <= found[1].at);
    assert_rejected(forge.label_events(&repo, PullNumber(987_654)).await, "987654");
}

/// A comment is written once per key.
pub async fn a_comment_is_written_once_for_its_key(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, _, pull) = opened(setup).await;
    for (key, text) in [("run-1/started", "Started."), ("run-1/started", "Started!"), ("run-1/done", "Done.")] {
        forge.comment(&repo, pull.number, key, text).await.unwrap();
    }
    let comments = setup.comments(pull.number).await;
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[0].contains("Started.") && comments[1].contains("Done."), "{comments:?}");
    assert_rejected(forge.comment(&repo, PullNumber(987_654), "key", "text").await, "987654");
}

/// Closing a closed pull request succeeds; closing a merged one is rejected.
pub async fn a_pull_request_is_withdrawn_once(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (_, head, pull) = opened(setup).await;
    for _ in 0..2 {
        forge.close(&repo, pull.number).await.unwrap();
        assert_eq!(forge.read(&repo, pull.number).await.unwrap().state, PullState::Closed);
    }
    let next = forge.open(&from_fix_to_main(setup)).await.unwrap();
    let merged = forge.merge(&repo, next.number, &merge_of(&head)).await.unwrap();
    assert_rejected(forge.close(&repo, next.number).await, "");
    assert_eq!(forge.read(&repo, next.number).await.unwrap().state, PullState::Merged(merged));
    assert_rejected(forge.close(&repo, PullNumber(987_654)).await, "987654");
}

/// Security case 93: a commit leads to the pull request that contains it, or that produced it by a merge or squash.
pub async fn a_commit_names_its_pull_requests(setup: &dyn Setup) {
    let (forge, repo) = (setup.forge(), setup.repo());
    let (base, head, pull) = opened(setup).await;
    let of = async |commit: &CommitId| {
        let found = forge.bringing(&repo, commit).await.unwrap();
        found.into_iter().map(|one| (one.number, one.head_commit, one.merged)).collect::<Vec<_>>()
    };
    assert_eq!(of(&head).await, [(pull.number, head.clone(), false)]);
    assert_eq!(of(&base).await, []);
    let squash = Merge { method: MergeMethod::Squash, ..merge_of(&head) };
    let merged = forge.merge(&repo, pull.number, &squash).await.unwrap();
    assert_eq!(of(&merged).await, [(pull.number, head, true)]);
}
