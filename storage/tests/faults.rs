//! Disk faults: every acknowledged commit is still there afterwards, and nothing is acknowledged after a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{options, runtime};
use hotfix_storage::conformance::{append, commit, seen};
use hotfix_storage::embedded::{Disk, MachineDisk, OpenError, Options};
use hotfix_storage::{Commit, CommitError, CommitId, Cursor, Embedded, Journal, Receipt};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The n-th write fails without writing anything.
    Write(io::ErrorKind),
    /// The n-th write and all later ones fail: the disk stays full.
    Full,
    /// The n-th write writes half of the bytes, and the next one fails.
    Short,
    /// The n-th sync fails, although all bytes were written.
    Sync,
}

/// A disk that fails at call number `at` of the fault's kind, counted from 1.
struct FaultyDisk {
    fault: Fault,
    at: usize,
    writes: AtomicUsize,
    syncs: AtomicUsize,
}

impl FaultyDisk {
    fn new(fault: Fault, at: usize) -> Arc<Self> {
        Arc::new(Self { fault, at, writes: AtomicUsize::new(0), syncs: AtomicUsize::new(0) })
    }

    fn count(&self) -> usize {
        let counter = if self.fault == Fault::Sync { &self.syncs } else { &self.writes };
        counter.load(Ordering::SeqCst)
    }
}

impl Disk for FaultyDisk {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        let call = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault {
            Fault::Write(kind) if call == self.at => Err(kind.into()),
            Fault::Full if call >= self.at => Err(io::ErrorKind::StorageFull.into()),
            Fault::Short if call == self.at => MachineDisk.write(file, &bytes[..bytes.len().div_ceil(2)]),
            Fault::Short if call == self.at + 1 => Err(io::ErrorKind::Other.into()),
            Fault::Write(_) | Fault::Full | Fault::Short | Fault::Sync => MachineDisk.write(file, bytes),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let call = self.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        if self.fault == Fault::Sync && call == self.at {
            Err(io::Error::from_raw_os_error(5))
        } else {
            MachineDisk.sync(file)
        }
    }
}

/// Results of the commits, as reported to the callers.
#[derive(Default)]
struct Told {
    made: Vec<(CommitId, Receipt)>,
    unknown: Vec<CommitId>,
    refused: Vec<CommitId>,
}

/// Commits in groups of four. Continues after the disk has failed.
async fn work(store: &Embedded, told: &mut Told) {
    for group in 0..5 {
        let one = |n: usize| {
            let id = format!("commit {group}.{n}");
            // The last commit of each group repeats an input: its refusal must not precede the commit that
            // it refers to.
            let input = format!("input {group}.{}", n.min(2));
            store.commit(Commit { seen: seen(&input), append: vec![append(&id, 0, 1)], ..commit(&id) })
        };
        let answers = tokio::join!(one(0), one(1), one(2), one(3));
        for (n, answer) in [answers.0, answers.1, answers.2, answers.3].into_iter().enumerate() {
            let id = CommitId::new(format!("commit {group}.{n}"));
            let failed_before = !told.unknown.is_empty();
            match answer {
                Ok(receipt) => {
                    assert!(!failed_before, "a commit was acknowledged after a failure");
                    told.made.push((id, receipt));
                }
                Err(CommitError::AlreadySeen(first)) => {
                    assert!(told.made.iter().any(|(_, receipt)| *receipt == first), "seen, but not acknowledged");
                }
                Err(CommitError::Unknown(unknown)) => {
                    assert_eq!(unknown, id);
                    told.unknown.push(id);
                }
                Err(CommitError::Fatal(reason)) => {
                    assert!(!reason.is_empty());
                    told.refused.push(id);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Works on a disk that fails, then opens the store again on a healthy one and checks it. Returns the number of calls
/// of the fault's kind, and `true` if the store opened on the failing disk.
fn run(directory: &Path, fault: Fault, at: usize) -> (usize, bool) {
    let disk = FaultyDisk::new(fault, at);
    let mut told = Told::default();
    let faulty = Options { disk: disk.clone(), checkpoint_every: 8, segment_bytes: 2000, ..options(directory) };
    let opened = runtime().block_on(async {
        let store = match Embedded::open(faulty) {
            Ok(store) => store,
            Err(OpenError::Io { .. }) => return false,
            Err(error) => panic!("{error}"),
        };
        work(&store, &mut told).await;
        if !told.unknown.is_empty() || !told.refused.is_empty() {
            assert!(store.health().await.poisoned.is_some());
            assert!(store.outcome(&CommitId::new("x")).await.is_err(), "a poisoned store knows no outcomes");
            assert!(store.unsettled().await.is_err());
        }
        store.close().await;
        true
    });
    let store = Embedded::open(options(directory)).unwrap_or_else(|error| panic!("{fault:?} at {at}: {error}"));
    runtime().block_on(async {
        let feed = store.feed(Cursor::default(), usize::MAX).await.unwrap();
        for (id, receipt) in &told.made {
            assert_eq!(store.outcome(id).await.unwrap().as_ref(), Some(receipt), "{fault:?} at {at} lost {id}");
            assert_eq!(feed.iter().filter(|record| record.stream.as_str() == id.as_str()).count(), 1);
        }
        for id in &told.refused {
            assert_eq!(store.outcome(id).await.unwrap(), None, "{fault:?} at {at}: {id} was refused and is there");
        }
        let mut there = 0;
        for id in &told.unknown {
            there += usize::from(store.outcome(id).await.unwrap().is_some());
        }
        assert_eq!(feed.len(), told.made.len() + there);
        store.commit(commit("afterwards")).await.unwrap();
    });
    (disk.count(), opened)
}

#[test]
fn every_call_that_can_fail_fails_once() {
    let kinds = [Fault::Write(io::ErrorKind::Other), Fault::Full, Fault::Short, Fault::Sync];
    for fault in kinds {
        let mut at = 1;
        let mut opened_once = false;
        loop {
            let scratch = tempfile::tempdir().unwrap();
            let (calls, opened) = run(&scratch.path().join("store"), fault, at);
            opened_once |= opened;
            if calls < at {
                break;
            }
            at += 1;
        }
        assert!(opened_once && at > 12, "{fault:?} failed at {at} calls only");
    }
}

#[test]
fn a_full_disk_gives_up_the_reserve() {
    let scratch = tempfile::tempdir().unwrap();
    let store = scratch.path().join("store");
    drop(Embedded::open(options(&store)).unwrap());
    assert!(store.join("reserve").exists());
    // Full at the first write only: opening frees the reserve and retries.
    let disk = FaultyDisk::new(Fault::Write(io::ErrorKind::StorageFull), 1);
    drop(Embedded::open(Options { disk, ..options(&store) }).unwrap());
    // Full permanently: the reserve is freed, the error names the cause, and no data is lost.
    let disk = FaultyDisk::new(Fault::Full, 1);
    let error = Embedded::open(Options { disk, ..options(&store) }).err().unwrap();
    assert!(matches!(&error, OpenError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull), "{error}");
    assert!(!store.join("reserve").exists());
    drop(Embedded::open(options(&store)).unwrap());
}
