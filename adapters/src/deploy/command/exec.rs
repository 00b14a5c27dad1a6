//! Runs one program in a process group of its own, bounded in time and in output. It blocks, and uses threads: the
//! supervisor has nothing else to do, and the bot calls it off its own threads.

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

/// Between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the last words after the program ended; a process it left behind may keep the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What to run.
pub(crate) struct Execution<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [String],
    /// All its variables: it inherits none.
    pub(crate) variables: &'a BTreeMap<String, OsString>,
    pub(crate) folder: &'a Path,
    pub(crate) timeout: Duration,
    pub(crate) output_limit_bytes: usize,
    pub(crate) stdin: Stdio,
    pub(crate) kind: Kind,
}

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An act: both outputs are one, in the order in which they were printed, and what it leaves running stays, because
    /// it may be the very service that was to be started.
    Act,
    /// A question: its answer is its standard output, and nothing of it stays.
    Question,
}

/// How it went.
pub(crate) struct Exit {
    pub(crate) how: ExitCause,
    pub(crate) took: Duration,
    /// What it printed; of an act, the errors too.
    pub(crate) output: Arc<Mutex<CapturedOutput>>,
    /// The errors of a question.
    pub(crate) errors: Arc<Mutex<CapturedOutput>>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCause {
    /// By itself, with this status.
    Exit(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// By us, because its time was over.
    TimedOut,
}

/// Runs it to its end.
pub(crate) fn run(execution: Execution<'_>) -> io::Result<Exit> {
    let Execution { program, arguments, variables, folder, timeout, output_limit_bytes, stdin, kind } = execution;
    let (output, errors) = (shared(output_limit_bytes), shared(output_limit_bytes));
    let (all_read, drained) = mpsc::channel();
    let (reader, writer) = io::pipe()?;
    read_on(reader, &output, all_read.clone())?;
    let error_writer = match kind {
        Kind::Act => {
            drop(all_read);
            writer.try_clone()?
        }
        Kind::Question => {
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
    // Our own copies of the writing ends go, or the readers would never see the end.
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

/// Waits for the program, and ends its group when its time is over. The program is left a zombie until the group was
/// signalled: as long as it is one, nobody else can get its number, so that a stranger is never hit.
fn watch(mut child: Child, timeout: Duration, kind: Kind) -> io::Result<(ExitStatus, bool)> {
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
        // Whether it obeys or not, its children may not have: the kill below is for all of them.
        let _ = ended.recv_timeout(GRACE);
        end(group, Signal::KILL);
        let _ = ended.recv();
    } else if kind == Kind::Question {
        end(group, Signal::KILL);
    }
    Ok((child.wait()?, timed_out))
}

/// An error says that nobody is left in the group, which is what was wanted.
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

/// Every reader drops its end of the channel when its pipe is at its end; nothing is ever sent.
fn wait_for_last_words(drained: &Receiver<()>) {
    let _ = drained.recv_timeout(LAST_WORDS);
}
