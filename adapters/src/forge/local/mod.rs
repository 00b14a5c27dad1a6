//! The local forge: bare git repositories in a directory, and a small ledger beside them for what git does not know,
//! which is pull requests, reviews, checks, labels and issues. It is a forge for demos, drills, tests and small teams:
//! the bot uses it through the ports, people through the methods in `people`, at the same time and from other processes.
//!
//! Its failures are read in chats, so they name repositories and files, and no folders of this machine: the log has those.

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

/// How to set up a local forge.
#[derive(Clone)]
pub struct LocalOptions {
    /// The folder with the repositories: `payments.git`, `payments` or `payments/.git`, and so on for `team/payments`.
    pub repositories: PathBuf,
    /// The folder for the ledger; created when it is not there.
    pub ledger: PathBuf,
    /// Who commits what the forge makes.
    pub committer: Signature,
    /// How long one git process may take.
    pub time_limit: Duration,
    /// What the time is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl LocalOptions {
    /// The usual ones.
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

/// Bare repositories in a directory, as a forge.
pub struct Local {
    options: LocalOptions,
    ledger: Ledger,
    /// The prefixes of paths in its folders, each ending in a slash, the longest first. They are cut out of failures.
    prefixes: Vec<String>,
    answers: Arc<Answers>,
}

impl Local {
    /// Opens the forge. Repositories are looked up when they are asked for, so new ones need no restart.
    ///
    /// # Errors
    /// The folder of the repositories is not there, or the ledger's cannot be made.
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

    /// git on one repository.
    ///
    /// # Errors
    /// There is no such repository.
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

    /// Returns what came of work on the folders, with a failure as people may read it in a chat: without where the folders
    /// are. The log has the whole of it.
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

/// Returns what paths in these folders begin with, by the names that were given and by those that the system knows.
fn prefixes(folders: [&Path; 2]) -> Vec<String> {
    let real = folders.iter().filter_map(|folder| folder.canonicalize().ok());
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(real);
    let named = all.map(|folder| folder.display().to_string().trim_end_matches('/').to_owned());
    let mut prefixes: Vec<String> = named.filter(|name| name.len() > 1).map(|name| format!("{name}/")).collect();
    prefixes.sort_by_key(|prefix| Reverse(prefix.len()));
    prefixes
}

/// Returns the words with the names of files alone in the place of their paths.
fn without(words: &str, prefixes: &[String]) -> String {
    prefixes.iter().fold(words.to_owned(), |words, prefix| words.replace(prefix.as_str(), ""))
}

/// By its looks; git itself has the last word.
fn is_repository(directory: &Path) -> bool {
    directory.join("HEAD").is_file() && directory.join("objects").is_dir()
}

/// A branch that somebody has checked out is not moved under their feet, as a push to it would not be either.
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
