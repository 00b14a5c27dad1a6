//! Files and commits of the local forge, served by git.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Local;
use crate::failure::Failure;
use crate::forge::{
    Change, CommitDetail, Containment, DiffSize, Files, History, Introduced, Machines, NewCommit, Pick, Picked, Range,
};
use crate::ids::{BranchName, CommitId, PersonRef, Platform, Repo};

#[async_trait]
impl Files for Local {
    async fn read_file(&self, repo: &Repo, at: &CommitId, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.shown(self.git(repo)?.read_file(at, path).await)
    }

    async fn paths(&self, repo: &Repo, at: &CommitId, below: &str) -> Result<Vec<String>, Failure> {
        self.shown(self.git(repo)?.paths(at, below).await)
    }

    async fn commit_files(&self, repo: &Repo, new: &NewCommit) -> Result<CommitId, Failure> {
        self.shown(self.git(repo)?.commit_files(new).await)
    }
}

#[async_trait]
impl History for Local {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.shown(self.git(repo)?.resolve(words).await)
    }

    async fn commits_between(
        &self,
        repo: &Repo,
        base: &CommitId,
        head: &CommitId,
        max: usize,
    ) -> Result<Range, Failure> {
        self.shown(self.git(repo)?.between(base, head, max).await)
    }

    async fn commit(&self, repo: &Repo, commit: &CommitId) -> Result<CommitDetail, Failure> {
        self.shown(self.git(repo)?.commit(commit).await)
    }

    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.shown(self.git(repo)?.size(base, head).await)
    }

    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.shown(self.git(repo)?.containment(change, tip).await)
    }

    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.shown(self.git(repo)?.pick(pick).await)
    }

    async fn count(&self, repo: &Repo, commit: &CommitId) -> Result<usize, Failure> {
        self.shown(self.git(repo)?.count(commit).await)
    }

    /// Returns nothing: git does not record pushes.
    async fn pushers(&self, _: &Repo, _: &BranchName, _: Timestamp) -> Result<Vec<PersonRef>, Failure> {
        Ok(Vec::new())
    }

    async fn introduced(&self, repo: &Repo, commit: &CommitId) -> Result<Introduced, Failure> {
        self.shown(self.git(repo)?.introduced(commit).await)
    }

    /// Returns only the bot's address: the local forge has no web UI that commits under another identity.
    async fn machines(&self, _: &Repo) -> Result<Machines, Failure> {
        let own = PersonRef::new(Platform::Git, self.options.committer.email.to_ascii_lowercase());
        Ok(Machines { bot: BTreeSet::from([own]), forge: BTreeSet::new() })
    }
}
