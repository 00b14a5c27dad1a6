//! Benchmark of the embedded journal on this machine. Prints a Markdown table.
//!
//! `cargo bench -p hotfix-storage --bench journal -- [events] [directory]`: the number of events in the large store
//! (default 1,000,000), and the directory for the stores (default a temporary one). The results depend on the disk
//! of that directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotfix_storage::{
    Append, Commit, CommitId, DedupeKey, Embedded, Expected, Journal, StreamId, SystemClock,
    embedded::{Disk, MachineDisk, Options},
};
use serde_json::value::RawValue;

/// Duration of each rate measurement.
const SPAN: Duration = Duration::from_secs(3);

/// Environment variable with the store's path; set for the child processes that only open a store.
const CHILD: &str = "JOURNAL_BENCH_OPEN";

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    if let Some(path) = std::env::var_os(CHILD) {
        return open_and_wait(Path::new(&path));
    }
    let events: usize = arguments.next().map_or(1_000_000, |text| text.parse().expect("a number of events"));
    let scratch = tempfile::tempdir().unwrap();
    let directory = arguments.next().map_or(scratch.path().to_owned(), PathBuf::from).join("journal-bench");
    fs::create_dir_all(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();

    println!("| disk | tasks | raw append + fdatasync a second | commits a second | of raw | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|---|");
    let disks: [(&str, Arc<dyn Disk>); 2] = [("this one", Arc::new(MachineDisk)), ("1 ms a sync", Arc::new(SlowDisk))];
    for (name, disk) in disks {
        for tasks in [1, 16, 256] {
            let before = raw(&*disk, &directory.join("raw"), tasks);
            let path = directory.join(format!("rate-{tasks}"));
            let (rate, p50, p99) = runtime.block_on(rate(disk.clone(), &path, tasks));
            // Disk speed varies over time, so the raw rate is measured before and after the journal's.
            let raw = f64::midpoint(before, raw(&*disk, &directory.join("raw"), tasks));
            let (share, p50, p99) = (rate / raw, ms(p50), ms(p99));
            println!("| {name} | {tasks} | {raw:.0} | {rate:.0} | {share:.2} | {p50:.2} | {p99:.2} |");
            fs::remove_dir_all(path).unwrap();
        }
    }

    let path = directory.join("large");
    let filled = Instant::now();
    runtime.block_on(fill(&path, events));
    println!("\nfilled with {events} events in {:.1} s", filled.elapsed().as_secs_f64());
    println!("journal {} MiB, index {} MiB\n", size(&path.join("journal")) >> 20, size(&path.join("index")) >> 20);
    println!("| opening {events} events | seconds | peak memory, MiB |\n|---|---|---|");
    // Each process that opens the store is killed, so the second one finds the files of a killed process.
    opening("after a clean close", &path);
    opening("after a kill", &path);
    fs::remove_dir_all(path.join("index")).unwrap();
    opening("index deleted", &path);
    fs::remove_dir_all(&directory).unwrap();
}

/// Measures opening the store in a child process, so that the peak memory is its own. Kills the child.
fn opening(name: &str, path: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.env(CHILD, path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut row = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut row).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    println!("| {name} | {}", row.trim());
}

fn open_and_wait(path: &Path) {
    let started = Instant::now();
    let _store = Embedded::open(options(path)).unwrap();
    println!("{:.2} | {} |", started.elapsed().as_secs_f64(), memory("VmHWM") >> 10);
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn options(path: &Path) -> Options {
    Options::new(path, Arc::new(SystemClock))
}

fn commit(task: usize, n: usize) -> Commit {
    let id = format!("{task:03}-{n:08}-{:016x}", (n as u64 ^ (task as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let event = format!(
        "{{\"kind\":\"step_finished\",\"step\":\"deploy\",\"by\":\"U{n:08}\",\"note\":\"{}\"}}",
        "x".repeat(120)
    );
    let mut commit = Commit::new(CommitId::new(&id));
    commit.seen = Some(DedupeKey::new(format!("delivery {id}")));
    let stream = StreamId::new(format!("run {task:03}-{:06}", n / 50));
    let events = vec![RawValue::from_string(event).unwrap()];
    commit.append = vec![Append { stream, expected: Expected::Any, events }];
    commit
}

/// This machine's disk with syncs of at least 1 ms, as on a common disk: virtual disks often answer them from memory.
struct SlowDisk;

impl Disk for SlowDisk {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        MachineDisk.write(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let started = Instant::now();
        MachineDisk.sync(file)?;
        std::thread::sleep(Duration::from_millis(1).saturating_sub(started.elapsed()));
        Ok(())
    }
}

/// Measures commits per second and the p50 and p99 latency, with `tasks` tasks that each commit in sequence.
async fn rate(disk: Arc<dyn Disk>, path: &Path, tasks: usize) -> (f64, Duration, Duration) {
    let store = Arc::new(Embedded::open(Options { disk, ..options(path) }).unwrap());
    let started = Instant::now();
    let work = (0..tasks).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < SPAN {
                let commit = commit(task, took.len());
                let begun = Instant::now();
                store.commit(commit).await.unwrap();
                took.push(begun.elapsed());
            }
            took
        })
    });
    let mut all = Vec::new();
    for task in work.collect::<Vec<_>>() {
        all.extend(task.await.unwrap());
    }
    let rate = all.len() as f64 / started.elapsed().as_secs_f64();
    store.close().await;
    all.sort_unstable();
    (rate, all[all.len() / 2], all[all.len() * 99 / 100])
}

/// Measures the raw speed of the disk: lines per second, with one write and one sync per `group` lines.
fn raw(disk: &dyn Disk, path: &Path, group: usize) -> f64 {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let line = vec![b'x'; 560 * group];
    let (started, mut groups) = (Instant::now(), 0);
    while started.elapsed() < SPAN / 2 {
        file.write_all(&line).unwrap();
        disk.sync(&file).unwrap();
        groups += 1;
    }
    let rate = f64::from(groups) * group as f64 / started.elapsed().as_secs_f64();
    fs::remove_file(path).unwrap();
    rate
}

/// Fills a store with about `events` events, ten per commit, at full speed.
async fn fill(path: &Path, events: usize) {
    const TASKS: usize = 128;
    let store = Arc::new(Embedded::open(options(path)).unwrap());
    let work = (0..TASKS).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..(events / TASKS).div_ceil(10) {
                let mut commit = commit(task, n);
                let event = commit.append[0].events[0].clone();
                commit.append[0].events = vec![event; 10];
                store.commit(commit).await.unwrap();
            }
        })
    });
    for task in work.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    store.close().await;
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// Returns a memory value from `/proc/self/status`, in KiB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { size(&path) } else { File::open(path).unwrap().metadata().unwrap().len() })
        .sum()
}
