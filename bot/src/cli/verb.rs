//! Chat verbs on the command line.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use hotfix_adapters::chat::console::{self, ConsoleOptions};
use hotfix_adapters::chat::{Inbound, Interaction};
use hotfix_adapters::ids::{PersonRef, Platform};
use hotfix_storage::{Journal, SystemClock, embedded};

use super::{print_line, process};
use crate::command;
use crate::config::{self, Config};
use crate::engine::Engine;
use crate::socket::{self, CliRequest, CliResponse};
use crate::{view, wire};

/// Maximum attempts for a command whose answer was lost. Retries are safe: the bot dedupes commands.
const TRIES: u32 = 3;
/// Warning printed if the running bot answered but could not be restarted with the current files.
const FAULTY: &str = "hotfix: the configuration files have errors; the running bot still uses what it has read. See `hotfix check-config`.";

pub(super) async fn run(folder: &Path, person: Option<String>, words: Vec<String>) -> anyhow::Result<ExitCode> {
    let (words, person) = said_last(words, person);
    let config = process::load(folder);
    let socket = config.as_ref().map_or_else(|_| config::socket(folder), |config| Some(config.settings.socket.clone()));
    let person = person.or_else(|| std::env::var("USER").ok()).unwrap_or_default();
    let question = CliRequest { person, text: quoted(&words), key: crate::process_name() };
    let running = match socket {
        Some(socket) => ask(&socket, &question).await?,
        None => None,
    };
    let answer = match running {
        Some(answer) => {
            if config.is_err() {
                print_line(&mut std::io::stderr(), FAULTY)?;
            }
            answer
        }
        None => read_only(config?, &question).await?,
    };
    print_line(&mut std::io::stdout(), &console::render(&answer.card, process::colour(), process::width()))?;
    Ok(if answer.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Extracts `--as ana` after the verb, where the verb would parse it as its own flag.
fn said_last(mut words: Vec<String>, person: Option<String>) -> (Vec<String>, Option<String>) {
    let Some(at) = words.iter().position(|word| word == "--as").filter(|at| at + 1 < words.len()) else {
        return (words, person);
    };
    let named = words.drain(at..at + 2).nth(1);
    (words, named.or(person))
}

/// Joins the shell's words into one line; words with spaces are quoted.
fn quoted(words: &[String]) -> String {
    let quote = |word: &String| {
        let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        match (plain, word.contains('"')) {
            (true, _) => word.clone(),
            (false, true) => format!("'{word}'"),
            (false, false) => format!("\"{word}\""),
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

async fn ask(socket: &Path, question: &CliRequest) -> anyhow::Result<Option<CliResponse>> {
    let mut last = None;
    for _ in 0..TRIES {
        match socket::call(socket, question).await {
            Ok(answer) => return Ok(answer),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(None), Err)
}

/// Answers read-only verbs from a snapshot of the store, for use while no bot runs.
async fn read_only(config: Config, question: &CliRequest) -> anyhow::Result<CliResponse> {
    let socket = config.settings.socket.display().to_string();
    let journal: Arc<dyn Journal> = if config.settings.store.exists() {
        Arc::new(embedded::snapshot(&config.settings.store, Arc::new(SystemClock))?)
    } else {
        Arc::new(hotfix_storage::Memory::new(Arc::new(SystemClock)))
    };
    let channel = wire::main_channel(&config)?;
    let console = wire::console(&config, ConsoleOptions::new(channel.clone(), std::collections::BTreeMap::new()))?;
    let program = std::env::current_exe()?;
    let outside = wire::ports(&config, console, &program)?;
    let engine = Engine::start(journal, outside, config, question.key.clone()).await?;
    let looks = command::parse(&question.text, engine.known()).map_or(true, |request| request.reads_only());
    if !looks {
        let card = view::unreadable(&format!(
            "No bot listens on {socket}, and this changes something. Start one: `hotfix serve`."
        ));
        return Ok(CliResponse { ok: false, card });
    }
    let inbound = Inbound {
        dedupe_key: question.key.clone(),
        from: PersonRef::new(Platform::Console, question.person.clone()),
        channel,
        thread: None,
        can_ask: false,
        interaction: Interaction::Command { text: question.text.clone() },
    };
    let reply = engine.handle_inbound(&inbound).await?.reply();
    Ok(reply.map_or(CliResponse { ok: true, card: Default::default() }, |reply| CliResponse {
        ok: reply.ok,
        card: reply.card,
    }))
}
