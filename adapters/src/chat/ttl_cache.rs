//! What an adapter keeps between its calls: what it asked not long ago, and whose turn it is to change a message. Used by the
//! adapters of platforms elsewhere.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::ids::MessageRef;

/// How long an account and a channel are taken for what they were (security case 31).
pub(super) const FRESH: Duration = Duration::from_secs(60);
/// For what never changes.
pub(super) const EVER: Duration = Duration::MAX;
/// Beyond this many, what is known is forgotten.
const KNOWN: usize = 4096;

/// What was asked not long ago. Bounded: when it is full it starts anew.
#[derive(Debug)]
pub(super) struct TtlCache<K, V> {
    lasts: Duration,
    all: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Hash + Eq, V: Clone> TtlCache<K, V> {
    /// Keeps everything for so long.
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

/// Changes of messages, one at a time for each message: what is overtaken while it waits is not sent at all, and what is
/// older never lands on what is newer.
#[derive(Debug, Default)]
pub(super) struct UpdateQueue(Mutex<HashMap<MessageRef, Arc<Slot>>>);

#[derive(Debug, Default)]
struct Slot {
    latest: Mutex<u64>,
    busy: Arc<tokio::sync::Mutex<()>>,
}

impl UpdateQueue {
    /// Waits until this message may be changed, and holds off other changes of it as long as the answer lives; `None` when a
    /// newer change came meanwhile, which says it all.
    pub(super) async fn turn(&self, message: &MessageRef) -> Option<OwnedMutexGuard<()>> {
        let (turn, number) = self.join(message);
        let busy = Arc::clone(&turn.busy).lock_owned().await;
        let latest = *turn.latest.lock().unwrap_or_else(PoisonError::into_inner);
        (latest == number).then_some(busy)
    }

    /// The message's turn, and the number of this change.
    fn join(&self, message: &MessageRef) -> (Arc<Slot>, u64) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= KNOWN {
            // Whoever waits, or changes the message just now, is not forgotten.
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
