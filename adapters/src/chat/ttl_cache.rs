//! State that the remote chat adapters keep between calls: [`TtlCache`] for recent query results and [`UpdateQueue`]
//! for the order of message updates.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::ids::MessageRef;

/// TTL of cached accounts and channels (security case 31).
pub(super) const FRESH: Duration = Duration::from_secs(60);
/// TTL of values that never change.
pub(super) const EVER: Duration = Duration::MAX;
/// Maximum number of entries. A full cache is cleared; a full queue drops idle entries.
const KNOWN: usize = 4096;

/// A bounded cache whose entries expire after one TTL. When it is full, it is cleared.
#[derive(Debug)]
pub(super) struct TtlCache<K, V> {
    lasts: Duration,
    all: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Hash + Eq, V: Clone> TtlCache<K, V> {
    /// Creates a cache whose entries expire after `lasts`.
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, all: Mutex::default() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let kept = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(at, _)| at.elapsed() < self.lasts).map(|(_, value)| value.clone())
    }

    pub(super) fn insert(&self, key: K, value: V) {
        let mut kept = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KNOWN {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), value));
    }
}

/// Serializes updates per message. An update that is superseded while it waits is skipped, so an older update never
/// overwrites a newer one.
#[derive(Debug, Default)]
pub(super) struct UpdateQueue(Mutex<HashMap<MessageRef, Arc<Slot>>>);

#[derive(Debug, Default)]
struct Slot {
    latest: Mutex<u64>,
    busy: Arc<tokio::sync::Mutex<()>>,
}

impl UpdateQueue {
    /// Waits for the right to update this message. Other updates of it wait until the guard is dropped. Returns `None`
    /// if a newer update is queued, which supersedes this one.
    pub(super) async fn turn(&self, message: &MessageRef) -> Option<OwnedMutexGuard<()>> {
        let (turn, number) = self.join(message);
        let busy = Arc::clone(&turn.busy).lock_owned().await;
        let latest = *turn.latest.lock().unwrap_or_else(PoisonError::into_inner);
        (latest == number).then_some(busy)
    }

    /// Registers an update; returns the message's slot and the sequence number of this update.
    fn join(&self, message: &MessageRef) -> (Arc<Slot>, u64) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= KNOWN {
            // Keep the slots of updates that are waiting or in progress.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1 || Arc::strong_count(&turn.busy) > 1);
        }
        let turn = Arc::clone(turns.entry(message.clone()).or_default());
        let mut latest = turn.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest += 1;
        let number = *latest;
        drop(latest);
        (turn, number)
    }
}
