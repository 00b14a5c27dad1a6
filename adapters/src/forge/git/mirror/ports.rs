//! Implementation of the forge ports by a mirror.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::Mirror;
use super::change::Move;
use crate::failure::Failure;
use crate::forge::git::refs::chosen;
use crate::forge::{
    Change, CommitDetail, Containment, DiffSize, Files, History, Introduced, Machines, NewCommit, Pick, Picked, Range,
    Refs,
};
use crate::ids::{BranchName, CommitId, PersonRef, Platform, Repo, TagName};

#[async_trait]
impl Refs for Mirror {
    async fn tips(&self, repo: &Repo, branches: &[&BranchName]) -> Result<BTreeMap<BranchName, CommitId>, Failure> {
        let git = self.ready(repo).await?;
        Ok(chosen(branches, self.listed(&git, "--heads").await?))
    }

    async fn create(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.change(repo, &Move { name: branch.into(), from: None, to: Some(at) }).await
    }

    async fn advance(&self, repo: &Repo, branch: &BranchName, from: &CommitId, to: &CommitId) -> Result<(), Failure> {
        self.change(repo, &Move { name: branch.into(), from: Some(from), to: Some(to) }).await
    }

    async fn delete(&self, repo: &Repo, branch: &BranchName, at: &CommitId) -> Result<(), Failure> {
        self.change(repo, &Move { name: branch.into(), from: Some(at), to: None }).await
    }

    async fn tag(&self, repo: &Repo, tag: &TagName, at: &CommitId) -> Result<(), Failure> {
        self.change(repo, &Move { name: tag.into(), from: None, to: Some(at) }).await
    }

    async fn branches(&self, repo: &Repo, below: &BranchName) -> Result<Vec<(BranchName, CommitId)>, Failure> {
        let git = self.ready(repo).await?;
        let mut branches = Vec::new();
        for (name, at) in self.listed(&git, "--heads").await? {
            let name = name.trim_start_matches("refs/heads/");
            let rest = name.strip_prefix(below.as_str());
            if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                continue;
            }
            match BranchName::parse(name) {
                Ok(branch) => branches.push((branch, at)),
                Err(why) => tracing::warn!(%repo, branch = ?name, %why, "branch left out"),
            }
        }
        Ok(branches)
    }
}

#[async_trait]
impl History for Mirror {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.fresh(repo).await?.resolve(words).await
    }

    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure> {
        self.with(repo, &[base, head]).await?.between(base, head, max).await
    }

    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure> {
        self.with(repo, &[commit]).await?.commit(commit).await
    }

    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.with(repo, &[base, head]).await?.size(base, head).await
    }

    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.with(repo, &[&change.base, &change.head, tip]).await?.containment(change, tip).await
    }

    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.with(repo, &[&pick.onto, &pick.source]).await?.pick(pick).await
    }

    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure> {
        self.with(repo, &[commit]).await?.count(commit).await
    }

    /// Returns nothing: git does not record pushes.
    async fn pushers(&self, _: &Repo, _: &BranchName, _: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        Ok(Vec::new())
    }

    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure> {
        self.with(repo, &[commit]).await?.introduced(commit).await
    }

    async fn machines(&self, _: &Repo) -> Result<Machines, Failure> {
        let own = PersonRef::new(Platform::Git, self.options.committer.email.to_ascii_lowercase());
        Ok(Machines { bot: BTreeSet::from([own]), forge: BTreeSet::new() })
    }
}

#[async_trait]
impl Files for Mirror {
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.with(repo, &[at]).await?.read_file(at, path).await
    }

    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        self.with(repo, &[at]).await?.paths(at, below).await
    }

    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure> {
        self.with(repo, &[&new.parent]).await?.commit_files(new).await
    }
}
