//! One bot in one folder, and everything around it that lives on when the bot is started again.

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

/// Everybody who can type: `zoe` is in the channel, and nobody told the bot who she is.
pub const TYPISTS: [&str; 6] = ["ana", "ben", "chi", "dee", "eli", "zoe"];
/// How many rounds the bot may need until it has nothing left to do.
const ROUNDS: usize = 400;
/// What the bot says of work that goes on elsewhere.
const FOLLOWED: &str = "it is under way";
/// For how long the clock is turned when only work that failed is waiting.
const TURNED_AT_MOST: Duration = Duration::from_secs(30 * 60);

/// How a world is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The service, which says which stage it is.
    pub service: String,
    /// Which forge its code is on.
    pub host: Host,
    /// Where people talk.
    pub talk: Talk,
    /// What accounts are in Slack or Discord; who is not named is a member.
    pub standing: BTreeMap<String, Standing>,
    /// Who is not in the service's channel.
    pub absent: Vec<String>,
    /// Whether the service has a CI that reports the checks `unit-tests` and `lint` of every commit of main.
    pub ci: bool,
    /// Whether the journal is the embedded store, and not the one in memory.
    pub embedded: bool,
    /// Whether the chat is kept in a file, so that the world can be put back to an earlier moment.
    pub rewindable: bool,
    /// How long the bot takes to answer before it keeps an act for later; as in production when it is not said.
    pub patience: Option<Duration>,
    /// How often the bot renews its claims on work; as in production when it is not said.
    pub renewal: Option<Duration>,
    /// For how many seconds the bot awaits an answer of a forge elsewhere; as in production when it is not said.
    pub timeout: Option<u32>,
}

/// Where people talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Talk {
    /// At the console.
    #[default]
    Console,
    /// In Slack, which calls the bot.
    Slack,
    /// In Slack, over connections that the bot keeps open.
    SlackSocket,
    /// In Discord.
    Discord,
}

/// Where the journal is.
pub enum Store {
    /// In memory.
    Memory(Arc<Memory>),
    /// In the store of the product; `None` while the bot is being started again.
    Embedded(Option<Arc<Embedded>>),
}

/// The world.
pub struct World {
    /// How it was set up.
    pub options: Options,
    /// The folder, which goes with the world.
    pub folder: tempfile::TempDir,
    /// What is in it.
    pub stage: Stage,
    /// The clock.
    pub clock: Arc<FakeClock>,
    /// The knife.
    pub cut: Arc<Cut>,
    /// The chat.
    pub console: Arc<Console>,
    /// The platform, when people talk on one.
    pub room: Option<Room>,
    /// The forge, as people use it.
    pub site: Arc<dyn Site>,
    /// The journal.
    pub store: Store,
    /// What changed the journal so far.
    pub ops: Arc<Mutex<Vec<Op>>>,
    /// Whether the bot asks by itself what is new, or only when it is told that something is.
    pub polls: bool,
    engine: Option<(Arc<Engine>, Current)>,
    /// Whether a change of the configuration is taken over by a reload, and not by a start.
    pub(crate) reloads: bool,
    starts: usize,
    /// The configuration that was read last, and the fingerprint of its files.
    read: Mutex<Option<(stage::Fingerprint, Config)>>,
}

impl World {
    /// A world with a bot in it.
    ///
    /// # Errors
    /// When the stage cannot be built, or the bot refuses its configuration.
    pub async fn new(options: Options) -> anyhow::Result<Self> {
        // Before any clock of the other side is read: building the program may take longer than a signature is good for.
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

    /// Starts a bot on what there is.
    ///
    /// # Errors
    /// When it refuses its configuration or its journal.
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

    /// What a bot with this configuration reaches.
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

    /// The operators changed the configuration, and the bot takes it over: by a reload or by a start.
    ///
    /// # Errors
    /// When it does not take it.
    pub async fn take_over(&mut self) -> anyhow::Result<()> {
        if !self.reloads {
            return self.restart().await;
        }
        self.reload().await.map(|_| ()).map_err(|faults| anyhow::anyhow!("it was not taken: {}", faults.join(" ")))
    }

    /// The bot reads its configuration again.
    ///
    /// # Errors
    /// Why it does not take it.
    ///
    /// # Panics
    /// While it is being started again.
    pub async fn reload(&mut self) -> Result<Taken, Vec<String>> {
        let config = self.config().map_err(|error| vec![format!("{error:#}")])?;
        let current = self.engine.as_ref().map(|(_, current)| current.clone()).expect("the bot is not running");
        let chat = current.engine().chat();
        let taken = reload::take(&current, &config, &|config: &Config| self.outside(config, chat.clone())).await?;
        self.engine = Some((current.engine(), current));
        Ok(taken)
    }

    /// The bot is killed and started again; the world lives on.
    ///
    /// # Errors
    /// When it does not start.
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

    /// Nothing that people do reaches the bot any more.
    pub async fn stop_listening(&mut self) {
        if let Some(room) = &mut self.room {
            room.hang_up().await;
        }
    }

    /// The bot is gone; the world stands still.
    pub fn stop(&mut self) {
        self.engine = None;
        self.console = Arc::new(bare_console());
    }

    /// The configuration as it stands in the folder. It is read again only when a file changed: the bot is started hundreds of
    /// times in some plays.
    ///
    /// # Errors
    /// All faults of it.
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

    /// The bot.
    ///
    /// # Panics
    /// While it is being started again.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().map(|(engine, _)| engine).expect("the bot is not running")
    }

    /// The journal underneath the knife.
    ///
    /// # Panics
    /// While the bot is being started again.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn Journal> {
        match &self.store {
            Store::Memory(memory) => memory.clone(),
            Store::Embedded(store) => store.clone().expect("the store is not open"),
        }
    }

    /// The repository.
    #[must_use]
    pub fn repo(&self) -> Repo {
        Repo::parse(&self.stage.repository()).expect("a repository")
    }

    /// The newest run.
    pub async fn newest(&self) -> Option<Hotfix> {
        self.engine().states().await.into_iter().next_back()
    }

    /// What somebody types, decoded; `Err` is what the console itself says to it, `None` when it is not for the bot.
    ///
    /// # Errors
    /// The console's own words.
    pub fn typed(&self, line: &str) -> Result<Option<Inbound>, String> {
        self.console.parse_input(line).map_err(|error| error.to_string())
    }

    /// Delivers what somebody did, and shows the answer to them.
    ///
    /// # Errors
    /// The bot did not acknowledge it: a platform would deliver it again.
    pub async fn deliver(&self, inbound: &Inbound) -> anyhow::Result<Option<Reply>> {
        let reply = self.engine().handle_inbound(inbound).await?.reply();
        if let Some(reply) = &reply {
            // An answer may get lost; what it says is in the journal.
            let _ = self.console.whisper(&inbound.channel, &inbound.from, &reply.card).await;
        }
        Ok(reply)
    }

    /// Lets the bot do all it can do now. The clock is turned only as far as work that failed has to wait.
    ///
    /// # Errors
    /// When the bot was stopped, or does not come to rest.
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
            // What is followed elsewhere waits for people over there: it is asked again when somebody did something.
            let waits = unsettled.iter().filter(|view| {
                view.work.queue.as_str() != "time" && view.state == WorkState::Waiting && !is_followed(view)
            });
            // Younger work waits behind older work of its order key, whatever its own moment.
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

    /// What must hold whenever the bot is at rest: nothing is left to do, and the journal leads to the state as it is.
    ///
    /// # Errors
    /// Names what does not hold.
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

/// The chat of this world; it is opened again when the world is put back to an earlier moment.
///
/// # Errors
/// When its file cannot be used.
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

/// A chat in which nobody is, in place of one whose file has to be let go.
fn bare_console() -> Console {
    let channel = ChannelRef::parse("#nowhere").expect("a channel");
    Console::open(ConsoleOptions::new(channel.clone(), BTreeMap::from([(channel, Vec::new())])))
        .expect("a chat without a file opens")
}

/// Whether this is a deployment that goes on elsewhere: it waits for people over there, and is asked again when somebody did
/// something.
fn is_followed(view: &WorkView) -> bool {
    let deploys = view.work.payload.get().contains("\"effect\":\"deploy\"");
    deploys && view.last_failure.as_deref() == Some(FOLLOWED)
}

/// Work that a freeze holds back goes on when it is lifted.
fn is_frozen(view: &WorkView) -> bool {
    view.last_failure.as_deref().is_some_and(|why| why.starts_with("it is frozen"))
}
