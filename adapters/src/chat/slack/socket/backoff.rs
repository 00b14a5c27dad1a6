//! Reconnect backoff for Socket Mode: exponential with jitter.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use crate::failure::Failure;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// Minimum lifetime of a connection that resets the backoff.
const WORTHWHILE: Duration = Duration::from_secs(10);

/// The reason why a connection ended.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The connection could not be opened.
    NotOpened(Failure),
    /// The connection closed, or is about to close.
    Gone { why: String, lived: Duration },
}

/// Counter of consecutive failures.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Returns the delay before the next attempt, with jitter.
    pub(super) fn after(&mut self, end: &CloseReason) -> Duration {
        let half = RandomState::new().build_hasher().finish() % 500;
        self.wait(end, 500 + u32::try_from(half).unwrap_or(0))
    }

    fn wait(&mut self, end: &CloseReason, thousandths: u32) -> Duration {
        let jittered = |wait: Duration| wait * thousandths / 1000;
        match end {
            CloseReason::NotOpened(Failure::Retry { after: Some(after), .. }) => {
                self.failures += 1;
                (*after).max(jittered(self.step()))
            }
            // An operator has to fix this first; keep trying at the longest interval.
            CloseReason::NotOpened(Failure::Rejected { .. }) => jittered(LONGEST),
            CloseReason::NotOpened(Failure::Retry { .. } | Failure::Uncertain { .. }) => {
                self.failures += 1;
                jittered(self.step())
            }
            CloseReason::Gone { why, lived } => self.gone(why, *lived, thousandths),
        }
    }

    fn gone(&mut self, why: &str, lived: Duration, thousandths: u32) -> Duration {
        let before = if lived >= WORTHWHILE { 0 } else { self.failures };
        self.failures = if lived >= WORTHWHILE { 0 } else { self.failures + 1 };
        match why {
            // Slack wants the connection renewed. Reconnect at once, unless this happens repeatedly.
            "warning" | "refresh_requested" if before == 0 => Duration::ZERO,
            "link_disabled" | "too_many_websockets" => LONGEST * thousandths / 1000,
            _ => {
                self.failures = self.failures.max(1);
                self.step() * thousandths / 1000
            }
        }
    }

    fn step(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(10);
        FIRST.saturating_mul(1 << doublings).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn gone(why: &str, lived_secs: u64) -> CloseReason {
        CloseReason::Gone { why: why.to_owned(), lived: Duration::from_secs(lived_secs) }
    }

    fn waits(ends: &[CloseReason]) -> Vec<u64> {
        let mut patience = Backoff::default();
        ends.iter().map(|end| patience.wait(end, 1000).as_secs()).collect()
    }

    #[test]
    fn what_is_down_is_asked_ever_more_seldom() {
        let down = || CloseReason::NotOpened(Failure::retry("down"));
        assert_eq!(waits(&[down(), down(), down(), down()]), [1, 2, 4, 8]);
        let many: Vec<CloseReason> = (0..20).map(|_| down()).collect();
        assert_eq!(waits(&many).last(), Some(&60));
        let asked =
            CloseReason::NotOpened(Failure::Retry { reason: String::new(), after: Some(Duration::from_secs(90)) });
        assert_eq!(waits(&[asked]), [90], "Slack's own wish is honoured");
        assert_eq!(waits(&[CloseReason::NotOpened(Failure::rejected("bad token"))]), [60]);
    }

    #[test]
    fn a_renewal_is_answered_at_once_and_a_storm_of_them_is_not() {
        assert_eq!(waits(&[gone("warning", 3600), gone("refresh_requested", 3600)]), [0, 0]);
        assert_eq!(waits(&[gone("warning", 0), gone("warning", 0), gone("warning", 0)]), [0, 2, 4]);
    }

    #[test]
    fn too_many_connections_are_no_reason_to_open_more() {
        assert_eq!(waits(&[gone("too_many_websockets", 0), gone("link_disabled", 0)]), [60, 60]);
    }

    #[test]
    fn a_connection_that_breaks_after_a_good_while_is_opened_soon() {
        assert_eq!(
            waits(&[gone("closed", 0), gone("closed", 0), gone("closed", 100), gone("closed", 100)]),
            [1, 2, 1, 1]
        );
    }

    #[test]
    fn waits_differ_so_that_not_all_come_at_once() {
        let wait = || Backoff::default().after(&CloseReason::NotOpened(Failure::retry("down")));
        let first = wait();
        assert!((0..50).any(|_| wait() != first));
        assert!((Duration::from_millis(500)..Duration::from_millis(1000)).contains(&first));
    }
}
