//! `hotfix serve`, `hotfix reload` and `hotfix check-config`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use hotfix_adapters::chat::console::{Console, ConsoleOptions};
use hotfix_adapters::chat::{Chat as _, InboundHandler};
use hotfix_adapters::forge::git::Git;
use hotfix_storage::{GuardedClock, Journal};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{log, print_line};
use crate::config::{self, Config};
use crate::engine::{Current, Engine, Response};
use crate::http::Http;
use crate::inbound::InboundService;
use crate::reload::{Listening, Reloader};
use crate::socket::Maintenance;
use crate::{serve, socket, wire};

/// Maximum time that a shutdown waits for inbound chat messages.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Loads the configuration, or returns all of its faults as one error.
pub(super) fn load(folder: &Path) -> anyhow::Result<Config> {
    config::load(folder).map_err(|faults| anyhow::anyhow!("the configuration has faults\n{}", faults.render(colour())))
}

pub(super) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(40, 120)
}

pub(super) fn check_config(folder: &Path) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    match config::load(folder) {
        Ok(config) => {
            let (services, playbooks) = (config.services.len(), config.playbooks.len());
            let people = config.people.iter().count();
            print_line(
                &mut out,
                &format!("{} is fine: {services} services, {playbooks} playbooks, {people} people.", folder.display()),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            print_line(&mut out, &faults.render(colour()))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Makes the running bot reload its configuration.
pub(super) async fn reload(folder: &Path) -> anyhow::Result<ExitCode> {
    let path = load(folder)?.settings.socket;
    let Some(report) = socket::maintenance(&path, Maintenance::Reload).await? else {
        anyhow::bail!("no bot listens on {}; the next start reads the configuration by itself", path.display());
    };
    print_line(&mut std::io::stdout(), &report.text)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn serve(folder: &Path) -> anyhow::Result<()> {
    // SIGHUP is handled first: an early one must not end the process.
    let mut hup = signal(SignalKind::hangup())?;
    let config = load(folder)?;
    log::set_up(&config.settings.log)?;
    Git::check_version().await?;
    let store = Arc::new(wire::store(&config, Arc::new(GuardedClock::of_the_machine()))?);
    let talk = wire::talk(&config, || console(&config))?;
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let outside = wire::ports(&config, talk.chat.clone(), &program)?;
    let (channel, print) = (wire::main_channel(&config)?, wire::chat_print(&config)?);
    let (poll, path) = (Duration::from_secs(u64::from(config.settings.poll_seconds)), config.settings.socket.clone());
    // Signals are handled before the bot reports ready, so that an early stop is clean.
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // The listener starts before the journal is read, which can take a while: probes must find the process alive.
    let mut http = Http::bind(wire::http(&config, talk.ingress.clone())?).await?;
    let journal: Arc<dyn Journal> = store.clone();
    let engine = Current::from(Arc::new(Engine::start(journal, outside, config, crate::process_name()).await?));
    let ear: Arc<dyn InboundHandler> = InboundService::of(engine.clone());
    let socket = socket::bind(&path).await?;
    http.open(engine.clone(), &ear);
    let (runs, configuration) = (engine.engine().states().await.len(), engine.engine().config().digest.clone());
    tracing::info!(runs, socket = %path.display(), %configuration, "the bot is up");
    if let Some(address) = http.listens_on() {
        tracing::info!(%address, "webhooks come in");
    }
    if let Some(address) = http.metrics_on() {
        tracing::info!(%address, "health and metrics can be asked for");
    }
    let stop = Arc::new(Notify::new());
    let mut work = tokio::spawn(serve::run(engine.clone(), poll, stop.clone()));
    let (reload, asked) = mpsc::channel(1);
    let mut listening = tokio::spawn(socket::serve(socket, engine.clone(), channel, reload.clone()));
    if let Some(console) = talk.console {
        tokio::spawn(listen_to_the_console(engine.clone(), console));
    }
    let ways = (http.ways_in(), Listening::to(talk.source, ear));
    let (done, reloading) = oneshot::channel();
    let reloader = Reloader::new((folder, &program), engine.clone(), ways, print);
    let mut reloader = tokio::spawn(reloader.run(asked, reloading));
    loop {
        tokio::select! {
            ended = &mut work => return Ok(ended??),
            ended = &mut listening => match ended? {},
            _ = &mut reloader => anyhow::bail!("what reads the configuration broke off by a fault of the bot; see the log"),
            () = http.broken() => anyhow::bail!("a listener of [http] broke off by a fault of the bot; see the log"),
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => {
                // The reload logs its own result. A reload in progress may have read the files before they changed, so
                // this one is queued.
                let reload = reload.clone();
                tokio::spawn(async move { reload.send(oneshot::channel().0).await });
            }
        }
    }
    tracing::info!("stopping; what is not done yet goes on at the next start");
    // Inbound traffic is closed first; then the accepted work is finished.
    let _ = done.send(());
    let quiet = async {
        if let Ok(mut listening) = reloader.await
            && let Some(source) = listening.hush()
        {
            let _ = tokio::time::timeout(LAST_WORDS, source).await;
        }
    };
    tokio::join!(http.drain(), quiet);
    stop.notify_one();
    work.await??;
    store.close().await;
    Ok(())
}

fn console(config: &Config) -> anyhow::Result<Arc<Console>> {
    let mut options = ConsoleOptions::new(wire::main_channel(config)?, BTreeMap::new());
    options.persist = Some(config.settings.state.join("console.jsonl"));
    options.screen = Some(Box::new(std::io::stdout()));
    options.colour = colour();
    options.width = width();
    wire::console(config, options)
}

/// Handles the lines that are typed at the bot's terminal. The end of the input ends only this loop.
async fn listen_to_the_console(engine: Current, console: Arc<Console>) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let heard = match console.parse_input(&line) {
            Ok(heard) => heard,
            Err(error) => {
                let _ = print_line(&mut std::io::stdout(), &error.to_string());
                continue;
            }
        };
        let Some(inbound) = heard else { continue };
        // A panic leaves its line unanswered; the loop continues with the next line.
        let Ok(heard) = AssertUnwindSafe(engine.engine().handle_inbound(&inbound)).catch_unwind().await else {
            tracing::error!("a line broke off by a fault of the bot");
            continue;
        };
        match heard.map(Response::reply) {
            Ok(Some(reply)) => {
                let _ = console.whisper(&inbound.channel, &inbound.from, &reply.card).await;
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a line could not be handled; it was not done"),
        }
    }
}
