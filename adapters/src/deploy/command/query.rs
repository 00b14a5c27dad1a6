//! The question what runs now, put to a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::Duration;

use super::exec::{Execution, ExitCause, Kind, run};
use super::options::{CommandLine, OptionsError, Variables, folder};
use super::output::{Secret, ending};
use super::template::{Placeholder, Values};
use crate::deploy::Running;
use crate::failure::Failure;
use crate::ids::{CommitId, Environment, Repo};
use crate::program::runnable;

/// A question takes no longer than this, whatever a deployment may take.
const LONGEST: Duration = Duration::from_secs(60);
/// A commit id is 40 characters; the rest is for explaining why it is not one.
const OUTPUT_LIMIT_BYTES: usize = 16 * 1024;

/// How to ask what runs. (No `Debug` on purpose: `env` may hold what nobody should print.)
#[derive(Clone)]
pub struct QueryOptions {
    /// Where.
    pub environment: Environment,
    /// Of what.
    pub repo: Repo,
    /// The command: it prints the full id of the commit that runs, or nothing when it cannot tell. `{environment}` and
    /// `{repository}` may stand in its arguments.
    pub command: Vec<String>,
    /// Its variables, beside `HOTFIX_ENVIRONMENT` and `HOTFIX_REPOSITORY`.
    pub env: BTreeMap<String, String>,
    /// The bot's own variables to hand on.
    pub pass_env: Vec<String>,
    /// Where it runs.
    pub working_directory: PathBuf,
    /// How long it may take; more than a minute is a minute.
    pub timeout: Duration,
}

/// A program that knows what runs.
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
    /// Says which option is wrong, and what is wanted.
    pub fn new(options: &QueryOptions) -> Result<Self, OptionsError> {
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

    /// Asks.
    pub(crate) async fn ask(&self) -> Result<Option<Running>, Failure> {
        let this = self.clone();
        super::blocking(move || this.ask_blocking()).await
    }

    /// Whether the program is there.
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
            kind: Kind::Question,
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

/// Whether a program is still there and can be run.
pub(super) fn present(program: &Path) -> Result<(), Failure> {
    runnable(program).map_err(|why| Failure::rejected(format!("the program {} {why}", program.display())))
}

/// A time as people say it.
pub(super) fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
