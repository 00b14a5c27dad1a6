//! Absolute paths of the programs that the bot starts.
//!
//! The standard library starts a program with an absolute path by `posix_spawn`. If it has to look the program up in
//! a custom `PATH`, it forks instead, which copies the page tables of the whole process.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the absolute path of git, looked up on `PATH` once per process.
///
/// # Errors
/// `NotFound` if git is not on `PATH`. The next call searches again.
pub fn git() -> io::Result<&'static Path> {
    static GIT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = GIT.get() {
        return Ok(found);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let found = on_path("git", &path).ok_or(io::ErrorKind::NotFound)?;
    Ok(GIT.get_or_init(|| found))
}

/// The `PATH` used for the search, and passed to git, if the environment has none.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the first executable file with this bare name in the folders of `path`. Empty and relative entries are
/// skipped, because they would let the current folder choose the program.
#[must_use]
pub fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| runnable(candidate).is_ok())
}

/// Checks that a file can be executed.
///
/// # Errors
/// The reason that it cannot, as the rest of a sentence that begins with the program.
pub(crate) fn runnable(program: &Path) -> Result<(), String> {
    let found = std::fs::metadata(program).map_err(|error| format!("cannot be run: {error}"))?;
    if !found.is_file() {
        return Err("is not a file".to_owned());
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err("is not executable".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_found_once_and_is_absolute() {
        let found = git().unwrap();
        assert!(found.is_absolute());
        assert!(std::ptr::eq(found, git().unwrap()));
    }

    #[test]
    fn relative_folders_and_files_that_cannot_be_executed_are_passed_over() {
        assert_eq!(on_path("sh", OsStr::new(".::/nonexistent")), None);
        assert_eq!(on_path("passwd", OsStr::new("/etc")), None);
        assert_eq!(on_path("sh", OsStr::new("bin:/bin")), Some(PathBuf::from("/bin/sh")));
    }
}
