//! The effects in flight, per run. A poll during an effect may read an intermediate state, so its observations are
//! dropped and the run is polled again when the effect has ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::wakeup::Wakeups;
use crate::domain::id::HotfixId;

/// The effects in flight of each run.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<BTreeMap<HotfixId, Acts>>);

#[derive(Debug, Default)]
struct Acts {
    under_way: usize,
    begun: u64,
    /// `true` if a poll was dropped because of them.
    missed: bool,
}

/// A point in time without effects in flight on a run. Two equal values mean that no effect began in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdleSince(u64);

impl InFlight {
    /// Registers an effect on this run. It ends when the guard is dropped.
    pub(super) fn begin<'a>(&'a self, run: HotfixId, hints: &'a Wakeups) -> Guard<'a> {
        let mut acting = self.lock();
        let acts = acting.entry(run).or_default();
        acts.under_way += 1;
        acts.begun += 1;
        Guard { acting: self, run, hints }
    }

    /// Returns a marker for the current idle period; `None` while an effect is in flight.
    pub(super) fn quiet(&self, run: HotfixId) -> Option<IdleSince> {
        let acting = self.lock();
        acting.get(&run).map_or(Some(IdleSince(0)), |acts| (acts.under_way == 0).then_some(IdleSince(acts.begun)))
    }

    /// Records that a poll of the run was dropped. The run is polled again, at once or after the effect.
    pub(super) fn missed(&self, run: HotfixId, hints: &Wakeups) {
        let mut acting = self.lock();
        match acting.get_mut(&run).filter(|acts| acts.under_way > 0) {
            Some(acts) => acts.missed = true,
            None => hints.add([run]),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HotfixId, Acts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guard of an effect in flight.
pub(super) struct Guard<'a> {
    acting: &'a InFlight,
    run: HotfixId,
    hints: &'a Wakeups,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut acting = self.acting.lock();
        let Some(acts) = acting.get_mut(&self.run) else { return };
        acts.under_way = acts.under_way.saturating_sub(1);
        if acts.under_way == 0 && std::mem::take(&mut acts.missed) {
            self.hints.add([self.run]);
        }
    }
}
