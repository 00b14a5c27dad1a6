//! What an adapter finds when it looks itself over: for whoever sets the bot up, or asks why it is silent.

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: `the bot token`, `the channel C024BE91L`. Never a secret.
    pub what: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen, one line.
    pub seen: String,
    /// What to do about it; empty when nothing is to be done.
    pub next: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// The bot works, and something is lost.
    Doubtful,
    /// The bot cannot work like this.
    Wrong,
}

impl Finding {
    /// Something that is as it should be.
    pub fn fine(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Fine, seen: seen.into(), next: String::new() }
    }

    /// Something that costs a part of what the bot does.
    pub fn doubtful(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Doubtful, seen: seen.into(), next: next.into() }
    }

    /// Something that keeps the bot from working.
    pub fn wrong(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Wrong, seen: seen.into(), next: next.into() }
    }
}
