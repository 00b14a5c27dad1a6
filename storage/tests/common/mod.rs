//! Shared helpers: stores on disk that contain records of every kind, and their content as text for comparison.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hotfix_storage::conformance::{ManualClock, acquire, append, commit, seen, settle, work};
use hotfix_storage::embedded::Options;
use hotfix_storage::{
    ClaimRequest, Commit, CommitId, Cursor, Embedded, Journal, Queue, ReadError, Settlement, TimerChange, Timestamp,
};

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    ManualClock::at(Timestamp(1_790_000_000_000))
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        segment_bytes: 8000,
        reserve_bytes: 4096,
        checkpoint_every: 1000,
        cache_bytes: 1 << 20,
        probe_wait: Duration::from_secs(10),
        ..Options::new(directory, clock())
    }
}

/// Makes the commits `from..to`, which together use every feature of the journal: streams, queues,
/// timers, leases, settlements.
pub(crate) async fn fill(journal: &dyn Journal, from: usize, to: usize) {
    for n in from..to {
        let mut next = Commit { seen: seen(&format!("input {n}")), ..commit(&format!("commit {n}")) };
        next.append = vec![append(&format!("stream {}", n % 5), (n / 5) as u64, 1)];
        next.enqueue = vec![work(&format!("work {n}"), &format!("order {}", n % 3))];
        if n % 4 == 0 {
            next.timers = vec![TimerChange::Set(work(&format!("timer {n}"), "timer"))];
            next.leases = vec![acquire(&format!("lease {n}"), "me", None)];
        }
        let request = ClaimRequest { queues: vec![Queue::new("work")], max: 1, hold: Duration::from_secs(1) };
        if let Some(claimed) = journal.claim(request).await.unwrap().first() {
            let retry = Settlement::Retry { not_before: Timestamp(5), reason: format!("reason {n}") };
            next.settle = vec![settle(claimed, if n % 3 == 0 { retry } else { Settlement::Done })];
        }
        journal.commit(next).await.unwrap();
    }
}

/// Returns everything that can be read from a store with this many commits, as text.
pub(crate) async fn content(journal: &dyn Journal, commits: usize) -> Result<String, ReadError> {
    let mut text = format!("{:?}\n", journal.feed(Cursor::default(), usize::MAX).await?);
    for n in 0..5 {
        let stream = hotfix_storage::StreamId::new(format!("stream {n}"));
        text += &format!("{:?}\n", journal.stream(&stream, hotfix_storage::Version(0), usize::MAX).await?);
    }
    for n in 0..commits {
        text += &format!("{:?}\n", journal.outcome(&CommitId::new(format!("commit {n}"))).await?);
        let again = Commit { seen: seen(&format!("input {n}")), ..commit("again") };
        text += &format!("{:?}\n", journal.commit(again).await);
    }
    let unsettled = journal.unsettled().await?.into_iter();
    for view in unsettled {
        text += &format!(
            "{:?} {} {:?} {:?}\n",
            view.work,
            view.attempt,
            view.last_failure,
            matches!(view.state, hotfix_storage::WorkState::Dead { .. })
        );
    }
    text += &format!("{:?}\n", journal.leases().await?);
    Ok(text)
}

/// Creates a store with this many commits and closes it. Returns its content.
pub(crate) fn closed_store(directory: &Path, commits: usize) -> String {
    runtime().block_on(async {
        let store = Embedded::open(options(directory)).unwrap();
        fill(&store, 0, commits).await;
        let text = content(&store, commits).await.unwrap();
        store.close().await;
        text
    })
}

/// Creates a store as a killed process leaves it: a copy of the files of an open store. Returns its content.
pub(crate) fn killed_store(scratch: &Path, directory: &Path, commits: usize) -> String {
    runtime().block_on(async {
        let live = scratch.join("live");
        let store = Embedded::open(Options { checkpoint_every: commits as u64 / 2, ..options(&live) }).unwrap();
        fill(&store, 0, commits).await;
        let text = content(&store, commits).await.unwrap();
        copy(&live, directory);
        store.close().await;
        text
    })
}

/// Copies a store, including the file modes.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns all files below a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
