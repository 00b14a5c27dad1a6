//! Branches and tags of the local forge. Before a branch is deleted, its pull requests are refreshed, because its head
//! is unknown afterwards.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Local, free_to_move};
use crate::failure::Failure;
use crate::forge::Refs;
use crate::ids::{BranchName, CommitId, Repo, TagName};

#[async_trait]
impl Refs for Local {
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        self.shown(self.git(repo)?.tips(branches).await)
    }

    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.shown(self.git(repo)?.create_branch(branch, at).await)
    }

    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        let git = self.git(repo)?;
        self.shown(free_to_move(&git, branch).await)?;
        self.shown(git.move_branch(branch, from, to).await)
    }

    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        let git = self.git(repo)?;
        self.shown(free_to_move(&git, branch).await)?;
        self.settle(repo, |pull| pull.head == *branch || pull.base == *branch).await?;
        self.shown(git.delete_branch(branch, at).await)
    }

    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.shown(self.git(repo)?.create_tag(tag, at).await)
    }

    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        self.shown(self.git(repo)?.branches(below).await)
    }
}
