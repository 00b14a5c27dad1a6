//! Benchmark of the bot's user-visible latencies: `cargo bench -p hotfix-tests --bench hotfix` prints rows for
//! tests/benches/README.md.
//!
//! It measures a whole hotfix on GitHub with 50 ms per API call, the posting of a long run's events, and the start of
//! the program.
#![allow(clippy::print_stdout)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotfix_tests::play::Play;
use hotfix_tests::program::program;
use hotfix_tests::scenario::Scenario;
use hotfix_tests::site::Host;
use hotfix_tests::stage::{Stage, fresh_folder};
use hotfix_tests::world::{Options, World};

/// Latency of a call of the forge's API.
const CALL: Duration = Duration::from_millis(50);
/// Number of events that are added to the long run.
const EVENTS: usize = 2_000;
/// Number of posts that are averaged at the beginning and at the end of the long run.
const SOME: usize = 200;
/// Number of starts of the program.
const STARTS: usize = 5;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for (scenario, playbook) in [("apply", "apply"), ("website", "mainline")] {
        runtime.block_on(whole(scenario, playbook));
    }
    runtime.block_on(lines());
    start_up();
}

/// Measures a whole hotfix. Users answer immediately, so the result is the time of the bot, the forge and git.
async fn whole(scenario: &str, playbook: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}-whole.txt"));
    let mut scenario = Scenario::read(&path).expect("a scenario");
    scenario.options.host = Host::GitHub;
    let mut play = Play::new(World::new(scenario.options.clone()).await.expect("a world")).expect("a play");
    let api = play.world.site.calls().expect("an API");
    api.delay(CALL);
    let began = Instant::now();
    for step in &scenario.steps {
        play.step(&step.act).await.expect("a step");
    }
    let took = began.elapsed();
    let calls = api.calls();
    let unchanged = calls.iter().filter(|call| call.status == Some(304)).count();
    let of_them = CALL * u32::try_from(calls.len()).unwrap_or(u32::MAX);
    println!(
        "| a whole hotfix by `{playbook}`, GitHub with 50 ms a call | {:.1} s | {} calls, {unchanged} of them answered 304, {:.1} s if one at a time |",
        took.as_secs_f64(),
        calls.len(),
        of_them.as_secs_f64()
    );
}

async fn lines() {
    let options = Options { service: "payments".to_owned(), embedded: true, ..Options::default() };
    let world = World::new(options).await.expect("a world");
    let said = async |words: &str| {
        let typed = world.typed(words).expect("words").expect("a command");
        assert!(world.deliver(&typed).await.expect("it is heard").is_none_or(|reply| reply.ok), "{words}");
    };
    said(
        "ana: /hotfix start payments \"Fix 500 on upload\" --fix <fix-upload>"
            .replace("<fix-upload>", &world.commit_of("fix-upload").expect("a commit")[..7])
            .as_str(),
    )
    .await;
    world.settle().await.expect("the bot comes to rest");
    for number in 0..EVENTS {
        said(&format!("ana: /hotfix note seen {number}")).await;
    }
    let began = Instant::now();
    let mut done = Vec::new();
    while world.engine().work().await.expect("the journal").claimed > 0 {
        done.push(began.elapsed());
    }
    assert!(done.len() >= EVENTS, "only {} lines", done.len());
    let (first, last) = (done[SOME - 1], done[done.len() - 1] - done[done.len() - 1 - SOME]);
    let each = |span: Duration| span.as_secs_f64() * 1e3 / SOME as f64;
    println!(
        "| saying {EVENTS} events of one run | {:.1} s | {:.2} ms a line among the first {SOME}, {:.2} ms among the last |",
        began.elapsed().as_secs_f64(),
        each(first),
        each(last)
    );
}

/// Measures the time from the start of the process to the first success of `/readyz`.
fn start_up() {
    let program = program();
    let mut spans: Vec<Duration> = (0..STARTS).map(|_| started(program)).collect();
    spans.sort();
    println!(
        "| `hotfix serve`, from its start to `/readyz` | {:.0} ms | the slowest of {STARTS}: {:.0} ms |",
        spans[STARTS / 2].as_secs_f64() * 1e3,
        spans[STARTS - 1].as_secs_f64() * 1e3
    );
}

fn started(program: &Path) -> Duration {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "website").expect("a stage");
    let file = stage.config().join("hotfix.toml");
    let own = std::fs::read_to_string(&file).expect("a file");
    let http = "[http]\nmetrics = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n";
    std::fs::write(&file, format!("{own}{http}")).expect("it is written");
    let began = Instant::now();
    let mut command = Command::new(program);
    command.arg("--config").arg(stage.config()).arg("serve").env_remove("RUST_LOG");
    let mut bot =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the bot starts");
    let log = BufReader::new(bot.stderr.take().expect("a log")).lines();
    let told = log.map_while(Result::ok).find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        let fields = &line["fields"];
        let told = fields["message"] == "health and metrics can be asked for";
        told.then(|| fields["address"].as_str()?.parse::<SocketAddr>().ok())?
    });
    let address = told.expect("an address in the log");
    while !ready(address) {}
    let took = began.elapsed();
    bot.kill().expect("it is stopped");
    bot.wait().expect("it is gone");
    took
}

fn ready(address: SocketAddr) -> bool {
    let mut answer = String::new();
    TcpStream::connect(address)
        .and_then(|mut stream| {
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            stream.read_to_string(&mut answer)
        })
        .is_ok_and(|_| answer.starts_with("HTTP/1.1 200"))
}
