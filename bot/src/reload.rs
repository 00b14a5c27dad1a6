//! Configuration reload at runtime: on SIGHUP, and on `hotfix reload`. It is all or nothing. People, roles, freezes and
//! secrets apply at once. An open run keeps the steps, forge and deploy mechanisms that it began with, and its quorum
//! is the stricter one of its plan and the policy.
//!
//! The caller runs [`Reloader::run`] and passes reload requests through a channel.

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

/// The result of a reload, for the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadReport {
    /// `true` if the configuration was applied.
    pub ok: bool,
    /// The message to show.
    pub text: String,
}

/// A reload request: the sender for its result.
pub type ReloadReply = oneshot::Sender<ReloadReport>;

/// Builds the ports that a configuration describes.
pub type Wire<'a> = dyn Fn(&Config) -> anyhow::Result<Ports> + Send + Sync + 'a;

/// A configuration that was applied.
#[derive(Debug)]
pub struct Taken {
    /// The services that keep their old ports, each with the open run that needs them.
    pub kept: Vec<(ServiceName, HotfixId)>,
    /// The votes that the new rules invalidated.
    pub voided: Vec<Voided>,
}

/// Replaces the active configuration.
///
/// # Errors
/// All reasons that prevent it; then nothing has changed. The exception is a failure to apply the new rules to the open
/// runs: the message says that the configuration is active.
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
    // The new configuration is active from here on, even if this fails: each run applies the rules again at its next
    // poll.
    let voided = current.engine().apply_rules().await.map_err(|error| vec![format!("It holds, but {error}.")])?;
    Ok(Taken { kept, voided: voided.into_iter().collect() })
}

/// Reports the changed settings that only a restart can apply.
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

/// The running event source: inbound chat events over an outgoing connection.
pub struct Listening {
    listener: Arc<dyn InboundHandler>,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Listening {
    /// Starts listening to this source; does nothing if it is `None`.
    #[must_use]
    pub fn to(source: Option<Arc<dyn EventSource>>, listener: Arc<dyn InboundHandler>) -> Self {
        let mut listening = Self { listener, running: None };
        listening.replace(source);
        listening
    }

    /// Switches to another source. Events that the old source is delivering are still handled.
    fn replace(&mut self, source: Option<Arc<dyn EventSource>>) {
        drop(self.hush());
        self.running = source.map(|source| {
            let (hush, hushed) = watch::channel(false);
            let listener = self.listener.clone();
            (hush, tokio::spawn(async move { source.run(listener, hushed).await }))
        });
    }

    /// Stops the source. Returns the task to wait for: it ends after the last received event was handled.
    pub fn hush(&mut self) -> Option<JoinHandle<()>> {
        let (hush, task) = self.running.take()?;
        hush.send_replace(true);
        Some(task)
    }
}

/// The reloader: holds everything that a new configuration replaces.
pub struct Reloader {
    /// The configuration folder.
    pub folder: PathBuf,
    /// Path of this program, which is started as the supervisor of deploy commands.
    pub program: PathBuf,
    /// The active engine.
    pub current: Current,
    /// The HTTP routes for inbound requests.
    pub ways_in: Endpoints,
    /// The event source for inbound events.
    pub listening: Listening,
    /// Fingerprint of the chat configuration: see [`wire::chat_print`].
    pub chat_print: String,
    /// The last applied configuration, with the services that keep their old ports until a run ends.
    waiting: Option<(Config, Vec<(ServiceName, HotfixId)>)>,
}

impl Reloader {
    /// Creates a reloader that has not reloaded yet.
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

    /// Handles reload requests, and applies postponed changes when the run that blocked them has ended, until it is
    /// stopped. Returns the event source, so that the caller can stop it too.
    pub async fn run(mut self, mut asked: mpsc::Receiver<ReloadReply>, mut stop: oneshot::Receiver<()>) -> Listening {
        let mut wake = self.current.engine().journal().wake();
        loop {
            tokio::select! {
                _ = &mut stop => return self.listening,
                Some(ask) = asked.recv() => {
                    // The requester may be gone; the result is also logged.
                    let _ = ask.send(self.reload().await);
                }
                Ok(()) = wake.changed(), if self.waiting.is_some() => self.catch_up().await,
            }
        }
    }

    /// Reloads the configuration once and logs the result.
    async fn reload(&mut self) -> ReloadReport {
        let told = match config::load(&self.folder) {
            Ok(config) => match self.apply(&config).await {
                Ok(taken) => ReloadReport { ok: true, text: self.said(&config, taken) },
                Err(faults) => ReloadReport {
                    ok: false,
                    text: format!("The configuration is not taken; the one before holds.\n{}", faults.join("\n")),
                },
            },
            Err(faults) => ReloadReport { ok: false, text: format!("{}The one before holds.", faults.render(false)) },
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
        // The console stays: it is this process's terminal. A chat with an unchanged fingerprint stays as well.
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

    /// Applies the configuration again if a run that kept old ports in use has ended.
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
