//! Getting what the mirror lacks. One fetch of a repository runs at a time; whoever had to wait for one that began after
//! they asked takes its result. A mirror is made beside its place and moved there whole, so that an interrupted start
//! leaves nothing behind that looks like a mirror.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io};

use tokio::sync::Mutex;

use super::{Git, Mirror, REMOTE};
use crate::failure::Failure;
use crate::forge::git::run::Answer;
use crate::ids::{CommitId, Repo};

/// Everything that a fetch brings: branches and tags as the forge has them, and none that it has no more.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// One repository's turn.
#[derive(Default)]
pub(super) struct Slot {
    /// Counts questions and fetches, so that one can be told to be later than the other.
    clock: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the last fetch that went well began.
    fetched: Option<u64>,
    /// Whether the last process that moves refs in the mirror ended by itself. Nothing is known of those of a former run.
    clean: bool,
}

impl Mirror {
    /// git on the mirror, which is there afterwards, however old.
    pub(super) async fn ready(&self, repo: &Repo) -> Result<Git, Failure> {
        let git = self.git(repo).await?;
        if !git.directory().join("HEAD").is_file() {
            let slot = self.slot(repo);
            let _turn = slot.state.lock().await;
            make(&git).await?;
        }
        Ok(git)
    }

    /// git on the mirror with all that the forge has now.
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

    /// git on the mirror with these commits in it, wherever on the forge they are: the head of a pull request need not be
    /// a branch any more.
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
            // Only a forge that says that it has no such commit has said so.
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

/// Puts the packs together once they are many: each fetch leaves one. Commits that no branch holds are kept, because one
/// may have been made a moment ago and be pushed in another. When this fails, the mirror is slower, not wrong.
async fn tidy(git: &Git) {
    let settings =
        [("gc.auto", "6700"), ("gc.autoDetach", "false"), ("gc.pruneExpire", "never"), ("gc.cruftPacks", "false")];
    let git = settings.into_iter().fold(git.clone(), |git, (key, value)| git.config(key, value));
    if let Err(failure) = git.ask(["gc", "--auto", "--quiet"]).stdout().await {
        tracing::warn!(mirror = %git.directory().display(), %failure, "the mirror was not tidied");
    }
}

async fn fetch(git: &Git, options: &[&str], what: &[&str]) -> Result<Answer, Failure> {
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

/// Makes an empty mirror, unless somebody else just has.
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

/// File work, off the threads that everybody shares.
async fn aside(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Removes the lock files of a git that was killed. Nobody else has this folder, and it is our turn.
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
