//! Responses of the GitLab API: only the fields that are used. Fields that some versions omit are optional.

use jiff::Timestamp;
use serde::Deserialize;

use crate::ids::CommitId;

/// Access level of the role Developer, the lowest that may push.
pub(super) const DEVELOPER: u64 = 30;

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    #[serde(default)]
    pub(super) archived: bool,
    permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    project_access: Option<Access>,
    group_access: Option<Access>,
}

#[derive(Debug, Deserialize)]
struct Access {
    access_level: u64,
}

impl Project {
    /// Returns the higher of the access levels that the project and its group grant. `None` if GitLab reports neither.
    pub(super) fn level(&self) -> Option<u64> {
        let permissions = self.permissions.as_ref()?;
        let granted = permissions.project_access.iter().chain(&permissions.group_access);
        granted.map(|access| access.access_level).max()
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) username: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MergeRequest {
    pub(crate) iid: u64,
    pub(crate) title: String,
    pub(crate) state: String,
    pub(crate) source_branch: String,
    pub(crate) target_branch: String,
    pub(crate) source_project_id: Option<u64>,
    pub(crate) target_project_id: Option<u64>,
    /// Head commit; `None` while GitLab prepares a new merge request.
    pub(crate) sha: Option<CommitId>,
    pub(crate) merge_commit_sha: Option<CommitId>,
    pub(crate) squash_commit_sha: Option<CommitId>,
    pub(crate) author: Option<User>,
    #[serde(default, alias = "work_in_progress")]
    pub(crate) draft: bool,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) reviewers: Vec<User>,
    #[serde(default)]
    pub(crate) detailed_merge_status: Option<String>,
    #[serde(default)]
    pub(crate) merge_error: Option<String>,
    pub(crate) web_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) iid: u64,
    pub(crate) title: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Approvals {
    #[serde(default)]
    pub(crate) approved_by: Vec<Approval>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Approval {
    pub(crate) user: User,
    /// Reported by GitLab 18 and newer.
    pub(crate) approved_at: Option<Timestamp>,
}

/// A version of a merge request; each push creates one.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) head_commit_sha: CommitId,
    pub(crate) created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Note {
    #[serde(default)]
    pub(crate) body: String,
    pub(crate) author: Option<User>,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) system: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reviewer {
    pub(crate) user: User,
    #[serde(default)]
    pub(crate) state: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LabelEvent {
    pub(crate) user: Option<User>,
    pub(crate) created_at: Timestamp,
    pub(crate) label: Option<Label>,
    pub(crate) action: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Label {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    #[serde(rename = "ref", default)]
    pub(crate) reference: Option<String>,
    #[serde(default)]
    pub(crate) allow_failure: bool,
    pub(crate) author: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) sha: CommitId,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
    #[serde(default)]
    pub(crate) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) finished_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) allow_failure: bool,
    #[serde(default)]
    pub(crate) failure_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Variable {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) sha: CommitId,
    pub(crate) updated_at: Timestamp,
    #[serde(default)]
    pub(crate) deployable: Option<Deployable>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deployable {
    #[serde(default)]
    pub(crate) finished_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Commit {
    pub(crate) id: CommitId,
    #[serde(default)]
    pub(crate) author_email: String,
    #[serde(default)]
    pub(crate) committer_email: String,
}

/// A push event of a project.
#[derive(Debug, Deserialize)]
pub(crate) struct Pushed {
    pub(crate) author_id: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) push_data: Option<PushData>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PushData {
    pub(crate) action: Pushing,
    #[serde(default)]
    pub(crate) ref_type: String,
    /// `None` if several branches were pushed at once.
    #[serde(rename = "ref")]
    pub(crate) name: Option<String>,
}

/// The effect of a push on its ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pushing {
    Created,
    Pushed,
    Removed,
    #[serde(other)]
    Other,
}

/// A response that is only checked for existence.
#[derive(Debug, Deserialize)]
pub(crate) struct Anything {}
