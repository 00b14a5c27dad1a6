//! Reviews of a merge request, each with the head that it is about. GitLab's approvals name no commit, and they survive
//! new commits unless the project resets them on a push. So each approval is dated and assigned to the newest push
//! before it: an approval from before the last push is about the older head.
//!
//! There are two sources. The current approvals and reviewers say which reviews are in force. The system notes supply
//! the time, which older GitLab versions do not report for approvals. An approval without a time is left out, because
//! its commit is unknown.

use jiff::Timestamp;

use super::{GitLab, person, wire};
use crate::failure::Failure;
use crate::forge::{PullNumber, Review, ReviewVerdict};
use crate::ids::{CommitId, Repo};

/// Text of GitLab's system notes, the same in every language setting.
const APPROVED: &str = "approved this merge request";
const REQUESTED_CHANGES: &str = "requested changes";

impl GitLab {
    pub(super) async fn reviews(&self, repo: &Repo, found: &wire::MergeRequest) -> Result<Vec<Review>, Failure> {
        let number = PullNumber(found.iid);
        let act = format!("read the approvals of merge request !{} of {repo}", number.0);
        let approvals: wire::Approvals = self.rest().get(&self.pull_at(repo, number, &["approvals"]), &act).await?;
        let reviewers: Vec<wire::Reviewer> = if found.reviewers.is_empty() {
            Vec::new()
        } else {
            self.list(self.pull_at(repo, number, &["reviewers"]), &act).await?
        };
        let against = reviewers.iter().any(|reviewer| reviewer.state == REQUESTED);
        let undated = approvals.approved_by.iter().any(|approval| approval.approved_at.is_none());
        if approvals.approved_by.is_empty() && !against {
            return Ok(Vec::new());
        }
        let versions = self.list(self.pull_at(repo, number, &["versions"]), &act).await?;
        let notes = if against || undated { self.notes(repo, number).await? } else { Vec::new() };
        Ok(judged(&approvals.approved_by, &reviewers, &notes, versions))
    }
}

const REQUESTED: &str = "requested_changes";

/// Returns the reviews in force, oldest first, each with the head that it is about.
fn judged(
    approvals: &[wire::Approval],
    reviewers: &[wire::Reviewer],
    notes: &[wire::Note],
    mut versions: Vec<wire::Version>,
) -> Vec<Review> {
    versions.sort_by_key(|version| version.created_at);
    let said = |id: u64, words: &str| {
        let theirs = |note: &&wire::Note| {
            note.system && note.author.as_ref().is_some_and(|author| author.id == id) && note.body.trim() == words
        };
        notes.iter().filter(theirs).map(|note| note.created_at).max()
    };
    let approved = approvals
        .iter()
        .map(|it| (it.user.id, ReviewVerdict::Approved, it.approved_at.or_else(|| said(it.user.id, APPROVED))));
    let refused = reviewers
        .iter()
        .filter(|it| it.state == REQUESTED)
        .map(|it| (it.user.id, ReviewVerdict::ChangesRequested, said(it.user.id, REQUESTED_CHANGES)));
    let mut reviews: Vec<Review> = approved
        .chain(refused)
        .filter_map(|(id, verdict, at)| {
            // A request for changes without a date is assigned to the current head, because it must not be lost.
            let at = match verdict {
                ReviewVerdict::ChangesRequested => at.or_else(|| versions.last().map(|version| version.created_at)),
                ReviewVerdict::Approved | ReviewVerdict::Dismissed => at,
            }?;
            Some(Review { person: person(id), commit: head_at(&versions, at)?, verdict, at })
        })
        .collect();
    reviews.sort_by_key(|review| review.at);
    reviews
}

/// Returns the head at a time, which is that of the newest push before it. For a time before the first recorded push it
/// is the head of that push.
fn head_at(versions: &[wire::Version], at: Timestamp) -> Option<CommitId> {
    let before = versions.iter().rfind(|version| version.created_at <= at);
    before.or_else(|| versions.first()).map(|version| version.head_commit_sha.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn user(id: u64) -> wire::User {
        wire::User { id, username: String::new() }
    }

    fn head(digit: &str) -> CommitId {
        CommitId::parse(&digit.repeat(40)).unwrap()
    }

    fn versions() -> Vec<wire::Version> {
        // Newest first, as in GitLab's response.
        vec![
            wire::Version { head_commit_sha: head("b"), created_at: at(20) },
            wire::Version { head_commit_sha: head("a"), created_at: at(10) },
        ]
    }

    fn note(id: u64, body: &str, second: i64, system: bool) -> wire::Note {
        wire::Note { body: body.into(), author: Some(user(id)), created_at: at(second), system }
    }

    fn of(reviews: &[Review]) -> Vec<(&str, &str, ReviewVerdict)> {
        reviews.iter().map(|it| (it.person.id.as_str(), &it.commit.as_str()[..1], it.verdict)).collect()
    }

    #[test]
    fn an_approval_from_before_the_last_push_names_the_older_head() {
        let approvals = [(1, 15), (2, 20), (3, 5)]
            .map(|(id, second)| wire::Approval { user: user(id), approved_at: Some(at(second)) });
        let reviews = judged(&approvals, &[], &[], versions());
        assert_eq!(
            of(&reviews),
            [
                ("3", "a", ReviewVerdict::Approved),
                ("1", "a", ReviewVerdict::Approved),
                ("2", "b", ReviewVerdict::Approved)
            ]
        );
    }

    #[test]
    fn an_approval_without_a_date_is_dated_by_the_note_or_not_counted() {
        let approvals = [1, 2].map(|id| wire::Approval { user: user(id), approved_at: None });
        let notes = [
            note(1, APPROVED, 12, true),
            note(1, APPROVED, 25, true),
            note(2, APPROVED, 25, false),
            note(2, "unapproved this merge request", 26, true),
        ];
        assert_eq!(of(&judged(&approvals, &[], &notes, versions())), [("1", "b", ReviewVerdict::Approved)]);
    }

    #[test]
    fn a_no_is_never_lost() {
        let reviewers = [1, 2].map(|id| wire::Reviewer { user: user(id), state: REQUESTED.into() });
        let reviews = judged(&[], &reviewers, &[note(1, REQUESTED_CHANGES, 11, true)], versions());
        assert_eq!(
            of(&reviews),
            [("1", "a", ReviewVerdict::ChangesRequested), ("2", "b", ReviewVerdict::ChangesRequested)]
        );
    }
}
