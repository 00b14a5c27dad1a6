//! Validation of a commit in isolation, without the state of the journal. Shared by all implementations.

use std::collections::HashSet;

use crate::lease::{LeaseChange, Requirement};
use crate::outbox::TimerChange;
use crate::record::Commit;

/// Maximum length of a name, in bytes.
const MAX_NAME: usize = 255;
/// Maximum total size of the events and payloads of one commit, in bytes.
const MAX_BYTES: usize = 8 << 20;

impl Commit {
    /// Returns the reason that the commit is malformed, or `None` if it is well-formed.
    pub(crate) fn fault(&self) -> Option<String> {
        self.long_name().or_else(|| self.repetition()).or_else(|| self.emptiness()).or_else(|| self.size())
    }

    fn long_name(&self) -> Option<String> {
        let streams = self.append.iter().map(|append| append.stream.as_str());
        let timers = self.timers.iter().flat_map(|timer| match timer {
            TimerChange::Set(work) => vec![work.key.as_str(), work.queue.as_str(), work.order_key.as_str()],
            TimerChange::Cancel(key) => vec![key.as_str()],
        });
        let work =
            self.enqueue.iter().flat_map(|work| [work.key.as_str(), work.queue.as_str(), work.order_key.as_str()]);
        let leases = self.leases.iter().map(|change| match change {
            LeaseChange::Acquire { lease, .. }
            | LeaseChange::Extend { lease, .. }
            | LeaseChange::Release { lease, .. } => lease.as_str(),
        });
        let required = self.require.iter().map(|Requirement::LeaseHeld { lease, .. }| lease.as_str());
        let own = [Some(self.id.as_str()), self.seen.as_ref().map(|seen| seen.as_str())].into_iter().flatten();
        own.chain(streams)
            .chain(timers)
            .chain(work)
            .chain(leases)
            .chain(required)
            .find(|name| name.len() > MAX_NAME)
            .map(|name| format!("a name of {} bytes, {MAX_NAME} are allowed: {name}", name.len()))
    }

    fn repetition(&self) -> Option<String> {
        let mut streams = HashSet::new();
        if let Some(append) = self.append.iter().find(|append| !streams.insert(&append.stream)) {
            return Some(format!("stream {} is named twice", append.stream));
        }
        let mut settled = HashSet::new();
        let settle = self.settle.iter().find(|settle| !settled.insert(&settle.work))?;
        Some(format!("work {} is settled twice", settle.work))
    }

    fn emptiness(&self) -> Option<String> {
        let append = self.append.iter().find(|append| append.events.is_empty())?;
        Some(format!("the append to stream {} has no events", append.stream))
    }

    fn size(&self) -> Option<String> {
        let events = self.append.iter().flat_map(|append| &append.events).map(|event| event.get().len());
        let timers = self.timers.iter().map(|timer| match timer {
            TimerChange::Set(work) => work.payload.get().len(),
            TimerChange::Cancel(_) => 0,
        });
        let bytes: usize = events.chain(timers).chain(self.enqueue.iter().map(|work| work.payload.get().len())).sum();
        (bytes > MAX_BYTES).then(|| format!("{bytes} bytes of events and payloads, {MAX_BYTES} are allowed"))
    }
}
