//! Reconnect policy of the gateway: delay, and resume or new session.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use crate::failure::Failure;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// Delay if an operator has to fix the problem first. Discord allows a thousand sessions per day.
const HOPELESS: Duration = Duration::from_secs(15 * 60);
/// Minimum lifetime of a connection that resets the backoff.
const WORTHWHILE: Duration = Duration::from_secs(10);

/// The reason why a connection ended.
#[derive(Debug)]
pub(super) enum CloseReason {
    /// The connection could not be opened.
    NotOpened(Failure),
    /// The connection was closed, with Discord's code if there was one.
    Closed { code: Option<u16>, lived: Duration },
    /// Discord requested a reconnect.
    Renewed { lived: Duration },
    /// Discord invalidated the session.
    Invalid { resumable: bool, lived: Duration },
}

/// The next step after a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) wait: Duration,
    /// `true` if the session can be resumed, so that missed events are replayed.
    pub(super) resume: bool,
    /// The problem that an operator has to fix; `None` if a retry may help.
    pub(super) hopeless: Option<&'static str>,
}

/// Counter of consecutive failures.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(super) fn after(&mut self, end: &CloseReason) -> Next {
        self.next(end, 500 + jitter(500))
    }

    fn next(&mut self, end: &CloseReason, thousandths: u32) -> Next {
        let lived = match end {
            CloseReason::NotOpened(_) => Duration::ZERO,
            CloseReason::Closed { lived, .. } | CloseReason::Renewed { lived } | CloseReason::Invalid { lived, .. } => {
                *lived
            }
        };
        let storm = lived < WORTHWHILE && self.failures > 0;
        self.failures = if lived < WORTHWHILE { self.failures + 1 } else { 1 };
        let step = self.step() * thousandths / 1000;
        let go_on = |wait, resume| Next { wait, resume, hopeless: None };
        match end {
            CloseReason::NotOpened(Failure::Retry { after: Some(after), .. }) => go_on((*after).max(step), true),
            CloseReason::NotOpened(Failure::Rejected { .. }) => go_on(LONGEST * thousandths / 1000, true),
            CloseReason::NotOpened(Failure::Retry { .. } | Failure::Uncertain { .. }) => go_on(step, true),
            CloseReason::Renewed { .. } if !storm => go_on(Duration::ZERO, true),
            CloseReason::Renewed { .. } => go_on(step, true),
            // Discord requires a delay of 1 to 5 seconds.
            CloseReason::Invalid { resumable, .. } => {
                go_on(step.max(FIRST * (1 + thousandths.saturating_sub(500) / 125)), *resumable)
            }
            CloseReason::Closed { code: Some(code), .. } => match hopeless(*code) {
                Some(why) => Next { wait: HOPELESS, resume: false, hopeless: Some(why) },
                None => go_on(step, ![4003, 4007, 4009].contains(code)),
            },
            CloseReason::Closed { code: None, .. } => go_on(step, true),
        }
    }

    fn step(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(10);
        FIRST.saturating_mul(1 << doublings).min(LONGEST)
    }
}

/// Returns the problem for close codes after which a new connection would be closed the same way.
fn hopeless(code: u16) -> Option<&'static str> {
    Some(match code {
        4004 => "Discord does not accept the bot's token: make a new one and set it",
        4010 | 4011 => {
            "the bot is in more servers than one connection serves: take it out of those it does not work for"
        }
        4012 => "Discord's gateway no longer speaks this version: take a newer one of the bot",
        4013 => "Discord does not know what the bot asks to be told: take a newer version of the bot",
        4014 => {
            "the application may not be told what the bot asks for: look at its intents in Discord's developer portal"
        }
        _ => return None,
    })
}

/// Returns a random number below `below`, to spread reconnects over time.
pub(super) fn jitter(below: u32) -> u32 {
    u32::try_from(RandomState::new().build_hasher().finish() % u64::from(below.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn closed(code: Option<u16>, secs: u64) -> CloseReason {
        CloseReason::Closed { code, lived: Duration::from_secs(secs) }
    }

    fn all(ends: &[CloseReason]) -> Vec<(u64, bool)> {
        let mut patience = Backoff::default();
        let each = |end: &CloseReason| {
            let next = patience.next(end, 1000);
            (next.wait.as_secs(), next.resume)
        };
        ends.iter().map(each).collect()
    }

    #[test]
    fn what_is_down_is_asked_ever_more_seldom() {
        let down = || CloseReason::NotOpened(Failure::retry("down"));
        assert_eq!(all(&[down(), down(), down(), down()]), [(1, true), (2, true), (4, true), (8, true)]);
        let many: Vec<CloseReason> = (0..20).map(|_| down()).collect();
        assert_eq!(all(&many).last(), Some(&(60, true)));
        let asked =
            CloseReason::NotOpened(Failure::Retry { reason: String::new(), after: Some(Duration::from_secs(3600)) });
        assert_eq!(all(&[asked]), [(3600, true)], "no session is left today");
        assert_eq!(all(&[closed(None, 0), closed(None, 0), closed(None, 60)]), [(1, true), (2, true), (1, true)]);
    }

    #[test]
    fn a_session_goes_on_where_it_can() {
        let codes = [4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009, 1001];
        let go_on: Vec<bool> = codes.iter().map(|code| all(&[closed(Some(*code), 60)])[0].1).collect();
        assert_eq!(go_on, [true, true, true, false, true, false, true, false, true]);
        let lived = Duration::from_secs(60);
        let invalid = |resumable| all(&[CloseReason::Invalid { resumable, lived }])[0];
        assert_eq!((invalid(true), invalid(false)), ((5, true), (5, false)));
        let renewed = || CloseReason::Renewed { lived: Duration::ZERO };
        assert_eq!(
            all(&[CloseReason::Renewed { lived }, renewed(), renewed()]),
            [(0, true), (2, true), (4, true)],
            "a storm"
        );
    }

    #[test]
    fn what_a_person_has_to_change_is_not_tried_all_the_time() {
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            let next = Backoff::default().after(&closed(Some(code), 0));
            assert!(next.hopeless.is_some() && !next.resume && next.wait >= HOPELESS, "{code}");
        }
    }
}
