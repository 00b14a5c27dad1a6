//! The local forge: bare git repositories in a directory, and a small ledger beside them for what git does not know,
//! which is pull requests, reviews, checks, labels and issues. It is a forge for demos, drills, tests and small teams:
//! the bot uses it through the ports, people through the methods in `people`, at the same time and from other processes.

mod history;
mod ledger;
mod merge;
mod people;
mod pulls;
mod record;
mod refs;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Signature;
use super::git::Git;
use crate::failure::Failure;
use crate::vocabulary::{BranchName, Repo};
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
        Ok(Self { options, ledger })
    }

    /// git on one repository.
    ///
    /// # Errors
    /// There is no such repository.
    pub fn git(&self, repo: &Repo) -> Result<Git, Failure> {
        let Some(directory) = self.places(repo).into_iter().find(|place| is_repository(place)) else {
            let place = self.options.repositories.display();
            return Err(Failure::rejected(format!(
                "there is no repository {repo} in {place}: neither {repo}.git nor {repo} is one. Create it with `git init \
                 --bare {place}/{repo}.git`, or correct the name."
            )));
        };
        Ok(Git::at(directory).committer(self.options.committer.clone()).time_limit(self.options.time_limit))
    }

    fn places(&self, repo: &Repo) -> [PathBuf; 3] {
        let folder = &self.options.repositories;
        [folder.join(format!("{repo}.git")), folder.join(repo.as_str()), folder.join(repo.as_str()).join(".git")]
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
