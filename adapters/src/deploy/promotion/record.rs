//! What is remembered of a proposal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeployRequest, DeployStatus};
use crate::forge::PullNumber;
use crate::ids::CommitId;

/// A proposal, from before its branch is made until after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proposal {
    pub(super) request: DeployRequest,
    /// The time of its commit, so that the same proposal makes the same one again.
    pub(super) at: Timestamp,
    pub(super) title: String,
    /// What it changes, when it was made here; a proposal that was found by its branch alone has none.
    pub(super) draft: Option<Draft>,
    /// The merge request, once it is there.
    pub(super) number: Option<PullNumber>,
    /// Whether the bot's own label or comment is on it.
    pub(super) announced: bool,
    /// How it ended. It says the same for ever.
    pub(super) ended: Option<DeployStatus>,
}

/// The commit of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    /// Main when it was made.
    pub(super) parent: CommitId,
    /// The commit.
    pub(super) commit: CommitId,
    /// The commit that the branch is to be moved from, when this one replaces another.
    pub(super) replaces: Option<CommitId>,
    /// The merge request's text.
    pub(super) body: String,
    pub(super) changes: Vec<Changed>,
    /// The files that it changes.
    pub(super) files: Vec<String>,
    /// What people should know while it waits.
    pub(super) warnings: Vec<String>,
}

/// A value that is changed, or right already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    pub(super) target: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) place: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// A place that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Excluded {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) reason: String,
}
