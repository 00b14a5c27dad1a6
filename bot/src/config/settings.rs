//! The settings of the process: `hotfix.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use hotfix_adapters::egress::Host;

use super::chat::ChatSettings;

/// Settings of the process. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the configuration files.
    pub config: PathBuf,
    /// State folder: the parent of everything that the bot writes.
    pub state: PathBuf,
    /// Folder of the journal.
    pub store: PathBuf,
    /// Folder of the bare repositories of the local forge.
    pub repositories: PathBuf,
    /// Pull requests, reviews and checks of the local forge.
    pub forge_ledger: PathBuf,
    /// Folder of the mirrors of remote repositories.
    pub mirrors: PathBuf,
    /// Folder of the records of deployments.
    pub runs: PathBuf,
    /// Unix socket on which the command line reaches the running bot.
    pub socket: PathBuf,
    /// Poll interval for forges and environments in seconds, used with or without webhooks.
    pub poll_seconds: u32,
    /// Minutes of waiting before a reminder, for steps that set no value of their own; 0 for no reminders.
    pub remind_minutes: u32,
    /// The chat of the team.
    pub chat: ChatSettings,
    /// Hosts in private networks that the egress policy allows (security case 65).
    pub private_hosts: Vec<Host>,
    /// HTTP listeners for webhooks and metrics.
    pub http: HttpSettings,
    /// Format and filter of the log.
    pub log: Log,
    /// Sizes of the embedded store.
    pub embedded: StoreSettings,
}

/// HTTP listeners of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpSettings {
    /// Listen address for webhooks; `None` to accept none.
    pub listen: Option<SocketAddr>,
    /// Listen address for health and metrics; `None` to serve none.
    pub metrics: Option<SocketAddr>,
    /// Maximum body size of a webhook, in KiB.
    pub body_limit_kib: u32,
    /// Maximum number of concurrent connections per listener.
    pub connections: u32,
}

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Text or JSON.
    pub format: LogFormat,
    /// Filter in the syntax of `tracing`, such as `info,hotfix=debug`.
    pub filter: String,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Sizes of the embedded store. The defaults suit normal operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSettings {
    /// Size at which the journal starts a new segment.
    pub segment_bytes: u64,
    /// Size of the reserve file, which is freed when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// Memory limit of the index cache.
    pub cache_bytes: u64,
}
