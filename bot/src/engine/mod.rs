//! The engine: handles commands one at a time per run, and performs the effects in the outbox.
//!
//! ```text
//! interactions   inbound interaction → request → policy → command → reply
//! forms          forms and their submissions; a submission becomes the command that could have been typed
//! start          opens a run and takes its lanes
//! queries        read-only commands
//! locks          locks and freezes
//! reference      resolves the commits and pull requests that users name
//! admission      the single access check: who may do what, from which channel
//! rate_limit     command rate limits, per person and per service
//! deferred       interactions and replies that are kept in the journal and handled later
//! vote_request   maps a button click or a reaction to the vote request that it belongs to
//! vote_messages  the vote request messages whose reactions matter
//! mailbox        command → decide → one durable commit → new state; one command at a time per run
//! outbox         claims work, performs it, and commits the effect result together with the settlement
//! workers        worker pool that keeps claiming work
//! perform        performers, one for each effect
//! preflight      last check before an effect begins: freezes and an unreliable clock
//! poll           reads the remote systems; the authoritative source of observations
//! poller         polls the open runs on a schedule, each in a task of its own
//! poll_step      observations for the current step
//! in_flight      drops observations that overlap with an effect
//! wakeup         webhooks: poll the affected runs sooner
//! read_failures  reads of remote systems that keep failing
//! stalled        effects that a run is blocked on because they keep failing
//! attribution    the people behind commits
//! containment    which commits contain a change, with a cache
//! facts          converts what the ports return into domain types
//! branch_tips    the branch tips of a run, read once per poll or effect
//! break_glass    limits break-glass to one use per service in 24 hours
//! reload         the same engine under another configuration
//! cards          refreshes the cards
//! recover        replays all runs at startup
//! stats          counters for metrics and health checks
//! ```
//! Invariants: no reply is sent before its command is durable; no effect begins before its intent is durable; an effect
//! whose outcome is uncertain after a crash is looked up by its natural key before it is repeated. Called by
//! `serve`, the demo and the tests.

mod admission;
mod attribution;
mod branch_tips;
mod break_glass;
mod cards;
mod containment;
mod deferred;
mod facts;
mod forms;
mod in_flight;
mod interactions;
mod locks;
mod mailbox;
mod outbox;
mod perform;
mod poll;
mod poll_step;
mod poller;
mod preflight;
mod queries;
mod rate_limit;
mod read_failures;
mod recover;
mod reference;
mod reload;
mod stalled;
mod start;
mod stats;
mod vote_messages;
mod vote_request;
mod wakeup;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hotfix_adapters::chat::Chat;
use hotfix_adapters::cluster::Cluster;
use hotfix_adapters::deploy::Deploy;
use hotfix_adapters::forge::Forge;
use hotfix_adapters::ids::{Environment, MessageRef, Platform};
use hotfix_adapters::registry::Registry;
use hotfix_adapters::registry::tags::TagStrategies;
use hotfix_storage::Journal;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::command::Lexicon;
use crate::config::Config;
use crate::domain::event::Entry;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{HotfixId, ServiceName};
use crate::domain::playbook::CapabilityKind;
use crate::view::Audience;

pub use forms::Response;
pub use interactions::Reply;
pub use outbox::Batch;
pub use poller::Poller;
pub use read_failures::READS;
pub use recover::replay_all;
pub use reload::{Current, Obstacles, Voided};
pub use stats::Stats;
pub use wakeup::WakeupResult;
pub use workers::WorkerPool;

/// The remote systems that the engine reaches.
pub struct Ports {
    /// The chat in which the team works.
    pub chat: Arc<dyn Chat>,
    /// Platform of the chat; selects the accounts that messages mention.
    pub platform: Platform,
    /// Forge of each service.
    pub forges: BTreeMap<ServiceName, Arc<dyn Forge>>,
    /// Deploy mechanism of each environment of each service.
    pub deploys: BTreeMap<(ServiceName, Environment), Arc<dyn Deploy>>,
    /// Image registry of each service; a service without a readable registry has no entry.
    pub registries: BTreeMap<ServiceName, Images>,
    /// Clusters of each environment of each service; an environment without a readable cluster has no entry.
    pub clusters: BTreeMap<(ServiceName, Environment), Vec<Arc<dyn Cluster>>>,
    /// Probes that check the capabilities of the exceptional path.
    pub probes: BTreeMap<(ServiceName, CapabilityKind), Arc<dyn Probe>>,
}

/// An image registry and the rules that find a commit's tag in it.
pub struct Images {
    /// The registry that holds the images.
    pub registry: Arc<dyn Registry>,
    /// Tag patterns, in the order in which they are tried.
    pub tags: TagStrategies,
}

/// A check for one capability of the exceptional path.
#[async_trait::async_trait]
pub trait Probe: Send + Sync {
    /// Returns the reason why the capability is missing; `None` if it is present.
    async fn missing(&self) -> Option<String>;
}

/// An error that stops the engine. It needs an operator.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The journal does not accept commits, or cannot be read.
    #[error("the journal is out of order: {0}")]
    Journal(String),
    /// The journal holds an entry that this program would not write.
    #[error("the journal holds something that cannot be: {0}")]
    Replay(String),
    /// A part of the bot panicked outside the places that recover from panics.
    #[error("a part of the bot broke off, see its log: {0}")]
    Broken(String),
}

impl From<hotfix_storage::ReadError> for EngineError {
    fn from(error: hotfix_storage::ReadError) -> Self {
        Self::Journal(error.to_string())
    }
}

/// The engine, under one configuration. Everything but the configuration and the ports is shared with the engines
/// before and after a reload; a long-running task asks [`Current`] for the newest engine before each command.
#[derive(Clone)]
pub struct Engine {
    journal: Arc<dyn Journal>,
    outside: Arc<Ports>,
    config: Arc<Config>,
    /// The vocabulary of commands for this configuration. Built once, because building it walks all playbooks of each
    /// service and every command needs it.
    known: Arc<Lexicon>,
    /// Prefix of commit ids. Unique across restarts, so that no two commits share an id.
    process: String,
    runs: Arc<Mutex<BTreeMap<HotfixId, Arc<Mutex<Run>>>>>,
    /// Keys of the work that this process enqueued itself. Such work was never tried, so its first attempt
    /// needs no lookup.
    fresh: Arc<std::sync::Mutex<BTreeSet<String>>>,
    commits: Arc<std::sync::atomic::AtomicU64>,
    /// Number of panics per work item, counted from the start of the process.
    faults: Arc<std::sync::Mutex<BTreeMap<hotfix_storage::WorkKey, u32>>>,
    acting: Arc<in_flight::InFlight>,
    answers: Arc<containment::Answers>,
    hints: Arc<wakeup::Wakeups>,
    pace: Arc<rate_limit::RateLimits>,
    pulse: Arc<Stats>,
    told: Arc<vote_request::NotifiedOnce>,
    troubles: Arc<read_failures::ReadFailures>,
    alarm: Arc<Mutex<preflight::ClockAlarm>>,
    /// Number of reloads before this configuration; `newest` is the number of the latest one.
    generation: u64,
    newest: Arc<std::sync::atomic::AtomicU64>,
    /// Interval at which the claim on a work item is renewed while it runs.
    renewal: std::time::Duration,
}

/// A run in memory, as the journal has it.
struct Run {
    state: Hotfix,
    /// The version of the run that the card shows; `None` if it is unknown.
    shown: Option<u64>,
    /// Reads that keep failing, as the card shows them.
    troubles: Vec<crate::view::Trouble>,
    /// The event that was last posted, and the run right after it. Cached because the next event to post is only a few
    /// events further on. Events are immutable, so the entry never becomes stale.
    said: Option<Arc<(Entry, Hotfix)>>,
    /// Messages of the vote requests that say that their votes are held back.
    held: BTreeSet<MessageRef>,
}

impl Run {
    fn new(state: Hotfix) -> Self {
        Self { state, shown: None, troubles: Vec::new(), said: None, held: BTreeSet::new() }
    }
}

impl Engine {
    /// Starts the engine on a journal and replays its events.
    ///
    /// # Errors
    /// If the journal cannot be read, or holds an entry that this program would not write.
    pub async fn start(
        journal: Arc<dyn Journal>,
        outside: Ports,
        config: Config,
        process: String,
    ) -> Result<Self, EngineError> {
        let engine = Self {
            journal,
            outside: Arc::new(outside),
            known: Arc::new(Lexicon::of(&config)),
            config: Arc::new(config),
            process,
            runs: Arc::default(),
            fresh: Arc::default(),
            commits: Arc::default(),
            faults: Arc::default(),
            acting: Arc::default(),
            answers: Arc::default(),
            hints: Arc::default(),
            pace: Arc::default(),
            pulse: Arc::default(),
            told: Arc::default(),
            troubles: Arc::default(),
            alarm: Arc::default(),
            generation: 0,
            newest: Arc::default(),
            renewal: outbox::RENEWAL,
        };
        engine.recover().await?;
        Ok(engine)
    }

    /// Returns the engine with another interval for renewing its claims on work.
    #[must_use]
    pub fn renewing_every(self, renewal: std::time::Duration) -> Self {
        Self { renewal, ..self }
    }

    /// Returns the current time by the journal's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.journal.now().0).unwrap_or(Timestamp::MAX)
    }

    /// Returns the journal of this engine.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// Returns the current configuration of this engine.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the counters of this engine, which start at zero with the process.
    #[must_use]
    pub fn pulse(&self) -> &Stats {
        &self.pulse
    }

    fn audience(&self) -> Audience<'_> {
        let (people, policy, groups) = (&self.config.people, &self.config.policy, &self.config.groups);
        Audience { people, policy, groups, platform: self.outside.platform }
    }

    /// Returns the ids of all runs, open and ended.
    pub async fn ids(&self) -> Vec<HotfixId> {
        self.runs.lock().await.keys().copied().collect()
    }

    /// Returns the current state of all runs, open and ended.
    pub async fn states(&self) -> Vec<Hotfix> {
        let runs: Vec<_> = self.runs.lock().await.values().cloned().collect();
        let mut states = Vec::with_capacity(runs.len());
        for run in runs {
            states.push(run.lock().await.state.clone());
        }
        states
    }

    /// Returns the current state of a run; `None` if there is no such run.
    pub async fn state(&self, id: HotfixId) -> Option<Hotfix> {
        let run = self.runs.lock().await.get(&id).cloned()?;
        let state = run.lock().await.state.clone();
        Some(state)
    }

    fn commit_id(&self) -> hotfix_storage::CommitId {
        let number = self.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        hotfix_storage::CommitId::new(format!("{}-{number}", self.process))
    }
}
