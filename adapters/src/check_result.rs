//! What an adapter finds when it looks itself over: for whoever sets the bot up, or asks why it is silent.

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// What: `the bot token`, `the channel C024BE91L`. Never a secret.
    pub what: String,
    /// How it stands.
    pub verdict: CheckStatus,
    /// What was seen, one line.
    pub seen: String,
    /// What to do about it; empty when nothing is to be done.
    pub next: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// The bot works, and something is lost.
    Warning,
    /// The bot cannot work like this.
    Error,
}

impl CheckResult {
    /// Something that is as it should be.
    pub fn ok(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: CheckStatus::Ok, seen: seen.into(), next: String::new() }
    }

    /// Something that costs a part of what the bot does.
    pub fn warning(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: CheckStatus::Warning, seen: seen.into(), next: next.into() }
    }

    /// Something that keeps the bot from working.
    pub fn error(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: CheckStatus::Error, seen: seen.into(), next: next.into() }
    }
}
