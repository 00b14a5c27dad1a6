//! Reads the configuration again while the bot runs: on SIGHUP, and when `hotfix reload` asks for it. It is taken whole or
//! not at all. People, roles, freezes and secrets hold at once; what an open run was begun with (its steps, its forge, its
//! mechanisms) stays as it was until the run ends, and its quorum is the stricter one of its plan and the policy.
//!
//! Called by `serve`, which hands over what asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotfix_adapters::chat::InboundHandler;
use hotfix_adapters::chat::inbound::EventSource;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::{self, Config, Settings};
use crate::domain::id::{HotfixId, ServiceName};
use crate::engine::{Current, Ports, Voided};
use crate::http::Endpoints;
use crate::wire;

/// What came of a reload, for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether the configuration was taken.
    pub ok: bool,
    /// What there is to read.
    pub text: String,
}

/// Asks for a reload, and hears what came of it.
pub type Asked = oneshot::Sender<Told>;

/// Makes what a configuration reaches.
pub type Wire<'a> = dyn Fn(&Config) -> anyhow::Result<Ports> + Send + Sync + 'a;

/// A configuration that holds now.
#[derive(Debug)]
pub struct Taken {
    /// The services that keep what reaches them, and for the sake of which run.
    pub kept: Vec<(ServiceName, HotfixId)>,
    /// The votes that it made void.
    pub voided: Vec<Voided>,
}

/// Puts another configuration in the place of the one that holds.
///
/// # Errors
/// Every reason why it cannot be; then nothing changed.
pub async fn take(current: &Current, new: &Config, wire: &Wire<'_>) -> Result<Taken, Vec<String>> {
    let engine = current.engine();
    let mut faults = fixed(&engine.config().settings, &new.settings);
    let merged = match engine.merged(new).await {
        Ok(merged) if faults.is_empty() => merged,
        Ok(_) => return Err(faults),
        Err(obstacles) => {
            faults.extend(obstacles);
            return Err(faults);
        }
    };
    let (config, kept) = merged;
    let outside = wire(&config).map_err(|error| vec![format!("{error:#}.")])?;
    current.replace(engine.reconfigured(config, outside));
    // From here on the new one holds, whatever becomes of the announcements: each run sees the rules again when it is looked at.
    let voided = current.engine().apply_rules().await.map_err(|error| vec![format!("It holds, but {error}.")])?;
    Ok(Taken { kept, voided: voided.into_iter().collect() })
}

/// What only a start can change.
fn fixed(old: &Settings, new: &Settings) -> Vec<String> {
    let changed = [
        ("state", old.state != new.state),
        ("store", old.store != new.store || old.embedded != new.embedded),
        ("repositories", old.repositories != new.repositories || old.forge_ledger != new.forge_ledger),
        ("mirrors", old.mirrors != new.mirrors),
        ("runs", old.runs != new.runs),
        ("socket", old.socket != new.socket),
        ("poll_seconds", old.poll_seconds != new.poll_seconds),
        ("[http]", old.http != new.http),
        ("[log]", old.log != new.log),
        ("[chat] kind", old.chat.platform() != new.chat.platform()),
    ];
    let changed = changed.into_iter().filter(|(_, changed)| *changed);
    let line =
        |key: &str| format!("{key} of hotfix.toml changes at a start only: put it back, or start the bot again.");
    changed.map(|(key, _)| line(key)).collect()
}

/// The way in over connections of our own, as it runs now.
pub struct Listening {
    listener: Arc<dyn InboundHandler>,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Listening {
    /// Listens to this source, if there is one.
    #[must_use]
    pub fn to(source: Option<Arc<dyn EventSource>>, listener: Arc<dyn InboundHandler>) -> Self {
        let mut listening = Self { listener, running: None };
        listening.replace(source);
        listening
    }

    /// Listens to another one. What the old one is handing over is still heard.
    fn replace(&mut self, source: Option<Arc<dyn EventSource>>) {
        drop(self.hush());
        self.running = source.map(|source| {
            let (hush, hushed) = watch::channel(false);
            let listener = self.listener.clone();
            (hush, tokio::spawn(async move { source.run(listener, hushed).await }))
        });
    }

    /// Nothing more comes in; answers what ends when the last that came was heard.
    pub fn hush(&mut self) -> Option<JoinHandle<()>> {
        let (hush, task) = self.running.take()?;
        hush.send_replace(true);
        Some(task)
    }
}

/// What reads the configuration again.
pub struct Reloader {
    /// The folder of the configuration.
    pub folder: PathBuf,
    /// This program, which watches over deploying commands.
    pub program: PathBuf,
    /// The engine that holds.
    pub current: Current,
    /// What comes in by requests.
    pub ways_in: Endpoints,
    /// What comes in by connections.
    pub listening: Listening,
    /// By what the chat was made: see [`wire::chat_print`].
    pub chat_print: String,
    /// What was read last, and what of it waits for runs to end.
    waiting: Option<(Config, Vec<(ServiceName, HotfixId)>)>,
}

impl Reloader {
    /// One that has read nothing yet since the start.
    #[must_use]
    pub fn new(
        (folder, program): (&Path, &Path),
        current: Current,
        (ways_in, listening): (Endpoints, Listening),
        chat_print: String,
    ) -> Self {
        let (folder, program) = (folder.to_owned(), program.to_owned());
        Self { folder, program, current, ways_in, listening, chat_print, waiting: None }
    }

    /// Reads it each time it is asked to, and takes over what waited for a run when that run ended, until it is told to stop.
    /// Answers what comes in by connections, to be stopped as well.
    pub async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut stop: oneshot::Receiver<()>) -> Listening {
        let mut wake = self.current.engine().journal().wake();
        loop {
            tokio::select! {
                _ = &mut stop => return self.listening,
                Some(ask) = asked.recv() => {
                    // Whoever asked may be gone; the log has it too.
                    let _ = ask.send(self.reload().await);
                }
                Ok(()) = wake.changed(), if self.waiting.is_some() => self.catch_up().await,
            }
        }
    }

    /// Reads it once.
    async fn reload(&mut self) -> Told {
        let told = match config::load(&self.folder) {
            Ok(config) => match self.apply(&config).await {
                Ok(taken) => Told { ok: true, text: self.said(&config, taken) },
                Err(faults) => Told {
                    ok: false,
                    text: format!("The configuration is not taken; the one before holds.\n{}", faults.join("\n")),
                },
            },
            Err(faults) => Told { ok: false, text: format!("{}The one before holds.", faults.render(false)) },
        };
        if told.ok {
            tracing::info!(configuration = %self.current.engine().config().digest, "{}", told.text);
        } else {
            tracing::error!("{}", told.text);
        }
        told
    }

    async fn apply(&mut self, config: &Config) -> Result<Taken, Vec<String>> {
        let failed = |error: anyhow::Error| vec![format!("{error:#}.")];
        let print = wire::chat_print(config).map_err(failed)?;
        // The console stays: it is this process' terminal. A chat that is made of the same things stays as well.
        let talk = (print != self.chat_print)
            .then(|| wire::talk(config, || anyhow::bail!("the chat cannot become a console")))
            .transpose()
            .map_err(failed)?;
        let options = wire::http(config, None).map_err(failed)?;
        let chat = talk.as_ref().map_or_else(|| self.current.engine().chat(), |talk| talk.chat.clone());
        let program = self.program.clone();
        let taken = take(&self.current, config, &|config: &Config| wire::ports(config, chat.clone(), &program)).await?;
        match talk {
            Some(talk) => {
                self.ways_in.replace(options.hooks, talk.ingress);
                self.listening.replace(talk.source);
                self.chat_print = print;
            }
            None => self.ways_in.replace_hooks(options.hooks),
        }
        self.waiting = (!taken.kept.is_empty()).then(|| (config.clone(), taken.kept.clone()));
        Ok(taken)
    }

    /// The runs for whose sake services kept what reaches them may have ended.
    async fn catch_up(&mut self) {
        let Some((config, kept)) = self.waiting.clone() else { return };
        let engine = self.current.engine();
        for (service, run) in kept {
            if engine.state(run).await.is_none_or(|state| state.is_over()) {
                match self.apply(&config).await {
                    Ok(_) => tracing::info!(%service, "the service is reached as it is configured now"),
                    Err(faults) => tracing::error!(%service, "{}", faults.join(" ")),
                }
                return;
            }
        }
    }

    fn said(&self, config: &Config, taken: Taken) -> String {
        let mut lines = vec![format!("The configuration {} holds now.", config.digest)];
        for (service, run) in taken.kept {
            lines.push(format!("{service} keeps its forge and its mechanisms until {run} ends."));
        }
        for Voided { run, environment, person } in taken.voided {
            let name = config.people.name(&person);
            lines.push(format!("The yes of {name} for {environment} in {run} does not count any more."));
        }
        lines.join("\n")
    }
}
