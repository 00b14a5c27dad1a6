//! A process that is killed with SIGKILL during commits: every acknowledged commit is still there, once and in order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{options, runtime};
use hotfix_storage::conformance::{append, commit};
use hotfix_storage::embedded::{Options, verify};
use hotfix_storage::{Commit, Embedded, Expected, Journal, StreamId, Version};

const CHILD: &str = "STORE_TO_BE_KILLED";

fn killable(directory: &Path) -> Options {
    Options { checkpoint_every: 9, segment_bytes: 3000, ..options(directory) }
}

/// The child process. Commits until it is killed, and prints a line for each acknowledged commit.
fn child(directory: &Path) {
    let store = Embedded::open(killable(directory)).unwrap();
    runtime().block_on(async {
        let first = store.health().await.seq.0;
        for n in first.. {
            let one = |task: u64| {
                let mut append = append(&format!("stream {task}"), 0, 1);
                append.expected = Expected::Any;
                store.commit(Commit { append: vec![append], ..commit(&format!("{n}.{task}")) })
            };
            for receipt in <[_; 3]>::from(tokio::join!(one(0), one(1), one(2))) {
                let receipt = receipt.unwrap();
                println!("ack {} {}", receipt.versions[0].0, receipt.versions[0].1);
            }
        }
    });
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(directory) = std::env::var_os(CHILD).map(PathBuf::from) {
        return child(&directory);
    }
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("store");
    let mut acknowledged = [0; 3];
    for kill in 1..=12 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "what_was_acknowledged_survives_a_kill", "--nocapture"]).env(CHILD, &directory);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let note = |line: String, acknowledged: &mut [u64; 3]| {
            let Some(words) = line.strip_prefix("ack stream ") else {
                return false;
            };
            let (stream, version) = words.split_once(' ').unwrap();
            acknowledged[stream.parse::<usize>().unwrap()] = version.parse().unwrap();
            true
        };
        let mut heard = 0;
        while heard < kill * 7 {
            heard += usize::from(note(lines.next().expect("the child runs until it is killed"), &mut acknowledged));
        }
        child.kill().unwrap();
        // Lines that were printed before the kill count too. The last one may be incomplete.
        let rest: Vec<String> = lines.collect();
        for line in rest.into_iter().rev().skip(1).rev() {
            note(line, &mut acknowledged);
        }
        child.wait().unwrap();
        if kill % 3 == 0 {
            verify(&directory).unwrap();
        }
        let store = Embedded::open(killable(&directory)).unwrap();
        for (stream, acknowledged) in acknowledged.iter().enumerate() {
            let stream = StreamId::new(format!("stream {stream}"));
            let records = runtime().block_on(store.stream(&stream, Version(0), usize::MAX)).unwrap();
            assert!(records.len() as u64 >= *acknowledged, "{} records of {acknowledged}", records.len());
            assert!(records.iter().zip(1..).all(|(record, version)| record.version == Version(version)));
        }
    }
}
