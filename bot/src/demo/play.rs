//! The player of scenes: types the users' input, prints the bot's answers, and continues when the bot is idle.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotfix_adapters::chat::console::{self, Console, ConsoleOptions};
use hotfix_adapters::chat::{Card, Chat};
use hotfix_adapters::forge::git::Git;
use hotfix_adapters::forge::local::Local;
use hotfix_adapters::forge::{Check, CheckState, PullNumber, ReviewVerdict};
use hotfix_adapters::ids::{CommitId, PersonRef, Platform, Repo};
use hotfix_storage::{Embedded, Journal, SystemClock};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::Notify;

use super::stage::{REPOSITORY, Stage};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;
use crate::engine::Engine;
use crate::{config, serve, wire};

/// Pause before each line, if a person watches.
const BREATH: Duration = Duration::from_millis(350);
/// Maximum time for the bot to become idle in one scene.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running demo.
pub(super) struct DemoRun {
    pub(super) stage: Stage,
    pub(super) engine: Arc<Engine>,
    pub(super) console: Arc<Console>,
    pub(super) forge: Arc<Local>,
    store: Arc<Embedded>,
    colour: bool,
    width: usize,
    slowly: bool,
}

impl DemoRun {
    pub(super) async fn open(stage: Stage, colour: bool, width: usize, slowly: bool) -> anyhow::Result<Self> {
        Git::check_version().await?;
        let config =
            config::load(&stage.root.join("config")).map_err(|faults| anyhow::anyhow!(faults.render(false)))?;
        let store = Arc::new(wire::store(&config, Arc::new(SystemClock))?);
        let mut options = ConsoleOptions::new(wire::main_channel(&config)?, std::collections::BTreeMap::new());
        options.persist = Some(config.settings.state.join("console.jsonl"));
        options.screen = Some(Box::new(std::io::stdout()));
        options.colour = colour;
        options.width = width;
        let console = wire::console(&config, options)?;
        let forge = wire::local_forge(&config)?;
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let outside = wire::ports(&config, console.clone(), &program)?;
        let journal: Arc<dyn Journal> = store.clone();
        let process = crate::process_name();
        let engine = Arc::new(Engine::start(journal, outside, config, process).await?);
        Ok(Self { stage, engine, console, forge, store, colour, width, slowly })
    }

    /// Prints narration, which is not part of the chat.
    pub(super) fn tell(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        for line in text.lines() {
            if self.colour { writeln!(out, "\x1b[2m{line}\x1b[0m")? } else { writeln!(out, "{line}")? }
        }
        out.flush().map_err(Into::into)
    }

    /// Prints a card that was not posted in the chat.
    pub(super) fn show(&self, card: &Card) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        write!(out, "{}", console::render(card, self.colour, self.width)).map_err(Into::into)
    }

    /// Prints the headline of a scene.
    pub(super) fn scene(&self, title: &str) -> anyhow::Result<()> {
        let rule = "─".repeat(self.width.saturating_sub(title.chars().count() + 4));
        let mut out = std::io::stdout().lock();
        if self.colour {
            writeln!(out, "\n\x1b[1m── {title} {rule}\x1b[0m")?
        } else {
            writeln!(out, "\n── {title} {rule}")?
        }
        Ok(())
    }

    /// Types a line as a user: `ana: /hotfix status`.
    pub(super) async fn types(&self, line: &str) -> anyhow::Result<()> {
        self.breathe().await;
        self.typed(line)?;
        if let Some(inbound) = self.console.parse_input(line).map_err(|error| anyhow::anyhow!("{error}"))?
            && let Some(reply) = self.engine.handle_inbound(&inbound).await?.reply()
        {
            self.console.whisper(&inbound.channel, &inbound.from, &reply.card).await?;
        }
        self.settle().await
    }

    fn typed(&self, line: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match line.split_once(": ").filter(|_| self.colour) {
            Some((who, words)) => writeln!(out, "\n\x1b[1;36m{who}\x1b[0m: \x1b[1m{words}\x1b[0m")?,
            None => writeln!(out, "\n{line}")?,
        }
        out.flush().map_err(Into::into)
    }

    async fn breathe(&self) {
        if self.slowly {
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Runs the bot until it is idle.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let began = tokio::time::Instant::now();
        loop {
            let mut busy = false;
            while self.engine.work().await?.claimed > 0 {
                busy = true;
            }
            busy |= self.engine.poll().await? > 0;
            self.engine.present().await?;
            if !busy && self.engine.backlog().await? == 0 {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                bail!("the bot did not come to rest within {} s", PATIENCE.as_secs());
            }
            if !busy {
                let now = self.engine.journal().now();
                let due = self.engine.journal().next_due().await?.map_or(Duration::ZERO, |due| due.since(now));
                tokio::time::sleep(due.clamp(Duration::from_millis(5), Duration::from_millis(200))).await;
            }
        }
    }

    /// Returns the newest run.
    pub(super) async fn run(&self) -> anyhow::Result<Hotfix> {
        self.engine.states().await.into_iter().next_back().context("no run was opened")
    }

    pub(super) async fn entries(&self, id: HotfixId) -> anyhow::Result<Vec<crate::domain::event::Entry>> {
        Ok(self.engine.entries(id).await?)
    }

    /// Approves the pull request of the run on the forge, and sets its checks to green.
    pub(super) async fn reviewed_by(&self, who: &str) -> anyhow::Result<()> {
        let run = self.run().await?;
        let number: PullNumber = run.pull.context("there is no pull request")?.number;
        let repo = Repo::parse(REPOSITORY)?;
        let head = self.head()?;
        let check = Check { name: "unit-tests".to_owned(), app: "ci".to_owned(), state: CheckState::Success };
        self.forge.set_check(&repo, &head, check).await?;
        let person = PersonRef::new(Platform::Git, format!("{who}@example.org"));
        self.forge.review(&repo, number, &person, ReviewVerdict::Approved).await?;
        self.breathe().await;
        self.tell(&format!(
            "\n(on the forge: {who} approves pull request #{} at {}; unit-tests are green)",
            number.0,
            head.short()
        ))?;
        self.settle().await
    }

    pub(super) fn head(&self) -> anyhow::Result<CommitId> {
        Ok(CommitId::parse(&self.stage.forge_git(&["rev-parse", "refs/heads/hotfix"])?)?)
    }

    /// Reads lines from the terminal until the end of the input.
    pub(super) async fn interactive(&mut self, fix: Option<&str>) -> anyhow::Result<()> {
        super::scenes::opening(self)?;
        self.tell(&super::scenes::how_to_type(self, fix))?;
        let stop = Arc::new(Notify::new());
        let bot = tokio::spawn(serve::run(self.engine.clone(), Duration::from_secs(1), stop.clone()));
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(done) = self.on_the_forge(&line).await {
                self.tell(&done.unwrap_or_else(|error| format!("{error:#}")))?;
                continue;
            }
            match self.console.parse_input(&line) {
                Ok(Some(inbound)) => {
                    if let Some(reply) = self.engine.handle_inbound(&inbound).await?.reply() {
                        self.console.whisper(&inbound.channel, &inbound.from, &reply.card).await?;
                    }
                }
                Ok(None) => {}
                Err(error) => self.tell(&error.to_string())?,
            }
        }
        stop.notify_one();
        bot.await??;
        self.tell(&format!("\nEverything is in {}.", self.stage.root.display()))
    }

    /// Handles `forge: ben approves`: an action on the forge, outside the chat.
    async fn on_the_forge(&self, line: &str) -> Option<anyhow::Result<String>> {
        let who = line.strip_prefix("forge: ")?.strip_suffix(" approves")?.to_owned();
        Some(self.reviewed_by(&who).await.map(|()| String::new()))
    }

    /// Returns the folder of the store and its journal.
    pub(super) fn store_folder(&self) -> std::path::PathBuf {
        self.engine.config().settings.store.clone()
    }

    /// Returns the store, so that it can be verified.
    pub(super) fn store(&self) -> &Embedded {
        &self.store
    }
}
