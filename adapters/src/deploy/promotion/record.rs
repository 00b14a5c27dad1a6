//! The record of a proposal on disk.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeployRequest, DeployStatus};
use crate::forge::PullNumber;
use crate::ids::CommitId;

/// A proposal, from before its branch is created until after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proposal {
    pub(super) request: DeployRequest,
    /// The time of its commit, recorded so that a retry makes the same commit.
    pub(super) at: Timestamp,
    pub(super) title: String,
    /// The drafted commit; `None` if the merge request was found by its branch and no draft was recorded.
    pub(super) draft: Option<Draft>,
    /// Number of the merge request; `None` until it is opened.
    pub(super) number: Option<PullNumber>,
    /// `true` once the bot has set its label or written its comment.
    pub(super) announced: bool,
    /// The final status; `None` while the proposal is open. It never changes.
    pub(super) ended: Option<DeployStatus>,
}

/// The commit of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    /// The head of main when the draft was made.
    pub(super) parent: CommitId,
    /// The draft's own commit.
    pub(super) commit: CommitId,
    /// The commit that the branch must be moved from, if this draft replaces another.
    pub(super) replaces: Option<CommitId>,
    /// Description of the merge request.
    pub(super) body: String,
    pub(super) changes: Vec<Changed>,
    /// Paths of the changed files.
    pub(super) files: Vec<String>,
    /// Warnings shown while the proposal is open.
    pub(super) warnings: Vec<String>,
}

/// A value that is changed, or that is already correct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    pub(super) target: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) place: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// A place that is left unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Excluded {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) reason: String,
}
