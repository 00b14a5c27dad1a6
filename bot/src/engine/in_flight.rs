//! On which runs the bot is acting just now. What it sees of a run meanwhile may be half of what it does itself, so a look
//! that an act came between is not believed: the run is looked at again as soon as the act is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::wakeup::Wakeups;
use crate::domain::id::HotfixId;

/// The acts of each run that the bot acted on.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<BTreeMap<HotfixId, Acts>>);

#[derive(Debug, Default)]
struct Acts {
    under_way: usize,
    begun: u64,
    /// Whether a look was missed because of them.
    missed: bool,
}

/// A moment at which the bot did not act on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdleSince(u64);

impl InFlight {
    /// An act on this run begins; it ends when the guard is dropped.
    pub(super) fn begin<'a>(&'a self, run: HotfixId, hints: &'a Wakeups) -> Guard<'a> {
        let mut acting = self.lock();
        let acts = acting.entry(run).or_default();
        acts.under_way += 1;
        acts.begun += 1;
        Guard { acting: self, run, hints }
    }

    /// `None` while the bot acts on the run.
    pub(super) fn quiet(&self, run: HotfixId) -> Option<IdleSince> {
        let acting = self.lock();
        acting.get(&run).map_or(Some(IdleSince(0)), |acts| (acts.under_way == 0).then_some(IdleSince(acts.begun)))
    }

    /// A look at the run was missed: it is asked for again, now or after the act.
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

/// An act under way.
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
