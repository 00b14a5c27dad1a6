//! What the ledger holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::forge::{Check, LabelEvent, NewPullRequest, PullNumber, PullRequest, PullState, Review};
use crate::ids::{BranchName, CommitId, PersonRef};

/// The layout of the file; a newer one is not guessed at.
pub(super) const FORMAT: u32 = 1;

/// All that one repository's ledger holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) format: u32,
    /// The number that the next pull request or issue gets: they share them.
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

/// A pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pull {
    pub(super) number: PullNumber,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) head: BranchName,
    pub(super) base: BranchName,
    pub(super) author: Option<PersonRef>,
    pub(super) opened_at: Timestamp,
    /// Where the head is, or was when the branch was last seen or the pull request ended.
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

/// A comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Comment {
    pub(super) key: String,
    pub(super) text: String,
}

/// The state of a pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// To be merged.
    Open {
        /// Where the base was when it was last looked at: a head that lay in there already was not merged.
        base_commit: CommitId,
        /// A merge that was begun and perhaps not finished.
        intent: Option<Intent>,
    },
    /// Merged, as this commit.
    Merged { commit: CommitId },
    /// Given up.
    Closed,
}

/// A merge commit that was made and that the base was about to be moved to. It is written down before the base moves, so
/// that after a crash a look at the base tells whether it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) head: CommitId,
    pub(super) commit: CommitId,
    pub(super) at: Timestamp,
}

/// An open issue; closed ones are of no interest to anybody here.
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

    /// The newest pull request between these branches.
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

    /// Puts a label on or takes it off; what is so already leaves no trace.
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
