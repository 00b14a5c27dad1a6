//! Hints: a forge says that something happened in a repository. It is never believed beyond that: the runs that depend on
//! that repository of that forge are looked at sooner than they would have been, and a hint that gets lost only costs time.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hotfix_adapters::ids::Repo;
use hotfix_storage::{Commit, CommitError, DedupeKey};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::{Engine, EngineError};
use crate::config::{ForgeConfig, MechanismConfig};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;

/// What a hint came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeupResult {
    /// It is durable that it came, and the runs are looked at soon.
    Looking,
    /// The same delivery came before; nothing happens twice.
    SeenBefore,
    /// No open run depends on that repository of that forge. Nothing happens, so there is nothing to remember.
    NoConcern,
}

/// The runs to look at: open ones only, however many hints come.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    runs: Mutex<BTreeSet<HotfixId>>,
    came: Notify,
}

impl Wakeups {
    pub(super) fn add(&self, runs: impl IntoIterator<Item = HotfixId>) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).extend(runs);
        self.came.notify_one();
    }

    pub(super) fn take(&self) -> BTreeSet<HotfixId> {
        std::mem::take(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Takes a hint that the webhook of the forge `source` brought under `key`, which is the same for every repetition of
    /// it. A forge can only hint at what is on it (security case 15). When this answers, the key is durable: a repetition has no effect, after a restart neither.
    ///
    /// # Errors
    /// When the journal is out of order: then the hint was not taken, and the sender has to be told so.
    pub async fn hint(&self, source: &str, key: &str, repo: &Repo) -> Result<WakeupResult, EngineError> {
        let concerned = self.open_runs(|state| self.depends_on(state, source, repo)).await;
        if concerned.is_empty() {
            return Ok(WakeupResult::NoConcern);
        }
        let mut commit = Commit::new(self.commit_id());
        commit.seen = Some(dedupe_key(source, key));
        match self.commit(commit).await {
            Ok(_) => {
                self.hints.add(concerned.iter().map(|state| state.id));
                Ok(WakeupResult::Looking)
            }
            Err(CommitError::AlreadySeen(_)) => Ok(WakeupResult::SeenBefore),
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
        self.poll_each(&hinted).await?;
        Ok(true)
    }

    /// Takes the hints, and answers which open runs they were about; `None` when there were no hints.
    pub(super) async fn hinted_runs(&self) -> Option<Vec<Hotfix>> {
        let hinted = self.hints.take();
        if hinted.is_empty() {
            return None;
        }
        Some(self.open_runs(|state| hinted.contains(&state.id)).await)
    }

    /// Whether what happens in a repository of this forge can matter to a run: its code is there, or one of its environments
    /// is promoted there.
    fn depends_on(&self, state: &Hotfix, forge: &str, repo: &Repo) -> bool {
        let Some(service) = self.config.services.get(&state.plan.service) else { return false };
        let is_code_there = service.forge == ForgeConfig::Named(forge.to_owned());
        let promoted_there = |mechanism: &MechanismConfig| {
            let MechanismConfig::Promotion(promotion) = mechanism else { return false };
            let there = promotion.forge.as_ref().map_or(is_code_there, |name| name == forge);
            there && &promotion.repo == repo
        };
        let mut mechanisms = state.plan.environments.iter().filter_map(|plan| service.mechanisms.get(&plan.name));
        (is_code_there && &state.plan.repo == repo) || mechanisms.any(promoted_there)
    }
}

/// Part of a delivery's key may lie outside its signature, so the key is kept as a digest: short, and nobody's words.
fn dedupe_key(source: &str, key: &str) -> DedupeKey {
    DedupeKey::new(format!("hook/{source}/{}", hex::encode(Sha256::digest(key))))
}
