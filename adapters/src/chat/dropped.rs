//! Counters of inbound chat events that were dropped, by reason, since the process started. They make a wrong app id or
//! an unlisted workspace visible in metrics and logs.

use std::sync::atomic::{AtomicU64, Ordering};

/// The reason why an inbound event was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The event belongs to another app.
    OtherApp,
    /// The event belongs to a workspace or server that is not configured.
    OtherTeam,
    /// The event cannot be decoded.
    Unreadable,
}

impl Dropped {
    /// All reasons, for the metrics.
    pub const ALL: [Self; 3] = [Self::OtherApp, Self::OtherTeam, Self::Unreadable];

    /// Returns the label value used in the metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OtherApp => "other_app",
            Self::OtherTeam => "other_team",
            Self::Unreadable => "unreadable",
        }
    }

    /// Returns the hint to the operator that is added to the log line.
    const fn hint(self) -> &'static str {
        match self {
            Self::OtherApp => "compare the app's id with hotfix.toml",
            Self::OtherTeam => "compare the workspace or server with those in hotfix.toml",
            Self::Unreadable => "the platform may send something new",
        }
    }

    /// Returns the number of events dropped for this reason since the process started.
    #[must_use]
    pub fn count(self) -> u64 {
        self.counter().load(Ordering::Relaxed)
    }

    /// Increments the counter and logs a warning. `whose` is the id in the event, if any; it is not secret.
    pub(crate) fn note(self, platform: &'static str, whose: Option<&str>) {
        self.counter().fetch_add(1, Ordering::Relaxed);
        let whose: Option<String> = whose.map(|id| id.chars().filter(char::is_ascii_graphic).take(40).collect());
        tracing::warn!(platform, reason = self.word(), whose, "something was dropped: {}", self.hint());
    }

    fn counter(self) -> &'static AtomicU64 {
        static COUNTERS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
        let [other_app, other_team, unreadable] = &COUNTERS;
        match self {
            Self::OtherApp => other_app,
            Self::OtherTeam => other_team,
            Self::Unreadable => unreadable,
        }
    }
}
