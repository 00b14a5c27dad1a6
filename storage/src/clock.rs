//! Time as the journal sees it: milliseconds, from a clock that is an argument; and a guard against a clock that somebody
//! set while it was in use.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment this long after `self`; saturates at the end of time.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` to `self`; zero when `earlier` is later.
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

/// Where a journal takes its time from.
pub trait Clock: Send + Sync {
    /// The present moment. It may jump backwards; a journal clamps it.
    fn now(&self) -> Timestamp;

    /// Why the clock is not to be believed, in words for a person; `None` when it is.
    fn doubt(&self) -> Option<String> {
        None
    }
}

/// How far a clock may be set, forward or backward, before it is not believed any more.
pub const LONGEST_JUMP: Duration = Duration::from_secs(300);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that nobody can set: how long the machine has been up. Its moments say nothing but how far they lie apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct SteadyClock;

/// It counts on while the machine sleeps, as the wall's clock does.
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

/// The wall's clock, watched by a steady one. It is followed as long as the two go alike. When it is set by more than
/// [`LONGEST_JUMP`], time goes on as the steady clock has it, so that nothing that is over comes back and nothing ends
/// early; and the clock is doubted until it is set right, or the process is started again.
pub struct GuardedClock {
    wall: Arc<dyn Clock>,
    steady: Arc<dyn Clock>,
    agreed: Mutex<Agreed>,
}

/// What both clocks said when they last went alike.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    wall: Timestamp,
    steady: Timestamp,
}

impl GuardedClock {
    /// Believes the wall's clock as it stands now.
    #[must_use]
    pub fn new(wall: Arc<dyn Clock>, steady: Arc<dyn Clock>) -> Self {
        let agreed = Mutex::new(Agreed { wall: wall.now(), steady: steady.now() });
        Self { wall, steady, agreed }
    }

    /// The machine's clock, watched.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SteadyClock))
    }

    /// The present moment, and by how many milliseconds the wall's clock is ahead of it; none when it is believed.
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

/// Why the time of a journal is not to be believed, whose last moment was this one.
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

        /// Time passes, and the wall's clock is set besides.
        fn pass(&self, minutes: i64, set: i64) -> (i64, bool) {
            self.steady.0.fetch_add(minutes * MINUTE, Ordering::SeqCst);
            self.wall.0.fetch_add((minutes + set) * MINUTE, Ordering::SeqCst);
            (self.clock.now().0 / MINUTE, self.clock.doubt().is_some())
        }
    }

    /// Figure C1: small corrections are followed, however long the bot runs.
    #[test]
    fn small_corrections_are_followed() {
        let pair = Pair::new();
        assert_eq!(pair.pass(10, 0), (1_010, false));
        assert_eq!(pair.pass(10, 5), (1_025, false));
        assert_eq!(pair.pass(10, -5), (1_030, false));
        assert_eq!(pair.pass(100_000, 1), (101_031, false));
    }

    /// Figure C1, security case 87: an hour, a day, the year 2038, forward and backward.
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
