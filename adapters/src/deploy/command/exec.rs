//! Runs one program in its own process group, with limits on time and output. Blocking, and uses threads: the
//! supervisor has no other work, and the bot calls it from a blocking thread.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::output::CapturedOutput;

/// Grace period between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Time limit for reading output after the program ended. A process that it left behind may keep the pipe open
/// forever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program to run, with its limits.
pub(crate) struct Execution<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [String],
    /// The complete environment: nothing is inherited.
    pub(crate) variables: &'a BTreeMap<String, OsString>,
    pub(crate) folder: &'a Path,
    pub(crate) timeout: Duration,
    pub(crate) output_limit_bytes: usize,
    pub(crate) stdin: Stdio,
    pub(crate) kind: ProcessKind,
}

/// The purpose of the execution; decides how output and leftover processes are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessKind {
    /// An action. Standard output and standard error are captured together, in order. Processes that it leaves behind
    /// are kept: one of them may be the service that it started.
    Act,
    /// A query. Its answer is its standard output; processes that it leaves behind are killed.
    Question,
}

/// The result of an execution.
pub(crate) struct Exit {
    pub(crate) how: ExitCause,
    pub(crate) took: Duration,
    /// Standard output; for [`NodeKind::Act`] also standard error.
    pub(crate) output: Arc<Mutex<CapturedOutput>>,
    /// Standard error of a [`NodeKind::Question`]; empty for [`NodeKind::Act`].
    pub(crate) errors: Arc<Mutex<CapturedOutput>>,
}

/// The way a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCause {
    /// It exited with this status.
    Exit(i32),
    /// It was ended by a signal that we did not send.
    Signal(i32),
    /// We killed it because it exceeded its timeout.
    TimedOut,
}

/// Runs the program and waits until it ends.
pub(crate) fn run(execution: Execution<'_>) -> io::Result<Exit> {
    let Execution { program, arguments, variables, folder, timeout, output_limit_bytes, stdin, kind } = execution;
    let (output, errors) = (shared(output_limit_bytes), shared(output_limit_bytes));
    let (all_read, drained) = mpsc::channel();
    let (reader, writer) = io::pipe()?;
    read_on(reader, &output, all_read.clone())?;
    let error_writer = match kind {
        ProcessKind::Act => {
            drop(all_read);
            writer.try_clone()?
        }
        ProcessKind::Question => {
            let (reader, writer) = io::pipe()?;
            read_on(reader, &errors, all_read)?;
            writer
        }
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables).current_dir(folder).process_group(0);
    command.stdin(stdin).stdout(writer).stderr(error_writer);
    let begun = Instant::now();
    let child = command.spawn()?;
    // Drop our copies of the write ends; otherwise the readers would never reach end of file.
    drop(command);
    let (status, timed_out) = watch(child, timeout, kind)?;
    let took = begun.elapsed();
    wait_for_last_words(&drained);
    let how = match (timed_out, status.code(), status.signal()) {
        (true, _, _) => ExitCause::TimedOut,
        (false, Some(code), _) => ExitCause::Exit(code),
        (false, None, signal) => ExitCause::Signal(signal.unwrap_or_default()),
    };
    Ok(Exit { how, took, output, errors })
}

/// Waits for the program, and kills its process group on timeout. The program stays a zombie until the group was
/// signaled: this reserves its process id, so that the signal cannot hit an unrelated process.
fn watch(mut child: Child, timeout: Duration, kind: ProcessKind) -> io::Result<(ExitStatus, bool)> {
    let group = Pid::from_child(&child);
    let (tell, ended) = mpsc::channel::<()>();
    let waiter = thread::Builder::new().name("wait".to_owned()).spawn(move || {
        while waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|e| e == rustix::io::Errno::INTR)
        {}
        drop(tell);
    });
    if let Err(error) = waiter {
        end(group, Signal::KILL);
        child.wait()?;
        return Err(error);
    }
    let timed_out = ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
    if timed_out {
        end(group, Signal::TERM);
        // The program may end at SIGTERM while its children do not; SIGKILL below ends all of them.
        let _ = ended.recv_timeout(GRACE);
        end(group, Signal::KILL);
        let _ = ended.recv();
    } else if kind == ProcessKind::Question {
        end(group, Signal::KILL);
    }
    Ok((child.wait()?, timed_out))
}

/// Signals the group. An error means that the group is empty, which is the goal.
fn end(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

fn shared(limit_bytes: usize) -> Arc<Mutex<CapturedOutput>> {
    Arc::new(Mutex::new(CapturedOutput::new(limit_bytes)))
}

fn read_on(mut pipe: PipeReader, into: &Arc<Mutex<CapturedOutput>>, all_read: Sender<()>) -> io::Result<()> {
    let into = Arc::clone(into);
    thread::Builder::new().name("read".to_owned()).spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            into.lock().unwrap_or_else(PoisonError::into_inner).add(buffer.get(..count).unwrap_or_default());
        }
        drop(all_read);
    })?;
    Ok(())
}

/// Waits until the readers finish. Each reader drops its sender at end of file; nothing is ever sent.
fn wait_for_last_words(drained: &Receiver<()>) {
    let _ = drained.recv_timeout(LAST_WORDS);
}
