//! The record of a run on disk. It survives a crash of the bot, of the supervisor and of the machine.
//!
//! `<runs>/<key>/` holds, in order of creation:
//! - `lock`: held while the supervisor or the command (which gets it as its standard input) is alive;
//! - `request.json`: the request, and the command line made from it;
//! - `turn`: held while a start writes the request or a supervisor decides whether to begin;
//! - `started`: written durably before the command runs, by the supervisor that holds both locks. Once it exists, the
//!   command is never run again;
//! - `outcome.json`: the outcome.
//!
//! Each file except the locks is written atomically (temporary file, fsync, rename, fsync of the folder), and its
//! content is final once `started` exists. [`RunFolder::look`] reads them under a shared lock, which excludes
//! supervisors.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::deploy::DeployRequest;
use crate::failure::Failure;
use crate::ids::DeployKey;

/// The command to run, as the supervisor reads it. It holds only the names of the variables: values may be secret, and
/// the supervisor gets them in its own environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) request: DeployRequest,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) working_directory: PathBuf,
    pub(crate) timeout_ms: u64,
    pub(crate) output_limit_bytes: usize,
    pub(crate) variables: Vec<String>,
    pub(crate) secret: Vec<String>,
}

/// The marker that a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) at: Timestamp,
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) at: Timestamp,
    pub(crate) end: RunEnd,
    pub(crate) took_ms: u64,
    /// Captured output: bounded, sanitized and redacted.
    pub(crate) output: String,
}

/// The ways a run can end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunEnd {
    /// Exit status 0.
    Succeeded,
    /// An exit status other than 0.
    Exit(i32),
    /// A signal that we did not send.
    Signal(i32),
    /// Killed because it exceeded its timeout.
    TimedOut,
    /// The program could not be started; with the reason.
    NotRun(String),
    /// Cut off, but its commit was found running.
    FoundRunning,
}

impl RunEnd {
    /// Returns `true` if the commit was deployed.
    pub(crate) fn is_success(&self) -> bool {
        match self {
            Self::Succeeded | Self::FoundRunning => true,
            Self::Exit(_) | Self::Signal(_) | Self::TimedOut | Self::NotRun(_) => false,
        }
    }
}

/// The stage that a run has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No command was requested.
    Absent,
    /// Requested but not started; a supervisor may be starting.
    Requested,
    /// Running: the lock is held.
    Alive,
    /// It ended.
    Ended(Outcome),
    /// Started, but the lock is free and no outcome was recorded.
    CutOff(Started),
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    pub(crate) fn of(runs: &Path, key: &DeployKey) -> Self {
        // Safe as a file name: a key consists of letters, digits and `.`, `_`, `-`, and starts with neither `.` nor
        // `-`.
        Self(runs.join(key.as_str()))
    }

    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Creates the folder if it does not exist.
    pub(crate) fn make(&self) -> Result<(), Failure> {
        private_folder(&self.0)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn order(&self) -> Result<Option<Order>, Failure> {
        self.read("request.json")
    }

    /// Writes the request. The lock file is created first, so that a request always has one.
    pub(crate) fn request(&self, order: &Order) -> Result<(), Failure> {
        self.lock_file("lock")?;
        self.write("request.json", order)
    }

    pub(crate) fn begun(&self) -> Result<bool, Failure> {
        Ok(self.read::<Started>("started")?.is_some())
    }

    pub(crate) fn begin(&self, started: &Started) -> Result<(), Failure> {
        self.write("started", started)
    }

    pub(crate) fn finish(&self, outcome: &Outcome) -> Result<(), Failure> {
        self.write("outcome.json", outcome)
    }

    pub(crate) fn outcome(&self) -> Result<Option<Outcome>, Failure> {
        self.read("outcome.json")
    }

    /// Takes the `turn` lock, waiting for other starts and supervisors.
    pub(crate) fn turn(&self) -> Result<File, Failure> {
        self.hold("turn")
    }

    /// Takes the run's lock exclusively. A caller that holds `turn` waits only for a [`look`](Self::look) to finish.
    pub(crate) fn lock(&self) -> Result<File, Failure> {
        self.hold("lock")
    }

    fn hold(&self, name: &str) -> Result<File, Failure> {
        let file = self.lock_file(name)?;
        file.lock().map_err(|error| broken("lock", &self.0, &error))?;
        Ok(file)
    }

    /// Reads the stage of the run.
    pub(crate) fn look(&self) -> Result<Stage, Failure> {
        if self.order()?.is_none() {
            return Ok(Stage::Absent);
        }
        // Check the outcome before the lock: a process that the command left behind may hold the lock after the end.
        if let Some(outcome) = self.outcome()? {
            return Ok(Stage::Ended(outcome));
        }
        let lock = self.lock_file("lock")?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(Stage::Alive),
            Err(TryLockError::Error(error)) => return Err(broken("lock", &self.0, &error)),
            Ok(()) => {}
        }
        // Check again: the run may have ended between the first check and the lock.
        let stage = match (self.outcome()?, self.read("started")?) {
            (Some(outcome), _) => Stage::Ended(outcome),
            (None, Some(started)) => Stage::CutOff(started),
            (None, None) => Stage::Requested,
        };
        drop(lock);
        Ok(stage)
    }

    fn lock_file(&self, name: &str) -> Result<File, Failure> {
        let path = self.0.join(name);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        opened.map_err(|error| broken("open", &path, &error))
    }

    /// Reads one file of the record; `None` if it does not exist.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let path = self.0.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken("read", &path, &error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Failure::rejected(format!("the run record {} does not read ({error}); look at it by hand", path.display()))
        })
    }

    /// Writes one file of the record atomically.
    pub(crate) fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Failure> {
        let path = self.0.join(name);
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| Failure::rejected(format!("{} cannot be written as JSON: {error}", path.display())))?;
        replace(&self.0, &path, &text).map_err(|error| broken("write", &path, &error))
    }
}

/// Writes a file atomically and durably.
fn replace(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{}-{number}.tmp", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

/// Creates a folder with mode 0700, durably.
fn private_folder(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let kept = made.and_then(|()| path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all()));
    kept.map_err(|error| broken("make", path, &error))
}

/// Counter for unique names of probe files.
static PROBES: AtomicU64 = AtomicU64::new(0);

/// Proves that records can be written to a folder.
pub(crate) fn prove_writable(runs: &Path) -> Result<(), Failure> {
    private_folder(runs)?;
    // Several environments may share a folder, and several processes may probe it at once.
    let number = PROBES.fetch_add(1, Ordering::Relaxed);
    let proof = runs.join(format!(".probe-{}-{number}", std::process::id()));
    replace(runs, &proof, b"").and_then(|()| fs::remove_file(&proof)).map_err(|error| broken("write in", runs, &error))
}

/// Returns all run folders.
pub(crate) fn all_runs(runs: &Path) -> Result<Vec<RunFolder>, Failure> {
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(broken("read", runs, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| broken("read", runs, &error))?.path();
        if path.is_dir() {
            found.push(RunFolder(path));
        }
    }
    Ok(found)
}

/// Classifies an I/O error: a full disk may recover and is retried; missing permissions will not recover.
fn broken(act: &str, path: &Path, error: &io::Error) -> Failure {
    let reason = format!("could not {act} the run record {}: {error}", path.display());
    let for_good = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::NotADirectory];
    if for_good.contains(&error.kind()) { Failure::rejected(reason) } else { Failure::retry(reason) }
}
