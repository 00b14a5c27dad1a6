//! The places of a listener. A connection that finds none takes that of another one: nobody who keeps connections open and
//! says little on them keeps others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Limits;
use super::meter::{Meter, allowance_of};

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    limits: Limits,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    meters: BTreeMap<u64, (IpAddr, Arc<Meter>)>,
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    pub(super) meter: Arc<Meter>,
}

impl Places {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default(), freed: Notify::new() })
    }

    /// Takes a place for a connection from this address, if need be that of another connection. Waits while every
    /// connection is answering a request; answers `None` when all that do so come from this address and are its full share.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let allowance = allowance_of(address);
        loop {
            let freed = self.freed.notified();
            match self.try_take(allowance) {
                Tried::Taken(place) => return Some(place),
                Tried::ShareIsBusy => return None,
                Tried::AllAreBusy => freed.await,
            }
        }
    }

    fn try_take(self: &Arc<Self>, allowance: IpAddr) -> Tried {
        let mut held = self.held();
        let share = held.meters.values().filter(|(from, _)| *from == allowance).count();
        let over = share >= self.limits.connections_per_address;
        if over || held.meters.len() >= self.limits.connections {
            let among = held.meters.iter().filter(|(_, (from, _))| !over || *from == allowance);
            let ranked = among.filter_map(|(number, (_, meter))| Some((meter.rank(&self.limits)?, *number)));
            let Some((_, number)) = ranked.min() else {
                return if over { Tried::ShareIsBusy } else { Tried::AllAreBusy };
            };
            if let Some((from, meter)) = held.meters.remove(&number) {
                tracing::debug!(%from, "a connection gave way to another");
                meter.evict();
            }
        }
        let (number, meter) = (held.next, Meter::new());
        held.next = number.saturating_add(1);
        held.meters.insert(number, (allowance, meter.clone()));
        Tried::Taken(Place { places: self.clone(), number, meter })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Tried {
    Taken(Place),
    /// The address has its full share, and answers are being made on all of it.
    ShareIsBusy,
    /// There is no place, and answers are being made on all of them.
    AllAreBusy,
}

impl Place {
    /// A request was answered: the connection may give way now.
    pub(super) fn answered(&self) {
        self.places.freed.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held().meters.remove(&self.number);
        self.places.freed.notify_one();
    }
}
