//! Storage of the ledger: one JSON document per repository. A document is replaced atomically, so that a reader and a
//! crash leave either the old or the new version. Writers take a lock on a file beside it, which the system releases
//! when the holder dies; readers need no lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::{Book, FORMAT};
use crate::failure::Failure;
use crate::ids::Repo;

const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// The folder of the ledger.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
}

/// The document of one repository, locked for writing.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) book: Book,
    path: PathBuf,
    /// Closing the file releases the lock.
    _lock: File,
}

impl Ledger {
    pub(super) fn open(folder: PathBuf) -> Result<Self, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| trouble("create", &folder, &error))?;
        Ok(Self { folder })
    }

    /// Reads the current document of a repository.
    pub(super) async fn read(&self, repo: &Repo) -> Result<Book, Failure> {
        let path = self.path(repo);
        aside(move || read(&path)).await
    }

    /// Locks and reads the document of a repository. Other writers wait until the result is dropped.
    pub(super) async fn hold(&self, repo: &Repo) -> Result<Held, Failure> {
        let path = self.path(repo);
        let lock = take(path.with_extension("lock")).await?;
        aside(move || Ok(Held { book: read(&path)?, path, _lock: lock })).await
    }

    /// Derives the file name from the repository name, which cannot contain `~`.
    fn path(&self, repo: &Repo) -> PathBuf {
        self.folder.join(format!("{}.json", repo.as_str().replace('/', "~")))
    }
}

impl Held {
    /// Writes the document to disk.
    pub(super) async fn save(&self) -> Result<(), Failure> {
        let (path, book) = (self.path.clone(), self.book.clone());
        aside(move || {
            let mut text = serde_json::to_vec_pretty(&book)
                .map_err(|e| Failure::rejected(format!("the ledger cannot be written: {e}")))?;
            text.push(b'\n');
            replace(&path, &text).map_err(|error| trouble("write", &path, &error))
        })
        .await
    }
}

async fn take(path: PathBuf) -> Result<File, Failure> {
    let open = || OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let lock = open().map_err(|error| trouble("open", &path, &error))?;
    let wait = async {
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(trouble("lock", &path, &error)),
            }
        }
    };
    let busy =
        |_| Failure::retry(format!("{} is held by another process for too long. Is one hanging?", path.display()));
    tokio::time::timeout(LOCK_PATIENCE, wait).await.map_err(busy)??;
    Ok(lock)
}

fn read(path: &Path) -> Result<Book, Failure> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(error) => return Err(trouble("read", path, &error)),
    };
    let place = path.display();
    let book: Book = serde_json::from_slice(&text).map_err(|error| {
        Failure::rejected(format!(
            "the ledger {place} cannot be understood: {error}. Repair it or restore it from a backup."
        ))
    })?;
    if book.format != FORMAT {
        let found = book.format;
        return Err(Failure::rejected(format!(
            "the ledger {place} has the format {found}, and this version knows {FORMAT}. Use the version that wrote it."
        )));
    }
    Ok(book)
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The rename is durable only after the folder is synced.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn trouble(what: &str, path: &Path, error: &io::Error) -> Failure {
    let reason = format!("cannot {what} {}: {error}", path.display());
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Failure::retry(format!("{reason}. Make room there."));
    }
    if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ResourceBusy) {
        return Failure::retry(reason);
    }
    Failure::rejected(format!("{reason}. The bot needs to own the folder of the ledger."))
}

/// Runs file operations on a blocking thread.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::uncertain("the ledger's writer was stopped midway")))
}
