//! A clock that stands still until somebody turns it; and one beside it that nobody can set, by which it is watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hotfix_storage::{Clock, GuardedClock, Timestamp};

/// The moment at which every scenario begins: Monday, 2 March 2026, 09:00 UTC.
pub const START: Timestamp = Timestamp(1_772_442_000_000);

/// A clock that a test turns.
#[derive(Debug)]
pub struct FakeClock {
    wall: AtomicI64,
    /// How long the machine has been up.
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
    /// A clock that stands at this moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self { wall: AtomicI64::new(moment.0), up: Up::default() }
    }

    /// This clock as a bot uses it that is started now.
    #[must_use]
    pub fn guarded(self: &Arc<Self>) -> Arc<GuardedClock> {
        Arc::new(GuardedClock::new(self.clone(), Arc::new(self.up.clone())))
    }

    /// Somebody sets it by so many minutes, forward or backward; no time passes.
    pub fn jump(&self, minutes: i64) {
        self.wall.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// Turns it forward.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }

    /// It is this moment now: that much time has passed, or the world was put back to it.
    pub fn set(&self, moment: Timestamp) {
        let before = self.wall.swap(moment.0, Ordering::SeqCst);
        self.up.0.fetch_add(moment.0 - before, Ordering::SeqCst);
    }

    /// The moment, as the forge counts.
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
