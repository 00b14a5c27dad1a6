//! A query for the running commit, answered by a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::Duration;

use super::exec::{Execution, ExitCause, ProcessKind, run};
use super::options::{CommandLine, CommandOptionsError, Variables, folder};
use super::output::{Secret, ending};
use super::template::{Placeholder, Values};
use crate::deploy::Running;
use crate::failure::Failure;
use crate::ids::{CommitId, Environment, Repo};
use crate::program::runnable;

/// Maximum timeout of a query, independent of the deployment's timeout.
const LONGEST: Duration = Duration::from_secs(60);
/// A commit id is 40 characters; the rest leaves room for an error message.
const OUTPUT_LIMIT_BYTES: usize = 16 * 1024;

/// The options of a [`Query`]. (No `Debug` on purpose: `env` may hold secrets.)
#[derive(Clone)]
pub struct QueryOptions {
    /// The environment that is queried.
    pub environment: Environment,
    /// The repository whose running commit is queried.
    pub repo: Repo,
    /// The command. It prints the full id of the running commit, or nothing if it cannot tell. Its arguments may use
    /// `{environment}` and `{repository}`.
    pub command: Vec<String>,
    /// Environment variables of the command, in addition to `HOTFIX_ENVIRONMENT` and `HOTFIX_REPOSITORY`.
    pub env: BTreeMap<String, String>,
    /// Names of the bot's own environment variables to pass on.
    pub pass_env: Vec<String>,
    /// The working directory of the command.
    pub working_directory: PathBuf,
    /// The timeout; capped at one minute.
    pub timeout: Duration,
}

/// A program that reports the running commit.
#[derive(Clone)]
pub struct Query {
    program: PathBuf,
    name: String,
    arguments: Vec<String>,
    variables: BTreeMap<String, OsString>,
    secrets: Vec<Secret>,
    working_directory: PathBuf,
    timeout: Duration,
}

impl Query {
    /// Checks the options.
    ///
    /// # Errors
    /// An [`CommandOptionsError`] for the first invalid option.
    pub fn new(options: &QueryOptions) -> Result<Self, CommandOptionsError> {
        let allowed = [Placeholder::Environment, Placeholder::Repository];
        let command = CommandLine::parse("the command that tells what runs", &options.command, &allowed)?;
        let (environment, repository) = (options.environment.as_str(), options.repo.as_str());
        let mut variables = Variables::collect(&options.env, &options.pass_env)?;
        let secret = |name: &String| Some((name.clone(), variables.set.get(name)?.to_string_lossy().into_owned()));
        let secrets = variables.secret.iter().filter_map(secret).collect();
        variables.set.insert("HOTFIX_ENVIRONMENT".to_owned(), environment.into());
        variables.set.insert("HOTFIX_REPOSITORY".to_owned(), repository.into());
        Ok(Self {
            name: command.name(),
            arguments: command.fill(&Values { environment, repository, ..Values::default() }),
            program: command.program,
            variables: variables.set,
            secrets,
            working_directory: folder(&options.working_directory)?,
            timeout: options.timeout.min(LONGEST),
        })
    }

    /// Runs the program and parses its answer; `None` if it prints nothing.
    pub(crate) async fn ask(&self) -> Result<Option<Running>, Failure> {
        let this = self.clone();
        super::blocking(move || this.ask_blocking()).await
    }

    /// Fails if the program is missing or not executable.
    pub(crate) fn present(&self) -> Result<(), Failure> {
        present(&self.program)
    }

    fn ask_blocking(&self) -> Result<Option<Running>, Failure> {
        let ended = run(Execution {
            program: &self.program,
            arguments: &self.arguments,
            variables: &self.variables,
            folder: &self.working_directory,
            timeout: self.timeout,
            output_limit_bytes: OUTPUT_LIMIT_BYTES,
            stdin: Stdio::null(),
            kind: ProcessKind::Question,
        })
        .map_err(|error| {
            Failure::retry(format!("`{}`, which tells what runs, could not be run: {error}", self.name))
        })?;
        let read = |what: &std::sync::Mutex<_>| -> String {
            let capture: std::sync::MutexGuard<'_, super::output::CapturedOutput> =
                what.lock().unwrap_or_else(PoisonError::into_inner);
            capture.text(&self.secrets)
        };
        let how = match ended.how {
            ExitCause::Exit(0) => return self.understand(read(&ended.output).trim()),
            ExitCause::Exit(code) => format!("ended with exit status {code}"),
            ExitCause::Signal(number) => format!("was ended by signal {number}"),
            ExitCause::TimedOut => format!("did not answer within {}", spoken(self.timeout)),
        };
        let said = ending(&read(&ended.errors), 5, 500);
        let said = if said.is_empty() { said } else { format!(". It printed:\n{said}") };
        Err(Failure::retry(format!("`{}`, which tells what runs, {how}{said}", self.name)))
    }

    fn understand(&self, answer: &str) -> Result<Option<Running>, Failure> {
        if answer.is_empty() {
            return Ok(None);
        }
        let commit = CommitId::parse(answer)
            .map_err(|error| Failure::rejected(format!("`{}`, which tells what runs, is wrong: {error}", self.name)))?;
        Ok(Some(Running { commit }))
    }
}

/// Fails if a program is missing or not executable.
pub(super) fn present(program: &Path) -> Result<(), Failure> {
    runnable(program).map_err(|why| Failure::rejected(format!("the program {} {why}", program.display())))
}

/// Formats a duration for messages.
pub(super) fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
