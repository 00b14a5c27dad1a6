//! The options of a command deployment, checked once. Afterwards a command line is an absolute program path and
//! patterns that can only be filled in: security case 73.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::super::{DeployRequest, template_values};
use super::template::{Pattern, Placeholder, Values};
use crate::failure::Failure;
use crate::ids::{Environment, Repo};
use crate::program::{on_path, runnable};

/// The options of a [`CommandDeploy`](super::CommandDeploy): one environment of one service.
///
/// The arguments of [`deploy`](Self::deploy) and [`running`](Self::running) may use `{environment}` and `{repository}`;
/// those of `deploy` also `{commit}`, `{short}`, `{key}`, `{tag}`, `{digest}`, `{image}` and `{previous}`. A literal
/// brace is doubled. The program itself is fixed. There is no shell: a value stays inside its argument. (No `Debug` on
/// purpose: `env` may hold secrets.)
#[derive(Clone)]
pub struct CommandOptions {
    /// The environment that the command deploys to.
    pub environment: Environment,
    /// The repository that the command deploys.
    pub repo: Repo,
    /// The deploy command: a program (an absolute path, or a bare name that is looked up on `PATH` once) and its
    /// arguments.
    pub deploy: Vec<String>,
    /// The command that prints the full id of the running commit, or nothing if it cannot tell; `None` if there is
    /// none.
    pub running: Option<Vec<String>>,
    /// Environment variables for both commands. In addition, `deploy` gets `secret_env`, and both get `pass_env`,
    /// `HOTFIX_ENVIRONMENT` and `HOTFIX_REPOSITORY`; `deploy` also gets `HOTFIX_COMMIT`, `HOTFIX_KEY` and, as far as
    /// known, `HOTFIX_TAG`, `HOTFIX_DIGEST`, `HOTFIX_IMAGE` and `HOTFIX_PREVIOUS`. Nothing else is inherited.
    pub env: BTreeMap<String, String>,
    /// Secret environment variables for the deploy command. They are never written to disk, and are redacted in its
    /// output.
    pub secret_env: BTreeMap<String, String>,
    /// Names of the bot's own environment variables to pass on, such as `PATH` or a token. Their values are never
    /// written to disk, and are redacted in the output, except for well-known public ones such as `PATH`.
    pub pass_env: Vec<String>,
    /// The working directory of both commands.
    pub working_directory: PathBuf,
    /// The timeout of the deploy command; then it and its children are killed.
    pub timeout: Duration,
    /// The maximum captured output of the deploy command, in bytes: half from the start, half from the end.
    pub output_limit_bytes: usize,
    /// The folder of the run records: one folder per deployment, mode 0700.
    pub runs: PathBuf,
    /// The supervisor command, to which the run folder is appended: our own program with the hidden subcommand that
    /// calls [`supervise`](super::supervise()).
    pub supervisor: Vec<String>,
}

/// An invalid option.
#[derive(Debug, Error)]
pub enum CommandOptionsError {
    /// A command without a program.
    #[error("{what} names no program")]
    Empty {
        /// The option that holds the command.
        what: &'static str,
    },
    /// An invalid pattern.
    #[error("{pattern:?} {why}")]
    Pattern {
        /// The pattern as configured.
        pattern: String,
        /// The problem and the remedy.
        why: String,
    },
    /// A program that cannot be run.
    #[error("the program {program:?} {why}")]
    Program {
        /// The program as configured.
        program: String,
        /// The problem and the remedy.
        why: String,
    },
    /// An environment variable that cannot be set or passed on.
    #[error("the variable {name:?} {why}")]
    Variable {
        /// Name of the variable.
        name: String,
        /// The problem and the remedy.
        why: &'static str,
    },
    /// An unusable folder.
    #[error("the folder {} {why}", path.display())]
    Folder {
        /// The folder as configured.
        path: PathBuf,
        /// The problem and the remedy.
        why: String,
    },
}

/// A command line with a resolved program and patterns as arguments.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    pub(crate) program: PathBuf,
    arguments: Vec<Pattern>,
}

impl CommandLine {
    pub(crate) fn parse(
        what: &'static str,
        argv: &[String],
        allowed: &[Placeholder],
    ) -> Result<Self, CommandOptionsError> {
        let (program, arguments) = argv.split_first().ok_or(CommandOptionsError::Empty { what })?;
        Ok(Self {
            program: resolve(program, std::env::var_os("PATH"))?,
            arguments: arguments.iter().map(|text| Pattern::parse(text, allowed)).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn fill(&self, values: &Values<'_>) -> Vec<String> {
        self.arguments.iter().map(|pattern| pattern.fill(values)).collect()
    }

    /// Returns the arguments for a deployment.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if they use a value that the request lacks.
    pub(crate) fn fill_for(&self, request: &DeployRequest) -> Result<Vec<String>, Failure> {
        self.arguments.iter().map(|pattern| template_values::fill(pattern, request)).collect()
    }

    /// Returns the program's file name, for messages.
    pub(crate) fn name(&self) -> String {
        name_of(&self.program)
    }
}

/// Returns the last part of a path, for messages.
pub(crate) fn name_of(program: &Path) -> String {
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

/// Returns the absolute path of a program. Rejects a relative path: its meaning depends on the bot's working directory.
pub(crate) fn resolve(program: &str, path: Option<OsString>) -> Result<PathBuf, CommandOptionsError> {
    let refuse = |why: String| CommandOptionsError::Program { program: program.to_owned(), why };
    if program.contains(['{', '}', '\0']) {
        return Err(refuse("must be fixed: placeholders can stand in arguments only".to_owned()));
    }
    if Path::new(program).is_absolute() {
        runnable(Path::new(program)).map_err(refuse)?;
        return Ok(PathBuf::from(program));
    }
    if program.is_empty() || program.contains('/') {
        return Err(refuse("is a relative path: give an absolute one, or a bare name that is on PATH".to_owned()));
    }
    on_path(program, &path.unwrap_or_default())
        .ok_or_else(|| refuse("is not on PATH: give its absolute path".to_owned()))
}

/// The environment of a command, and the names of its secret variables.
#[derive(Clone, Default)]
pub(crate) struct Variables {
    pub(crate) set: BTreeMap<String, OsString>,
    pub(crate) secret: Vec<String>,
}

/// Passed-on variables that are public: redacting their values would only make the output unreadable.
const PUBLIC: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "TMPDIR"];

impl Variables {
    pub(crate) fn collect(env: &BTreeMap<String, String>, pass_env: &[String]) -> Result<Self, CommandOptionsError> {
        let mut variables = Self::default();
        for (name, value) in env {
            check_name(name)?;
            if value.contains('\0') {
                return Err(refuse_variable(name, "has a NUL character in its value"));
            }
            variables.set.insert(name.clone(), value.into());
        }
        for name in pass_env {
            check_name(name)?;
            let value = std::env::var_os(name)
                .ok_or_else(|| refuse_variable(name, "is to be handed on, and the bot itself does not have it"))?;
            if variables.set.insert(name.clone(), value).is_some() {
                return Err(refuse_variable(name, "is both set and handed on: choose one"));
            }
            if !PUBLIC.contains(&name.as_str()) {
                variables.secret.push(name.clone());
            }
        }
        Ok(variables)
    }

    /// Adds variables whose values are redacted in the output.
    pub(crate) fn with_secrets(mut self, secrets: &BTreeMap<String, String>) -> Result<Self, CommandOptionsError> {
        for (name, value) in secrets {
            check_name(name)?;
            if self.set.insert(name.clone(), value.into()).is_some() {
                return Err(refuse_variable(name, "is both secret and not: choose one"));
            }
            self.secret.push(name.clone());
        }
        Ok(self)
    }
}

fn check_name(name: &str) -> Result<(), CommandOptionsError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(refuse_variable(name, "has a name that no variable can have"));
    }
    if name.starts_with("HOTFIX_") {
        return Err(refuse_variable(name, "is ours: names that start with HOTFIX_ say what is being deployed"));
    }
    Ok(())
}

fn refuse_variable(name: &str, why: &'static str) -> CommandOptionsError {
    CommandOptionsError::Variable { name: name.to_owned(), why }
}

/// Returns an existing folder as an absolute path.
pub(crate) fn folder(path: &Path) -> Result<PathBuf, CommandOptionsError> {
    let refuse = |why: String| CommandOptionsError::Folder { path: path.to_owned(), why };
    let path = std::path::absolute(path).map_err(|error| refuse(format!("cannot be used: {error}")))?;
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err(refuse("is not a folder".to_owned())),
        Err(error) => Err(refuse(format!("cannot be used: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_program_is_absolute_or_found_on_path_once() {
        let path = || Some(OsString::from(":relative:/nowhere:/bin:/usr/bin"));
        assert!(resolve("sh", path()).unwrap().is_absolute());
        assert_eq!(resolve("/bin/sh", None).unwrap(), Path::new("/bin/sh"));
        let told = |program: &str| resolve(program, path()).unwrap_err().to_string();
        assert!(told("./deploy.sh").contains("is a relative path"));
        assert!(told("bin/deploy").contains("is a relative path"));
        assert!(told("").contains("is a relative path"));
        assert!(told("no-such-program").contains("not on PATH"));
        assert!(told("/etc/passwd").contains("not executable"));
        assert!(told("/etc").contains("not a file"));
        assert!(told("{key}").contains("must be fixed"));
    }

    #[test]
    fn variables_are_checked_and_the_handed_on_are_secret() {
        let none = BTreeMap::new();
        let passed = Variables::collect(&none, &["PATH".to_owned(), "CARGO_MANIFEST_DIR".to_owned()]).unwrap();
        assert_eq!(passed.secret, ["CARGO_MANIFEST_DIR"]);
        let told = |env: &[(&str, &str)], pass: &[&str]| {
            let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            let pass: Vec<String> = pass.iter().map(|name| (*name).to_owned()).collect();
            Variables::collect(&env, &pass).err().unwrap().to_string()
        };
        assert!(told(&[], &["NO_SUCH_VARIABLE_HERE"]).contains("the bot itself does not have it"));
        assert!(told(&[("A=B", "c")], &[]).contains("no variable can have"));
        assert!(told(&[("HOTFIX_COMMIT", "c")], &[]).contains("is ours"));
        assert!(told(&[("PATH", "c")], &["PATH"]).contains("choose one"));
    }
}
