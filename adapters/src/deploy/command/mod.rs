//! Deploy mechanism: runs a program that the team provides.
//!
//! # A run survives the bot
//!
//! The bot does not run the command itself. It writes a request into `<runs>/<key>/` and starts a *supervisor*, a
//! separate process that outlives the bot: see [`supervise()`] for its steps and `record.rs` for the files. The bot
//! keeps no other state about a run, so it loses nothing when it is killed and restarted.
//!
//! | state of the folder | meaning | reaction of the bot |
//! |---|---|---|
//! | no `request.json` | never requested | `status` is `None`, `start` starts |
//! | request, no marker, lock free | requested; the supervisor died before it began, or has not begun yet | the same |
//! | lock held | running | `InProgress` |
//! | `outcome.json` | ended | `Succeeded` or `Failed` |
//! | marker, lock free, no outcome | cut off, for example by a machine crash | queries the running commit, see below |
//!
//! For a cut-off run, the status is `Succeeded` if the query returns our commit, otherwise `Failed` with unknown
//! effect.
//!
//! The races, and why they are harmless:
//! - *A supervisor was spawned and has not taken the lock yet.* The bot may then start a second one. Supervisors take
//!   turns: the first writes `started` and runs the command; the second finds `started` and exits. So the bot never
//!   needs to know. (To avoid the second one, `start` waits until the supervisor confirms that the run is durably
//!   started.)
//! - *Two starts with the same key at once.* They take turns to write the request, and both may spawn a supervisor, as
//!   above. A request with different content under the same key is rejected: ignoring it silently would be wrong.
//! - *The run ends during a status read.* The read checks the outcome once more under a shared lock, which excludes
//!   supervisors.
//! - *A status read holds the lock while a supervisor wants it.* The supervisor waits; the read is short.
//! - *The supervisor is killed while the command runs.* The command also holds the lock, through its standard input, so
//!   the run counts as alive until the command ends. Its timeout is then not enforced and its outcome not recorded: it
//!   is cut off.
//! - *The command left a process behind.* It may hold the lock forever, so the outcome is read before the lock is
//!   tried.
//!
//! A service manager must not kill the supervisor when it stops the bot (systemd: `KillMode=process`).

mod exec;
mod launch;
mod options;
mod output;
mod query;
mod record;
mod result;
mod supervise;
mod template;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use self::options::{CommandLine, Variables, folder, resolve};
use self::query::present;
use self::record::{Order, Stage, all_runs};
use super::{Deploy, DeployRequest, DeployStatus, Deployment, Running};
use crate::failure::Failure;
use crate::ids::{DeployKey, Environment, Repo};
use crate::registry::Image;

pub use self::options::{CommandOptions, CommandOptionsError};
pub use self::query::{Query, QueryOptions};
pub(super) use self::record::{RunFolder, prove_writable};
pub use self::supervise::{BROKEN, RAN, STARTED_BEFORE, supervise};
pub(super) use self::template::{Pattern, Placeholder, Values};

/// The deploy mechanism that runs a program for one environment of one service. See the module for its guarantees.
pub struct CommandDeploy {
    environment: Environment,
    repo: Repo,
    deploy: CommandLine,
    running: Option<Query>,
    variables: Variables,
    working_directory: PathBuf,
    timeout: Duration,
    output_limit_bytes: usize,
    runs: PathBuf,
    supervisor: PathBuf,
    supervisor_arguments: Vec<String>,
}

impl std::fmt::Debug for CommandDeploy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommandDeploy({} to {} with {})", self.repo, self.environment, self.deploy.name())
    }
}

impl CommandDeploy {
    /// Checks the options, so that a mistake is found at startup and not in the middle of a hotfix.
    ///
    /// # Errors
    /// An [`CommandOptionsError`] for the first invalid option.
    pub fn new(options: CommandOptions) -> Result<Self, CommandOptionsError> {
        let deploy = CommandLine::parse("the command that deploys", &options.deploy, &Placeholder::ALL)?;
        let working_directory = folder(&options.working_directory)?;
        let query = |command: Vec<String>| {
            Query::new(&QueryOptions {
                environment: options.environment.clone(),
                repo: options.repo.clone(),
                command,
                env: options.env.clone(),
                pass_env: options.pass_env.clone(),
                working_directory: working_directory.clone(),
                timeout: options.timeout,
            })
        };
        let running = options.running.map(query).transpose()?;
        let (supervisor, arguments) =
            options.supervisor.split_first().ok_or(CommandOptionsError::Empty { what: "the supervisor" })?;
        let no_folder =
            |error: std::io::Error| CommandOptionsError::Folder { path: options.runs.clone(), why: error.to_string() };
        Ok(Self {
            deploy,
            running,
            variables: Variables::collect(&options.env, &options.pass_env)?.with_secrets(&options.secret_env)?,
            timeout: options.timeout,
            output_limit_bytes: options.output_limit_bytes,
            runs: std::path::absolute(&options.runs).map_err(no_folder)?,
            supervisor: resolve(supervisor, std::env::var_os("PATH"))?,
            supervisor_arguments: arguments.to_vec(),
            working_directory,
            environment: options.environment,
            repo: options.repo,
        })
    }

    fn variables_for(&self, request: &DeployRequest) -> Variables {
        let mut variables = self.variables.clone();
        let ours = [
            ("HOTFIX_COMMIT", request.commit.as_str()),
            ("HOTFIX_ENVIRONMENT", request.environment.as_str()),
            ("HOTFIX_KEY", request.key.as_str()),
            ("HOTFIX_REPOSITORY", request.repo.as_str()),
        ];
        variables.set.extend(ours.map(|(name, value)| (name.to_owned(), value.into())));
        let image = request.image.as_ref();
        let known = [
            ("HOTFIX_TAG", image.map(|image| image.tag.clone())),
            ("HOTFIX_DIGEST", image.map(|image| image.digest.to_string())),
            ("HOTFIX_IMAGE", image.map(Image::pinned)),
            ("HOTFIX_PREVIOUS", request.previous.as_ref().map(ToString::to_string)),
        ];
        variables.set.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
        variables
    }

    fn order(&self, request: &DeployRequest) -> Result<Order, Failure> {
        let variables = self.variables_for(request);
        Ok(Order {
            program: self.deploy.program.clone(),
            arguments: self.deploy.fill_for(request)?,
            working_directory: self.working_directory.clone(),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            output_limit_bytes: self.output_limit_bytes,
            variables: variables.set.into_keys().collect(),
            secret: variables.secret,
            request: request.clone(),
        })
    }
}

#[async_trait]
impl Deploy for CommandDeploy {
    async fn start(&self, request: &DeployRequest) -> Result<(), Failure> {
        if request.environment != self.environment || request.repo != self.repo {
            return Err(Failure::rejected(format!(
                "`{}` deploys {} to {}, not {} to {}",
                self.deploy.name(),
                self.repo,
                self.environment,
                request.repo,
                request.environment
            )));
        }
        let run = RunFolder::of(&self.runs, &request.key);
        let (order, folder) = (self.order(request)?, run.clone());
        let to_do = blocking(move || prepare(&folder, &order)).await?;
        if to_do { self.launch(&run, request).await } else { Ok(()) }
    }

    async fn status(&self, key: &DeployKey) -> Result<Option<DeployStatus>, Failure> {
        let run = RunFolder::of(&self.runs, key);
        let folder = run.clone();
        match blocking(move || folder.look()).await? {
            Stage::Absent | Stage::Requested => Ok(None),
            Stage::Alive => Ok(Some(DeployStatus::InProgress { note: None })),
            Stage::Ended(outcome) => Ok(Some(result::of(&self.deploy.name(), &outcome))),
            Stage::CutOff(began) => self.judge_cut_off(run, &began).await.map(Some),
        }
    }

    async fn running(&self) -> Result<Option<Running>, Failure> {
        match &self.running {
            Some(query) => query.ask().await,
            None => Ok(None),
        }
    }

    async fn last_success(&self) -> Result<Option<Deployment>, Failure> {
        // The records cover only the bot's own deployments. A query is more reliable where there is one: ordinary
        // deployments bypass the bot.
        if self.running.is_some() {
            return Ok(None);
        }
        let (runs, repo, environment) = (self.runs.clone(), self.repo.clone(), self.environment.clone());
        blocking(move || {
            let mut newest: Option<Deployment> = None;
            for run in all_runs(&runs)? {
                // An unreadable record is an error and not skipped: it may be the newest one.
                let Some(order) = run.order()? else { continue };
                if order.request.repo != repo || order.request.environment != environment {
                    continue;
                }
                let Some(outcome) = run.outcome()? else { continue };
                let succeeded = outcome.end.is_success();
                if succeeded && newest.as_ref().is_none_or(|best| best.at < outcome.at) {
                    newest = Some(Deployment { commit: order.request.commit, at: outcome.at });
                }
            }
            Ok(newest)
        })
        .await
    }

    async fn probe(&self) -> Result<(), Failure> {
        present(&self.deploy.program)?;
        present(&self.supervisor)?;
        folder(&self.working_directory).map_err(|error| Failure::rejected(error.to_string()))?;
        let runs = self.runs.clone();
        blocking(move || prove_writable(&runs)).await?;
        if let Some(query) = &self.running {
            query.present()?;
            query.ask().await?;
        }
        Ok(())
    }
}

/// Writes the request, unless the run was started before. Returns `true` if a supervisor is needed. Holds `turn`
/// meanwhile: no other start writes a different request, and no supervisor reads a partial one.
fn prepare(run: &RunFolder, order: &Order) -> Result<bool, Failure> {
    run.make()?;
    let _turn = run.turn()?;
    if let Some(known) = run.order()?.map(|known| known.request)
        && known != order.request
    {
        return Err(Failure::rejected(format!(
            "the deployment {} is known, and of something else: {} of {} to {}; a new deployment needs a new key",
            known.key,
            known.commit.short(),
            known.repo,
            known.environment
        )));
    }
    match run.look()? {
        Stage::Alive | Stage::Ended(_) | Stage::CutOff(_) => Ok(false),
        Stage::Absent | Stage::Requested => {
            // Rewrite an existing request: the options may have changed.
            run.request(order)?;
            Ok(true)
        }
    }
}

/// Runs blocking work on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let lost = |error| Err(Failure::uncertain(format!("work on a run record was given up: {error}")));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(lost)
}
