//! Branches and tags of a local repository, moved by compare-and-set only.

use std::collections::BTreeMap;

use super::Git;
use crate::failure::Failure;
use crate::ids::{BranchName, CommitId, TagName};

/// A ref by its full name, which is unambiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FullRef(pub(super) String);

impl From<&BranchName> for FullRef {
    fn from(branch: &BranchName) -> Self {
        Self(format!("refs/heads/{branch}"))
    }
}

impl From<&TagName> for FullRef {
    fn from(tag: &TagName) -> Self {
        Self(format!("refs/tags/{tag}"))
    }
}

impl FullRef {
    /// Formats the ref for messages: `branch main`.
    pub(super) fn words(&self) -> String {
        match (self.0.strip_prefix("refs/heads/"), self.0.strip_prefix("refs/tags/")) {
            (Some(branch), _) => format!("branch {branch}"),
            (_, Some(tag)) => format!("tag {tag}"),
            _ => self.0.clone(),
        }
    }

    /// Returns the prefixes of this name that must be folders for this ref to exist as a file.
    fn parents(&self) -> impl Iterator<Item = String> {
        let kind = self.0.match_indices('/').nth(1).map_or(0, |(at, _)| at);
        self.0
            .match_indices('/')
            .map(|(at, _)| at)
            .filter(move |at| *at > kind)
            .filter_map(|at| self.0.get(..at))
            .map(String::from)
    }

    /// Returns the failure if the name of one of these refs conflicts with this one, so that it cannot be created.
    pub(super) fn blocked_by(&self, others: &[(String, CommitId)]) -> Option<Failure> {
        let below = |name: &str, folder: &str| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let (other, _) = others.iter().find(|(other, _)| below(&self.0, other) || below(other, &self.0))?;
        let other = Self(other.clone()).words();
        Some(Failure::rejected(format!(
            "{} cannot be created beside {other}: git keeps one as a folder of the other. Rename or delete {other}, or \
             choose another name.",
            self.words()
        )))
    }
}

impl Git {
    /// Returns the heads of these branches, all read at the same moment. Branches that do not exist are left out.
    ///
    /// # Errors
    /// The [`Failure`] of the git process.
    pub async fn tips(&self, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        let names: Vec<String> = branches.iter().map(|branch| FullRef::from(*branch).0).collect();
        Ok(chosen(branches, self.refs_under(&names).await?))
    }

    /// Returns the head of a branch, or `None` if the branch does not exist.
    ///
    /// # Errors
    /// The [`Failure`] of the git process.
    pub async fn tip(&self, branch: &BranchName) -> Result<Option<CommitId>, Failure> {
        self.at_ref(&branch.into()).await
    }

    /// Returns the branches that have this name or lie below it. Names that [`BranchName`] does not accept
    /// are left out.
    ///
    /// # Errors
    /// The [`Failure`] of the git process.
    pub async fn branches(&self, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        let mut branches = Vec::new();
        for (name, at) in self.refs_under(&[FullRef::from(below).0]).await? {
            match BranchName::parse(name.trim_start_matches("refs/heads/")) {
                Ok(branch) => branches.push((branch, at)),
                Err(why) => {
                    tracing::warn!(repository = %self.directory.display(), branch = ?name, %why, "branch left out")
                }
            }
        }
        Ok(branches)
    }

    /// Creates a branch. Succeeds if the branch already exists at this commit.
    ///
    /// # Errors
    /// `Rejected` if the branch exists at another commit, or if its name conflicts with that of another branch.
    pub async fn create_branch(&self, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.create_ref(&branch.into(), at).await
    }

    /// Creates a lightweight tag. Succeeds if the tag already exists at this commit.
    ///
    /// # Errors
    /// `Rejected` if the tag exists at another commit, or if its name conflicts with that of another tag.
    pub async fn create_tag(&self, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.create_ref(&tag.into(), at).await
    }

    /// Moves a branch from commit `from` to commit `to`. Succeeds if it is already at `to`.
    ///
    /// # Errors
    /// `Rejected` if the branch is at another commit. `Uncertain` if git's answer was lost.
    pub async fn move_branch(&self, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        self.change_ref(&branch.into(), Some(from), Some(to)).await
    }

    /// Deletes a branch that is at this commit. Succeeds if the branch does not exist.
    ///
    /// # Errors
    /// `Rejected` if the branch is at another commit. `Uncertain` if git's answer was lost.
    pub async fn delete_branch(&self, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.change_ref(&branch.into(), Some(at), None).await
    }

    /// Returns the branch that is checked out. `None` for a bare repository and for a detached `HEAD`.
    ///
    /// # Errors
    /// The [`Failure`] of the git process.
    pub async fn checked_out(&self) -> Result<Option<BranchName>, Failure> {
        let bare = self.ask(["config", "--type=bool", "--get", "core.bare"]).run().await?;
        if bare.stdout.starts_with(b"true") {
            return Ok(None);
        }
        let answer = self.ask(["symbolic-ref", "--quiet", "HEAD"]).run().await?;
        let text = String::from_utf8_lossy(&answer.stdout);
        Ok(text.trim().strip_prefix("refs/heads/").and_then(|name| BranchName::parse(name).ok()))
    }

    async fn create_ref(&self, name: &FullRef, at: &CommitId) -> Result<(), Failure> {
        let mut near: Vec<String> = name.parents().collect();
        near.push(name.0.clone());
        if let Some(blocked) = name.blocked_by(&self.refs_under(&near).await?) {
            return Err(blocked);
        }
        self.change_ref(name, None, Some(at)).await
    }

    /// Reads the ref, changes it, and reads it again if git refuses: a concurrent change may have had the same result.
    async fn change_ref(&self, name: &FullRef, from: Option<&CommitId>, to: Option<&CommitId>) -> Result<(), Failure> {
        let now = self.at_ref(name).await?;
        if now.as_ref() == to {
            return Ok(());
        }
        if now.as_ref() != from {
            return Err(elsewhere(name, now.as_ref(), from));
        }
        if let Some(to) = to {
            self.commits([to]).await?;
        }
        let order = match (from, to) {
            (None, Some(to)) => format!("create {} {to}\n", name.0),
            (Some(from), Some(to)) => format!("update {} {to} {from}\n", name.0),
            (Some(from), None) => format!("delete {} {from}\n", name.0),
            (None, None) => return Ok(()),
        };
        let answer = self.act(["update-ref", "--stdin"]).input(order).run().await?;
        if answer.code == 0 {
            return Ok(());
        }
        let now = self.at_ref(name).await?;
        if now.as_ref() == to {
            return Ok(());
        }
        if now.as_ref() != from {
            return Err(elsewhere(name, now.as_ref(), from));
        }
        Err(self.failure("update-ref", &answer))
    }

    async fn at_ref(&self, name: &FullRef) -> Result<Option<CommitId>, Failure> {
        let found = self.refs_under(std::slice::from_ref(&name.0)).await?;
        Ok(found.into_iter().find(|(other, _)| *other == name.0).map(|(_, at)| at))
    }

    /// Returns the refs with these full names or below them, each with its commit; annotated tags are peeled.
    pub(super) async fn refs_under(&self, names: &[String]) -> Result<Vec<(String, CommitId)>, Failure> {
        let mut args = vec!["for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)", "--end-of-options"];
        args.extend(names.iter().map(String::as_str));
        let answer = self.ask(args).stdout().await?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.lines().filter_map(ref_in).collect())
    }
}

/// Picks the heads of these branches from the refs that were found.
pub(super) fn chosen(branches: &[&BranchName], found: Vec<(String, CommitId)>) -> BTreeMap<BranchName, CommitId> {
    let mut found: BTreeMap<String, CommitId> = found.into_iter().collect();
    let taken = |branch: &&BranchName| Some(((*branch).clone(), found.remove(&FullRef::from(*branch).0)?));
    branches.iter().filter_map(taken).collect()
}

fn ref_in(line: &str) -> Option<(String, CommitId)> {
    let mut parts = line.split('\0');
    let (name, id, peeled) = (parts.next()?, parts.next()?, parts.next().filter(|id| !id.is_empty()));
    Some((name.to_owned(), CommitId::parse(peeled.unwrap_or(id)).ok()?))
}

/// Builds the failure for a ref that is not at the expected commit.
pub(super) fn elsewhere(name: &FullRef, now: Option<&CommitId>, expected: Option<&CommitId>) -> Failure {
    let name = name.words();
    Failure::rejected(match (now, expected) {
        (Some(now), Some(expected)) => {
            format!(
                "{name} is at {now}, not at {expected} as expected: somebody moved it. Look what came in, then decide again."
            )
        }
        (Some(now), None) => format!("{name} is there already, at {now}."),
        (None, _) => format!("there is no {name} (any more)."),
    })
}
