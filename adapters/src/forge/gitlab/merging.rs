//! Merging, once. The parameter `sha` makes GitLab refuse a head that moved. If the answer to a merge is lost, the
//! merge request is read again.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::pulls::{merged_as, unsaid};
use super::{GitLab, wire};
use crate::failure::Failure;
use crate::forge::{Merge, MergeMethod, PullNumber};
use crate::ids::{CommitId, Repo};

/// Retry delay while GitLab computes the merge status.
const MOMENT: Duration = Duration::from_secs(2);

impl GitLab {
    pub(super) async fn merge_once(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure> {
        let found = self.merge_request(repo, number).await?;
        if let Some(commit) = settled(repo, &found, merge)? {
            return Ok(commit);
        }
        let message = message(merge);
        let squash = match merge.method {
            MergeMethod::Merge => false,
            MergeMethod::Squash => true,
        };
        let mut body = json!({
            "sha": merge.expected_head.as_str(),
            "squash": squash,
            "should_remove_source_branch": false,
            "merge_commit_message": message,
        });
        if squash && let Some(fields) = body.as_object_mut() {
            fields.insert("squash_commit_message".to_owned(), message.into());
        }
        let act = format!("merge !{} of {repo}", number.0);
        let url = self.pull_at(repo, number, &["merge"]);
        match self.rest().write(Method::PUT, &url, Some(&body), &act).await {
            Ok(answer) if answer.status.is_success() => {
                let known = self.rest().parse::<wire::MergeRequest>(&answer, &act).ok();
                match known.filter(|found| found.state == "merged").and_then(|found| merged_as(&found)) {
                    Some(commit) => Ok(commit),
                    None => self.merged_after_all(repo, number, merge, unsaid(repo, number)).await,
                }
            }
            Ok(answer) => {
                let why =
                    self.not_merged(repo, number, merge, answer.status, &self.rest().refused(&answer, &act)).await;
                self.merged_after_all(repo, number, merge, why).await
            }
            Err(failure @ Failure::Uncertain { .. }) => self.merged_after_all(repo, number, merge, failure).await,
            Err(failure) => Err(failure),
        }
    }

    /// Reads the merge request again and returns its merge commit if it is merged after all, by a lost call or by
    /// someone else. Fails with `otherwise` if it is not.
    async fn merged_after_all(
        &self,
        repo: &Repo,
        number: PullNumber,
        merge: &Merge,
        otherwise: Failure,
    ) -> Result<CommitId, Failure> {
        let Ok(now) = self.merge_request(repo, number).await else { return Err(otherwise) };
        match settled(repo, &now, merge) {
            Ok(Some(commit)) => Ok(commit),
            Ok(None) | Err(_) => Err(otherwise),
        }
    }

    /// Converts a refused merge into a failure with GitLab's reason and advice.
    async fn not_merged(
        &self,
        repo: &Repo,
        number: PullNumber,
        merge: &Merge,
        status: StatusCode,
        plain: &Failure,
    ) -> Failure {
        let Ok(now) = self.merge_request(repo, number).await else { return plain.clone() };
        if status == StatusCode::CONFLICT || now.sha.as_ref() != Some(&merge.expected_head) {
            return moved(repo, &now, merge);
        }
        let standing = now.detailed_merge_status.as_deref().unwrap_or("not mergeable");
        let what = match standing {
            "checking" | "unchecked" | "preparing" | "approvals_syncing" | "mergeable" | "ci_still_running" => {
                let reason = format!("GitLab does not merge !{} of {repo} yet: {standing}", number.0);
                return Failure::Retry { reason, after: Some(MOMENT) };
            }
            "conflict" | "broken_status" => "it conflicts. Merge by hand, settle that, and push.",
            "need_rebase" => "its branch is behind. Rebase it, and have it approved again.",
            "draft_status" => "it is a draft. Mark it as ready.",
            "discussions_not_resolved" => "threads are open. Resolve them.",
            "not_approved" | "requested_changes" => "GitLab's own approval rules are not met. Ask the approvers.",
            "ci_must_pass" | "status_checks_must_pass" | "external_status_checks" => "a check did not pass. Mend it.",
            "policies_denied" | "security_policy_violations" => "a policy of the project forbids it. Ask its owners.",
            _ => "look at it on GitLab.",
        };
        let error = now.merge_error.map(|error| format!(" ({error})")).unwrap_or_default();
        Failure::rejected(format!("GitLab does not merge !{} of {repo}: {standing}{error}: {what}", number.0))
    }
}

/// Returns the merge commit if it is merged with the expected head, or `None` if it is open. Rejects if the head moved
/// or if it is closed.
fn settled(repo: &Repo, found: &wire::MergeRequest, merge: &Merge) -> Result<Option<CommitId>, Failure> {
    let number = PullNumber(found.iid);
    if found.sha.as_ref() != Some(&merge.expected_head) {
        return Err(moved(repo, found, merge));
    }
    match found.state.as_str() {
        "merged" => merged_as(found).map(Some).ok_or_else(|| unsaid(repo, number)),
        "closed" => {
            Err(Failure::rejected(format!("merge request !{} of {repo} was closed. Open a new one.", number.0)))
        }
        _ => Ok(None),
    }
}

fn moved(repo: &Repo, found: &wire::MergeRequest, merge: &Merge) -> Failure {
    let now = found.sha.as_ref().map_or("elsewhere", CommitId::as_str);
    Failure::rejected(format!(
        "merge request !{} of {repo} is at {now}, not at {} as approved. Review what came in, then merge that.",
        found.iid, merge.expected_head
    ))
}

fn message(merge: &Merge) -> String {
    let title = merge.title.replace(['\r', '\n'], " ");
    let body = merge.body.trim();
    if body.is_empty() { title } else { format!("{title}\n\n{body}") }
}
