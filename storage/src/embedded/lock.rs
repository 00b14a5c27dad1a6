//! Exclusive access to a store: one process at a time, and no access for other users.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::OpenError;
use super::options::Layout;
use super::sidecar::sync_directory;

/// Pause between two attempts of [`patiently`].
const PAUSE: Duration = Duration::from_millis(20);

/// Creates missing directories, and refuses paths that other users own or can access.
pub(crate) fn directories(layout: &Layout) -> Result<(), OpenError> {
    for directory in [&layout.root, &layout.journal] {
        if !directory.try_exists().map_err(OpenError::io("read", directory))? {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(OpenError::io("make", directory))?;
            if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_directory(parent).map_err(OpenError::io("sync", parent))?;
            }
        }
    }
    check(&layout.root, 0o700)?;
    check(&layout.journal, 0o700)?;
    for directory in [&layout.root, &layout.journal] {
        for entry in fs::read_dir(directory).map_err(OpenError::io("read", directory))? {
            let path = entry.map_err(OpenError::io("read", directory))?.path();
            if path.is_file() {
                check(&path, 0o600)?;
            }
        }
    }
    Ok(())
}

/// Refuses a directory without a store, instead of creating a store there.
pub(crate) fn existing(layout: &Layout) -> Result<(), OpenError> {
    fs::metadata(&layout.journal).map_err(OpenError::io("find a store in", &layout.root))?;
    directories(layout)
}

fn check(path: &Path, fix: u32) -> Result<(), OpenError> {
    let metadata = fs::metadata(path).map_err(OpenError::io("read", path))?;
    let (owner, process) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != process {
        return Err(OpenError::Foreign { path: path.to_owned(), owner, process });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { path: path.to_owned(), mode, fix });
    }
    Ok(())
}

/// Acquires the store's lock. Retries for up to `wait`: the lock of a killed process can be held for another moment.
pub(crate) fn lock(path: &Path, wait: Duration) -> Result<File, OpenError> {
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = open.map_err(OpenError::io("open", path))?;
    let taken = patiently(wait, || match file.try_lock() {
        Ok(()) => Some(Ok(())),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => Some(Err(error)),
    });
    match taken {
        Some(result) => result.map(|()| file).map_err(OpenError::io("lock", path)),
        None => Err(OpenError::Locked { path: path.to_owned() }),
    }
}

/// Calls `ask` until it returns a value or `wait` is over.
pub(crate) fn patiently<T>(wait: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        match ask() {
            Some(answer) => return Some(answer),
            None if started.elapsed() >= wait => return None,
            None => std::thread::sleep(PAUSE),
        }
    }
}

/// Removes the access of other users from the index files, which sled creates world-readable.
pub(crate) fn close_index(index: &Path) -> io::Result<()> {
    fs::set_permissions(index, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(index)? {
        let entry = entry?;
        let mode = if entry.file_type()?.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
