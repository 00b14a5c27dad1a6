//! The bot on GitHub and GitLab: messages and results equal those on the local forge, despite API failures, within a
//! budget of API calls.

use std::path::{Path, PathBuf};

use hotfix::wire;
use hotfix_adapters::failure::Failure;
use hotfix_fakes::server::Fault;
use hotfix_tests::ending::ending;
use hotfix_tests::faults::{Line, Tried, at_every_call};
use hotfix_tests::hooks::{Way, play_with_deliveries};
use hotfix_tests::play::{Play, play_file_on};
use hotfix_tests::program::program;
use hotfix_tests::sample::{Sample, seed};
use hotfix_tests::scenario::Scenario;
use hotfix_tests::site::Host;
use hotfix_tests::world::{Options, World};
use rstest::rstest;

/// Maximum number of API calls for a whole hotfix; responses with status 304 do not count.
const BUDGET: usize = 30;
/// The same for a hotfix with a second repository or several environments.
const LARGE_BUDGET: usize = 40;
/// Number of parallel tests for the scenarios with faults.
const PARTS: usize = 4;
/// One scenario in this many is played on a remote forge, unless `HOSTS=all` is set.
const SCENARIOS_EVERY: usize = 4;
/// Number of parallel tests for the scenarios without faults.
const SCENARIO_PARTS: usize = 8;
/// Scenarios of which the text differs by forge: a missing repository is reported in each forge's own words, and GitHub
/// closes the pull request of a deleted branch.
const LOCAL_ONLY: [&str; 4] = ["repository-vanishes", "facts-refused", "branch-deleted", "references-addresses"];
/// The remote forges.
const BOTH: [Host; 2] = [Host::GitHub, Host::GitLab];
/// Number of idle polls after each step.
const IDLE_LOOKS: usize = 2;

fn whole(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}-whole.txt"))
}

/// Every scenario shows the team the same on a remote forge. `SCENARIOS=veto,hold` plays only those, on both forges.
#[rstest]
#[tokio::test]
async fn scenarios(#[values(0, 1, 2, 3, 4, 5, 6, 7)] part: usize) {
    let only = std::env::var("SCENARIOS").ok();
    let all = files(|name| match &only {
        Some(only) => only.split(',').any(|only| only == name),
        None => !LOCAL_ONLY.contains(&name),
    });
    let hosts = |path: &PathBuf| if only.is_some() { BOTH.to_vec() } else { hosts_of(path) };
    let plays: Vec<_> =
        all.into_iter().flat_map(|path| hosts(&path).into_iter().map(move |host| (path.clone(), host))).collect();
    assert!(only.is_some() || plays.len() > SCENARIO_PARTS, "{} plays", plays.len());
    for (path, host) in plays.into_iter().skip(part).step_by(SCENARIO_PARTS) {
        if let Err(error) = play_file_on(&path, host).await {
            panic!("{} on {host:?}: {error:#}", path.display());
        }
    }
}

/// Returns the scenarios whose name matches, sorted.
fn files(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).expect("the scenarios");
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("a scenario").path()).collect();
    paths.retain(|path| wanted(&path.file_stem().unwrap_or_default().to_string_lossy()));
    paths.sort();
    paths
}

/// Returns the forges for a scenario. A whole hotfix is played on both. Of the others, each commit plays every fourth
/// on one forge, so that eight commits in a row cover all on both; `HOSTS=all` covers them at once.
fn hosts_of(path: &Path) -> Vec<Host> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if name.ends_with("-whole") || all_hosts() {
        return BOTH.to_vec();
    }
    let number = name.bytes().map(usize::from).sum::<usize>() + seed();
    if number.is_multiple_of(SCENARIOS_EVERY) { vec![by_turns(number / SCENARIOS_EVERY)] } else { Vec::new() }
}

fn all_hosts() -> bool {
    std::env::var("HOSTS").is_ok_and(|hosts| hosts == "all")
}

/// Returns one of the forges, which depends on the commit; with `HOSTS=all`, both.
fn both_or_one(name: &str) -> Vec<Host> {
    if all_hosts() { BOTH.to_vec() } else { vec![by_turns(name.len() + seed())] }
}

fn by_turns(number: usize) -> Host {
    if number.is_multiple_of(2) { Host::GitHub } else { Host::GitLab }
}

/// The result equals the one on the local forge: commits, branches, reviews and votes.
#[rstest]
#[tokio::test]
async fn it_ends_as_on_the_local_forge(#[values("apply", "website")] name: &str) {
    let mut ends = Vec::new();
    for host in [Host::Local, Host::GitHub, Host::GitLab] {
        let play = played(name, host).await;
        assert_eq!(play.world.site.pulls().await.expect("a number"), 1, "{host:?}");
        ends.push(ending(&play.world).await.expect("an end"));
    }
    assert_eq!(ends[1], ends[0]);
    assert_eq!(ends[2], ends[0]);
}

async fn played(name: &str, host: Host) -> Play {
    let mut scenario = Scenario::read(&whole(name)).expect("a scenario");
    scenario.options.host = host;
    let mut play = Play::new(World::new(scenario.options.clone()).await.expect("a world")).expect("a play");
    for step in &scenario.steps {
        play.step(&step.act).await.expect("a step");
        // Everything was already read, so another poll costs no API call.
        for _ in 0..IDLE_LOOKS {
            play.world.engine().poll().await.expect("a look");
        }
    }
    play
}

/// The rate limits of a forge are shared by everything that an organization runs.
#[rstest]
#[tokio::test]
async fn a_whole_hotfix_costs_few_calls(#[values("apply", "website", "sre", "hocs", "promotion")] name: &str) {
    for host in both_or_one(name) {
        let play = played(name, host).await;
        let calls = play.world.site.calls().expect("an API").calls();
        let counted: Vec<_> = calls.iter().filter(|call| call.status != Some(304)).collect();
        let list: Vec<_> = counted.iter().map(|call| format!("{} {}?{}", call.method, call.path, call.query)).collect();
        println!("{name} on {host:?}: {} calls of {}", counted.len(), calls.len());
        let budget = if ["apply", "website"].contains(&name) { BUDGET } else { LARGE_BUDGET };
        assert!(counted.len() <= budget, "{} calls: {list:#?}", counted.len());
    }
}

/// Injects every kind of fault at every call of a scenario with `FAULTS_EVERY=1`; by default at a sample of them.
async fn with_faults(path: &Path, host: Host, line: Line, usual: usize) -> Tried {
    let sample = Sample::of("FAULTS_EVERY", usual).expect("FAULTS_EVERY is at least 1");
    let began = std::time::Instant::now();
    let tried = at_every_call(path, host, line, sample, 25).await.unwrap_or_else(|error| panic!("{error:#}"));
    println!(
        "{} on {host:?}: {} calls ({line:?}), {} faults at them ({sample}), {:.1?}",
        path.file_stem().unwrap_or_default().display(),
        tried.calls,
        tried.tried,
        began.elapsed()
    );
    tried
}

/// After any fault the call is retried, the result is the same, and nothing happens twice.
#[rstest]
#[tokio::test]
async fn a_fault_at_any_call_changes_nothing(#[values("apply", "website", "sre", "hocs", "promotion")] name: &str) {
    for host in both_or_one(name) {
        assert!(with_faults(&whole(name), host, Line::Api, 97).await.tried > 0);
    }
}

/// The same in every other scenario, each on one forge by turns. Without `FAULTS_EVERY`, each part runs one scenario
/// with a sample of calls, and another one with the next commit. `FAULTS_IN=veto,hold` selects scenarios.
#[rstest]
#[tokio::test]
async fn a_fault_at_any_call_of_a_scenario_changes_nothing(#[values(0, 1, 2, 3)] part: usize) {
    let only = std::env::var("FAULTS_IN").ok();
    let paths = files(|name| {
        let wanted = only.as_ref().is_none_or(|only| only.split(',').any(|only| only == name));
        wanted && !name.ends_with("-whole") && !LOCAL_ONLY.contains(&name)
    });
    let all = only.is_some() || std::env::var_os("FAULTS_EVERY").is_some();
    let of_this_part: Vec<_> = if all {
        paths.iter().skip(part).step_by(PARTS).collect()
    } else {
        paths.get((part * paths.len() / PARTS + seed()) % paths.len()).into_iter().collect()
    };
    assert!(only.is_some() || !of_this_part.is_empty(), "{} scenarios", paths.len());
    for path in of_this_part {
        let hosts = if all { BOTH.to_vec() } else { vec![by_turns(part + seed())] };
        for host in hosts {
            with_faults(path, host, Line::Api, 97).await;
        }
    }
}

/// The same for git fetches and pushes: a push that succeeded but was answered with an error is not overwritten.
#[rstest]
#[case("apply", Host::GitHub)]
#[case("sre", Host::GitLab)]
#[tokio::test]
async fn a_fault_at_any_call_of_git_changes_nothing(#[case] name: &str, #[case] host: Host) {
    let every = if all_hosts() { 97 } else { 293 };
    assert!(with_faults(&whole(name), host, Line::Git, every).await.tried > 0);
}

/// The timeout for API and git calls is configurable, and the error says which call timed out.
#[rstest]
#[tokio::test]
async fn a_forge_that_never_answers_is_given_up_in_time(#[values(Host::GitHub, Host::GitLab)] host: Host) {
    let options = Options { service: "payments".to_owned(), host, timeout: Some(1), ..Options::default() };
    let world = World::new(options).await.expect("a world");
    let config = world.config().expect("a configuration");
    let outside = wire::ports(&config, world.console.clone(), program()).expect("what it needs");
    let (service, forge) = outside.forges.first_key_value().expect("a forge");
    let (repo, main) = (&config.services[service].service.repo, &config.services[service].service.main);
    for line in [world.site.calls(), world.site.git_calls()] {
        line.expect("a line").down(Some(Fault::Silent));
    }
    let failure = forge.list_by_label(repo, "urgent").await.expect_err("nothing was answered");
    assert!(matches!(failure, Failure::Retry { .. }) && failure.reason().contains("within 1 s"), "{failure}");
    let failure = forge.tip(repo, main).await.expect_err("nothing was answered");
    assert!(matches!(failure, Failure::Retry { .. }) && failure.reason().contains("the last 1 seconds"), "{failure}");
}

/// Security case 5: over a reliable connection, webhooks replace polling. Over a bad one, a delivery arrives twice,
/// late, out of order or never: it is only a hint.
#[rstest]
#[tokio::test]
async fn deliveries_are_hints(#[values("apply", "website")] name: &str) {
    for host in both_or_one(name) {
        let without = play_with_deliveries(&whole(name), host, Way::Silent).await.expect("an end");
        let told = play_with_deliveries(&whole(name), host, Way::Alone).await.expect("an end");
        assert_eq!(told.ending, without.ending, "{host:?}");
        let (mut looked, mut seen_before, mut lost) = (0, 0, 0);
        for seed in 1..=4 {
            let played = play_with_deliveries(&whole(name), host, Way::Bad(seed)).await.expect("an end");
            assert_eq!(played.ending, without.ending, "{host:?}, seed {seed}");
            (looked, seen_before, lost) =
                (looked + played.looked, seen_before + played.seen_before, lost + played.lost);
        }
        assert!(looked > 0 && seen_before > 0 && lost > 0, "{looked} looked at, {seen_before} known, {lost} lost");
    }
}
