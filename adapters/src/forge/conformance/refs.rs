//! Conformance cases about branches and tags.

use super::{Setup, assert_rejected, branch, commit, main_branch, nowhere};
use crate::ids::TagName;

/// A missing branch is `None`.
pub async fn a_branch_that_is_not_there_is_none(setup: &dyn Setup) {
    main_branch(setup).await;
    assert_eq!(setup.forge().tip(&setup.repo(), &branch("hotfix/1")).await, Ok(None));
}

/// A new branch is created at the given commit.
pub async fn a_branch_is_created(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    forge.create(&repo, &branch("hotfix/1"), &base).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("hotfix/1")).await, Ok(Some(base)));
}

/// Creating a branch again succeeds at the same commit and is rejected at another.
pub async fn creating_again_is_success_and_elsewhere_is_rejected(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "a", "1").await;
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    assert_rejected(forge.create(&repo, &branch("hotfix"), &next).await, "hotfix");
    assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(Some(base)));
}

/// A name that git cannot store beside an existing branch is rejected, and that branch is named.
pub async fn a_name_beside_its_own_folder_is_rejected_and_named(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    assert_rejected(forge.create(&repo, &branch("hotfix/x"), &base).await, "branch hotfix:");
    forge.create(&repo, &branch("fix/deep/down"), &base).await.unwrap();
    assert_rejected(forge.create(&repo, &branch("fix"), &base).await, "fix/deep/down");
    forge.create(&repo, &branch("hotfix-x"), &base).await.unwrap();
}

/// Creating a branch at an unknown commit is rejected.
pub async fn a_branch_at_an_unknown_commit_is_rejected(setup: &dyn Setup) {
    main_branch(setup).await;
    assert_rejected(setup.forge().create(&setup.repo(), &branch("hotfix"), &nowhere()).await, "");
    assert_eq!(setup.forge().tip(&setup.repo(), &branch("hotfix")).await, Ok(None));
}

/// A branch moves forward, backward and sideways.
pub async fn a_branch_moves_in_any_direction(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let left = commit(setup, "left", &[&base], "a", "1").await;
    let right = commit(setup, "right", &[&base], "b", "1").await;
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    for (from, to) in [(&base, &left), (&left, &right), (&right, &base)] {
        forge.advance(&repo, &branch("hotfix"), from, to).await.unwrap();
        assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(Some(to.clone())));
    }
}

/// A move from another commit than the current head is rejected, and the branch stays.
pub async fn a_stale_move_is_rejected_and_changes_nothing(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let mine = commit(setup, "mine", &[&base], "a", "1").await;
    let theirs = commit(setup, "hotfix", &[&base], "b", "1").await;
    assert_rejected(forge.advance(&repo, &branch("hotfix"), &base, &mine).await, "hotfix");
    assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(Some(theirs)));
    assert_rejected(forge.advance(&repo, &branch("gone"), &base, &mine).await, "gone");
    assert_eq!(forge.tip(&repo, &branch("gone")).await, Ok(None));
}

/// A move to the current head succeeds.
pub async fn a_repeated_move_is_success(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "a", "1").await;
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    forge.advance(&repo, &branch("hotfix"), &base, &next).await.unwrap();
    forge.advance(&repo, &branch("hotfix"), &base, &next).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(Some(next)));
}

/// Deleting a missing branch succeeds.
pub async fn a_branch_is_deleted_once_and_again(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    forge.create(&repo, &branch("hotfix"), &base).await.unwrap();
    forge.delete(&repo, &branch("hotfix"), &base).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(None));
    forge.delete(&repo, &branch("hotfix"), &base).await.unwrap();
}

/// Deleting a branch that is at another commit is rejected.
pub async fn a_stale_delete_is_rejected(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let theirs = commit(setup, "hotfix", &[&base], "b", "1").await;
    assert_rejected(forge.delete(&repo, &branch("hotfix"), &base).await, "hotfix");
    assert_eq!(forge.tip(&repo, &branch("hotfix")).await, Ok(Some(theirs)));
}

/// Creating a tag again succeeds at the same commit and is rejected at another.
pub async fn a_tag_is_created_once(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "main", &[&base], "a", "1").await;
    let tag = TagName::parse("v1.0.1").unwrap();
    forge.tag(&repo, &tag, &base).await.unwrap();
    forge.tag(&repo, &tag, &base).await.unwrap();
    assert_rejected(forge.tag(&repo, &tag, &next).await, "v1.0.1");
    assert_eq!(forge.resolve(&repo, "v1.0.1").await, Ok(Some(base)));
}

/// Branches are listed by exact name and below it, not by prefix.
pub async fn branches_are_listed_by_folder_not_by_prefix(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    for name in ["hotfix/a", "hotfix/b/c", "hotfixes", "other"] {
        forge.create(&repo, &branch(name), &base).await.unwrap();
    }
    let mut found = forge.branches(&repo, &branch("hotfix")).await.unwrap();
    found.sort();
    assert_eq!(found, [(branch("hotfix/a"), base.clone()), (branch("hotfix/b/c"), base.clone())]);
    assert_eq!(forge.branches(&repo, &branch("other")).await, Ok(vec![(branch("other"), base)]));
    assert_eq!(forge.branches(&repo, &branch("nothing")).await, Ok(vec![]));
}

/// Several branches are read at once; missing ones are left out.
pub async fn branches_are_found_together(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    let next = commit(setup, "next", &[&base], "a", "1").await;
    forge.create(&repo, &branch("hotfix/1"), &next).await.unwrap();
    let found = forge.tips(&repo, &[&branch("hotfix/1"), &branch("main"), &branch("hotfix"), &branch("main")]).await;
    assert_eq!(found, Ok([(branch("hotfix/1"), next), (branch("main"), base)].into()));
}

/// A tag is not returned as a branch of the same name (security case 45).
pub async fn a_tag_is_not_a_branch(setup: &dyn Setup) {
    let (forge, repo, base) = (setup.forge(), setup.repo(), main_branch(setup).await);
    forge.tag(&repo, &TagName::parse("release").unwrap(), &base).await.unwrap();
    assert_eq!(forge.tip(&repo, &branch("release")).await, Ok(None));
}
