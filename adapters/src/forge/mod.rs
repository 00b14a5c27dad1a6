//! The forge ports: where the code lives. Four small ones, because their users differ: [`Refs`] moves branches,
//! [`PullRequests`] is the review, [`History`] answers questions about commits, [`Files`] reads and writes what is in them.
//! An adapter implements all four. Adapters: [`github`], [`gitlab`], [`local`]; [`hosted`] is what the first two have in
//! common.

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod credentials;
pub mod git;
pub mod github;
pub mod gitlab;
pub mod hosted;
pub mod local;
pub mod neutralize;
pub mod webhook;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, PersonRef, Repo, TagName};

/// Everything a forge does.
pub trait Forge: Refs + PullRequests + History + Files {}
impl<T: Refs + PullRequests + History + Files> Forge for T {}

/// Branches and tags. Every change names the state it expects, so that repeating it is harmless.
#[async_trait]
pub trait Refs: Send + Sync {
    /// Returns where these branches are, all at one moment. Branches that do not exist are left out.
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure>;

    /// Returns where a branch is; `None` when there is none.
    async fn tip(&self, repo: &Repo, branch: &BranchName) -> Result<Option<CommitId>, Failure> {
        Ok(self.tips(repo, &[branch]).await?.remove(branch))
    }

    /// Creates a branch that does not exist. A branch that is already exactly there is success; one that is elsewhere, or
    /// one whose name git cannot hold beside an existing branch (`hotfix` and `hotfix/x`), is rejected and named.
    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure>;

    /// Moves a branch from one commit to another, in any direction, only if it is at the first (or already at the second).
    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure>;

    /// Deletes a branch if it is at this commit; a branch that is gone already is success.
    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure>;

    /// Creates a tag; one that is already exactly there is success, one that is elsewhere is rejected.
    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure>;

    /// All branches that are this name or lie below it (`hotfix`, `hotfix/…`), with where they are.
    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure>;
}

/// Pull requests (merge requests), their reviews and their checks.
#[async_trait]
pub trait PullRequests: Send + Sync {
    /// The newest pull request from this branch into that one, whatever its state.
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure>;

    /// Opens one, unless an open one from this head into this base is there: then it is that one.
    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure>;

    /// Reads one as it is now.
    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure>;

    /// Merges one if its head is the commit given, and answers the commit that the base branch is at by it. Merging one
    /// that was merged with this head before answers the same commit again. A head that moved and a conflict are rejected.
    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure>;

    /// The open pull requests or issues that carry a label, such as `release-blocker`.
    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure>;

    /// The open pull requests with exactly this title.
    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure>;

    /// The names of the checks that the forge itself requires before something is merged into a branch. Empty when it
    /// requires none, or does not know checks by name.
    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure>;

    /// The checks and statuses of a commit.
    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure>;

    /// Puts labels on a pull request and takes others off; what is so already is success.
    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure>;

    /// Who put which label on a pull request or took it off, oldest first.
    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure>;

    /// Writes a comment under a pull request, unless one with this key is there: it is found by the key again.
    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure>;

    /// Closes an open pull request without merging it; a closed one is success, a merged one is rejected.
    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure>;

    /// Lists the pull requests that a commit came in by, or belongs to while they are open, those from forks included.
    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure>;
}

/// What is in the files of a commit.
#[async_trait]
pub trait Files: Send + Sync {
    /// The content of a file at a commit; `None` when there is no such file. Links are not followed.
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// The paths of all files at a commit that are this path or lie below it, sorted. `""` is the whole tree.
    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure>;

    /// Makes one commit that changes several files, without moving any branch. The same arguments make the same commit
    /// id, so that the act can be found again.
    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure>;
}

/// Questions about commits, and new commits that no branch holds yet.
#[async_trait]
pub trait History: Send + Sync {
    /// What a person's words for a commit mean: a full or short id, a branch, a tag. `None` when nothing answers to them.
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure>;

    /// The commits that `head` has and `base` has not, oldest first, at most `max`, and how many there are in all.
    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure>;

    /// Reads one commit, as git knows it: without the accounts of people.
    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure>;

    /// How large the difference between two commits is.
    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure>;

    /// Whether `tip` has what `base..head` brought: the lines of it, in whatever way they came. The same arguments have the
    /// same answer for ever.
    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure>;

    /// Makes the commit that `source` would be on top of `onto`, without moving any branch. The same arguments make the
    /// same commit id, so that the act can be found again.
    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure>;

    /// How many commits a commit has behind it, itself included: operators make versions of it (SRE-11).
    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure>;

    /// Who pushed to a branch since this moment, or since the branch was made when that was later, each once. git does not
    /// know: a commit says of itself whose it is. Empty where the forge does not tell.
    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure>;

    /// Returns what a commit introduced: itself, or for a merge everything that its other parents have and its first has not.
    /// A merge is part of it only when it differs from what git makes of its parents.
    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure>;

    /// Returns the identities behind which there is no person: the bot's own, and the forge's.
    async fn machines(&self, repo: &Repo) -> Result<Machines, Failure>;
}

/// The commits that one commit brought to its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// Its first parent; `None` for the first commit of a repository.
    pub from: Option<CommitId>,
    /// The commits, oldest first.
    pub commits: Vec<CommitInfo>,
}

/// Identities behind which there is no person. Git addresses are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machines {
    /// Those of the bot itself.
    pub bot: BTreeSet<PersonRef>,
    /// Those under which the forge commits what people do on its pages. They say nothing as an author.
    pub forge: BTreeSet<PersonRef>,
}

/// A pull request, as far as it tells whose work a commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bringing {
    /// Its number.
    pub number: PullNumber,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: Option<PersonRef>,
    /// Its branch; `None` for one in a fork, whose pushes are not known here.
    pub branch: Option<BranchName>,
    /// The head of that branch, or what it was at the merge.
    pub head_commit: CommitId,
    /// Whether it is merged.
    pub merged: bool,
}

/// A commit to be made of changed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCommit {
    /// On top of what.
    pub parent: CommitId,
    /// Its whole message.
    pub message: String,
    /// The files with their new content; a file that is there keeps its mode, a new one is an ordinary file.
    pub files: Vec<(String, Vec<u8>)>,
    /// When: it becomes the author's and the committer's time.
    pub at: Timestamp,
}

/// Somebody put a label on, or took it off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEvent {
    /// Which label.
    pub label: String,
    /// Whether it was put on.
    pub added: bool,
    /// By whom, when the forge says.
    pub by: Option<PersonRef>,
    /// When.
    pub at: Timestamp,
}

/// The number of a pull request in its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PullNumber(pub u64);

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPullRequest {
    /// Where.
    pub repo: Repo,
    /// What is to be merged.
    pub head: BranchName,
    /// Into what.
    pub base: BranchName,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// On whose behalf it is opened, as far as the forge knows that person.
    pub author: Option<PersonRef>,
}

/// A pull request as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: PullNumber,
    /// Its title.
    pub title: String,
    /// Open, merged or closed.
    pub state: PullState,
    /// The branch to be merged.
    pub head: BranchName,
    /// Where that branch is; after the merge, where it was.
    pub head_commit: CommitId,
    /// The branch it goes into.
    pub base: BranchName,
    /// Who opened it.
    pub author: Option<PersonRef>,
    /// Whether it is marked as not ready to be merged.
    pub draft: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// What reviewers said, oldest first, the outdated included: each names its commit.
    pub reviews: Vec<Review>,
    /// Where it can be seen.
    pub url: Option<String>,
}

/// The state of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    /// To be merged.
    Open,
    /// Merged, as this commit of the base branch.
    Merged(CommitId),
    /// Given up.
    Closed,
}

/// What a reviewer said of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The reviewer.
    pub person: PersonRef,
    /// The head when they said it.
    pub commit: CommitId,
    /// What they said.
    pub verdict: ReviewVerdict,
    /// When.
    pub at: Timestamp,
}

/// What a reviewer can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// Yes.
    Approved,
    /// Not like this.
    ChangesRequested,
    /// Took back what they said before.
    Dismissed,
}

/// One check or status of a commit. Checks of the same name by different apps are different checks (security case 52).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Who reported it.
    pub app: String,
    /// How it went.
    pub state: CheckState,
}

/// How a check went. What is not plainly a success is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Not finished.
    Pending,
    /// Passed.
    Success,
    /// Failed.
    Failure,
    /// Skipped or neutral: said nothing.
    Neutral,
}

/// Something open that was searched for, by a label or a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Its number.
    pub number: PullNumber,
    /// Its title.
    pub title: String,
}

/// How to merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The head that was approved; nothing else is merged.
    pub expected_head: CommitId,
    /// In which way.
    pub method: MergeMethod,
    /// The first line of the commit that is made.
    pub title: String,
    /// The rest of its message.
    pub body: String,
}

/// The ways to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// A merge commit: ancestry stays.
    Merge,
    /// One new commit: ancestry is lost.
    Squash,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// Its id.
    pub id: CommitId,
    /// Its parents.
    pub parents: Vec<CommitId>,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: Signature,
    /// Who committed it.
    pub committer: Signature,
    /// Who is named in `Co-authored-by`.
    pub co_authors: Vec<Signature>,
    /// The commits that its message claims to be picked from (`git cherry-pick -x`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picked_from: Vec<CommitId>,
    /// When it was committed.
    pub at: Timestamp,
}

/// A commit, with what is known of it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitDetail {
    /// The commit.
    pub info: CommitInfo,
    /// Its message without the first line.
    pub body: String,
}

/// Somebody as git names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The forge account, when the forge says.
    pub account: Option<PersonRef>,
}

/// Commits between two others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The commits, oldest first.
    pub commits: Vec<CommitInfo>,
    /// How many there are in all, listed or not.
    pub total: usize,
}

/// How large a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffSize {
    /// Files that differ.
    pub files: usize,
    /// Lines added.
    pub insertions: usize,
    /// Lines removed.
    pub deletions: usize,
}

/// What somebody brought: everything in `head` that is not in `base`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it started from.
    pub base: CommitId,
    /// Where it ended.
    pub head: CommitId,
}

/// Whether a change is in, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// The head is an ancestor.
    Ancestor,
    /// Every commit has an equivalent by patch.
    Patch,
    /// One commit has all of it, or merging it would change nothing: it came in as a squash.
    Squash,
    /// Its lines are there, though no commit has the same patch.
    Lines,
    /// It came in, and this commit rewrote the same lines since: nobody can tell by the content whether it still works.
    Rewritten {
        /// The commit that rewrote them.
        by: CommitId,
    },
    /// It came in by one of these ways, and this commit took it out again: a revert, or one that put back the lines from
    /// before the change.
    Reverted {
        /// That commit; a merge when the merge itself dropped it.
        by: CommitId,
        /// Whether only a part of the change is out.
        #[serde(default)]
        partly: bool,
    },
    /// It is not in; these of its commits are missing, as far as can be told.
    Missing {
        /// The missing commits.
        commits: Vec<CommitId>,
    },
}

impl Containment {
    /// Whether the change is in; one whose lines were rewritten is, because it was the last time that could be told.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Ancestor | Self::Patch | Self::Squash | Self::Lines | Self::Rewritten { .. } => true,
            Self::Reverted { .. } | Self::Missing { .. } => false,
        }
    }
}

/// A cherry-pick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// On top of what.
    pub onto: CommitId,
    /// Which commit. A merge commit is taken against its first parent.
    pub source: CommitId,
    /// When: it becomes the committer's time, so that the same pick makes the same commit.
    pub at: Timestamp,
    /// Whether to add `(cherry picked from commit …)` to the message.
    pub trace: bool,
}

/// What came of a cherry-pick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picked {
    /// It made this commit.
    Commit(CommitId),
    /// It would change nothing.
    AlreadyThere,
    /// It changes nothing anywhere: the commit is empty.
    Empty,
    /// git refuses to write what it would be, because the commit is malformed, as it says in these words.
    Malformed(String),
    /// It does not apply, because of these files.
    Conflict {
        /// The files.
        files: Vec<String>,
    },
}
