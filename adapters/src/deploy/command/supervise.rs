//! The supervisor: a small process between the bot and the command. If the bot is killed, the deployment continues and
//! its outcome is recorded.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::exec::{Execution, ExitCause, ProcessKind, run};
use super::output::Secret;
use super::record::{Order, Outcome, RunEnd, RunFolder, Started};
use crate::failure::Failure;

/// Exit code: the command ran and its outcome, success or failure, was recorded.
pub const RAN: u8 = 0;
/// Exit code: the supervisor failed.
pub const BROKEN: u8 = 1;
/// Exit code: the run was started before, so there was nothing to do.
pub const STARTED_BEFORE: u8 = 3;

/// The line that the supervisor prints on standard output once the run is durably started.
pub(super) const STARTED: &str = "started\n";

/// The number of attempts to write the outcome, one second apart: a full disk may recover.
const OUTCOME_ATTEMPTS: usize = 60;

/// Runs the command recorded in a run folder, at most once ever, and records its outcome. This is the implementation of
/// the hidden subcommand of [`CommandOptions::supervisor`](super::CommandOptions::supervisor). Returns its exit code:
/// [`RAN`], [`STARTED_BEFORE`] or [`BROKEN`].
///
/// The command gets exactly those of this process's environment variables that the record names.
#[must_use]
pub fn supervise(run_folder: &Path) -> u8 {
    match watch_over(&RunFolder::at(run_folder)) {
        Ok(true) => RAN,
        Ok(false) => STARTED_BEFORE,
        Err(failure) => {
            // Only for manual calls: the bot discards standard error and reads the record.
            let _ = writeln!(std::io::stderr(), "{failure}");
            BROKEN
        }
    }
}

/// Runs the supervisor's protocol. The order of the steps ensures at-most-once execution: *take the turn; exit if the
/// marker exists; take the lock; write the marker; release the turn; run the command; write the outcome; release the
/// lock*. A second supervisor gets the turn after the first wrote the marker, and finds it. (With the lock alone it
/// would wait for the whole run.) A machine crash after the marker leaves a run with unknown effect, but never one that
/// ran twice.
fn watch_over(run: &RunFolder) -> Result<bool, Failure> {
    let missing = || Failure::rejected(format!("there is no request in {}", run.path().display()));
    if run.order()?.is_none() {
        return Err(missing());
    }
    let turn = run.turn()?;
    if run.begun()? {
        return Ok(false);
    }
    let lock = run.lock()?;
    let order = run.order()?.ok_or_else(missing)?;
    run.begin(&Started { at: Timestamp::now() })?;
    drop(turn);
    // Ignore errors: the bot may be gone.
    let _ = std::io::stdout().write_all(STARTED.as_bytes()).and_then(|()| std::io::stdout().flush());
    let outcome = carry_out(&order, &lock);
    record(run, &outcome)?;
    Ok(true)
}

fn carry_out(order: &Order, lock: &File) -> Outcome {
    let variables: BTreeMap<String, OsString> =
        order.variables.iter().filter_map(|name| Some((name.clone(), std::env::var_os(name)?))).collect();
    let secrets: Vec<Secret> = order
        .secret
        .iter()
        .filter_map(|name| Some((name.clone(), variables.get(name)?.to_string_lossy().into_owned())))
        .collect();
    // The command also holds the lock, as its (empty) standard input. If this process is killed, the run still counts
    // as alive until the command ends.
    let ended = lock.try_clone().and_then(|lock| {
        run(Execution {
            program: &order.program,
            arguments: &order.arguments,
            variables: &variables,
            folder: &order.working_directory,
            timeout: Duration::from_millis(order.timeout_ms),
            output_limit_bytes: order.output_limit_bytes,
            stdin: Stdio::from(lock),
            kind: ProcessKind::Act,
        })
    });
    let at = Timestamp::now();
    match ended {
        Err(error) => Outcome { at, end: RunEnd::NotRun(error.to_string()), took_ms: 0, output: String::new() },
        Ok(ended) => Outcome {
            at,
            end: match ended.how {
                ExitCause::Exit(0) => RunEnd::Succeeded,
                ExitCause::Exit(code) => RunEnd::Exit(code),
                ExitCause::Signal(number) => RunEnd::Signal(number),
                ExitCause::TimedOut => RunEnd::TimedOut,
            },
            took_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
            output: ended.output.lock().unwrap_or_else(PoisonError::into_inner).text(&secrets),
        },
    }
}

fn record(run: &RunFolder, outcome: &Outcome) -> Result<(), Failure> {
    let mut written = run.finish(outcome);
    for _ in 1..OUTCOME_ATTEMPTS {
        if written.is_ok() {
            break;
        }
        thread::sleep(Duration::from_secs(1));
        written = run.finish(outcome);
    }
    written
}
