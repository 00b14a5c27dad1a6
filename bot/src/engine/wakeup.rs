//! Wakeups: a webhook of a forge makes the poller read the affected runs at once. The content of a webhook is never
//! trusted beyond that, and a lost webhook only costs time.

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

/// The outcome of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeupResult {
    /// The delivery is durable, and the affected runs are polled soon.
    Looking,
    /// The same delivery arrived earlier; it has no further effect.
    SeenBefore,
    /// No open run depends on that repository of that forge. Nothing is recorded.
    NoConcern,
}

/// The runs to poll soon. Holds each open run at most once, so a flood of webhooks cannot make it grow.
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
    /// Handles a webhook of the forge `source`. `key` identifies the delivery and is the same for each redelivery. A
    /// forge can only wake runs that depend on it (security case 15). When this returns, the key is durable, so a
    /// redelivery has no effect, even after a restart.
    ///
    /// # Errors
    /// If the journal fails. Then the webhook was not accepted, and the sender must be informed.
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

    /// Waits for a wakeup. Returns at once for one that arrived while no task waited.
    pub async fn hinted(&self) {
        self.hints.came.notified().await;
    }

    /// Polls the runs of the pending wakeups only. Returns `true` if there were any wakeups.
    ///
    /// # Errors
    /// If the journal fails.
    pub async fn look_where_hinted(&self) -> Result<bool, EngineError> {
        let Some(hinted) = self.hinted_runs().await else { return Ok(false) };
        self.poll_each(&hinted).await?;
        Ok(true)
    }

    /// Takes the pending wakeups, and returns the open runs that they affect; `None` if there were no wakeups.
    pub(super) async fn hinted_runs(&self) -> Option<Vec<Hotfix>> {
        let hinted = self.hints.take();
        if hinted.is_empty() {
            return None;
        }
        Some(self.open_runs(|state| hinted.contains(&state.id)).await)
    }

    /// Returns `true` if a run depends on a repository of this forge: its code is there, or one of its environments is
    /// promoted through it.
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

/// Hashes a delivery key. Part of it may not be covered by the signature, so the journal must not store it as it is.
fn dedupe_key(source: &str, key: &str) -> DedupeKey {
    DedupeKey::new(format!("hook/{source}/{}", hex::encode(Sha256::digest(key))))
}
