//! Conformance tests for forges: one case for each statement in the docs of the ports. Each case takes the forge
//! as an argument.
//!
//! [`forge_conformance!`](crate::forge_conformance) generates one test per case. An adapter provides a [`Setup`]: a
//! fresh repository and the actions of the users who work on it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

pub mod containment;
pub mod files;
pub mod history;
pub mod pulls;
pub mod refs;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Check, Forge, Pick, PullNumber, ReviewVerdict};
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, Repo};

/// A forge under test with a repository of its own, and the actions of its users.
#[async_trait]
pub trait Setup: Send + Sync {
    /// Returns the forge under test.
    fn forge(&self) -> Arc<dyn Forge>;

    /// Returns the repository. It may be empty, or have a default branch that the cases ignore.
    fn repo(&self) -> Repo;

    /// Commits and pushes as a user, by force if needed, and returns the commit.
    async fn push(&self, push: Push<'_>) -> CommitId;

    /// Reviews a pull request as a user.
    async fn review(&self, number: PullNumber, verdict: ReviewVerdict);

    /// Reports the result of a check, as a CI system would.
    async fn report(&self, commit: &CommitId, check: Check);

    /// Adds a label to a pull request as a user.
    async fn label(&self, number: PullNumber, label: &str);

    /// Returns the texts of the comments on a pull request, oldest first.
    async fn comments(&self, number: PullNumber) -> Vec<String>;

    /// Closes a pull request as a user, without merging it.
    async fn close(&self, number: PullNumber);
}

/// A commit to make and the branch to push it to.
#[derive(Debug, Clone, Copy)]
pub struct Push<'a> {
    /// Name of the branch, created if missing.
    pub branch: &'a str,
    /// Parents of the commit: none for a root commit, two for a merge.
    pub parents: &'a [&'a CommitId],
    /// Paths and new contents of the changed files, relative to the first parent; `None` deletes the file.
    pub files: &'a [(&'a str, Option<&'a str>)],
    /// Whole commit message.
    pub message: &'a str,
    /// Author in the form `Name <address>`.
    pub author: &'a str,
}

/// Generates one test per case. The argument is an expression that creates a [`Setup`] and may await. The form `git: …`
/// omits the cases about pull requests, for an adapter without them.
#[macro_export]
macro_rules! forge_conformance {
    ($setup:expr) => {
        $crate::forge_conformance!(git: $setup);
        $crate::forge_conformance!(@cases $setup, pulls:
            opening_twice_is_one_pull_request, what_was_opened_can_be_found_and_read, opening_without_a_branch_is_rejected,
            an_unknown_number_is_rejected, the_head_follows_its_branch_until_it_is_gone, a_review_names_the_commit_it_saw,
            a_merge_has_both_parents_and_its_message, merging_twice_is_one_commit, a_head_that_moved_is_not_merged,
            a_conflict_is_rejected_and_changes_nothing, a_squash_has_one_parent, a_closed_one_is_not_merged,
            a_merge_by_hand_is_a_merge, a_commit_names_its_pull_requests, labels_find_open_ones_only, titles_find_open_ones_only, checks_of_one_name_by_two_apps_are_two,
            labels_are_put_on_and_taken_off_once, labellings_say_who_and_when, a_comment_is_written_once_for_its_key,
            a_pull_request_is_withdrawn_once);
    };
    (git: $setup:expr) => {
        $crate::forge_conformance!(@cases $setup, refs:
            a_branch_that_is_not_there_is_none, a_branch_is_created, creating_again_is_success_and_elsewhere_is_rejected,
            a_name_beside_its_own_folder_is_rejected_and_named, a_branch_at_an_unknown_commit_is_rejected,
            a_branch_moves_in_any_direction, a_stale_move_is_rejected_and_changes_nothing, a_repeated_move_is_success,
            a_branch_is_deleted_once_and_again, a_stale_delete_is_rejected, a_tag_is_created_once,
            branches_are_listed_by_folder_not_by_prefix, branches_are_found_together, a_tag_is_not_a_branch);
        $crate::forge_conformance!(@cases $setup, history:
            words_resolve, words_that_are_no_commit_are_none_or_rejected, a_word_with_two_meanings_is_rejected,
            commits_between_are_in_order_and_counted, commits_say_who_took_part, a_commit_introduces_itself_and_a_merge_what_it_merged, sizes_are_counted,
            a_pick_moves_nothing_and_keeps_its_author, the_same_pick_is_the_same_commit, a_pick_may_leave_no_trace,
            a_pick_that_conflicts_names_its_files, a_pick_that_is_there_changes_nothing, a_merge_is_picked_against_its_first_parent,
            a_first_commit_is_picked_whole, an_unknown_commit_is_rejected, commits_are_counted);
        $crate::forge_conformance!(@cases $setup, containment:
            a_merge_contains, a_cherry_pick_contains, a_squash_contains, a_missing_change_is_named,
            a_revert_takes_out_and_its_revert_brings_back, a_revert_is_seen_however_it_is_worded);
        $crate::forge_conformance!(@cases $setup, files:
            a_file_is_read_as_it_was, a_path_is_no_pattern, a_folder_is_no_file, paths_are_listed_by_folder_not_by_prefix,
            a_commit_changes_these_files_and_moves_nothing, content_is_kept_byte_for_byte, the_same_files_are_the_same_commit,
            a_path_that_is_no_file_of_a_repository_is_rejected);
    };
    (@cases $setup:expr, $port:ident: $($case:ident),* $(,)?) => {
        mod $port {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    $crate::forge::conformance::$port::$case(&$setup).await;
                }
            )*
        }
    };
}

/// Ten lines, so that distant changes do not overlap.
pub(super) const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

/// Returns the ten lines with one of them replaced.
pub(super) fn ten_with(line: &str, to: &str) -> String {
    TEN.lines().map(|old| format!("{}\n", if old == line { to } else { old })).collect()
}

pub(super) fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

/// Returns a commit id that no repository has.
pub(super) fn nowhere() -> CommitId {
    CommitId::parse(&"5".repeat(40)).unwrap()
}

pub(super) fn pick_of(source: &CommitId, onto: &CommitId) -> Pick {
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    Pick { onto: onto.clone(), source: source.clone(), at, trace: true }
}

/// Pushes a commit that sets one file.
pub(super) async fn commit(setup: &dyn Setup, branch: &str, parents: &[&CommitId], file: &str, text: &str) -> CommitId {
    let message = format!("Set {file}\n");
    let files = [(file, Some(text))];
    setup.push(Push { branch, parents, files: &files, message: &message, author: "Ada <ada@example.org>" }).await
}

/// Pushes a root commit with the ten lines to `main`.
pub(super) async fn main_branch(setup: &dyn Setup) -> CommitId {
    commit(setup, "main", &[], "lines", TEN).await
}

#[track_caller]
pub(super) fn assert_rejected<T: std::fmt::Debug>(result: Result<T, Failure>, naming: &str) {
    match result {
        Err(Failure::Rejected { reason }) => assert!(reason.contains(naming), "{reason:?} does not name {naming:?}"),
        other => panic!("this should have been rejected: {other:?}"),
    }
}
