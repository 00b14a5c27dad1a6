//! A world: one bot in one folder, plus the clock, chat, forge and journal that survive a restart of the bot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotfix::config::Config;
use hotfix::domain::hotfix::Hotfix;
use hotfix::engine::{Current, Engine, Ports, Reply, replay_all};
use hotfix::reload::{self, Taken};
use hotfix::{config, wire};
use hotfix_adapters::chat::console::{Console, ConsoleOptions};
use hotfix_adapters::chat::{Chat, Inbound};
use hotfix_adapters::cluster::Cluster;
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform, Repo};
use hotfix_fakes::slack::Standing;
use hotfix_storage::{Clock as _, Embedded, Journal, Memory, WorkState, WorkView, embedded};

use crate::clock::{FakeClock, START};
use crate::ports::{Cut, CutChat, CutDeploy, CutForge, CutJournal, Op, Rack, Shelf};
use crate::program::program;
use crate::room::Room;
use crate::site::{self, Host, Site};
use crate::stage::{self, Stage, fresh_folder};

/// The users who can type commands. `zoe` is in the channel but not in `people.toml`.
pub const TYPISTS: [&str; 6] = ["ana", "ben", "chi", "dee", "eli", "zoe"];
/// Maximum number of rounds of work in [`World::settle`] before it fails.
const ROUNDS: usize = 400;
/// The failure text of a deployment that is still in progress on a remote system.
const FOLLOWED: &str = "it is under way";
/// Maximum time that [`World::settle`] advances the clock while only retries are waiting.
const TURNED_AT_MOST: Duration = Duration::from_secs(30 * 60);

/// The setup of a world.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Name of the service, which selects the stage, such as `payments`.
    pub service: String,
    /// The forge that hosts the code.
    pub host: Host,
    /// The chat platform.
    pub talk: Talk,
    /// Account kinds in Slack or Discord, keyed by user name. Users who are not listed are members.
    pub standing: BTreeMap<String, Standing>,
    /// The users who are not in the service's channel.
    pub absent: Vec<String>,
    /// `true` if the service has a CI that reports the checks `unit-tests` and `lint` for every commit of main.
    pub ci: bool,
    /// `true` if the journal is the embedded store, `false` if it is in memory.
    pub embedded: bool,
    /// `true` if the chat is kept in a file, so that the world can be restored to a checkpoint.
    pub rewindable: bool,
    /// Time that the bot may take to answer before it defers the reply. `None` means the production default.
    pub patience: Option<Duration>,
    /// Interval at which the bot renews its claims on work items. `None` means the production default.
    pub renewal: Option<Duration>,
    /// Timeout of a request to the forge, in seconds. `None` means the production default.
    pub timeout: Option<u32>,
}

/// The chat platform of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Talk {
    /// The console chat.
    #[default]
    Console,
    /// Slack, which delivers events over HTTP.
    Slack,
    /// Slack in socket mode: the bot keeps the connections open.
    SlackSocket,
    /// Discord, which delivers events over the gateway.
    Discord,
}

/// The journal of a world.
pub enum Store {
    /// The in-memory journal.
    Memory(Arc<Memory>),
    /// The embedded store of the product. `None` while the bot restarts.
    Embedded(Option<Arc<Embedded>>),
}

/// A bot and everything around it that survives its restarts.
pub struct World {
    /// The setup that the world was created with.
    pub options: Options,
    /// The temporary folder, which is deleted with the world.
    pub folder: tempfile::TempDir,
    /// The stage inside the folder.
    pub stage: Stage,
    /// The clock that tests advance.
    pub clock: Arc<FakeClock>,
    /// The fault injector shared by all ports of the bot.
    pub cut: Arc<Cut>,
    /// The console chat. The bot uses it only if `room` is `None`.
    pub console: Arc<Console>,
    /// The chat platform. `None` at the console.
    pub room: Option<Room>,
    /// The forge from the users' side.
    pub site: Arc<dyn Site>,
    /// The journal that the bot runs on.
    pub store: Store,
    /// All operations that changed the journal so far, in order.
    pub ops: Arc<Mutex<Vec<Op>>>,
    /// `true` if the bot polls. `false` if it reads only the repositories that a wakeup hinted at.
    pub polls: bool,
    engine: Option<(Arc<Engine>, Current)>,
    /// `true` if a configuration change is applied by a reload, `false` if by a restart.
    pub(crate) reloads: bool,
    starts: usize,
    /// The configuration that was read last, with the fingerprint of its files.
    read: Mutex<Option<(stage::Fingerprint, Config)>>,
}

impl World {
    /// Sets up a world and starts a bot in it.
    ///
    /// # Errors
    /// Fails if the stage cannot be built, or if the bot refuses its configuration.
    pub async fn new(options: Options) -> anyhow::Result<Self> {
        // Build first: a build may take longer than a webhook signature stays valid.
        program();
        let folder = fresh_folder()?;
        let stage = Stage::set_up(folder.path(), &options.service)?;
        let clock = Arc::new(FakeClock::at(START));
        let memory = Arc::new(Memory::new(clock.clone()));
        let console = Arc::new(console(&stage, &options)?);
        let site = site::open(options.host, &stage, &clock).await?;
        options.timeout.map_or(Ok(()), |seconds| site::limit_waiting(&stage, seconds))?;
        if options.ci {
            site::with_ci(site.as_ref(), &stage).await?;
        }
        let room = Room::open(&stage, &TYPISTS, &options).await?;
        let store = if options.embedded { Store::Embedded(None) } else { Store::Memory(memory) };
        let mut world = Self {
            options,
            folder,
            stage,
            clock,
            cut: Arc::default(),
            console,
            room,
            site,
            store,
            ops: Arc::default(),
            polls: true,
            engine: None,
            reloads: false,
            starts: 0,
            read: Mutex::default(),
        };
        world.start().await?;
        Ok(world)
    }

    /// Starts a bot on the existing world.
    ///
    /// # Errors
    /// Fails if the bot refuses its configuration or its journal.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.cut.revive();
        self.starts += 1;
        let config = self.config()?;
        let inner: Arc<dyn Journal> = match &mut self.store {
            Store::Memory(memory) => memory.clone(),
            Store::Embedded(open) => {
                let mut options = embedded::Options::new(&config.settings.store, self.clock.guarded());
                (options.reserve_bytes, options.segment_bytes) = (0, 1 << 20);
                open.insert(Arc::new(Embedded::open(options)?)).clone()
            }
        };
        let (cut, clock) = (self.cut.clone(), self.clock.clone());
        let journal = Arc::new(CutJournal { inner, cut: cut.clone(), clock, ops: self.ops.clone() });
        let inner: Arc<dyn Chat> = match &mut self.room {
            None => self.console.clone(),
            Some(room) => room.wire(&config).await?,
        };
        let outside = self.outside(&config, Arc::new(CutChat { inner, cut }))?;
        let process = format!("test-{}", self.starts);
        let engine = Engine::start(journal, outside, config, process).await?;
        let engine = Arc::new(match self.options.renewal {
            Some(renewal) => engine.renewing_every(renewal),
            None => engine,
        });
        let current = Current::from(engine.clone());
        if let Some(room) = &mut self.room {
            room.listen(&current, self.options.patience).await?;
        }
        self.engine = Some((engine, current));
        Ok(())
    }

    /// Builds the ports for this configuration, each wrapped by the fault injector.
    fn outside(&self, config: &Config, chat: Arc<dyn Chat>) -> anyhow::Result<Ports> {
        let cut = &self.cut;
        let mut outside = wire::ports(config, chat, program())?;
        for (service, forge) in &mut outside.forges {
            let inner = self.site.port().unwrap_or_else(|| forge.clone());
            *forge = Arc::new(CutForge { inner, cut: cut.clone(), service: service.to_string() });
        }
        for ((service, _), deploy) in &mut outside.deploys {
            *deploy = Arc::new(CutDeploy { inner: deploy.clone(), cut: cut.clone(), service: service.to_string() });
        }
        for (service, images) in &mut outside.registries {
            images.registry = Arc::new(Shelf { folder: Shelf::of(&self.stage), cut: cut.clone() });
            for production in config.services[service].service.environments.iter().filter(|e| e.production) {
                let (stage, environment) = (self.stage.clone(), production.name.to_string());
                let rack: Arc<dyn Cluster> = Arc::new(Rack { stage, environment, cut: cut.clone() });
                outside.clusters.insert((service.clone(), production.name.clone()), vec![rack]);
            }
        }
        Ok(outside)
    }

    /// Applies a configuration change, by a reload or by a restart (see `reloads`).
    ///
    /// # Errors
    /// Fails if the bot refuses the configuration.
    pub async fn take_over(&mut self) -> anyhow::Result<()> {
        if !self.reloads {
            return self.restart().await;
        }
        self.reload().await.map(|_| ()).map_err(|faults| anyhow::anyhow!("it was not taken: {}", faults.join(" ")))
    }

    /// Reloads the configuration into the running bot.
    ///
    /// # Errors
    /// Returns the reasons why the bot refuses the configuration.
    ///
    /// # Panics
    /// Panics while the bot restarts.
    pub async fn reload(&mut self) -> Result<Taken, Vec<String>> {
        let config = self.config().map_err(|error| vec![format!("{error:#}")])?;
        let current = self.engine.as_ref().map(|(_, current)| current.clone()).expect("the bot is not running");
        let chat = current.engine().chat();
        let taken = reload::take(&current, &config, &|config: &Config| self.outside(config, chat.clone())).await?;
        self.engine = Some((current.engine(), current));
        Ok(taken)
    }

    /// Kills the bot and starts it again. The rest of the world is kept.
    ///
    /// # Errors
    /// Fails if the bot does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.engine = None;
        if let Some(room) = &mut self.room {
            room.hang_up().await;
        }
        match &mut self.store {
            Store::Memory(memory) => {
                self.ops.lock().expect("a lock").push(Op::Restart(self.clock.now()));
                memory.restart();
            }
            Store::Embedded(open) => {
                if let Some(store) = open.take() {
                    store.close().await;
                }
            }
        }
        self.start().await
    }

    /// Disconnects the bot from the chat platform.
    pub async fn stop_listening(&mut self) {
        if let Some(room) = &mut self.room {
            room.hang_up().await;
        }
    }

    /// Drops the bot, and releases the file of the chat.
    pub fn stop(&mut self) {
        self.engine = None;
        self.console = Arc::new(bare_console());
    }

    /// Returns the configuration in the folder. Reads it again only if a file changed, because some plays restart the
    /// bot hundreds of times.
    ///
    /// # Errors
    /// Returns all faults of the configuration.
    pub fn config(&self) -> anyhow::Result<Config> {
        let now = stage::fingerprint(&self.stage.config())?;
        let mut read = self.read.lock().expect("a lock");
        if let Some((_, config)) = read.as_ref().filter(|(then, _)| *then == now) {
            return Ok(config.clone());
        }
        let config = config::load(&self.stage.config()).map_err(|faults| anyhow::anyhow!(faults.render(false)))?;
        *read = Some((now, config.clone()));
        Ok(config)
    }

    /// Returns the engine of the running bot.
    ///
    /// # Panics
    /// Panics while the bot restarts.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().map(|(engine, _)| engine).expect("the bot is not running")
    }

    /// Returns the journal without the fault injector.
    ///
    /// # Panics
    /// Panics while the embedded store is closed during a restart.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn Journal> {
        match &self.store {
            Store::Memory(memory) => memory.clone(),
            Store::Embedded(store) => store.clone().expect("the store is not open"),
        }
    }

    /// Returns the repository of the service.
    #[must_use]
    pub fn repo(&self) -> Repo {
        Repo::parse(&self.stage.repository()).expect("a repository")
    }

    /// Returns the newest run, or `None` if there is none.
    pub async fn newest(&self) -> Option<Hotfix> {
        self.engine().states().await.into_iter().next_back()
    }

    /// Parses a line as the console does. Returns `None` if the line is not addressed to the bot.
    ///
    /// # Errors
    /// Returns the error message of the console.
    pub fn typed(&self, line: &str) -> Result<Option<Inbound>, String> {
        self.console.parse_input(line).map_err(|error| error.to_string())
    }

    /// Delivers a message or reaction to the bot, and shows the reply to the sender.
    ///
    /// # Errors
    /// Fails if the bot did not acknowledge it. A platform would redeliver it.
    pub async fn deliver(&self, inbound: &Inbound) -> anyhow::Result<Option<Reply>> {
        let reply = self.engine().handle_inbound(inbound).await?.reply();
        if let Some(reply) = &reply {
            // A lost reply does no harm: its content is in the journal.
            let _ = self.console.whisper(&inbound.channel, &inbound.from, &reply.card).await;
        }
        Ok(reply)
    }

    /// Runs the bot until it is idle. Advances the clock only until the next retry is due.
    ///
    /// # Errors
    /// Fails if the bot was stopped, or if it is still busy after `ROUNDS` rounds.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let began = self.clock.now();
        for _ in 0..ROUNDS {
            let engine = self.engine();
            let mut busy = false;
            loop {
                self.cut.performing(true);
                let pass = engine.work().await;
                self.cut.performing(false);
                if pass?.claimed == 0 {
                    break;
                }
                busy = true;
                self.cut.alive()?;
            }
            busy |= if self.polls { engine.poll().await? > 0 } else { engine.look_where_hinted().await? };
            busy |= engine.present().await? > 0;
            self.cut.alive()?;
            if busy {
                continue;
            }
            let unsettled = self.journal().unsettled().await?;
            // A deployment in progress on a remote system waits for its users. It is polled again in a later step.
            let waits = unsettled.iter().filter(|view| {
                view.work.queue.as_str() != "time" && view.state == WorkState::Waiting && !is_followed(view)
            });
            // A newer work item waits for older ones with the same order key, whatever its own due time.
            let now = self.clock.now();
            match waits.map(|view| view.work.not_before).filter(|due| *due > now).min() {
                None => return Ok(()),
                Some(due) if due.since(began) > TURNED_AT_MOST => return Ok(()),
                Some(due) => self.clock.set(due),
            }
        }
        let newest = self.newest().await.context("no run")?;
        let entries = self.engine().entries(newest.id).await?;
        let last: Vec<_> = entries.iter().rev().take(4).collect();
        bail!("the bot did not come to rest; its last events, newest first: {last:#?}")
    }

    /// Checks the invariants of an idle bot: no work item is left, and a replay of the journal gives the current state.
    ///
    /// # Errors
    /// Names the invariant that is violated.
    pub async fn check(&mut self) -> anyhow::Result<()> {
        let unsettled = self.journal().unsettled().await?;
        if let Some(dead) = unsettled.iter().find(|view| matches!(view.state, WorkState::Dead { .. })) {
            bail!("work was given up: {dead:?}");
        }
        let held = unsettled.iter().filter(|view| is_followed(view) || is_frozen(view)).count();
        let backlog = self.engine().backlog().await?.saturating_sub(held);
        if backlog > 0 && self.cut.down().is_empty() {
            bail!("{backlog} pieces of work are left: {unsettled:?}");
        }
        let replayed = replay_all(self.journal().as_ref()).await?;
        let live: BTreeMap<_, _> = self.engine().states().await.into_iter().map(|state| (state.id, state)).collect();
        if replayed != live {
            bail!("the journal leads to\n{replayed:#?}\nand the bot has\n{live:#?}");
        }
        if let Store::Embedded(open) = &mut self.store {
            let store = open.take().context("the store is not open")?;
            if let Some(room) = &mut self.room {
                room.hang_up().await;
            }
            self.engine = None;
            store.close().await;
            drop(store);
            embedded::verify(&self.config()?.settings.store).context("the chain of hashes is broken")?;
            self.start().await?;
        }
        Ok(())
    }
}

/// Opens the console chat of a world. It is reopened when the world is restored to a checkpoint.
///
/// # Errors
/// Fails if the service has no valid channel, or if the chat's file cannot be used.
pub fn console(stage: &Stage, options: &Options) -> anyhow::Result<Console> {
    let text = std::fs::read_to_string(stage.config().join(format!("services/{}.toml", stage.service)))?;
    let service: toml::Table = text.parse()?;
    let channel = ChannelRef::parse(service.get("channel").and_then(|c| c.as_str()).context("no channel")?)?;
    let person = |name: &&str| PersonRef::new(Platform::Console, *name);
    let present = TYPISTS.iter().filter(|name| !options.absent.iter().any(|absent| absent == *name));
    let mut members = BTreeMap::from([(channel.clone(), present.map(person).collect::<Vec<_>>())]);
    members.insert(ChannelRef::parse("#everybody")?, TYPISTS.iter().map(person).collect());
    members.insert(ChannelRef::parse("#audit")?, vec![person(&"dee")]);
    let mut console = ConsoleOptions::new(channel, members);
    console.boot = "test".to_owned();
    console.persist = options.rewindable.then(|| stage.root.join("console.jsonl"));
    Ok(Console::open(console)?)
}

/// Returns an empty chat, which replaces a chat whose file must be released.
fn bare_console() -> Console {
    let channel = ChannelRef::parse("#nowhere").expect("a channel");
    Console::open(ConsoleOptions::new(channel.clone(), BTreeMap::from([(channel, Vec::new())])))
        .expect("a chat without a file opens")
}

/// Returns `true` for a deployment that is in progress on a remote system. It waits for users there, and is polled in a
/// later step.
fn is_followed(view: &WorkView) -> bool {
    let deploys = view.work.payload.get().contains("\"effect\":\"deploy\"");
    deploys && view.last_failure.as_deref() == Some(FOLLOWED)
}

/// Returns `true` for a work item that is held back by a freeze. It continues when the freeze is lifted.
fn is_frozen(view: &WorkView) -> bool {
    view.last_failure.as_deref().is_some_and(|why| why.starts_with("it is frozen"))
}
