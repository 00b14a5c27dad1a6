//! The local forge: bare git repositories in a folder, and a ledger beside them for pull requests, reviews, checks,
//! labels and issues. It serves demos, drills, tests and small teams. The bot uses it through the ports and users
//! through the methods in `people`, concurrently and from several processes.
//!
//! Failures appear in chats, so they name repositories and files but no folders of this machine; the full
//! paths are logged.

mod history;
mod ledger;
mod merge;
mod people;
mod pulls;
mod record;
mod refs;

use std::cmp::Reverse;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Signature;
use super::git::Git;
use super::git::answers::Answers;
use crate::failure::Failure;
use crate::ids::{BranchName, Repo};
use ledger::Ledger;

/// Configuration of a local forge.
#[derive(Clone)]
pub struct LocalOptions {
    /// Folder of the repositories: `payments.git`, `payments` or `payments/.git`, and likewise for `team/payments`.
    pub repositories: PathBuf,
    /// Folder of the ledger; created if missing.
    pub ledger: PathBuf,
    /// Committer of the commits that the forge makes.
    pub committer: Signature,
    /// Time limit of one git process.
    pub time_limit: Duration,
    /// Source of the current time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl LocalOptions {
    /// Returns options with a default committer, a time limit of 120 seconds and the system clock.
    pub fn new(repositories: impl Into<PathBuf>, ledger: impl Into<PathBuf>) -> Self {
        Self {
            repositories: repositories.into(),
            ledger: ledger.into(),
            committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
            time_limit: Duration::from_secs(120),
            clock: Arc::new(Timestamp::now),
        }
    }
}

/// A forge made of repositories in a folder.
pub struct Local {
    options: LocalOptions,
    ledger: Ledger,
    /// Path prefixes to cut out of failures: the configured folders, each with a trailing slash, longest first.
    prefixes: Vec<String>,
    answers: Arc<Answers>,
}

impl Local {
    /// Opens the forge. Repositories are looked up on each use, so a new one needs no restart.
    ///
    /// # Errors
    /// `Rejected` if the folder of the repositories does not exist, or if that of the ledger cannot be created.
    pub fn open(options: LocalOptions) -> Result<Self, Failure> {
        if !options.repositories.is_dir() {
            let place = options.repositories.display();
            return Err(Failure::rejected(format!(
                "there is no folder {place} for the repositories. Create it or correct the path."
            )));
        }
        let ledger = Ledger::open(options.ledger.clone())?;
        let prefixes = prefixes([&options.repositories, &options.ledger]);
        Ok(Self { options, ledger, prefixes, answers: Arc::default() })
    }

    /// Returns a handle for one repository.
    ///
    /// # Errors
    /// `Rejected` if the repository does not exist.
    pub fn git(&self, repo: &Repo) -> Result<Git, Failure> {
        let Some(directory) = self.places(repo).into_iter().find(|place| is_repository(place)) else {
            let folder = self.options.repositories.display();
            tracing::info!(
                "there is no repository {repo} in {folder}: neither {repo}.git nor {repo} is one. Create it with `git init \
                 --bare {folder}/{repo}.git`, or correct the name."
            );
            return Err(Failure::rejected(format!("there is no repository {repo}")));
        };
        let git = Git::at(directory).committer(self.options.committer.clone()).time_limit(self.options.time_limit);
        Ok(git.remembering(self.answers.clone()))
    }

    fn places(&self, repo: &Repo) -> [PathBuf; 3] {
        let folder = &self.options.repositories;
        [folder.join(format!("{repo}.git")), folder.join(repo.as_str()), folder.join(repo.as_str()).join(".git")]
    }

    /// Removes the folders from a failure, so that it can be shown in a chat, and logs the full text.
    fn shown<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        let failure = match result {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        let reason = without(failure.reason(), &self.prefixes);
        if reason == failure.reason() {
            return Err(failure);
        }
        tracing::info!(reason = failure.reason(), "the local forge failed");
        Err(match failure {
            Failure::Retry { after, .. } => Failure::Retry { reason, after },
            Failure::Rejected { .. } => Failure::Rejected { reason },
            Failure::Uncertain { .. } => Failure::Uncertain { reason },
        })
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("repositories", &self.options.repositories).finish_non_exhaustive()
    }
}

/// Returns the path prefixes of these folders, as configured and as canonicalized.
fn prefixes(folders: [&Path; 2]) -> Vec<String> {
    let real = folders.iter().filter_map(|folder| folder.canonicalize().ok());
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(real);
    let named = all.map(|folder| folder.display().to_string().trim_end_matches('/').to_owned());
    let mut prefixes: Vec<String> = named.filter(|name| name.len() > 1).map(|name| format!("{name}/")).collect();
    prefixes.sort_by_key(|prefix| Reverse(prefix.len()));
    prefixes
}

/// Cuts these prefixes out of a text.
fn without(words: &str, prefixes: &[String]) -> String {
    prefixes.iter().fold(words.to_owned(), |words, prefix| words.replace(prefix.as_str(), ""))
}

/// Returns `true` if the folder looks like a repository; git itself checks it later.
fn is_repository(directory: &Path) -> bool {
    directory.join("HEAD").is_file() && directory.join("objects").is_dir()
}

/// Rejects a branch that is checked out, as git rejects a push to it.
async fn free_to_move(git: &Git, branch: &BranchName) -> Result<(), Failure> {
    match git.checked_out().await? {
        Some(held) if held == *branch => Err(Failure::rejected(format!(
            "branch {branch} is checked out in {}, so it cannot be moved from outside. Switch to another branch there (`git \
             switch --detach`), or let the bot work on a bare repository.",
            git.directory().display()
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_without_their_folders() {
        let prefixes = prefixes([Path::new("/srv/forge/repositories/"), Path::new("/srv/forge")]);
        let words =
            "git gc in /srv/forge/repositories/team/payments.git refused (128): fatal: /srv/forge/team~payments.json";
        assert_eq!(without(words, &prefixes), "git gc in team/payments.git refused (128): fatal: team~payments.json");
        assert_eq!(without("pull request 7 was closed", &prefixes), "pull request 7 was closed");
    }
}
