//! The settings of the process, from `hotfix.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use hotfix_adapters::egress::Host;

use super::chat::ChatSettings;

/// Where things are kept, and how often things are asked. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of the configuration itself.
    pub config: PathBuf,
    /// The folder below which the bot keeps everything of its own.
    pub state: PathBuf,
    /// The journal.
    pub store: PathBuf,
    /// The bare repositories of the local forge.
    pub repositories: PathBuf,
    /// The pull requests, reviews and checks of the local forge.
    pub forge_ledger: PathBuf,
    /// The mirrors of repositories on forges elsewhere.
    pub mirrors: PathBuf,
    /// The records of deployments.
    pub runs: PathBuf,
    /// The socket on which the command line reaches the running bot.
    pub socket: PathBuf,
    /// How often forges and environments are asked, whether or not a webhook came.
    pub poll_seconds: u32,
    /// After how many minutes of waiting people are reminded, when the step says nothing; 0 for never.
    pub remind_minutes: u32,
    /// Where the team talks.
    pub chat: ChatSettings,
    /// The hosts of the private network that may be reached (security case 65).
    pub private_hosts: Vec<Host>,
    /// What the bot serves over HTTP.
    pub http: HttpSettings,
    /// How the bot logs.
    pub log: Log,
    /// The embedded store.
    pub embedded: StoreSettings,
}

/// What the bot serves over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where webhooks come in; `None` for nowhere.
    pub listen: Option<SocketAddr>,
    /// Where health and metrics are asked for; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// The largest body of a webhook, in KiB.
    pub body_limit_kib: u32,
    /// How many connections each of the two holds at a time.
    pub connections: u32,
}

/// How the bot logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// What is logged, as `tracing` writes its filters, such as `info,hotfix=debug`.
    pub filter: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The sizes of the embedded store; the defaults are the ones to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreSettings {
    /// A new segment of the journal is begun when the last one has so many bytes.
    pub segment_bytes: u64,
    /// The size of the file that is kept to be freed when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// How much memory the index may use for its cache.
    pub cache_bytes: u64,
}
