//! Results of an adapter's self-check, shown by setup and diagnostic commands.

/// The result of checking one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// The checked item: `the bot token`, `the channel C024BE91L`. Never a secret.
    pub what: String,
    /// Severity of the result.
    pub status: CheckStatus,
    /// The observation, on one line.
    pub seen: String,
    /// The recommended action; empty if none is needed.
    pub next: String,
}

/// Severity of a check result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// No problem found.
    Ok,
    /// The bot works, but with limited functionality.
    Warning,
    /// The bot cannot work with this problem.
    Error,
}

impl CheckResult {
    /// Creates a result without a problem.
    pub fn ok(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), status: CheckStatus::Ok, seen: seen.into(), next: String::new() }
    }

    /// Creates a result for a problem that limits the bot's functionality.
    pub fn warning(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), status: CheckStatus::Warning, seen: seen.into(), next: next.into() }
    }

    /// Creates a result for a problem that prevents the bot from working.
    pub fn error(what: impl Into<String>, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), status: CheckStatus::Error, seen: seen.into(), next: next.into() }
    }
}
