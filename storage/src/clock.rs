//! Time of the journal: millisecond timestamps, the [`Clock`] trait, and a guard against changes of the system clock
//! at run time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A time in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the time `span` after `self`; saturates at the maximum.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the duration from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// The source of a journal's time.
pub trait Clock: Send + Sync {
    /// Returns the current time. It may jump backward; the journal clamps it.
    fn now(&self) -> Timestamp;

    /// Returns the reason, as text for the operator, that the clock is not trustworthy, or `None` if it is.
    fn doubt(&self) -> Option<String> {
        None
    }
}

/// The largest jump of the wall clock, forward or backward, that is still trusted.
pub const LONGEST_JUMP: Duration = Duration::from_secs(300);

/// The wall clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A monotonic clock: the uptime of the machine. Only differences between its timestamps are meaningful.
#[derive(Debug, Clone, Copy, Default)]
pub struct SteadyClock;

/// `CLOCK_BOOTTIME` includes the time that the machine is suspended, as the wall clock does.
#[cfg(target_os = "linux")]
const UP: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const UP: ClockId = ClockId::Monotonic;

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let up = clock_gettime(UP);
        Timestamp(up.tv_sec.saturating_mul(1_000).saturating_add(up.tv_nsec / 1_000_000))
    }
}

/// The wall clock, checked against a monotonic clock. Jumps of up to [`LONGEST_JUMP`] are followed. After a larger
/// jump, time continues at the pace of the monotonic clock, so that nothing expires early and nothing expired becomes
/// valid again. The clock then reports a doubt until the wall clock is corrected or the process is restarted.
pub struct GuardedClock {
    wall: Arc<dyn Clock>,
    steady: Arc<dyn Clock>,
    agreed: Mutex<Agreed>,
}

/// Readings of both clocks at the last time they agreed.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    wall: Timestamp,
    steady: Timestamp,
}

impl GuardedClock {
    /// Creates the guard. It trusts the current reading of the wall clock.
    #[must_use]
    pub fn new(wall: Arc<dyn Clock>, steady: Arc<dyn Clock>) -> Self {
        let agreed = Mutex::new(Agreed { wall: wall.now(), steady: steady.now() });
        Self { wall, steady, agreed }
    }

    /// Returns a guard for the clocks of this machine.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SteadyClock))
    }

    /// Returns the current time, and the milliseconds by which the wall clock is ahead of it: 0 if the wall clock
    /// is trusted.
    fn read(&self) -> (Timestamp, i64) {
        let mut agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, steady) = (self.wall.now(), self.steady.now());
        let expected = Timestamp(agreed.wall.0.saturating_add(steady.0.saturating_sub(agreed.steady.0)));
        let ahead = wall.0.saturating_sub(expected.0);
        if u128::from(ahead.unsigned_abs()) > LONGEST_JUMP.as_millis() {
            return (expected, ahead);
        }
        *agreed = Agreed { wall, steady };
        (wall, 0)
    }
}

impl Clock for GuardedClock {
    fn now(&self) -> Timestamp {
        self.read().0
    }

    fn doubt(&self) -> Option<String> {
        let (_, ahead_ms) = self.read();
        let way = if ahead_ms < 0 { "back" } else { "ahead" };
        let minutes = ahead_ms.unsigned_abs() / 60_000;
        (ahead_ms != 0).then(|| {
            format!(
                "the clock of the machine was set {way} by {minutes} minutes. Set it right; if it is right now, start the \
                 bot again"
            )
        })
    }
}

/// Returns the reason that the time of a journal whose last entry was recorded at `last` is not trustworthy.
pub(crate) fn doubt(clock: &dyn Clock, last: Timestamp) -> Option<String> {
    let behind = last.since(clock.now());
    if behind > LONGEST_JUMP {
        let minutes = behind.as_secs() / 60;
        return Some(format!(
            "the clock of the machine stands {minutes} minutes before the last entry of the journal. Set it right"
        ));
    }
    clock.doubt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    const MINUTE: i64 = 60_000;

    struct Pair {
        wall: Arc<Hand>,
        steady: Arc<Hand>,
        clock: GuardedClock,
    }

    impl Pair {
        fn new() -> Self {
            let (wall, steady) = (Arc::new(Hand::default()), Arc::new(Hand::default()));
            wall.0.store(1_000 * MINUTE, Ordering::SeqCst);
            let clock = GuardedClock::new(wall.clone(), steady.clone());
            Self { wall, steady, clock }
        }

        /// Advances both clocks by `minutes`, and the wall clock by a further `set` minutes.
        fn pass(&self, minutes: i64, set: i64) -> (i64, bool) {
            self.steady.0.fetch_add(minutes * MINUTE, Ordering::SeqCst);
            self.wall.0.fetch_add((minutes + set) * MINUTE, Ordering::SeqCst);
            (self.clock.now().0 / MINUTE, self.clock.doubt().is_some())
        }
    }

    /// Figure C1: small corrections are followed, regardless of the uptime.
    #[test]
    fn small_corrections_are_followed() {
        let pair = Pair::new();
        assert_eq!(pair.pass(10, 0), (1_010, false));
        assert_eq!(pair.pass(10, 5), (1_025, false));
        assert_eq!(pair.pass(10, -5), (1_030, false));
        assert_eq!(pair.pass(100_000, 1), (101_031, false));
    }

    /// Figure C1, security case 87: jumps of an hour, a day or to the year 2038 are refused in both directions.
    #[test]
    fn a_jump_is_not_followed_until_it_is_undone() {
        for jump in [6, -6, 60, -60, 24 * 60, -24 * 60, 12 * 365 * 24 * 60] {
            let pair = Pair::new();
            assert_eq!(pair.pass(1, jump), (1_001, true), "{jump}");
            assert_eq!(pair.pass(9, 0), (1_010, true), "{jump}: time goes on");
            assert_eq!(pair.pass(0, -jump), (1_010, false), "{jump}: it was set right");
            assert_eq!(pair.pass(1, 1), (1_012, false), "{jump}: and is followed again");
        }
    }

    #[test]
    fn a_clock_that_stands_before_the_journal_is_doubted() {
        let hand = Hand::default();
        assert_eq!(doubt(&hand, Timestamp(5 * MINUTE)), None);
        let words = doubt(&hand, Timestamp(6 * MINUTE + 1)).unwrap();
        assert!(words.contains("6 minutes before the last entry"), "{words}");
    }
}
