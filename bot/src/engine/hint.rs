//! Hints: a forge says that something happened in a repository. It is never believed beyond that: the runs that depend on
//! the repository are looked at sooner than they would have been, and a hint that gets lost only costs time.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hotfix_adapters::vocabulary::Repo;
use hotfix_storage::{Commit, CommitError, DedupeKey};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::{Engine, EngineError};
use crate::domain::hotfix::{Hotfix, Phase};

/// What a hint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hinted {
    /// It is durable that it came, and the runs are looked at soon.
    Looking,
    /// The same delivery came before; nothing happens twice.
    SeenBefore,
    /// No open run depends on the repository. Nothing happens, so there is nothing to remember.
    NoConcern,
}

/// The repositories to look at. At most those of the open runs are in it, however many hints come.
#[derive(Debug, Default)]
pub(super) struct Hints {
    repos: Mutex<BTreeSet<Repo>>,
    came: Notify,
}

impl Hints {
    pub(super) fn add(&self, repo: Repo) {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner).insert(repo);
        self.came.notify_one();
    }

    pub(super) fn take(&self) -> BTreeSet<Repo> {
        std::mem::take(&mut self.repos.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Takes a hint that a webhook of `source` brought under `key`, which is the same for every repetition of it. When this
    /// answers, the key is durable: a repetition has no effect, after a restart neither.
    ///
    /// # Errors
    /// When the journal is out of order: then the hint was not taken, and the sender has to be told so.
    pub async fn hint(&self, source: &str, key: &str, repo: &Repo) -> Result<Hinted, EngineError> {
        if !self.anything_depends_on(repo).await {
            return Ok(Hinted::NoConcern);
        }
        let mut commit = Commit::new(self.commit_id());
        commit.seen = Some(dedupe_key(source, key));
        match self.commit(commit).await {
            Ok(_) => {
                self.hints.add(repo.clone());
                Ok(Hinted::Looking)
            }
            Err(CommitError::AlreadySeen(_)) => Ok(Hinted::SeenBefore),
            Err(error) => Err(EngineError::Journal(error.to_string())),
        }
    }

    /// Waits until a hint comes. One that came while nobody waited counts.
    pub async fn hinted(&self) {
        self.hints.came.notified().await;
    }

    /// Looks at the runs that hints were about, and at no other. Answers whether there were any hints.
    ///
    /// # Errors
    /// When the journal is out of order.
    pub async fn look_where_hinted(&self) -> Result<bool, EngineError> {
        let Some(hinted) = self.hinted_runs().await else { return Ok(false) };
        self.look_each(&hinted).await?;
        Ok(true)
    }

    /// Takes the hints, and answers which open runs they were about; `None` when there were no hints.
    pub(super) async fn hinted_runs(&self) -> Option<Vec<Hotfix>> {
        let repos = self.hints.take();
        if repos.is_empty() {
            return None;
        }
        Some(self.open_runs(|state| repos.iter().any(|repo| depends_on(state, repo))).await)
    }

    async fn anything_depends_on(&self, repo: &Repo) -> bool {
        let runs: Vec<_> = self.runs.lock().await.values().cloned().collect();
        for run in runs {
            let run = run.lock().await;
            if run.state.phase == Phase::Underway && depends_on(&run.state, repo) {
                return true;
            }
        }
        false
    }
}

/// Whether what happens in a repository can matter to a run.
fn depends_on(state: &Hotfix, repo: &Repo) -> bool {
    &state.plan.repo == repo
}

/// Part of a delivery's key may lie outside its signature, so the key is kept as a digest: short, and nobody's words.
fn dedupe_key(source: &str, key: &str) -> DedupeKey {
    DedupeKey::new(format!("hook/{source}/{}", hex::encode(Sha256::digest(key))))
}
