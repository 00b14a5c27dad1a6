//! Benchmark of a hotfix's git operations on a repository of 40,000 commits. Prints a Markdown table.
//!
//! `cargo bench -p hotfix-adapters --bench git`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotfix_adapters::forge::git::{Git, MergeInput};
use hotfix_adapters::forge::{Change, Containment, MergeMethod, Pick, Picked};
use hotfix_adapters::ids::CommitId;
use jiff::Timestamp;

const COMMITS: usize = 40_000;
const FILES: usize = 4_000;
/// Returns a time after the whole history: with an earlier one, git would walk all of it.
fn now() -> Timestamp {
    Timestamp::from_second(1_600_000_000).unwrap()
}

/// Number of commits that production is behind `main`.
const BEHIND: usize = 500;
const ROUNDS: usize = 30;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("large.git");
    let begun = Instant::now();
    generate(&directory);
    println!("{COMMITS} commits, {FILES} files, made in {:.1} s; median of {ROUNDS}\n", begun.elapsed().as_secs_f64());
    println!("| what | ms |\n|---|---:|");
    let bench = Bench { git: Git::at(&directory), main: id(&directory, "main"), directory: directory.clone() };
    bench.picks().await;
    bench.containment().await;
    bench.ranges().await;
    row("`worktree add` + `cherry-pick -x`, for comparison", &[by_checkout(&bench)]);
}

struct Bench {
    git: Git,
    main: CommitId,
    directory: std::path::PathBuf,
}

impl Bench {
    fn back(&self, n: usize) -> CommitId {
        id(&self.directory, &format!("main~{n}"))
    }

    async fn picks(&self) {
        let prod = self.back(BEHIND);
        let mut times = Vec::new();
        for n in 0..ROUNDS {
            let pick = Pick { onto: prod.clone(), source: self.back(n), at: now(), trace: true };
            let begun = Instant::now();
            let made = self.git.pick(&pick).await.unwrap();
            times.push(begun.elapsed());
            assert!(matches!(made, Picked::Commit(_)), "{made:?}");
        }
        row("cherry-pick onto production", &times);
        let mut times = Vec::new();
        for n in 0..ROUNDS {
            let request = MergeInput {
                base: self.back(n),
                head: id(&self.directory, "fix"),
                method: MergeMethod::Merge,
                message: "Merge\n".into(),
                at: now(),
            };
            let begun = Instant::now();
            self.git.merge(&request).await.unwrap();
            times.push(begun.elapsed());
        }
        row("merge of the hotfix into main", &times);
    }

    async fn containment(&self) {
        let prod = self.back(BEHIND);
        let onto = |at| Pick { onto: prod.clone(), source: self.back(7), at, trace: true };
        let Picked::Commit(picked) = self.git.pick(&onto(now())).await.unwrap() else { panic!() };
        let fix = id(&self.directory, "fix");
        let old = self.back(COMMITS - 100);
        let of = |base: &CommitId, head: &CommitId| Change { base: base.clone(), head: head.clone() };
        self.contains("by ancestry, 500 commits later", &of(&self.back(BEHIND + 1), &prod), &self.main).await;
        self.contains("by ancestry, 39,900 commits later", &of(&self.back(COMMITS - 99), &old), &self.main).await;
        self.contains("by patch: main's fix on the hotfix branch", &of(&self.back(8), &self.back(7)), &picked).await;
        self.contains("by patch: the hotfix on main, 500 apart", &of(&prod, &picked), &self.main).await;
        self.contains("missing, 500 apart", &of(&prod, &fix), &self.main).await;
        let pick = Pick { onto: old.clone(), source: self.back(7), at: now(), trace: true };
        if let Picked::Commit(far) = self.git.pick(&pick).await.unwrap() {
            self.contains("39,900 apart", &of(&old, &far), &self.main).await;
        }
    }

    async fn contains(&self, what: &str, change: &Change, tip: &CommitId) {
        let mut times = Vec::new();
        let mut answer = Containment::Ancestor;
        for _ in 0..ROUNDS / 3 {
            let begun = Instant::now();
            answer = self.git.containment(change, tip).await.unwrap();
            times.push(begun.elapsed());
        }
        let answer = format!("{answer:?}").split([' ', '{']).next().unwrap_or_default().to_lowercase();
        row(&format!("containment {what} → {answer}"), &times);
    }

    async fn ranges(&self) {
        let prod = self.back(BEHIND);
        let (mut between, mut size) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            assert_eq!(self.git.between(&prod, &self.main, 100).await.unwrap().total, BEHIND);
            between.push(begun.elapsed());
            let begun = Instant::now();
            self.git.size(&prod, &self.main).await.unwrap();
            size.push(begun.elapsed());
        }
        row("the 100 oldest of 500 commits between", &between);
        row("size of the difference of 500 commits", &size);
    }
}

fn row(what: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort();
    println!("| {what} | {:.1} |", times[times.len() / 2].as_secs_f64() * 1000.0);
}

fn by_checkout(bench: &Bench) -> Duration {
    let place = bench.directory.with_file_name("checkout");
    let begun = Instant::now();
    git(
        &bench.directory,
        &["worktree", "add", "--quiet", "--detach", place.to_str().unwrap(), &format!("main~{BEHIND}")],
    );
    git(&place, &["cherry-pick", "-x", "main"]);
    begun.elapsed()
}

fn git(directory: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn id(directory: &Path, name: &str) -> CommitId {
    CommitId::parse(git(directory, &["rev-parse", name]).trim()).unwrap()
}

/// Creates the repository: `main` with one change per commit, and `fix` with one commit on top of production.
fn generate(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    git(directory, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = std::io::BufWriter::new(child.stdin.take().unwrap());
    for n in 1..=COMMITS {
        // The first commits create the files; each later one changes one line of one file.
        let file = if n <= FILES { n - 1 } else { (n * 7919) % FILES };
        stdin.write_all(commit("main", n, file, n, &format!("Change {n}")).as_bytes()).unwrap();
        if n == COMMITS - BEHIND {
            let from = format!("from refs/heads/main\n{}", change(1, n + 1_000_000));
            let data = format!("commit refs/heads/fix\ncommitter Ada <a@b> 1550000000 +0000\ndata 3\nFix\n{from}\n");
            stdin.write_all(data.as_bytes()).unwrap();
        }
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
    git(directory, &["repack", "-adq", "--write-bitmap-index"]);
}

fn commit(branch: &str, n: usize, file: usize, seed: usize, message: &str) -> String {
    let who = format!("committer Ada <ada@example.org> {} +0000", 1_500_000_000 + n * 600);
    format!("commit refs/heads/{branch}\n{who}\ndata {}\n{message}\n{}\n", message.len(), change(file, seed))
}

fn change(file: usize, seed: usize) -> String {
    let mut text = String::new();
    for line in 0..30 {
        let value = if line == seed % 30 { seed } else { file };
        writeln!(text, "line {line} says {value} of this file").unwrap();
    }
    format!("M 100644 inline src/module{:02}/part{}/file{file}.rs\ndata {}\n{text}", file % 40, file % 7, text.len())
}
