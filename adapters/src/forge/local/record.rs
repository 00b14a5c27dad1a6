//! Records of the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::forge::{Check, LabelEvent, NewPullRequest, PullNumber, PullRequest, PullState, Review};
use crate::ids::{BranchName, CommitId, PersonRef};

/// Version of the file format; any other version is refused.
pub(super) const FORMAT: u32 = 1;

/// The document of one repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) format: u32,
    /// Next number; pull requests and issues share one sequence.
    pub(super) next: u64,
    pub(super) pulls: Vec<Pull>,
    pub(super) issues: Vec<Issue>,
    pub(super) checks: BTreeMap<CommitId, Vec<Check>>,
}

impl Default for Book {
    fn default() -> Self {
        Self { format: FORMAT, next: 1, pulls: Vec::new(), issues: Vec::new(), checks: BTreeMap::new() }
    }
}

/// A pull request with everything that the ledger records about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pull {
    pub(super) number: PullNumber,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) head: BranchName,
    pub(super) base: BranchName,
    pub(super) author: Option<PersonRef>,
    pub(super) opened_at: Timestamp,
    /// Current head, or the head when the branch was last read or the pull request was finished.
    pub(super) head_commit: CommitId,
    pub(super) state: State,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) labels: Vec<String>,
    pub(super) reviews: Vec<Review>,
    #[serde(default)]
    pub(super) labellings: Vec<LabelEvent>,
    #[serde(default)]
    pub(super) comments: Vec<Comment>,
}

/// A comment on a pull request, with its dedupe key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Comment {
    pub(super) key: String,
    pub(super) text: String,
}

/// The state of a pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Open, ready to be merged or closed.
    Open {
        /// Base at the last refresh. A head that it already contained was not merged.
        base_commit: CommitId,
        /// A merge that was begun and may not be finished.
        intent: Option<Intent>,
    },
    /// Merged; the commit of the base branch that the merge produced.
    Merged { commit: CommitId },
    /// Closed without a merge.
    Closed,
}

/// A merge commit to which the base is about to move. It is recorded before the base moves, so that after a crash the
/// base shows if the move happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) head: CommitId,
    pub(super) commit: CommitId,
    pub(super) at: Timestamp,
}

/// An open issue; closed ones are not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Issue {
    pub(super) number: PullNumber,
    pub(super) title: String,
    pub(super) labels: Vec<String>,
}

impl Book {
    pub(super) fn number(&mut self) -> PullNumber {
        let number = PullNumber(self.next);
        self.next = self.next.saturating_add(1);
        number
    }

    pub(super) fn pull(&self, number: PullNumber) -> Result<&Pull, Failure> {
        self.pulls.iter().find(|pull| pull.number == number).ok_or_else(|| no_pull(number))
    }

    pub(super) fn pull_mut(&mut self, number: PullNumber) -> Result<&mut Pull, Failure> {
        self.pulls.iter_mut().find(|pull| pull.number == number).ok_or_else(|| no_pull(number))
    }

    /// Returns the newest pull request between these branches, in any state.
    pub(super) fn newest(&self, head: &BranchName, base: &BranchName) -> Option<&Pull> {
        self.pulls.iter().rfind(|pull| pull.head == *head && pull.base == *base)
    }
}

impl Pull {
    pub(super) fn new(
        number: PullNumber,
        new: &NewPullRequest,
        head_commit: CommitId,
        base_commit: CommitId,
        at: Timestamp,
    ) -> Self {
        Self {
            number,
            title: new.title.clone(),
            body: new.body.clone(),
            head: new.head.clone(),
            base: new.base.clone(),
            author: new.author.clone(),
            opened_at: at,
            head_commit,
            state: State::Open { base_commit, intent: None },
            draft: false,
            labels: Vec::new(),
            reviews: Vec::new(),
            labellings: Vec::new(),
            comments: Vec::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Adds or removes a label and records the event. Does nothing if the label is already in that state.
    pub(super) fn set_label(&mut self, label: &str, added: bool, by: Option<PersonRef>, at: Timestamp) {
        if self.labels.iter().any(|other| other == label) == added {
            return;
        }
        if added {
            self.labels.push(label.to_owned());
        } else {
            self.labels.retain(|other| other != label);
        }
        self.labellings.push(LabelEvent { label: label.to_owned(), added, by, at });
    }

    pub(super) fn view(&self) -> PullRequest {
        PullRequest {
            number: self.number,
            title: self.title.clone(),
            state: match &self.state {
                State::Open { .. } => PullState::Open,
                State::Merged { commit } => PullState::Merged(commit.clone()),
                State::Closed => PullState::Closed,
            },
            head: self.head.clone(),
            head_commit: self.head_commit.clone(),
            base: self.base.clone(),
            author: self.author.clone(),
            draft: self.draft,
            labels: self.labels.clone(),
            reviews: self.reviews.clone(),
            url: None,
        }
    }
}

fn no_pull(number: PullNumber) -> Failure {
    Failure::rejected(format!("there is no pull request {}.", number.0))
}
