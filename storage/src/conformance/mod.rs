//! A conformance suite for implementations of [`Journal`].
//!
//! [`conformance_tests!`](crate::conformance_tests) generates one test for each case in [`cases`], and one that
//! compares random operations with [`crate::Memory`]. An implementation provides a [`Factory`]. Commit numbers and
//! fences are compared only by order, so an implementation may leave gaps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

pub mod cases;
pub mod model;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;

use crate::clock::{Clock, Timestamp};
use crate::outbox::{ClaimRequest, Claimed, Queue, Settle, Settlement, Work, WorkKey};
use crate::record::{Append, Commit, CommitId, DedupeKey, Expected, StreamId, Version};
use crate::{Journal, LeaseChange, LeaseId};

/// A clock that changes only when the test advances it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that is set to `moment`.
    #[must_use]
    pub fn at(moment: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(moment.0)))
    }

    /// Advances the clock by `millis` milliseconds; moves it backward if negative.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// One journal under test.
#[async_trait]
pub trait Subject: Send {
    /// Returns the open journal.
    fn journal(&self) -> Arc<dyn Journal>;

    /// Closes and reopens the journal, like a restart of the process. Returns `false` if the implementation has no
    /// restart or if claims survive it.
    async fn reopen(&mut self) -> bool;
}

/// Creates empty journals for the tests.
#[async_trait]
pub trait Factory: Send + Sync {
    /// Creates an empty journal that uses this clock.
    async fn fresh(&self, clock: Arc<ManualClock>) -> Box<dyn Subject>;
}

/// A journal under test with its clock, and shortcuts for the cases.
pub struct Bench {
    /// The journal under test.
    pub subject: Box<dyn Subject>,
    /// Clock of that journal.
    pub clock: Arc<ManualClock>,
}

impl Bench {
    /// Creates an empty journal whose clock is set to a fixed time in 2026.
    pub async fn new(factory: &dyn Factory) -> Self {
        let clock = ManualClock::at(Timestamp(1_790_000_000_000));
        Self { subject: factory.fresh(clock.clone()).await, clock }
    }

    /// Returns the journal under test.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.subject.journal()
    }

    /// Claims all due items of the queue `work` for ten seconds.
    pub async fn claim(&self) -> Vec<Claimed> {
        let request = ClaimRequest { queues: vec![Queue::new("work")], max: 100, hold: Duration::from_secs(10) };
        self.journal().claim(request).await.unwrap()
    }

    /// Claims all due items and returns their keys.
    pub async fn claim_keys(&self) -> Vec<String> {
        self.claim().await.into_iter().map(|claimed| claimed.work.key.as_str().to_owned()).collect()
    }
}

/// Returns an empty commit with this id.
#[must_use]
pub fn commit(id: &str) -> Commit {
    Commit::new(CommitId::new(id))
}

/// Parses `text` as raw JSON.
#[must_use]
pub fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

/// Returns an append of `events` events to a stream that is expected at this version.
#[must_use]
pub fn append(stream: &str, expected: u64, events: usize) -> Append {
    let events = (0..events).map(|n| json(&format!("{{\"stream\": \"{stream}\",\n \"n\": {n}}}"))).collect();
    Append { stream: StreamId::new(stream), expected: Expected::Exactly(Version(expected)), events }
}

/// Returns a work item for the queue `work` with this order key, due immediately.
#[must_use]
pub fn work(key: &str, order_key: &str) -> Work {
    Work {
        key: WorkKey::new(key),
        queue: Queue::new("work"),
        order_key: order_key.to_owned(),
        not_before: Timestamp(0),
        payload: json("{\"do\": [1, 2.50, \"x\\n\"]}"),
    }
}

/// Returns the settlement of this claim.
#[must_use]
pub fn settle(claimed: &Claimed, settlement: Settlement) -> Settle {
    Settle { work: claimed.work.key.clone(), fence: claimed.fence, settlement }
}

/// Returns the acquisition of a lease by this holder.
#[must_use]
pub fn acquire(lease: &str, holder: &str, until: Option<Timestamp>) -> LeaseChange {
    LeaseChange::Acquire { lease: LeaseId::new(lease), holder: holder.to_owned(), note: format!("for {holder}"), until }
}

/// Returns a dedupe key for [`Commit::seen`].
#[must_use]
pub fn seen(key: &str) -> Option<DedupeKey> {
    Some(DedupeKey::new(key))
}

/// Generates a test for every case and for the model, with the journals of a [`Factory`].
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr, cases: $cases:expr) => {
        $crate::conformance_tests!(@each $factory,
            repeated_commit, deduplication, conflict_leaves_nothing, versions_and_reads, feed_pages, malformed,
            order_of_checks, work_in_order, claim_runs_out, fence_lost, retry_and_dead, enqueue_is_idempotent,
            timers, renewing, next_due, lease_life, lease_ends, lease_required, wake_fires, time_never_goes_back,
            unsettled_oldest_first, restart
        );

        #[test]
        fn model() {
            $crate::conformance::model::run(&$factory, $cases);
        }
    };
    (@each $factory:expr, $($case:ident),+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::cases::$case($crate::conformance::Bench::new(&$factory).await).await;
            }
        )+
    };
}
