//! What a chat sent and the bot did not take: counted since the process started, so that a wrong app id or a workspace that
//! nobody listed shows, and does not look like silence.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why something that a chat sent was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is of another app.
    OtherApp,
    /// It is of a workspace or a server that nobody listed.
    OtherTeam,
    /// It cannot be read.
    Unreadable,
}

impl Dropped {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::OtherApp, Self::OtherTeam, Self::Unreadable];

    /// Its word in the metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::OtherApp => "other_app",
            Self::OtherTeam => "other_team",
            Self::Unreadable => "unreadable",
        }
    }

    /// What to look at, for the log.
    const fn hint(self) -> &'static str {
        match self {
            Self::OtherApp => "compare the app's id with hotfix.toml",
            Self::OtherTeam => "compare the workspace or server with those in hotfix.toml",
            Self::Unreadable => "the platform may send something new",
        }
    }

    /// How often it happened.
    #[must_use]
    pub fn count(self) -> u64 {
        self.counter().load(Ordering::Relaxed)
    }

    /// Counts one, and leaves a line in the log. `whose` is the id that it came with, if any; it is no secret.
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
