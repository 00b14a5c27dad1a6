//! Responses of the GitHub API: only the fields that are used, optional wherever an older server may omit them.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::ids::{PersonRef, Platform};

#[derive(Debug, Deserialize)]
pub(super) struct Installation {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct OwnApp {
    pub(super) slug: String,
}

#[derive(Deserialize)]
pub(super) struct Minted {
    #[serde(deserialize_with = "secret")]
    pub(super) token: SecretString,
    pub(super) expires_at: Timestamp,
    #[serde(default)]
    pub(super) repositories: Vec<Repository>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: Option<String>,
}

impl User {
    /// Identifies the account by id, because a login can be released and taken by another user.
    pub(super) fn person(&self) -> PersonRef {
        PersonRef::new(Platform::Github, self.id.to_string())
    }
}

/// An entry of a branch's activity list.
#[derive(Debug, Deserialize)]
pub(super) struct Activity {
    pub(super) activity_type: String,
    pub(super) timestamp: Timestamp,
    /// `None` if the account was deleted.
    pub(super) actor: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) state: String,
    pub(super) merged_at: Option<Timestamp>,
    pub(super) merge_commit_sha: Option<String>,
    /// `None` in lists, and while GitHub has not computed it.
    pub(super) mergeable: Option<bool>,
    pub(super) head: End,
    pub(super) base: End,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    pub(super) html_url: Option<String>,
}

/// The head or base of a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct End {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: String,
    /// `None` if the repository was deleted, which can only happen to a fork.
    pub(super) repo: Option<Numbered>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Numbered {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Review {
    pub(super) id: u64,
    /// `None` if the account was deleted.
    pub(super) user: Option<User>,
    pub(super) state: String,
    pub(super) commit_id: Option<String>,
    /// `None` while the review is not submitted.
    pub(super) submitted_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeDone {
    pub(super) sha: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IssueEvent {
    pub(super) event: String,
    pub(super) actor: Option<User>,
    pub(super) label: Option<Label>,
    pub(super) created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comment {
    pub(super) body: Option<String>,
}

/// A branch, with the part of its protection that any reader of the repository can see.
#[derive(Debug, Deserialize)]
pub(super) struct Branch {
    #[serde(default)]
    pub(super) protection: Protection,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Protection {
    #[serde(default)]
    pub(super) required_status_checks: Option<RequiredChecks>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RequiredChecks {
    #[serde(default)]
    pub(super) contexts: Vec<String>,
}

/// A ruleset's rule that applies to a branch.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) parameters: RuleParameters,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RuleParameters {
    #[serde(default)]
    pub(super) required_status_checks: Vec<RequiredContext>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RequiredContext {
    pub(super) context: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRuns {
    pub(super) check_runs: Vec<CheckRun>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRun {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) app: Option<CheckApp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckApp {
    pub(super) id: u64,
    pub(super) slug: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) context: String,
    pub(super) state: String,
    pub(super) creator: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Compared {
    pub(super) commits: Vec<ComparedCommit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ComparedCommit {
    pub(super) sha: String,
    pub(super) author: Option<MaybeUser>,
    pub(super) committer: Option<MaybeUser>,
}

/// An optional user: GitHub answers `{}` for an address without an account.
#[derive(Debug, Deserialize)]
pub(super) struct MaybeUser {
    pub(super) id: Option<u64>,
}
