//! `hotfix doctor`: everything that the bot needs, looked at once, and what to do about what is missing. It changes nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use hotfix_adapters::chat::console::ConsoleOptions;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::finding::{Finding, Verdict};
use hotfix_adapters::forge::git::Git;
use hotfix_adapters::vocabulary::ChannelRef;
use hotfix_storage::embedded;
use tokio::time::timeout;

use super::{print_line, process};
use crate::config::{Config, ForgeConfig};
use crate::engine::Outside;
use crate::wire;

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(20);
/// A clock before this is a clock that was never set: the bot did not exist then.
const EARLIEST: u64 = 1_750_000_000;

/// Looks at everything and prints what was found; it fails when the bot could not work.
pub(super) async fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    let config = process::load(folder)?;
    let mut findings = vec![
        Finding::fine("the configuration", format!("{} is valid", folder.display())),
        clock(),
        git().await,
        store(&config),
    ];
    findings.extend(webhooks(&config));
    let console = || wire::console(&config, ConsoleOptions::new(wire::main_channel(&config)?, Default::default()));
    match wire::talk(&config, console) {
        Ok(talk) => {
            findings.extend(timeout(QUESTION, talk.chat.examine(&channels(&config))).await.unwrap_or_else(|_| {
                vec![Finding::wrong("the chat", "it did not answer", "Look whether this machine reaches it.")]
            }));
            let groups = groups(&config);
            findings.extend(timeout(QUESTION, talk.chat.examine_groups(&groups)).await.unwrap_or_default());
            let program = std::env::current_exe()?;
            match wire::outside(&config, talk.chat, &program) {
                Ok(outside) => findings.extend(reached(&config, &outside).await),
                Err(error) => {
                    findings.push(Finding::wrong("what the bot reaches", format!("{error:#}"), "Put it right."))
                }
            }
        }
        Err(error) => findings.push(Finding::wrong("the chat", format!("{error:#}"), "Put it right in [chat].")),
    }
    let mut out = std::io::stdout();
    for finding in &findings {
        print_line(&mut out, &shown(finding))?;
    }
    let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Fine);
    print_line(
        &mut out,
        match worst {
            Verdict::Fine => "Everything is as it should be.",
            Verdict::Doubtful => "The bot works; something is lost, see above.",
            Verdict::Wrong => "The bot cannot work like this, see above.",
        },
    )?;
    Ok(if worst == Verdict::Wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn shown(finding: &Finding) -> String {
    let sign = match finding.verdict {
        Verdict::Fine => "ok  ",
        Verdict::Doubtful => "hm  ",
        Verdict::Wrong => "BAD ",
    };
    let next = if finding.next.is_empty() { String::new() } else { format!("\n      → {}", finding.next) };
    format!("{sign}{}: {}{next}", finding.what, finding.seen)
}

/// Where the bot speaks and listens.
fn channels(config: &Config) -> Vec<ChannelRef> {
    let homes = config.services.values().map(|configured| configured.service.channel.clone());
    let all: BTreeSet<ChannelRef> = homes.chain(config.settings.chat.also_in.iter().cloned()).collect();
    all.into_iter().collect()
}

/// Whom the bot calls beside people.
fn groups(config: &Config) -> Vec<String> {
    let all: BTreeSet<&String> = config.groups.values().flatten().map(|group| &group.id).collect();
    all.into_iter().cloned().collect()
}

fn clock() -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now < EARLIEST {
        return Finding::wrong("the clock", "it stands in the past", "Set it: votes and locks end by it.");
    }
    let now = jiff::Timestamp::now();
    Finding::fine("the clock", format!("it is {}", now.strftime("%Y-%m-%d %H:%M UTC")))
}

async fn git() -> Finding {
    match Git::check_version().await {
        Ok((major, minor)) => Finding::fine("git", format!("version {major}.{minor} is there")),
        Err(failure) => Finding::wrong("git", failure.to_string(), "Install git 2.41 or newer."),
    }
}

/// A store that a running bot holds is a good sign.
fn store(config: &Config) -> Finding {
    let (what, path) = ("the store", &config.settings.store);
    if !path.exists() {
        return Finding::fine(what, format!("{} is made at the first start", path.display()));
    }
    if std::os::unix::net::UnixStream::connect(&config.settings.socket).is_ok() {
        return Finding::fine(what, "a running bot holds it");
    }
    match embedded::verify(path) {
        Ok(report) => Finding::fine(what, format!("it is whole, {} events", report.records)),
        Err(error) => Finding::wrong(what, error.to_string(), "Start no bot on it; put the last backup back."),
    }
}

/// Polling finds everything in the end; a webhook finds it at once.
fn webhooks(config: &Config) -> Vec<Finding> {
    let listens = config.settings.http.listen.is_some();
    let found = config.forges.iter().map(|(name, host)| {
        let what = format!("the webhooks of {name}");
        let every = config.settings.poll_seconds;
        match (host.webhook_secrets.is_empty(), listens) {
            (false, true) => Finding::fine(what, format!("taken at /hooks/{name}")),
            (false, false) => Finding::doubtful(
                what,
                format!("there is a secret and no listener: changes are seen every {every} s only"),
                "Set `listen` under [http], or take the secret away.",
            ),
            (true, _) => Finding::fine(what, format!("none are taken; it is asked every {every} s")),
        }
    });
    found.collect()
}

/// Asks everything that the services need, each once.
async fn reached(config: &Config, outside: &Outside) -> Vec<Finding> {
    let mut questions = FuturesOrdered::new();
    for (name, configured) in &config.services {
        let Some(forge) = outside.forges.get(name) else { continue };
        let host = match &configured.forge {
            ForgeConfig::Local => "the local forge".to_owned(),
            ForgeConfig::Named(host) => host.clone(),
        };
        let service = &configured.service;
        let what = format!("{name}: {} on {host}", service.repo);
        let asked = async move {
            let tip = asked(forge.tip(&service.repo, &service.main)).await;
            match tip {
                Ok(Some(tip)) => Finding::fine(what, format!("{} is at {}", service.main, tip.short())),
                Ok(None) => {
                    let next = format!("Correct `main` in services/{name}.toml.");
                    Finding::wrong(what, format!("there is no branch {}", service.main), next)
                }
                Err(why) => Finding::wrong(what, why, "Look at the token, its rights and the repository's name."),
            }
        };
        questions.push_back(futures::FutureExt::boxed(asked));
    }
    for ((service, environment), deploy) in &outside.deploys {
        let what = format!("{service}: deploys to {environment}");
        let probed = async move { answered(what, asked(deploy.probe()).await) };
        questions.push_back(futures::FutureExt::boxed(probed));
    }
    for (service, images) in &outside.registries {
        let what = format!("{service}: the registry");
        let probed = async move { answered(what, asked(images.registry.probe()).await) };
        questions.push_back(futures::FutureExt::boxed(probed));
    }
    for ((service, environment), clusters) in &outside.clusters {
        for cluster in clusters {
            let what = format!("{service}: the cluster of {environment}");
            let probed = async move { answered(what, asked(cluster.probe()).await) };
            questions.push_back(futures::FutureExt::boxed(probed));
        }
    }
    questions.collect().await
}

async fn asked<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, String> {
    match timeout(QUESTION, question).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", QUESTION.as_secs())),
    }
}

fn answered(what: String, probed: Result<(), String>) -> Finding {
    match probed {
        Ok(()) => Finding::fine(what, "it answers"),
        Err(why) => Finding::wrong(what, why, "Put it right, or take it out of the service's file."),
    }
}
