//! The clock of a world, which stands still until a test advances it, and a monotonic clock beside it that cannot be
//! set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hotfix_storage::{Clock, GuardedClock, Timestamp};

/// The time at which every scenario begins: Monday, 2 March 2026, 09:00 UTC.
pub const START: Timestamp = Timestamp(1_772_442_000_000);

/// A wall clock under the control of a test.
#[derive(Debug)]
pub struct FakeClock {
    wall: AtomicI64,
    /// Uptime of the machine, which a jump of the wall clock does not change.
    up: Up,
}

#[derive(Debug, Clone, Default)]
struct Up(Arc<AtomicI64>);

impl Clock for Up {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl FakeClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self { wall: AtomicI64::new(moment.0), up: Up::default() }
    }

    /// Returns this clock as a newly started bot uses it: guarded by the uptime.
    #[must_use]
    pub fn guarded(self: &Arc<Self>) -> Arc<GuardedClock> {
        Arc::new(GuardedClock::new(self.clone(), Arc::new(self.up.clone())))
    }

    /// Sets the wall clock forward or backward by so many minutes, without any time passing.
    pub fn jump(&self, minutes: i64) {
        self.wall.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }

    /// Lets time pass until this moment, or sets the time of a restored checkpoint.
    pub fn set(&self, moment: Timestamp) {
        let before = self.wall.swap(moment.0, Ordering::SeqCst);
        self.up.0.fetch_add(moment.0 - before, Ordering::SeqCst);
    }

    /// Returns the current time in the type that the forge uses.
    #[must_use]
    pub fn moment(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.now().0).expect("a moment that can be written")
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }
}
