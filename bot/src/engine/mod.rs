//! The engine: takes commands in, one at a time a run, and gets the outbox done.
//!
//! ```text
//! ask      what a person typed → request → policy → command          answers
//! form     what a form asks and what is handed in → the words that could have been typed
//! attribution  whose work is behind commits
//! glass    how often the glass may be broken
//! pace     how much people may say
//! gate     who may, from where: the one door
//! halt     what holds back what was decided, in the moment before it begins
//! inbox    what takes too long to be answered at once
//! mailbox  command → decide → one durable commit → the new state     one at a time a run
//! outbox   claims work, performs it, and hands what came of it to the mailbox, in the commit that settles it
//! pool     keeps claiming, and lets every piece of work go on by itself
//! look     asks the world what changed: this is sure
//! looker   keeps looking, at every run by itself
//! hint     a webhook says where to look at once
//! hitch    what was tried in vain so far
//! question which question an act on a message is about
//! reload   the same engine under another configuration
//! present  brings the cards up to date
//! trouble  reads of the world that keep failing
//! watch    the questions whose reactions matter
//! ```
//! Invariants: nothing is answered before it is durable; nothing is done before its intent is; what is uncertain after a
//! crash is looked up by its natural key before it is done again. Called by `serve`, by the demo and by the tests.

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

/// What the engine reaches.
pub struct Ports {
    /// Where the team talks.
    pub chat: Arc<dyn Chat>,
    /// On which platform that is: whose accounts are called.
    pub platform: Platform,
    /// The forge of each service.
    pub forges: BTreeMap<ServiceName, Arc<dyn Forge>>,
    /// The mechanism of each environment of each service.
    pub deploys: BTreeMap<(ServiceName, Environment), Arc<dyn Deploy>>,
    /// Where the images of each service are kept, if the bot can look there.
    pub registries: BTreeMap<ServiceName, Images>,
    /// Where each environment of each service runs, if the bot can look there.
    pub clusters: BTreeMap<(ServiceName, Environment), Vec<Arc<dyn Cluster>>>,
    /// What proves the capabilities of the exceptional path.
    pub probes: BTreeMap<(ServiceName, CapabilityKind), Arc<dyn Probe>>,
}

/// Where images are kept, and how their tags are found.
pub struct Images {
    /// The registry.
    pub registry: Arc<dyn Registry>,
    /// The patterns of tags, in order.
    pub tags: TagStrategies,
}

/// Answers whether something is there.
#[async_trait::async_trait]
pub trait Probe: Send + Sync {
    /// Why it is not there; `None` when it is.
    async fn missing(&self) -> Option<String>;
}

/// Why the engine stops. A person has to look.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The journal takes no commits, or cannot be read.
    #[error("the journal is out of order: {0}")]
    Journal(String),
    /// What the journal holds is not what this program writes.
    #[error("the journal holds something that cannot be: {0}")]
    Replay(String),
    /// A part of the bot broke off by a fault of its own, where none may.
    #[error("a part of the bot broke off, see its log: {0}")]
    Broken(String),
}

impl From<hotfix_storage::ReadError> for EngineError {
    fn from(error: hotfix_storage::ReadError) -> Self {
        Self::Journal(error.to_string())
    }
}

/// The engine, under one configuration. All parts but the configuration and what it reaches are shared with the engines
/// before and after a reload; whoever works for long asks [`Current`] for the newest one, once a command.
#[derive(Clone)]
pub struct Engine {
    journal: Arc<dyn Journal>,
    outside: Arc<Ports>,
    config: Arc<Config>,
    /// Every word of the configuration. It is made once: it goes through all playbooks for each service, and every command
    /// is read by it.
    known: Arc<Lexicon>,
    /// Names commits: unique over restarts, so that no two commits share a name.
    process: String,
    runs: Arc<Mutex<BTreeMap<HotfixId, Arc<Mutex<Run>>>>>,
    /// Work that this process put into the outbox itself: it was never tried, so there is nothing to look up.
    fresh: Arc<std::sync::Mutex<BTreeSet<String>>>,
    commits: Arc<std::sync::atomic::AtomicU64>,
    /// How often each piece of work broke off by a fault of the bot, since the process started.
    faults: Arc<std::sync::Mutex<BTreeMap<hotfix_storage::WorkKey, u32>>>,
    acting: Arc<in_flight::InFlight>,
    answers: Arc<containment::Answers>,
    hints: Arc<wakeup::Wakeups>,
    pace: Arc<rate_limit::RateLimits>,
    pulse: Arc<Stats>,
    told: Arc<vote_request::NotifiedOnce>,
    troubles: Arc<read_failures::Troubles>,
    alarm: Arc<Mutex<preflight::ClockAlarm>>,
    /// How many configurations there were before this one, and how many there were in all.
    generation: u64,
    newest: Arc<std::sync::atomic::AtomicU64>,
    /// How often the claim on work is renewed while the work goes on.
    renewal: std::time::Duration,
}

/// A run in memory, as the journal has it.
struct Run {
    state: Hotfix,
    /// The version that the card shows; `None` when it is not known to show any.
    shown: Option<u64>,
    /// What cannot be read, as the card shows it.
    troubles: Vec<crate::view::Trouble>,
    /// The event that was last said, and the run right after it. Events do not change, so this is true for ever; what is
    /// said next is a few events further on.
    said: Option<Arc<(Entry, Hotfix)>>,
    /// The questions that say that they are held back.
    held: BTreeSet<MessageRef>,
}

impl Run {
    fn new(state: Hotfix) -> Self {
        Self { state, shown: None, troubles: Vec::new(), said: None, held: BTreeSet::new() }
    }
}

impl Engine {
    /// Starts on a journal: replays what it holds.
    ///
    /// # Errors
    /// When the journal cannot be read, or holds what cannot be.
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

    /// The same engine, which renews the claim on its work each time so long has passed.
    #[must_use]
    pub fn renewing_every(self, renewal: std::time::Duration) -> Self {
        Self { renewal, ..self }
    }

    /// The present moment, by the journal's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.journal.now().0).unwrap_or(Timestamp::MAX)
    }

    /// The journal underneath.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the engine did so far.
    #[must_use]
    pub fn pulse(&self) -> &Stats {
        &self.pulse
    }

    fn audience(&self) -> Audience<'_> {
        let (people, policy, groups) = (&self.config.people, &self.config.policy, &self.config.groups);
        Audience { people, policy, groups, platform: self.outside.platform }
    }

    /// The name of every run.
    pub async fn ids(&self) -> Vec<HotfixId> {
        self.runs.lock().await.keys().copied().collect()
    }

    /// Every run, as it is now.
    pub async fn states(&self) -> Vec<Hotfix> {
        let runs: Vec<_> = self.runs.lock().await.values().cloned().collect();
        let mut states = Vec::with_capacity(runs.len());
        for run in runs {
            states.push(run.lock().await.state.clone());
        }
        states
    }

    /// One run, as it is now.
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
