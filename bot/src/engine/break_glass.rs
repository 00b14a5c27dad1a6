//! Limits break-glass to one use per service in 24 hours. The limit is a lease that is never released, acquired in the
//! commit that records the break-glass: it survives a restart, and of two concurrent uses one is refused.

use std::time::Duration;

use hotfix_storage::{LeaseChange, LeaseId, LeaseView};
use jiff::Timestamp;

use super::Engine;
use crate::domain::break_glass::BreakGlass;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::domain::people::marked;
use crate::domain::refusal::Refusal;

/// Time before break-glass can be used again for a service.
const WHOLE_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Prefix of the lease ids.
const LEASES: &str = "glass/";

impl Engine {
    /// Acquires the lease of a break-glass. Its holder is the event, not the run, because a run releases its own leases
    /// when it ends.
    pub(super) fn take_glass(&self, state: &Hotfix, version: u64, glass: &BreakGlass) -> LeaseChange {
        LeaseChange::Acquire {
            lease: LeaseId::new(format!("{LEASES}{}", state.plan.service)),
            holder: format!("{}/{version}", state.id),
            note: glass.person.to_string(),
            until: Some(self.journal.now().after(WHOLE_AGAIN)),
        }
    }
}

/// Returns `true` if a lease is one of a break-glass.
pub(super) fn is_of(view: &LeaseView) -> bool {
    view.lease.as_str().starts_with(LEASES)
}

/// Returns the refusal for a second break-glass within 24 hours.
pub(super) fn broken_before(view: &LeaseView) -> Refusal {
    let service = view.lease.as_str().trim_start_matches(LEASES);
    let run = view.holder.split('/').next().unwrap_or_default();
    let moment = |at: hotfix_storage::Timestamp| {
        Timestamp::from_millisecond(at.0).map_or(String::new(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
    };
    let who = view.note.parse::<PersonId>().map_or_else(|_| view.note.clone(), |person| marked(&person));
    let reason = format!(
        "The glass of {service} is broken at most once in 24 hours, and {who} broke it in {run} at {}.",
        moment(view.since)
    );
    let until = view.until.map(moment).unwrap_or_default();
    Refusal::new(
        "break-glass.again",
        reason,
        format!("Get the votes that are asked for; it could be broken again at {until}."),
    )
}
