//! Wrapper of the git command line for one repository. It serves everything about commits, refs and files for every
//! forge, and nearly all of the local forge.
//!
//! Each query is one process without a shell, with a cleared environment, a time limit and a bounded output (`run`).
//! Arguments are commit ids and full ref names only, so untrusted text is never taken for an option or for a short name
//! that git would look up in several places. New commits are written as objects, and refs move to them by
//! compare-and-set (`refs`), never by a checkout. A commit depends on its arguments alone, so repeating a call yields
//! the same commit.

pub(super) mod answers;
mod containment;
mod content;
mod errors;
mod files;
mod inverse_patch;
mod lines;
mod log;
mod merge;
pub mod mirror;
mod network;
mod object;
mod pick;
mod refs;
mod resolve;
mod reverts;
mod run;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use answers::Answers;

use super::Signature;
use crate::failure::Failure;

pub use merge::{MergeInput, Merged};

/// The oldest supported git version. It introduced `--attr-source`; without that option a bare repository ignores the
/// merge drivers in `.gitattributes`, and a real conflict merges silently.
pub const OLDEST_VERSION: (u32, u32) = (2, 41);

/// Access to one repository directory through the git command line.
#[derive(Clone)]
pub struct Git {
    directory: PathBuf,
    committer: Signature,
    time_limit: Duration,
    output_limit: usize,
    config: Vec<(String, String)>,
    answers: Option<Arc<Answers>>,
}

impl Git {
    /// Creates a handle for a directory, which is a bare repository or the `.git` of a checkout. Does no I/O.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            committer: Signature { name: "hotfix".into(), email: "hotfix@localhost".into(), account: None },
            time_limit: Duration::from_secs(120),
            output_limit: 64 << 20,
            config: Vec::new(),
            answers: None,
        }
    }

    /// Sets the committer of the commits that are made here.
    #[must_use]
    pub fn committer(mut self, committer: Signature) -> Self {
        self.committer = committer;
        self
    }

    /// Sets the time limit of one git process.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets the maximum output of one git process, in bytes.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Adds a git setting, such as `http.extraHeader`. It is passed in the environment, because other users
    /// can read argv.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Sets the cache for immutable answers. Without it, every query starts a git process.
    #[must_use]
    pub(super) fn remembering(mut self, answers: Arc<Answers>) -> Self {
        self.answers = Some(answers);
        self
    }

    /// The directory that was given to [`Git::at`].
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Checks that the git on `PATH` is new enough, and returns its version. Meant to be called once, at startup.
    ///
    /// # Errors
    /// `Rejected` if git is missing or older than [`OLDEST_VERSION`].
    pub async fn check_version() -> Result<(u32, u32), Failure> {
        let answer = Self::at("/nonexistent").ask(["--version"]).stdout().await?;
        let text = String::from_utf8_lossy(&answer).trim().to_owned();
        newer_than_oldest(&text)
    }
}

/// Shows only the names of the settings, because their values may hold a token.
impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config: Vec<&str> = self.config.iter().map(|(key, _)| key.as_str()).collect();
        f.debug_struct("Git").field("directory", &self.directory).field("config", &config).finish_non_exhaustive()
    }
}

fn newer_than_oldest(text: &str) -> Result<(u32, u32), Failure> {
    let mut numbers = text.trim_start_matches("git version ").split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(Failure::rejected(format!(
            "git answered {text:?} when asked for its version; is that really git?"
        )));
    };
    if (major, minor) < OLDEST_VERSION {
        let (needed_major, needed_minor) = OLDEST_VERSION;
        return Err(Failure::rejected(format!(
            "this is git {major}.{minor}, and {needed_major}.{needed_minor} or newer is needed: older ones ignore merge \
             drivers in a bare repository and would merge a conflict silently. Install a newer git."
        )));
    }
    Ok((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(newer_than_oldest("git version 2.47.3"), Ok((2, 47)));
        assert_eq!(newer_than_oldest("git version 2.41.0.windows.1"), Ok((2, 41)));
        assert_eq!(newer_than_oldest("git version 3.0.0"), Ok((3, 0)));
        assert!(newer_than_oldest("git version 2.5.0").is_err_and(|f| f.reason().contains("git 2.5")));
        assert!(newer_than_oldest("git version 2.40.1").is_err());
        assert!(newer_than_oldest("jj 0.20").is_err());
    }

    #[test]
    fn a_token_is_not_in_the_debug_text() {
        let git = Git::at("/x").config("http.extraHeader", "Authorization: sesame");
        let text = format!("{git:?}");
        assert!(text.contains("http.extraHeader") && !text.contains("sesame"));
    }
}
