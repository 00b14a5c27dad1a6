//! Counters of the engine since the start of the process, and the time of its last pass, for metrics and health checks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::policy::Denial;

/// Counters that only grow, and the time of the last pass. For monitoring only: no decision depends on them.
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
    /// Returns the number of commits that this process made durable.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Returns the number of passes over the outbox.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// Returns the number of polls, counted per run.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Returns the number of interactions that were accepted or needed no reply.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.heard.load(Ordering::Relaxed).saturating_sub(self.refused())
    }

    /// Returns the number of interactions that were refused or could not be parsed.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns the number of denials for each rule of the policy, including rules with none.
    pub fn denials(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Denial::CODES.into_iter().zip(&self.denials).map(|(code, count)| (code, count.load(Ordering::Relaxed)))
    }

    /// Returns the time since the last pass began; since the start of the process if there was none.
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
