//! Benchmark of slash commands: throughput and latency, compared with an app on `@slack/bolt` that stores each command
//! in SQLite. `cargo bench -p hotfix-tests --bench ingress` prints the tables for tests/benches/README.md after about three minutes.
//!
//! Both contenders acknowledge a command only when it is durable. Both are killed after each measurement, and must have
//! kept every command that they acknowledged. They take turns on the same disk under the same load: first on the
//! unmodified disk, then with every sync slowed down to a millisecond (see `slow_disk.c`). The load runs on the same
//! machine. `cargo bench` builds in the release profile, and [`hotfix_tests::program`] builds the bot in the profile of
//! the bench.
#![allow(clippy::print_stdout)]

mod contender;
mod load;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use contender::{Contender, Who, built};
use load::{Load, back_to_back, offered};

/// The numbers of concurrent connections.
const CONNECTIONS: [usize; 3] = [1, 16, 128];
/// Offered commands per second, and the number of connections that carry them.
const OFFERED: (u32, usize) = (1_000, 32);
/// Idle time of a process before its memory is read.
const IDLE: Duration = Duration::from_secs(1);

fn main() {
    built();
    let slow = slow_disk();
    // A single thread: the load must not occupy both cores of a small machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // Fail early if bolt is not installed.
        drop(Contender::start(Who::Bolt, None).await);
        let own = format!("this one, {:.2} ms a sync", sync_ms());
        let disks = [(own.as_str(), None), ("1 ms a sync", Some(slow.as_path()))];
        println!("| disk | connections | | commands a second | p50 ms | p99 ms | p99.9 ms | after 3 s |");
        println!("|---|---|---|---|---|---|---|---|");
        let mut loaded = Vec::new();
        for (name, disk) in disks {
            for connections in CONNECTIONS {
                let ours = point(Who::Hotfix, disk, Some(connections)).await;
                let theirs = point(Who::Bolt, disk, Some(connections)).await;
                let times = ours.load.rate / theirs.load.rate;
                row(&format!("{name} | {connections} | hotfix, {times:.1} times bolt"), &ours.load);
                row(&format!("{name} | {connections} | bolt"), &theirs.load);
                loaded.extend([(disk, ours), (disk, theirs)]);
            }
        }
        for (name, disk) in disks {
            for who in Who::BOTH {
                let point = point(who, disk, None).await;
                row(&format!("{name} | {} offered a second | {}", OFFERED.0, who.name()), &point.load);
            }
        }
        println!("\n| | hotfix | bolt |\n|---|---|---|");
        told("memory, idle", &loaded, |points| format!("{:.1} MiB", most(points.iter().map(|point| point.idle_mib))));
        told("memory, the most under load", &loaded, |points| {
            format!("{:.1} MiB", most(points.iter().map(|point| point.peak_mib)))
        });
        told("from the start of the process to the first durable acknowledgement", &loaded, |points| {
            let spans = || points.iter().map(|point| point.first_ack.as_secs_f64() * 1e3);
            format!("{:.0} ms to {:.0} ms", spans().fold(f64::MAX, f64::min), most(spans()))
        });
    });
}

/// The measurements of one process.
struct Point {
    who: Who,
    load: Load,
    idle_mib: f64,
    peak_mib: f64,
    first_ack: Duration,
}

/// Measures a fresh process, with back-to-back commands over these connections, or with the offered load if `None`.
async fn point(who: Who, disk: Option<&Path>, connections: Option<usize>) -> Point {
    let contender = Contender::start(who, disk).await;
    tokio::time::sleep(IDLE).await;
    let idle_mib = contender.memory("VmRSS");
    let load = match connections {
        Some(connections) => back_to_back(&contender.typist, who.next(), connections).await,
        None => offered(&contender.typist, who.next(), OFFERED.0, OFFERED.1).await,
    };
    if disk.is_some() && connections == Some(1) {
        assert!(load.within(0.5) >= 1.0, "{}: the slow disk is not slow, so nothing is made durable by it", who.name());
    }
    let (peak_mib, first_ack) = (contender.memory("VmHWM"), contender.first_ack);
    let kept = contender.killed().await;
    assert!(kept >= load.acknowledged, "{} lost {} of {}", who.name(), load.acknowledged - kept, load.acknowledged);
    Point { who, load, idle_mib, peak_mib, first_ack }
}

fn row(name: &str, load: &Load) {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| load.within(share));
    println!("| {name} | {:.0} | {p50:.2} | {p99:.2} | {p999:.2} | {} |", load.rate, load.late());
}

/// Prints a row of values on the unmodified disk, over all loads.
fn told(name: &str, points: &[(Option<&Path>, Point)], tell: impl Fn(&[&Point]) -> String) {
    let of = |who| {
        let all = points.iter().filter(|(disk, point)| disk.is_none() && point.who == who);
        tell(&all.map(|(_, point)| point).collect::<Vec<_>>())
    };
    println!("| {name} | {} | {} |", of(Who::Hotfix), of(Who::Bolt));
}

fn most(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, f64::max)
}

/// Builds the preloaded library that slows the disk down, and returns its path.
fn slow_disk() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ingress/slow_disk.c");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slow_disk.so");
    let built_by = Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&built).arg(&source).status();
    assert!(built_by.expect("a C compiler: install gcc").success(), "{} cannot be built", source.display());
    built
}

/// Returns the median time of a small durable write, in milliseconds.
fn sync_ms() -> f64 {
    let mut file: File = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    let mut took: Vec<Duration> = (0..500)
        .map(|_| {
            file.write_all(&[b'x'; 560]).expect("it is written");
            let began = Instant::now();
            file.sync_data().expect("it is durable");
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1e3
}
