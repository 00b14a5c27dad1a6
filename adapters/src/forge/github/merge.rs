//! Merging, once. GitHub merges only the named head. After any other answer the pull request is read again before a
//! result is reported.

use http::Method;
use serde_json::json;

use super::model::{MergeDone, Pull};
use super::pull::{commit, one, state};
use super::refusal::Attempt;
use super::{GitHub, WriteOutcome};
use crate::failure::Failure;
use crate::forge::{Merge, MergeMethod, PullNumber, PullState};
use crate::ids::{CommitId, Repo};

impl GitHub {
    pub(super) async fn merge_pull(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        if let Some(done) = merged(repo, &self.pull(repo, number).await?, merge)? {
            return Ok(done);
        }
        let what = format!("merge pull request {} of {repo}", number.0);
        let act = Attempt::new(&what, "the permissions Contents: write and Pull requests: write");
        let method = match merge.method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
        };
        let body = json!({
            "sha": merge.expected_head.as_str(), "merge_method": method,
            "commit_title": merge.title, "commit_message": merge.body,
        });
        let route = one(repo, number)?.then("merge");
        match self.client().write(repo, Method::PUT, &route, Some(body), &act).await? {
            WriteOutcome::Done(answer) => {
                let done = answer.read::<MergeDone>(&act).ok().and_then(|done| CommitId::parse(&done.sha).ok());
                match done {
                    Some(commit) => Ok(commit),
                    None => {
                        self.merged_after_all(repo, number, merge, &format!("{what}: GitHub's answer broke off")).await
                    }
                }
            }
            WriteOutcome::Unknown(how) => self.merged_after_all(repo, number, merge, &format!("{what}: {how}")).await,
            WriteOutcome::Rejected { status, message } => {
                // It may be refused because it was merged meanwhile, by someone else or by a lost call of the bot.
                let pull = self.pull(repo, number).await?;
                match merged(repo, &pull, merge)? {
                    Some(done) => Ok(done),
                    None => Err(refused(&what, &pull, status, &message)),
                }
            }
        }
    }

    async fn merged_after_all(
        &self,
        repo: &Repo,
        number: PullNumber,
        merge: &Merge,
        what: &str,
    ) -> Result<CommitId, Failure> {
        let pull = self.pull(repo, number).await;
        match pull.and_then(|pull| merged(repo, &pull, merge)) {
            Ok(Some(done)) => Ok(done),
            Err(rejected @ Failure::Rejected { .. }) => Err(rejected),
            Ok(None) | Err(_) => Err(Failure::uncertain(format!("could not {what}."))),
        }
    }
}

/// Returns the commit that the merge produced if it is merged with the approved head; `None` if it is still open.
fn merged(repo: &Repo, pull: &Pull, merge: &Merge) -> Result<Option<CommitId>, Failure> {
    let (number, state) = (pull.number, state(repo, pull)?);
    let head =
        commit(&pull.head).map_err(|error| Failure::rejected(format!("pull request {number} of {repo}: {error}.")))?;
    if head != merge.expected_head {
        return Err(Failure::rejected(format!(
            "pull request {number} of {repo} is at {head}, not at {} as approved. Review what came in, then merge that.",
            merge.expected_head
        )));
    }
    match state {
        PullState::Open => Ok(None),
        PullState::Merged(commit) => Ok(Some(commit)),
        PullState::Closed => {
            Err(Failure::rejected(format!("pull request {number} of {repo} was closed. Open a new one.")))
        }
    }
}

/// Classifies a refused merge. 409 means that the head moved. 405 means any other obstacle; two of them are transient:
/// GitHub has not yet computed mergeability, or the base branch was pushed to at the same moment.
fn refused(what: &str, pull: &Pull, status: u16, message: &str) -> Failure {
    let passes = message.contains("Base branch was modified") || pull.mergeable.is_none();
    match status {
        409 => Failure::rejected(format!(
            "could not {what}: its head moved while it was merged (GitHub says: {message}). Review what came in, then merge that."
        )),
        405 if passes => Failure::retry(format!("could not {what} yet: GitHub says: {message}.")),
        _ => Failure::rejected(format!(
            "could not {what}: GitHub says: {message}. Conflicts, missing reviews and required checks are shown at the pull \
             request; the bot does not merge past them."
        )),
    }
}
