//! Merging of a pull request, once, in four steps. The merge commit is made from nothing but its inputs and a time. It
//! is recorded as an intent. The base branch moves to it by compare-and-set. The pull request is marked as merged.
//! After a crash in between, the next refresh finds that the base contains the commit of the intent, or the merge is
//! repeated with the same result.

use jiff::Timestamp;

use super::ledger::Held;
use super::pulls::{no_branch, refresh};
use super::record::{Intent, State};
use super::{Local, free_to_move};
use crate::failure::Failure;
use crate::forge::git::{Git, MergeInput, Merged};
use crate::forge::{Merge, PullNumber};
use crate::ids::{BranchName, CommitId, Repo};

/// Number of attempts while others push to the base branch.
const ATTEMPTS: usize = 5;

/// A merge in progress, holding the lock of the ledger.
struct Merging<'a> {
    git: Git,
    held: Held,
    number: PullNumber,
    base: BranchName,
    merge: &'a Merge,
    at: Timestamp,
}

impl Local {
    pub(super) async fn merge_pull(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        let git = self.git(repo)?;
        let mut held = self.ledger.hold(repo).await?;
        if refresh(&git, &mut held.book, |pull| pull.number == number).await? {
            held.save().await?;
        }
        let pull = held.book.pull(number)?;
        if pull.head_commit != merge.expected_head {
            return Err(Failure::rejected(format!(
                "pull request {} is at {}, not at {} as approved. Review what came in, then merge that.",
                number.0, pull.head_commit, merge.expected_head
            )));
        }
        let base = pull.base.clone();
        match pull.state.clone() {
            State::Merged { commit } => Ok(commit),
            State::Closed => Err(Failure::rejected(format!("pull request {} was closed. Open a new one.", number.0))),
            State::Open { intent, .. } => {
                // Reuse the time of the first attempt, so that a repetition makes the same commit.
                let begun = intent.filter(|intent| intent.head == merge.expected_head);
                let at = begun.map_or_else(|| self.now(), |intent| intent.at);
                Merging { git, held, number, base, merge, at }.run().await
            }
        }
    }
}

impl Merging<'_> {
    async fn run(mut self) -> Result<CommitId, Failure> {
        for _ in 0..ATTEMPTS {
            let base_commit = self.git.tip(&self.base).await?.ok_or_else(|| no_branch(&self.base))?;
            if let Some(commit) = self.attempt(&base_commit).await? {
                self.held.book.pull_mut(self.number)?.state = State::Merged { commit: commit.clone() };
                self.held.save().await?;
                return Ok(commit);
            }
        }
        Err(Failure::retry(format!("others push to {} all the time, and the merge does not get through.", self.base)))
    }

    /// Merges into the base at this commit. Returns `None` if the base moved meanwhile.
    async fn attempt(&mut self, base_commit: &CommitId) -> Result<Option<CommitId>, Failure> {
        let head = &self.merge.expected_head;
        if self.git.is_ancestor(head, base_commit).await? {
            return self.git.brought_by(head, base_commit).await.map(Some);
        }
        free_to_move(&self.git, &self.base).await?;
        let commit = self.make(base_commit).await?;
        let intent = Some(Intent { head: head.clone(), commit: commit.clone(), at: self.at });
        self.held.book.pull_mut(self.number)?.state = State::Open { base_commit: base_commit.clone(), intent };
        self.held.save().await?;
        match self.git.move_branch(&self.base, base_commit, &commit).await {
            Ok(()) => Ok(Some(commit)),
            Err(Failure::Rejected { .. }) if self.git.tip(&self.base).await?.as_ref() != Some(base_commit) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn make(&self, base_commit: &CommitId) -> Result<CommitId, Failure> {
        let request = MergeInput {
            base: base_commit.clone(),
            head: self.merge.expected_head.clone(),
            method: self.merge.method,
            message: message(self.merge),
            at: self.at,
        };
        match self.git.merge(&request).await? {
            Merged::Commit(commit) => Ok(commit),
            Merged::Conflict { files } => Err(Failure::rejected(format!(
                "pull request {} does not merge into {}: {} conflict. Merge it by hand, settle that, and push.",
                self.number.0,
                self.base,
                files.join(", ")
            ))),
        }
    }
}

fn message(merge: &Merge) -> String {
    let title = merge.title.replace(['\r', '\n'], " ");
    let body = merge.body.trim();
    if body.is_empty() { format!("{title}\n") } else { format!("{title}\n\n{body}\n") }
}
