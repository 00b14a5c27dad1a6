//! The connection slots of a listener. If all are taken, a new connection evicts another one, so a client that keeps
//! many idle connections open cannot lock others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Limits;
use super::meter::{Meter, allowance_of};

/// All connection slots of a listener.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    limits: Limits,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    meters: BTreeMap<u64, (IpAddr, Arc<Meter>)>,
}

/// A slot, held until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<ConnectionSlots>,
    number: u64,
    pub(super) meter: Arc<Meter>,
}

impl ConnectionSlots {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default(), freed: Notify::new() })
    }

    /// Takes a slot for a connection from this address. If all are taken, evicts the connection that ranks lowest;
    /// addresses above their share come first among the equally authenticated. Waits while every connection is handling
    /// a request.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Place {
        let allowance = allowance_of(address);
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.try_take(allowance) {
                return place;
            }
            freed.await;
        }
    }

    fn try_take(self: &Arc<Self>, allowance: IpAddr) -> Option<Place> {
        let mut held = self.held();
        if held.meters.len() >= self.limits.connections {
            let number = held.first_to_go(&self.limits)?;
            if let Some((from, meter)) = held.meters.remove(&number) {
                tracing::debug!(%from, "a connection gave way to another");
                meter.evict();
            }
        }
        let (number, meter) = (held.next, Meter::new());
        held.next = number.saturating_add(1);
        held.meters.insert(number, (allowance, meter.clone()));
        Some(Place { places: self.clone(), number, meter })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Returns the connection to evict first; `None` if none may be evicted.
    fn first_to_go(&self, limits: &Limits) -> Option<u64> {
        let mut shares: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for (from, _) in self.meters.values() {
            *shares.entry(*from).or_default() += 1;
        }
        let is_over = |from| shares.get(from).is_some_and(|share| *share > limits.connections_per_address);
        let ranked = self
            .meters
            .iter()
            .filter_map(|(number, (from, meter))| Some((meter.rank(limits, is_over(from))?, *number)));
        ranked.min().map(|(_, number)| number)
    }
}

impl Place {
    /// Signals that a request was answered, so that the connection may be evicted.
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
