//! What the engine did since the process started, and when it last turned: for those who watch over the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::policy::Denial;

/// Counts that only grow, and the moment of the last pass. Nothing is decided by them.
#[derive(Debug)]
pub struct Stats {
    commits: AtomicU64,
    passes: AtomicU64,
    looks: AtomicU64,
    heard: AtomicU64,
    refused: AtomicU64,
    denials: [AtomicU64; Denial::CODES.len()],
    passed_at: Mutex<Instant>,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            commits: AtomicU64::new(0),
            passes: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            denials: Default::default(),
            passed_at: Mutex::new(Instant::now()),
        }
    }
}

impl Stats {
    /// Commits that this process made durable.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Passes over the outbox.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// Looks at the world, each at one run.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Acts of people that were done, or that nothing was said to.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.heard.load(Ordering::Relaxed).saturating_sub(self.refused())
    }

    /// Acts of people that were refused, or that nobody could read.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How often each rule of the policy denied something: all of them, those that never did included.
    pub fn denials(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Denial::CODES.into_iter().zip(&self.denials).map(|(code, count)| (code, count.load(Ordering::Relaxed)))
    }

    /// How long ago the last pass began; since the start when there was none.
    #[must_use]
    pub fn since_last_pass(&self) -> Duration {
        self.passed_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn passed(&self) {
        self.passes.fetch_add(1, Ordering::Relaxed);
        *self.passed_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn looked(&self, runs: usize) {
        self.looks.fetch_add(u64::try_from(runs).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn denied(&self, rules: &[String]) {
        for (code, count) in Denial::CODES.iter().zip(&self.denials) {
            if rules.iter().any(|rule| rule == code) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn heard(&self, ok: bool) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(u64::from(!ok), Ordering::Relaxed);
    }
}
