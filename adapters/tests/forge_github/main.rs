//! The adapter for GitHub against a GitHub that refuses what the real one refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod app;
mod broken;
mod checks;
mod limits;
mod merging;
mod pages;
mod people;
mod support;
mod webhook;

mod conformance {
    use super::support::Place;

    // Branches and history are git's; only what GitHub itself does is asked of it here.
    hotfix_adapters::forge_conformance!(@cases Place::new("").await, pulls:
        opening_twice_is_one_pull_request, what_was_opened_can_be_found_and_read, opening_without_a_branch_is_rejected,
        an_unknown_number_is_rejected, the_head_follows_its_branch_until_it_is_gone, a_review_names_the_commit_it_saw,
        a_merge_has_both_parents_and_its_message, merging_twice_is_one_commit, a_head_that_moved_is_not_merged,
        a_conflict_is_rejected_and_changes_nothing, a_squash_has_one_parent, a_closed_one_is_not_merged,
        a_merge_by_hand_is_a_merge, labels_find_open_ones_only, checks_of_one_name_by_two_apps_are_two);
}
