//! How often the glass may be broken: once in 24 hours for each service. It is a lease that nobody gives back, taken in the
//! commit that says the glass is broken: it outlives the process, and of two who break it at once one is refused.

use std::time::Duration;

use hotfix_storage::{LeaseChange, LeaseId, LeaseView};
use jiff::Timestamp;

use super::Engine;
use crate::domain::break_glass::BreakGlass;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::domain::people::marked;
use crate::domain::refusal::Refusal;

/// For so long the glass of a service is not broken again.
const WHOLE_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// What the leases are called.
const LEASES: &str = "glass/";

impl Engine {
    /// The lease that goes with a broken glass. Its holder is the event, and not the run, which gives its own leases back.
    pub(super) fn take_glass(&self, state: &Hotfix, version: u64, glass: &BreakGlass) -> LeaseChange {
        LeaseChange::Acquire {
            lease: LeaseId::new(format!("{LEASES}{}", state.plan.service)),
            holder: format!("{}/{version}", state.id),
            note: glass.person.to_string(),
            until: Some(self.journal.now().after(WHOLE_AGAIN)),
        }
    }
}

/// Whether a lease is one of a broken glass.
pub(super) fn is_of(view: &LeaseView) -> bool {
    view.lease.as_str().starts_with(LEASES)
}

/// Why the glass is not broken again.
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
        "glass.again",
        reason,
        format!("Get the votes that are asked for; it could be broken again at {until}."),
    )
}
