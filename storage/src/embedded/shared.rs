//! State shared by the writer thread and the readers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::index::{Applied, Index};
use super::segment::Reader;
use super::state::State;
use crate::clock::{self, Clock, Timestamp};
use crate::lease::LeaseView;

pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) wake: watch::Sender<u64>,
    status: Mutex<Status>,
}

struct Status {
    index: Option<Arc<Index>>,
    applied: Applied,
    floor: Timestamp,
    /// The leases as of the entry `applied`, so that reading them does not wait for the writer.
    leases: Vec<LeaseView>,
    poisoned: Option<String>,
}

impl Shared {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        reader: Arc<Reader>,
        index: Arc<Index>,
        ledger: &State,
        floor: Timestamp,
    ) -> Self {
        let (applied, leases) = (ledger.applied, ledger.live.lease_views());
        let status = Status { index: Some(index), applied, floor, leases, poisoned: None };
        Self { clock, reader, wake: watch::Sender::new(0), status: Mutex::new(status) }
    }

    /// Returns the clock's time, but never earlier than the time of any commit.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().max(self.lock().floor)
    }

    /// Returns the reason that [`Shared::now`] is not trustworthy, if any.
    pub(crate) fn doubt(&self) -> Option<String> {
        let last = self.lock().floor;
        clock::doubt(self.clock.as_ref(), last)
    }

    pub(crate) fn poisoned(&self) -> Option<String> {
        self.lock().poisoned.clone()
    }

    pub(crate) fn poison(&self, reason: &str) {
        tracing::error!(store.poisoned = reason, "the store takes no commits any more");
        self.lock().poisoned.get_or_insert_with(|| reason.to_owned());
    }

    /// Publishes that the group up to the entry `applied` is durable; `leases` is `None` if it changed none.
    pub(crate) fn advance(&self, applied: &Applied, leases: Option<Vec<LeaseView>>, at: Timestamp) {
        let mut status = self.lock();
        status.applied = *applied;
        status.floor = status.floor.max(at);
        if let Some(leases) = leases {
            status.leases = leases;
        }
    }

    /// Returns the active leases, or the reason that the store is poisoned.
    pub(crate) fn leases(&self) -> Result<Vec<LeaseView>, String> {
        let now = self.now();
        let status = self.lock();
        match &status.poisoned {
            Some(reason) => Err(reason.clone()),
            None => Ok(status.leases.iter().filter(|view| view.holds(now)).cloned().collect()),
        }
    }

    pub(crate) fn applied(&self) -> Applied {
        self.lock().applied
    }

    /// Returns the index, or `None` once the store is closed.
    pub(crate) fn index(&self) -> Option<Arc<Index>> {
        self.lock().index.clone()
    }

    pub(crate) fn close(&self) -> Option<Arc<Index>> {
        let mut status = self.lock();
        status.poisoned.get_or_insert_with(|| "the store is closed".to_owned());
        status.index.take()
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
