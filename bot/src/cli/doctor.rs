//! `hotfix doctor`: checks everything that the bot needs and prints a remedy for each fault. Changes nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use hotfix_adapters::chat::console::ConsoleOptions;
use hotfix_adapters::check_result::{CheckResult, CheckStatus};
use hotfix_adapters::deploy::Running;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::Forge;
use hotfix_adapters::forge::git::Git;
use hotfix_adapters::ids::{ChannelRef, Repo};
use hotfix_storage::embedded;
use tokio::time::timeout;

use super::{print_line, process};
use crate::config::{Config, ForgeConfig, MechanismConfig};
use crate::engine::Ports;
use crate::socket::{self, Maintenance};
use crate::wire;

/// Timeout of one check.
const QUESTION: Duration = Duration::from_secs(20);
/// An earlier clock was never set: the bot did not exist then. Unix time in seconds.
const EARLIEST: u64 = 1_750_000_000;

/// Runs all checks and prints the results. Fails if the bot could not work.
pub(super) async fn run(folder: &Path) -> anyhow::Result<ExitCode> {
    let config = process::load(folder)?;
    let mut findings = vec![
        CheckResult::ok("the configuration", format!("{} is valid, its hash is {}", folder.display(), config.digest)),
        clock(),
        git().await,
        store(&config),
    ];
    findings.extend(held(&config).await);
    findings.extend(webhooks(&config));
    findings.extend(failing_reads(&config).await);
    let console = || wire::console(&config, ConsoleOptions::new(wire::main_channel(&config)?, Default::default()));
    match wire::talk(&config, console) {
        Ok(talk) => {
            findings.extend(timeout(QUESTION, talk.chat.self_check(&channels(&config))).await.unwrap_or_else(|_| {
                vec![CheckResult::error("the chat", "it did not answer", "Look whether this machine reaches it.")]
            }));
            let groups = groups(&config);
            findings.extend(timeout(QUESTION, talk.chat.check_groups(&groups)).await.unwrap_or_default());
            let program = std::env::current_exe()?;
            match wire::ports(&config, talk.chat, &program) {
                Ok(outside) => {
                    findings.extend(tokens(&config).await);
                    findings.extend(reached(&config, &outside).await);
                    findings.extend(named_over_there(&config, &outside).await);
                }
                Err(error) => {
                    findings.push(CheckResult::error("what the bot reaches", format!("{error:#}"), "Put it right."))
                }
            }
        }
        Err(error) => findings.push(CheckResult::error("the chat", format!("{error:#}"), "Put it right in [chat].")),
    }
    let mut out = std::io::stdout();
    for finding in &findings {
        print_line(&mut out, &shown(finding))?;
    }
    let worst = findings.iter().map(|finding| finding.status).max().unwrap_or(CheckStatus::Ok);
    print_line(
        &mut out,
        match worst {
            CheckStatus::Ok => "Everything is as it should be.",
            CheckStatus::Warning => "The bot works; something is lost, see above.",
            CheckStatus::Error => "The bot cannot work like this, see above.",
        },
    )?;
    Ok(if worst == CheckStatus::Error { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn shown(finding: &CheckResult) -> String {
    let sign = match finding.status {
        CheckStatus::Ok => "ok  ",
        CheckStatus::Warning => "hm  ",
        CheckStatus::Error => "BAD ",
    };
    let next = if finding.next.is_empty() { String::new() } else { format!("\n      → {}", finding.next) };
    format!("{sign}{}: {}{next}", finding.what, finding.seen)
}

/// Returns the channels in which the bot posts or listens.
fn channels(config: &Config) -> Vec<ChannelRef> {
    let homes = config.services.values().map(|configured| configured.service.channel.clone());
    // Break-glass is refused if its audit channel is unreachable, so that channel is needed too.
    let audit = config.policy.break_glass().map(|glass| glass.audit.clone());
    let all: BTreeSet<ChannelRef> = homes.chain(config.settings.chat.also_in.iter().cloned()).chain(audit).collect();
    all.into_iter().collect()
}

/// Returns the ids of the chat groups that the bot mentions.
fn groups(config: &Config) -> Vec<String> {
    let all: BTreeSet<&String> = config.groups.values().flatten().map(|group| &group.id).collect();
    all.into_iter().cloned().collect()
}

fn clock() -> CheckResult {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if now < EARLIEST {
        return CheckResult::error("the clock", "it stands in the past", "Set it: votes and locks end by it.");
    }
    let now = jiff::Timestamp::now();
    CheckResult::ok("the clock", format!("it is {}", now.strftime("%Y-%m-%d %H:%M UTC")))
}

async fn git() -> CheckResult {
    match Git::check_version().await {
        Ok((major, minor)) => CheckResult::ok("git", format!("version {major}.{minor} is there")),
        Err(failure) => CheckResult::error("git", failure.to_string(), "Install git 2.41 or newer."),
    }
}

/// Checks the store. A store that is locked by a running bot counts as good.
fn store(config: &Config) -> CheckResult {
    let (what, path) = ("the store", &config.settings.store);
    if !path.exists() {
        return CheckResult::ok(what, format!("{} is made at the first start", path.display()));
    }
    if std::os::unix::net::UnixStream::connect(&config.settings.socket).is_ok() {
        return CheckResult::ok(what, "a running bot holds it");
    }
    match embedded::verify(path) {
        Ok(report) => CheckResult::ok(what, format!("it is whole, {} events", report.records)),
        // The next start rebuilds the index automatically.
        Err(error) if error.is_of_the_index() => CheckResult::warning(what, error.to_string(), "Or start the bot."),
        Err(error) => CheckResult::error(what, error.to_string(), "Start no bot on it; put the last backup back."),
    }
}

/// Returns the reads that failed three times in a row in the running bot, for open runs.
async fn failing_reads(config: &Config) -> Vec<CheckResult> {
    let asked = timeout(QUESTION, crate::socket::troubles(&config.settings.socket)).await;
    let found = match asked {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) => return Vec::new(),
        Ok(Err(error)) => {
            return vec![CheckResult::warning("the running bot", format!("{error:#}"), "Look at its log.")];
        }
        Err(_) => return vec![CheckResult::warning("the running bot", "it did not answer", "Look at its log.")],
    };
    let wrong = found.iter().map(|trouble| {
        let seen = format!("could not be read since {}: {}", trouble.since.strftime("%H:%M UTC"), trouble.reason);
        CheckResult::error(format!("{}: {}", trouble.run, trouble.what), seen, crate::view::remedy(trouble))
    });
    wrong.collect()
}

/// Checks that the running bot uses these configuration files; `None` if no bot runs.
async fn held(config: &Config) -> Option<CheckResult> {
    let what = "the configuration of the running bot";
    let asked = socket::maintenance(&config.settings.socket, Maintenance::Configuration);
    match timeout(QUESTION, asked).await {
        Ok(Ok(Some(report))) if report.text == config.digest => Some(CheckResult::ok(what, "it is this one")),
        Ok(Ok(Some(report))) => {
            let next = "Have it read these files with `hotfix reload`.";
            Some(CheckResult::warning(what, format!("it is another one, its hash is {}", report.text), next))
        }
        Ok(Ok(None)) => None,
        Ok(Err(error)) => {
            Some(CheckResult::warning(what, format!("{error:#}"), "Look whether the bot is of this version."))
        }
        Err(_) => Some(CheckResult::error(what, "it did not answer", "Look into its log.")),
    }
}

/// Checks the webhooks of each forge. Without them the bot still works by polling, with a delay.
fn webhooks(config: &Config) -> Vec<CheckResult> {
    let listens = config.settings.http.listen.is_some();
    let found = config.forges.iter().map(|(name, host)| {
        let what = format!("the webhooks of {name}");
        let every = config.settings.poll_seconds;
        match (host.webhook_secrets.is_empty(), listens) {
            (false, true) => CheckResult::ok(what, format!("taken at /hooks/{name}")),
            (false, false) => CheckResult::warning(
                what,
                format!("there is a secret and no listener: changes are seen every {every} s only"),
                "Set `listen` under [http], or take the secret away.",
            ),
            (true, _) => CheckResult::ok(what, format!("none are taken; it is asked every {every} s")),
        }
    });
    found.collect()
}

/// Checks everything that the services need, each dependency once.
async fn reached(config: &Config, outside: &Ports) -> Vec<CheckResult> {
    let mut questions = FuturesOrdered::new();
    for (name, configured) in &config.services {
        let Some(forge) = outside.forges.get(name) else { continue };
        let host = match &configured.forge {
            ForgeConfig::Local => "the local forge".to_owned(),
            ForgeConfig::Named(host) => host.clone(),
        };
        let service = &configured.service;
        let what = format!("{name}: {} on {host}", service.repo);
        let remedy = match &configured.forge {
            ForgeConfig::Local => {
                let folder = config.settings.repositories.display();
                let repo = &service.repo;
                format!("Create it with `git init --bare {folder}/{repo}.git`, or correct the repository's name.")
            }
            ForgeConfig::Named(_) => "Look at the token, its rights and the repository's name.".to_owned(),
        };
        let asked = async move {
            let tip = asked(forge.tip(&service.repo, &service.main)).await;
            match tip {
                Ok(Some(tip)) => CheckResult::ok(what, format!("{} is at {}", service.main, tip.short())),
                Ok(None) => {
                    let next = format!("Correct `main` in services/{name}.toml.");
                    CheckResult::error(what, format!("there is no branch {}", service.main), next)
                }
                Err(why) => CheckResult::error(what, why, remedy),
            }
        };
        questions.push_back(futures::FutureExt::boxed(asked));
    }
    for ((service, environment), deploy) in &outside.deploys {
        let what = format!("{service}: deploys to {environment}");
        let configured = config.services.get(service);
        let forge = outside.forges.get(service).zip(configured.map(|configured| &configured.service.repo));
        let probed = async move {
            match asked(deploy.probe()).await {
                Ok(()) => running(what, asked(deploy.running()).await, forge).await,
                Err(why) => answered(what, Err(why)),
            }
        };
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

/// Checks the running commit that a mechanism reports: the repository must have it.
async fn running(
    what: String,
    running: Result<Option<Running>, String>,
    forge: Option<(&Arc<dyn Forge>, &Repo)>,
) -> CheckResult {
    let commit = match running {
        Ok(Some(running)) => running.commit,
        // Some mechanisms cannot report it, and before the first deployment nothing runs.
        Ok(None) => return CheckResult::ok(what, "it answers, and does not tell what runs"),
        Err(why) => {
            let next = "Have `running` print the full id of the commit that runs, and nothing else.";
            return CheckResult::error(what, why, next);
        }
    };
    let Some((forge, repo)) = forge else {
        return CheckResult::ok(what, format!("it answers, and runs {}", commit.short()));
    };
    match asked(forge.resolve(repo, commit.as_str())).await {
        Ok(Some(_)) => CheckResult::ok(what, format!("it answers, and runs {}", commit.short())),
        Ok(None) => {
            let seen = format!("it says that it runs {}, and {repo} has no such commit", commit.short());
            CheckResult::error(what, seen, "Have `running` print the commit of this repository that was built.")
        }
        Err(why) => CheckResult::warning(what, why, "Look again when the forge can be reached."),
    }
}

/// Checks that the token of each remote forge has the needed permissions in each repository.
async fn tokens(config: &Config) -> Vec<CheckResult> {
    let examiner = match wire::examiner(config) {
        Ok(examiner) => examiner,
        Err(error) => {
            return vec![CheckResult::error("the forges", format!("{error:#}"), "Put it right in hotfix.toml.")];
        }
    };
    let mut all: BTreeSet<(&String, &Repo)> = BTreeSet::new();
    for configured in config.services.values() {
        let own = match &configured.forge {
            ForgeConfig::Local => None,
            ForgeConfig::Named(forge) => Some(forge),
        };
        all.extend(own.map(|forge| (forge, &configured.service.repo)));
        for mechanism in configured.mechanisms.values() {
            if let MechanismConfig::Promotion(promotion) = mechanism {
                all.extend(promotion.forge.as_ref().or(own).map(|forge| (forge, &promotion.repo)));
            }
        }
    }
    let mut questions = FuturesOrdered::new();
    for (forge, repo) in all {
        let examiner = &examiner;
        questions.push_back(async move {
            let what = format!("the token of {forge} in {repo}");
            match asked(examiner.examine(forge, repo)).await {
                Ok(()) => CheckResult::ok(what, "it reads and writes"),
                Err(why) => {
                    CheckResult::error(what, why, "Give the token what it lacks, or set another one in hotfix.toml.")
                }
            }
        });
    }
    questions.collect().await
}

/// Checks that the names in a mechanism exist in the repository: a dispatchable workflow file with the given inputs, or
/// a Drone pipeline for the target. Only the remote system knows for sure, so these faults are never fatal.
async fn named_over_there(config: &Config, outside: &Ports) -> Vec<CheckResult> {
    let mut findings = Vec::new();
    for (name, configured) in &config.services {
        let (Some(forge), service) = (outside.forges.get(name), &configured.service) else { continue };
        for (environment, mechanism) in &configured.mechanisms {
            let Some((file, words)) = named(mechanism) else { continue };
            let what = format!("{name}: {file} for {environment}");
            let text = asked(async {
                let Some(tip) = forge.tip(&service.repo, &service.main).await? else { return Ok(None) };
                forge.read_file(&service.repo, &tip, &file).await
            });
            findings.push(match text.await {
                Ok(Some(text)) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let missing: Vec<String> = words.into_iter().filter(|word| !text.contains(word)).collect();
                    if missing.is_empty() {
                        CheckResult::ok(what, format!("it is on {}, and has what is named", service.main))
                    } else {
                        let seen = format!("it does not say {}", missing.join(", "));
                        CheckResult::warning(what, seen, format!("Compare it with services/{name}.toml."))
                    }
                }
                Ok(None) => {
                    let seen = format!("there is no such file on {}", service.main);
                    CheckResult::warning(
                        what,
                        seen,
                        format!("Correct the name in services/{name}.toml, or add the file."),
                    )
                }
                Err(why) => CheckResult::warning(what, why, "Look again when the forge can be reached."),
            });
        }
    }
    findings
}

/// Returns the file that a mechanism relies on, and the words that it must contain.
fn named(mechanism: &MechanismConfig) -> Option<(String, Vec<String>)> {
    match mechanism {
        MechanismConfig::Workflow(workflow) => {
            let inputs = workflow.inputs.keys().cloned();
            let words = inputs.chain([workflow.key_input.clone(), "workflow_dispatch".to_owned()]).collect();
            Some((format!(".github/workflows/{}", workflow.workflow), words))
        }
        MechanismConfig::Drone(drone) => Some((".drone.yml".to_owned(), vec![drone.target.clone()])),
        MechanismConfig::Command(_)
        | MechanismConfig::Manual { .. }
        | MechanismConfig::Tag { .. }
        | MechanismConfig::Pipeline(_)
        | MechanismConfig::Promotion(_) => None,
    }
}

async fn asked<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, String> {
    match timeout(QUESTION, question).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", QUESTION.as_secs())),
    }
}

fn answered(what: String, probed: Result<(), String>) -> CheckResult {
    match probed {
        Ok(()) => CheckResult::ok(what, "it answers"),
        Err(why) => CheckResult::error(what, why, "Put it right, or take it out of the service's file."),
    }
}
