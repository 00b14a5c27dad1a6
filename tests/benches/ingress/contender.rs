//! The two contenders, each a process in a fresh folder on the same disk: `hotfix serve` with the chat over HTTP, and
//! the app in `clients/bolt_bench.js`. Both are killed at the end, and the commands that they kept are counted.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use hotfix_fakes::slack::{BOT_TOKEN, SIGNING_SECRET};
use hotfix_tests::program::program;
use hotfix_tests::room::CHANNEL;
use hotfix_tests::slack::Workspace;
use hotfix_tests::stage::Stage;
use hotfix_tests::world::{Options, Talk};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::load::{Line, Typist, Words};

/// The app under measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Hotfix,
    Bolt,
}

impl Who {
    pub(crate) const BOTH: [Self; 2] = [Self::Hotfix, Self::Bolt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hotfix => "hotfix",
            Self::Bolt => "bolt",
        }
    }

    /// Returns the first command, which takes a lane.
    fn first(self) -> Words {
        let answered = if self == Self::Hotfix { "is locked" } else { "Taken as" };
        Words { typed: "lock payments/staging --ttl 2h a benchmark", answered }
    }

    /// Returns every later command, which renews the lease on the lane. It is the cheapest command that changes state,
    /// so that it must be made durable: the bot parses it, resolves the user and the role, and commits the new end of
    /// the lease with an event. It posts no message, so that the ingress alone is measured.
    pub(crate) fn next(self) -> Words {
        let answered = if self == Self::Hotfix { "is renewed" } else { "Taken as" };
        Words { typed: "renew payments/staging", answered }
    }
}

/// A running contender.
pub(crate) struct Contender {
    who: Who,
    child: Child,
    folder: TempDir,
    // The bot looks up the user here.
    _workspace: Workspace,
    /// The user who sends commands, and the address to send them to.
    pub(crate) typist: Arc<Typist>,
    /// Time from the start of the process to the first acknowledgement. The command was durable by then.
    pub(crate) first_ack: Duration,
}

impl Contender {
    /// Starts a contender, with the library `disk` preloaded if it is given.
    ///
    /// # Panics
    /// Panics if it does not start, and shows its output.
    pub(crate) async fn start(who: Who, disk: Option<&Path>) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
        let options = Options { talk: Talk::Slack, ..Options::default() };
        let workspace = Workspace::open(&stage, &["ana"], &options).await.expect("a workspace");
        let slack = &workspace.slack;
        let mut command = match who {
            Who::Hotfix => hotfix(&stage),
            Who::Bolt => bolt(folder.path(), &slack.url()),
        };
        if let Some(disk) = disk {
            command.env("LD_PRELOAD", disk);
        }
        let began = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{} cannot be started: {error}", who.name()));
        let (out, err) = (child.stdout.take().expect("an output"), child.stderr.take().expect("a log"));
        let (port, path) = match who {
            Who::Hotfix => (port(err, Some("webhooks come in"), out).await, "/slack"),
            Who::Bolt => (port(out, None, err).await, "/slack/events"),
        };
        let fields = [
            ("token", "verification-token-of-old".to_owned()),
            ("team_id", slack.team()),
            ("team_domain", "example".to_owned()),
            ("channel_id", slack.channel_id(CHANNEL)),
            ("channel_name", CHANNEL.to_owned()),
            ("user_id", slack.user_id("ana")),
            ("user_name", "ana".to_owned()),
            ("command", "/hotfix".to_owned()),
            ("api_app_id", slack.app()),
            ("is_enterprise_install", "false".to_owned()),
            ("response_url", format!("{}/actions/0123456789abcdef01234567", slack.url())),
        ];
        let typist = Arc::new(Typist {
            address: ([127, 0, 0, 1], port).into(),
            path,
            secret: SIGNING_SECRET,
            fields: fields.into(),
            typed: AtomicU64::new(0),
        });
        Line::default().say(&typist, who.first()).await;
        let first_ack = began.elapsed();
        Self { who, child, folder, _workspace: workspace, typist, first_ack }
    }

    /// Returns a memory value of the process in MiB: `VmRSS` is the current size, `VmHWM` the peak.
    pub(crate) fn memory(&self, what: &str) -> f64 {
        let path = format!("/proc/{}/status", self.child.id().expect("it runs"));
        let status = std::fs::read_to_string(path).expect("its status");
        let line = status.lines().find(|line| line.starts_with(what)).expect("its memory");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
        kib / 1024.0
    }

    /// Kills the process, and returns the number of commands on its disk.
    pub(crate) async fn killed(mut self) -> u64 {
        self.child.kill().await.expect("it is killed");
        match self.who {
            Who::Hotfix => journalled(&self.folder.path().join("state/store/journal")),
            Who::Bolt => inserted(self.folder.path()).await,
        }
    }
}

/// Returns the command that starts the bot on this stage. The rate limits per user and per service are raised beyond
/// the load.
fn hotfix(stage: &Stage) -> Command {
    let file = stage.config().join("hotfix.toml");
    let text = std::fs::read_to_string(&file).expect("a configuration");
    let limits = "[chat]\nperson_per_minute = 100000\nservice_per_minute = 100000\n";
    assert!(text.contains("[chat]\n"), "no chat in {text}");
    std::fs::write(&file, text.replacen("[chat]\n", limits, 1)).expect("it is written");
    let mut command = Command::new(built());
    command.arg("--config").arg(stage.config()).arg("serve").env_remove("RUST_LOG");
    command
}

/// Returns the path of the bot: built from the current sources, or named by `HOTFIX_PROGRAM` to compare builds.
pub(crate) fn built() -> PathBuf {
    std::env::var_os("HOTFIX_PROGRAM").map_or_else(|| program().to_owned(), PathBuf::from)
}

fn bolt(folder: &Path, slack: &str) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/bolt_bench.js");
    let mut command = Command::new("node");
    command.arg(script).env("NODE_ENV", "production").env("DATABASE", folder.join("commands.sqlite"));
    command.env("SIGNING_SECRET", SIGNING_SECRET).env("BOT_TOKEN", BOT_TOKEN).env("URL", slack);
    command
}

/// Returns the port at the end of the first line that contains these words. Discards all later output.
async fn port(
    tells: impl AsyncRead + Unpin + Send + 'static,
    words: Option<&str>,
    other: impl AsyncRead + Unpin + Send + 'static,
) -> u16 {
    let (mut lines, mut other) = (BufReader::new(tells).lines(), BufReader::new(other).lines());
    let mut said = Vec::new();
    let found = loop {
        let Some(line) = lines.next_line().await.expect("text") else { break None };
        if words.is_none_or(|words| line.contains(words)) {
            break line.rsplit(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty()).map(str::to_owned);
        }
        said.push(line);
    };
    let Some(port) = found.and_then(|digits| digits.parse().ok()) else {
        while let Ok(Some(line)) = other.next_line().await {
            said.push(line);
        }
        panic!(
            "it ended before it listened; for bolt, run `tests/run` once, which installs it, and then \
             `npm rebuild better-sqlite3 --prefix tests/clients`:\n{}",
            said.join("\n")
        );
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    tokio::spawn(async move { while let Ok(Some(_)) = other.next_line().await {} });
    port
}

/// Counts the renewals in the journal. Each command adds one entry; a redelivery of the same command adds none.
fn journalled(journal: &Path) -> u64 {
    let segments = std::fs::read_dir(journal).expect("a journal").map(|entry| entry.expect("a file").path());
    let lines = |path: PathBuf| {
        let text = std::fs::read_to_string(path).expect("a segment");
        text.lines().filter(|line| line.contains(r#""event":"renewed""#)).count() as u64
    };
    segments.map(lines).sum()
}

async fn inserted(folder: &Path) -> u64 {
    let counted = bolt(folder, "").env("COUNT", Who::Bolt.next().typed).output().await.expect("node");
    let said = String::from_utf8_lossy(&counted.stdout).trim().to_owned();
    said.parse().unwrap_or_else(|_| panic!("no count: {said} {}", String::from_utf8_lossy(&counted.stderr)))
}
