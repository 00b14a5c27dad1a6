//! The forge ports: access to repositories and their pull requests. They are four small traits because their callers
//! differ: [`Refs`] moves branches and tags, [`PullRequests`] handles reviews, checks and merges, [`History`] answers
//! questions about commits, and [`Files`] reads and writes file content. An adapter implements all four. Adapters:
//! [`github`], [`gitlab`] and [`local`]; the first two share [`hosted`].

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

/// All four forge ports together; implemented automatically.
pub trait Forge: Refs + PullRequests + History + Files {}
impl<T: Refs + PullRequests + History + Files> Forge for T {}

/// Branches and tags. Every change names the state that it expects, so repeating a change is harmless.
#[async_trait]
pub trait Refs: Send + Sync {
    /// Returns the heads of these branches, all read at the same moment. Branches that do not exist are left out.
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure>;

    /// Returns the head of a branch, or `None` if the branch does not exist.
    async fn tip(&self, repo: &Repo, branch: &BranchName) -> Result<Option<CommitId>, Failure> {
        Ok(self.tips(repo, &[branch]).await?.remove(branch))
    }

    /// Creates a branch. Succeeds if the branch already exists at this commit. Rejects, and names the conflicting
    /// branch, if the branch exists at another commit or if git cannot store its name beside an existing branch
    /// (`hotfix` and `hotfix/x`).
    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure>;

    /// Moves a branch from commit `from` to commit `to`, in any direction. Succeeds if the branch is already at `to`;
    /// rejects if it is at any other commit than `from`.
    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure>;

    /// Deletes a branch that is at this commit. Succeeds if the branch does not exist.
    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure>;

    /// Creates a tag. Succeeds if the tag already exists at this commit; rejects if it exists at another commit.
    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure>;

    /// Returns the branches that have this name or lie below it (`hotfix`, `hotfix/…`), each with its head.
    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure>;
}

/// Pull requests (GitLab: merge requests) with their reviews, labels, comments and checks.
#[async_trait]
pub trait PullRequests: Send + Sync {
    /// Returns the newest pull request from `head` into `base`, in any state.
    async fn find(&self, repo: &Repo, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>, Failure>;

    /// Opens a pull request, or returns the open one that already exists for this head and base.
    async fn open(&self, new: &NewPullRequest) -> Result<PullRequest, Failure>;

    /// Reads the current state of a pull request.
    async fn read(&self, repo: &Repo, number: PullNumber) -> Result<PullRequest, Failure>;

    /// Merges a pull request if its head is the expected commit, and returns the resulting commit of the base branch.
    /// If the pull request is already merged with this head, returns the same commit again. Rejects if the head moved
    /// or if there is a conflict.
    async fn merge(&self, repo: &Repo, number: PullNumber, merge: &Merge) -> Result<CommitId, Failure>;

    /// Returns the open pull requests or issues with a label, such as `release-blocker`.
    async fn list_by_label(&self, repo: &Repo, label: &str) -> Result<Vec<Labelled>, Failure>;

    /// Returns the open pull requests with exactly this title.
    async fn find_by_title(&self, repo: &Repo, title: &str) -> Result<Vec<Labelled>, Failure>;

    /// Returns the names of the checks that the forge requires before a merge into a branch. Empty if it requires none,
    /// or does not identify checks by name.
    async fn required_checks(&self, repo: &Repo, branch: &BranchName) -> Result<Vec<String>, Failure>;

    /// Returns the checks and commit statuses of a commit.
    async fn checks(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Check>, Failure>;

    /// Adds labels to a pull request and removes others. Labels that are already in the requested state
    /// count as success.
    async fn set_labels(
        &self,
        repo: &Repo,
        number: PullNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Failure>;

    /// Returns the history of a pull request's labels, oldest first: each addition and removal, with the
    /// account behind it.
    async fn label_events(&self, repo: &Repo, number: PullNumber) -> Result<Vec<LabelEvent>, Failure>;

    /// Writes a comment on a pull request, unless a comment with this dedupe key already exists.
    async fn comment(&self, repo: &Repo, number: PullNumber, key: &str, text: &str) -> Result<(), Failure>;

    /// Closes an open pull request without merging it. Succeeds if it is already closed; rejects if it is merged.
    async fn close(&self, repo: &Repo, number: PullNumber) -> Result<(), Failure>;

    /// Returns the pull requests that brought this commit to its branch, or that contain it while they are open,
    /// including those from forks.
    async fn bringing(&self, repo: &Repo, commit: &CommitId) -> Result<Vec<Bringing>, Failure>;
}

/// The files of a commit: reading them, and making commits that change them.
#[async_trait]
pub trait Files: Send + Sync {
    /// Returns the content of a file at a commit, or `None` if the path does not exist. Symbolic links are not
    /// followed: a path that is not a regular file is rejected.
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// Returns the paths of all files at a commit that equal this path or lie below it, sorted. `""` means
    /// the whole tree.
    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure>;

    /// Makes one commit that changes several files, without moving any branch. Equal arguments yield the same commit
    /// id, so a repeated call finds the first result again.
    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure>;
}

/// Questions about commits, and new commits that are on no branch yet.
#[async_trait]
pub trait History: Send + Sync {
    /// Resolves a revision typed by a user: a full or short commit id, a branch or a tag. `None` if it matches nothing;
    /// rejects a name that matches several commits.
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure>;

    /// Returns the commits in `head` that are not in `base`, oldest first and at most `max`, with their total number.
    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure>;

    /// Reads one commit from git alone, without forge accounts.
    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure>;

    /// Returns the size of the diff between two commits.
    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure>;

    /// Returns whether, and in which way, `tip` contains the change `base..head`: judged by the lines of the change,
    /// however they arrived. Equal arguments always yield the same answer.
    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure>;

    /// Cherry-picks `source` onto `onto`, without moving any branch. Equal arguments yield the same commit id, so a
    /// repeated call finds the first result again.
    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure>;

    /// Returns the number of commits reachable from a commit, itself included. Operators derive version numbers
    /// from it (SRE-11).
    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure>;

    /// Returns the accounts that pushed to a branch since `since`, or since the branch was created if that is later,
    /// each once. This comes from the forge, not from git: a commit only claims an author. Empty if the forge does
    /// not report pushes.
    async fn pushers(&self, repo: &Repo, branch: &BranchName, since: Timestamp) -> Result<Vec<PersonRef>, Failure>;

    /// Returns the commits that a commit introduced: itself, or for a merge everything reachable from its other
    /// parents but not from its first. The merge itself is included only if its tree differs from git's automatic
    /// merge of its parents.
    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure>;

    /// Returns the identities that do not belong to a human: those of the bot and those of the forge.
    async fn machines(&self, repo: &Repo) -> Result<Machines, Failure>;
}

/// The commits that one commit brought to its branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduced {
    /// First parent of the commit; `None` for a root commit.
    pub from: Option<CommitId>,
    /// The introduced commits, oldest first.
    pub commits: Vec<CommitInfo>,
}

/// Identities that do not belong to a human. Git addresses are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machines {
    /// Identities of the bot itself.
    pub bot: BTreeSet<PersonRef>,
    /// Identities under which the forge commits actions in its web UI. As an author, such an identity says nothing
    /// about who wrote the commit.
    pub forge: BTreeSet<PersonRef>,
}

/// A pull request that brought a commit to its branch, with what is needed to attribute that commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bringing {
    /// Number of the pull request on the forge.
    pub number: PullNumber,
    /// Title of the pull request.
    pub title: String,
    /// Account that opened the pull request; `None` if the forge does not report it.
    pub author: Option<PersonRef>,
    /// Head branch; `None` if it is in a fork, whose pushes the forge does not report here.
    pub branch: Option<BranchName>,
    /// Current head of that branch, or its head at the time of the merge.
    pub head_commit: CommitId,
    /// `true` if the pull request is merged.
    pub merged: bool,
}

/// A commit to create from changed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCommit {
    /// The only parent of the new commit.
    pub parent: CommitId,
    /// The whole commit message.
    pub message: String,
    /// Paths and new contents of the changed files. An existing file keeps its mode; a new one is a regular file.
    pub files: Vec<(String, Vec<u8>)>,
    /// Author time and committer time of the commit.
    pub at: Timestamp,
}

/// The addition or removal of a label on a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEvent {
    /// Name of the label.
    pub label: String,
    /// `true` if the label was added, `false` if it was removed.
    pub added: bool,
    /// Account that changed the label; `None` if the forge does not report it.
    pub by: Option<PersonRef>,
    /// Time of the change, as reported by the forge.
    pub at: Timestamp,
}

/// The number of a pull request, unique in its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PullNumber(pub u64);

/// A pull request to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPullRequest {
    /// The repository that holds both branches.
    pub repo: Repo,
    /// The branch to merge.
    pub head: BranchName,
    /// The branch to merge into.
    pub base: BranchName,
    /// Title of the pull request, in plain text.
    pub title: String,
    /// Description of the pull request, in Markdown.
    pub body: String,
    /// The requester on whose behalf it is opened, if they have an account on the forge.
    pub author: Option<PersonRef>,
}

/// The state of a pull request when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Number of the pull request on the forge.
    pub number: PullNumber,
    /// Title of the pull request.
    pub title: String,
    /// Open, merged or closed.
    pub state: PullState,
    /// Name of the head branch.
    pub head: BranchName,
    /// Current head of that branch, or its head at the time of the merge.
    pub head_commit: CommitId,
    /// Name of the base branch.
    pub base: BranchName,
    /// Account that opened the pull request; `None` if the forge does not report it.
    pub author: Option<PersonRef>,
    /// `true` if the pull request is a draft.
    pub draft: bool,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// The reviews, oldest first. Outdated reviews are included: each names the commit that it is about.
    pub reviews: Vec<Review>,
    /// Web address of the pull request; `None` if the forge has no web UI.
    pub url: Option<String>,
}

/// The state of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    /// Open, ready to be merged or closed.
    Open,
    /// Merged; the commit of the base branch that the merge produced.
    Merged(CommitId),
    /// Closed without a merge.
    Closed,
}

/// A reviewer's verdict on one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Account of the reviewer.
    pub person: PersonRef,
    /// Head of the pull request when the review was submitted.
    pub commit: CommitId,
    /// The reviewer's decision.
    pub verdict: ReviewVerdict,
    /// Time of the review, as reported by the forge.
    pub at: Timestamp,
}

/// The decision of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// The reviewer approved the commit.
    Approved,
    /// The reviewer requested changes.
    ChangesRequested,
    /// The reviewer's earlier verdict was withdrawn.
    Dismissed,
}

/// A check or commit status. Checks of the same name from different apps are different checks (security case 52).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Name of the check, unique per app.
    pub name: String,
    /// App or account that reported the check.
    pub app: String,
    /// Current result of the check.
    pub state: CheckState,
}

/// The result of a check. Only a plain success counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// The check has not finished.
    Pending,
    /// The check passed.
    Success,
    /// The check failed.
    Failure,
    /// Skipped or neutral: the check gave no verdict.
    Neutral,
}

/// An open pull request or issue that was found by a label or a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Number of the pull request or issue on the forge.
    pub number: PullNumber,
    /// Title of the pull request or issue.
    pub title: String,
}

/// The parameters of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The head that was approved; the merge is rejected at any other head.
    pub expected_head: CommitId,
    /// Merge commit or squash.
    pub method: MergeMethod,
    /// First line of the commit message.
    pub title: String,
    /// Rest of the commit message.
    pub body: String,
}

/// The supported merge methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// A merge commit, which keeps the ancestry of the head.
    Merge,
    /// One new commit, which does not keep the ancestry of the head.
    Squash,
}

/// A commit as listed in a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// Full commit id.
    pub id: CommitId,
    /// Ids of the parents, the first parent first.
    pub parents: Vec<CommitId>,
    /// First line of the message.
    pub subject: String,
    /// Author of the commit.
    pub author: Signature,
    /// Committer of the commit.
    pub committer: Signature,
    /// Persons named in `Co-authored-by` lines.
    pub co_authors: Vec<Signature>,
    /// Commits that the message claims as sources of a cherry-pick (`git cherry-pick -x`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picked_from: Vec<CommitId>,
    /// Time at which it was committed, from the committer line.
    pub at: Timestamp,
}

/// A commit with its whole message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitDetail {
    /// The commit as listed in a range.
    pub info: CommitInfo,
    /// The message without its first line.
    pub body: String,
}

/// A name and an address as recorded in a git commit. Both are claims: git does not verify them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signature {
    /// Display name from the commit.
    pub name: String,
    /// E-mail address from the commit.
    pub email: String,
    /// Forge account behind the commit; `None` if the forge does not report it.
    pub account: Option<PersonRef>,
}

/// The commits between two others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The listed commits, oldest first.
    pub commits: Vec<CommitInfo>,
    /// Total number of commits in the range, listed or not.
    pub total: usize,
}

/// The size of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffSize {
    /// Number of files that differ.
    pub files: usize,
    /// Number of lines added.
    pub insertions: usize,
    /// Number of lines removed.
    pub deletions: usize,
}

/// A change: everything in `head` that is not in `base`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The commit that the change started from.
    pub base: CommitId,
    /// The last commit of the change.
    pub head: CommitId,
}

/// Containment of a change in a commit, with the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containment {
    /// The head of the change is an ancestor.
    Ancestor,
    /// Every commit of the change has an equivalent by patch id.
    Patch,
    /// The change arrived as a squash: one commit has the same patch as the whole change, or merging the change
    /// would alter nothing.
    Squash,
    /// The lines of the change are present, but no commit has the same patch.
    Lines,
    /// The change arrived, and a later commit rewrote the same lines. The content does not tell if the
    /// change still works.
    Rewritten {
        /// The commit that rewrote the lines.
        by: CommitId,
    },
    /// The change arrived in one of these ways, and a later commit took it out: a revert, or a commit that restored the
    /// lines from before the change.
    Reverted {
        /// The commit that took the change out; a merge if the merge itself dropped the change.
        by: CommitId,
        /// `true` if only a part of the change was taken out.
        #[serde(default)]
        partly: bool,
    },
    /// The change is not contained.
    Missing {
        /// The commits of the change that are missing, as far as can be determined.
        commits: Vec<CommitId>,
    },
}

impl Containment {
    /// Returns `true` if the change is contained. A change whose lines were rewritten counts as contained, because it
    /// was when its lines were last recognizable.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Ancestor | Self::Patch | Self::Squash | Self::Lines | Self::Rewritten { .. } => true,
            Self::Reverted { .. } | Self::Missing { .. } => false,
        }
    }
}

/// A cherry-pick to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// The only parent of the new commit.
    pub onto: CommitId,
    /// The commit to pick. A merge commit is taken as its diff against its first parent.
    pub source: CommitId,
    /// Committer time of the new commit. It is an argument so that the same pick yields the same commit id.
    pub at: Timestamp,
    /// `true` to append `(cherry picked from commit …)` to the message.
    pub trace: bool,
}

/// The result of a cherry-pick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picked {
    /// The pick made this commit.
    Commit(CommitId),
    /// The pick would change nothing, because `onto` already has the change.
    AlreadyThere,
    /// The source commit is empty: it changes nothing.
    Empty,
    /// git refuses to write the new commit because the source commit is malformed; holds git's message.
    Malformed(String),
    /// The pick has conflicts.
    Conflict {
        /// Paths of the files in conflict.
        files: Vec<String>,
    },
}
