//! Questions about commits: git answers them.

use async_trait::async_trait;

use super::Local;
use crate::failure::Failure;
use crate::forge::{Change, Containment, DiffSize, History, Pick, Picked, Range};
use crate::vocabulary::{CommitId, Repo};

#[async_trait]
impl History for Local {
    async fn resolve(&self, repo: &Repo, words: &str) -> Result<Option<CommitId>, Failure> {
        self.git(repo)?.resolve(words).await
    }

    async fn between(&self, repo: &Repo, base: &CommitId, head: &CommitId, max: usize) -> Result<Range, Failure> {
        self.git(repo)?.between(base, head, max).await
    }

    async fn size(&self, repo: &Repo, base: &CommitId, head: &CommitId) -> Result<DiffSize, Failure> {
        self.git(repo)?.size(base, head).await
    }

    async fn containment(&self, repo: &Repo, change: &Change, tip: &CommitId) -> Result<Containment, Failure> {
        self.git(repo)?.containment(change, tip).await
    }

    async fn pick(&self, repo: &Repo, pick: &Pick) -> Result<Picked, Failure> {
        self.git(repo)?.pick(pick).await
    }
}
