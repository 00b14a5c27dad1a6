//! Fetching into a mirror. At most one fetch of a repository runs at a time; a caller that waited while a fetch started
//! after its request reuses that result. A mirror is created beside its final folder and renamed, so that an
//! interrupted start leaves no incomplete mirror.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use tokio::sync::Mutex;

use super::{Git, Mirror, REMOTE};
use crate::failure::Failure;
use crate::forge::git::run::GitOutput;
use crate::ids::{CommitId, Repo};

/// Refspecs of a fetch: all branches and tags; with `--prune`, those that the forge has deleted are removed.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The lock and fetch state of one repository.
#[derive(Default)]
pub(super) struct Slot {
    /// Logical clock that orders requests and fetches.
    clock: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Clock value at the start of the last successful fetch.
    fetched: Option<u64>,
    /// `true` if the last fetch ended without being killed. `false` at startup, because nothing is known
    /// about earlier processes.
    clean: bool,
}

impl Mirror {
    /// Returns a handle for a mirror, which is created if missing and may be outdated.
    pub(super) async fn ready(&self, repo: &Repo) -> Result<Git, Failure> {
        let git = self.git(repo).await?;
        if !git.directory().join("HEAD").is_file() {
            let slot = self.slot(repo);
            let _turn = slot.state.lock().await;
            make(&git).await?;
        }
        Ok(git)
    }

    /// Returns a handle for a mirror that was fetched after this call began.
    pub(super) async fn fresh(&self, repo: &Repo) -> Result<Git, Failure> {
        let git = self.ready(repo).await?;
        let slot = self.slot(repo);
        let asked = slot.clock.fetch_add(1, Ordering::SeqCst);
        let mut state = slot.state.lock().await;
        if state.fetched.is_some_and(|begun| begun > asked) {
            return Ok(git);
        }
        if !state.clean {
            let place = git.directory().to_owned();
            let removed = aside(move || remove_locks(&place)).await;
            removed
                .map_err(|error| Failure::rejected(format!("cannot tidy {}: {error}", git.directory().display())))?;
        }
        state.clean = false;
        let begun = slot.clock.fetch_add(1, Ordering::SeqCst);
        let answer = fetch(&git, &["--prune", "--force"], &REFSPECS).await?;
        state.clean = true;
        if answer.code != 0 {
            return Err(git.failure("fetch", &answer));
        }
        state.fetched = Some(begun);
        tidy(&git).await;
        Ok(git)
    }

    /// Returns a handle for a mirror that contains these commits, wherever they are on the forge: the head of a pull
    /// request may no longer be on a branch.
    pub(super) async fn with(&self, repo: &Repo, commits: &[&CommitId]) -> Result<Git, Failure> {
        let git = self.ready(repo).await?;
        if missing(&git, commits).await?.is_empty() {
            return Ok(git);
        }
        let git = self.fresh(repo).await?;
        for commit in missing(&git, commits).await? {
            let slot = self.slot(repo);
            let _turn = slot.state.lock().await;
            let answer = fetch(&git, &[], &[commit.as_str()]).await?;
            // Only these messages prove that the forge does not have the commit.
            let unknown = ["not our ref", "no such remote ref", "couldn't find remote ref", "unadvertised object"];
            if answer.code != 0 && unknown.iter().any(|words| answer.complaint.contains(words)) {
                return Err(self.no_commit(repo, commit));
            }
            if answer.code != 0 {
                return Err(git.failure("fetch", &answer));
            }
        }
        match missing(&git, commits).await?.first() {
            None => Ok(git),
            Some(commit) => Err(self.no_commit(repo, commit)),
        }
    }

    fn no_commit(&self, repo: &Repo, commit: &CommitId) -> Failure {
        let url = self.url(repo);
        Failure::rejected(format!("{commit} is not a commit at {url} (any more). Push it there, then try again."))
    }
}

/// Repacks once there are many packs: each fetch leaves one. Unreachable commits are kept, because one may have just
/// been made and is about to be pushed. A failure makes the mirror slower, not wrong.
async fn tidy(git: &Git) {
    let settings =
        [("gc.auto", "6700"), ("gc.autoDetach", "false"), ("gc.pruneExpire", "never"), ("gc.cruftPacks", "false")];
    let git = settings.into_iter().fold(git.clone(), |git, (key, value)| git.config(key, value));
    if let Err(failure) = git.ask(["gc", "--auto", "--quiet"]).stdout().await {
        tracing::warn!(mirror = %git.directory().display(), %failure, "the mirror was not tidied");
    }
}

async fn fetch(git: &Git, options: &[&str], what: &[&str]) -> Result<GitOutput, Failure> {
    let mut args = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"];
    args.push("--filter=blob:none");
    args.extend(options);
    args.extend(["--end-of-options", REMOTE]);
    args.extend(what);
    git.ask(args).run().await
}

async fn missing<'a>(git: &Git, commits: &[&'a CommitId]) -> Result<Vec<&'a CommitId>, Failure> {
    let names: Vec<&str> = commits.iter().map(|id| id.as_str()).collect();
    let there = git.commits_if_there(&names).await?;
    Ok(commits.iter().copied().filter(|id| !there.contains_key(id.as_str())).collect())
}

/// Creates an empty mirror, unless it already exists.
async fn make(git: &Git) -> Result<(), Failure> {
    let place = git.directory();
    if place.join("HEAD").is_file() {
        return Ok(());
    }
    let new = place.with_extension("new");
    let (leftovers, trouble) = ([new.clone(), place.to_owned()], |error: io::Error| {
        let place = place.display();
        Failure::rejected(format!("cannot make the mirror {place}: {error}. The bot needs to own that folder."))
    });
    aside(move || leftovers.iter().try_for_each(|leftover| remove(leftover))).await.map_err(trouble)?;
    let start = Git { directory: new.clone(), ..git.clone() };
    start.ask(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]).offline().stdout().await?;
    let to = place.to_owned();
    aside(move || fs::rename(&new, &to)).await.map_err(trouble)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Runs file operations on a blocking thread.
async fn aside(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Removes the lock files of a git process that was killed. This process owns the folder and holds the slot, so no lock
/// is in use.
fn remove_locks(place: &Path) -> io::Result<()> {
    for name in ["packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock"] {
        let _ = fs::remove_file(place.join(name));
    }
    let mut folders = vec![place.join("refs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "lock") {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}
