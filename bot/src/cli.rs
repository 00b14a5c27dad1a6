//! The command line: processes (`serve`, `demo`), maintenance (`store`, `check-config`, `forge`), and every chat verb.
//! A verb is sent to the running bot over its socket; if no bot runs, read-only verbs are answered from the store.

mod complete;
mod doctor;
mod forge;
mod log;
mod manifest;
mod process;
mod requirements;
mod store;
mod verb;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Takes a production hotfix from the first chat command to the post-mortem, by the team's own runbook.
#[derive(Debug, Parser)]
#[command(
    name = "hotfix",
    version,
    about,
    after_help = "Every verb of the chat works here too: `hotfix status HF-1`, `hotfix help`.",
    disable_help_subcommand = true
)]
struct Cli {
    /// The folder of the configuration
    #[arg(long, global = true, value_name = "DIR", default_value = "config")]
    config: PathBuf,
    /// The caller, by their console name in people.toml; defaults to the user of this machine
    #[arg(long = "as", global = true, value_name = "PERSON")]
    person: Option<String>,
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Runs the bot; lines typed here are the console: `ana: /hotfix status`
    Serve,
    /// Shows a whole hotfix on a real repository, in a folder of its own
    Demo(crate::demo::DemoArgs),
    /// Shows every fault of the configuration at once
    CheckConfig,
    /// Has the running bot read its configuration again, whole or not at all; SIGHUP does the same
    Reload,
    /// Looks at everything that the bot needs (tokens, rights, channels, git, clock, store) and says what to do
    Doctor,
    /// Prints what to paste to install the app, with exactly the rights that are used
    Manifest(manifest::ManifestArgs),
    /// Looks after the store while no bot runs
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Acts as a person on the local forge: reviews, checks, labels, merges
    #[command(subcommand)]
    Forge(forge::ForgeCommand),
    /// Watches over one deploying command; the bot starts it itself
    #[command(hide = true)]
    Supervise {
        /// The folder of the run
        run: PathBuf,
    },
    /// Every sentence of the five runbooks, how it is met, and the scenario that shows it
    Requirements {
        /// Only those of one runbook (SRE, HOCS, APPLY, PROMO or MAIN), or `security`: the security cases and their tests
        runbook: Option<String>,
    },
    /// Completes a line for the shell: `complete -C "hotfix complete" hotfix`
    Complete {
        /// The arguments that bash passes: the program, the word and the word before it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// A verb of the chat
    #[command(external_subcommand)]
    Verb(Vec<String>),
}

/// Parses the arguments of this process and runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Sub::Supervise { run } = &cli.command {
        return ExitCode::from(hotfix_adapters::deploy::command::supervise(run));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::from(error)),
    };
    let done = runtime.block_on(run(cli));
    // A pending read of standard input must not keep the process alive.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Sub::Serve => process::serve(&cli.config).await.map(|()| ExitCode::SUCCESS),
        Sub::Demo(args) => crate::demo::run(args).await.map(|()| ExitCode::SUCCESS),
        Sub::Doctor => doctor::run(&cli.config).await,
        Sub::Manifest(args) => manifest::run(&args),
        Sub::CheckConfig => process::check_config(&cli.config),
        Sub::Reload => process::reload(&cli.config).await,
        Sub::Store(command) => store::run(&cli.config, command),
        Sub::Forge(command) => forge::run(&cli.config, command).await.map(|()| ExitCode::SUCCESS),
        Sub::Requirements { runbook } => requirements::run(runbook.as_deref()),
        Sub::Complete { words } => complete::run(&cli.config, &words),
        Sub::Verb(words) => verb::run(&cli.config, cli.person, words).await,
        Sub::Supervise { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Prints an error with its chain of causes.
fn failed(error: &anyhow::Error) -> ExitCode {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let _ = print_line(&mut std::io::stderr(), &format!("hotfix: {}", chain.join(": ")));
    ExitCode::FAILURE
}

/// Prints a line; ignores a broken pipe.
fn print_line(out: &mut dyn std::io::Write, text: &str) -> std::io::Result<()> {
    match writeln!(out, "{}", text.trim_end()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind, Write};

    use super::print_line;

    /// A writer that fails with this kind of error.
    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(Error::from(self.0))
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        assert!(print_line(&mut Fails(ErrorKind::BrokenPipe), "text").is_ok());
        let full = print_line(&mut Fails(ErrorKind::StorageFull), "text").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }
}
