//! The post-mortem: due some days after the fix is live. The run reminds people until it is filed or skipped with a
//! reason (MAIN-18).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Progress, Wait};
use crate::domain::hotfix::Hotfix;

pub(super) fn progress(state: &Hotfix, due_days: u32) -> Progress {
    match &state.postmortem {
        Some(Some(url)) => Progress::done(format!("written: {url}")),
        Some(None) => Progress::done("the timeline is all that is wanted"),
        None => Progress::Waiting(Wait::Postmortem { due: due(state.live_at, due_days) }),
    }
}

fn due(live_at: Option<Timestamp>, due_days: u32) -> Option<Timestamp> {
    let days = Duration::from_secs(u64::from(due_days) * 86_400);
    live_at?.checked_add(SignedDuration::try_from(days).ok()?).ok()
}
