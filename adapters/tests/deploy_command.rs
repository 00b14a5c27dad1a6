//! The command deploy mechanism with real processes: the project's supervisor (`examples/supervise.rs`) and `/bin/sh`.
//! Security cases 44, 67, 73.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hotfix_adapters::deploy::command::{CommandDeploy, CommandOptions, STARTED_BEFORE, supervise};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus, NOTHING_BEGUN};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{CommitId, DeployKey, Digest, Environment, Repo};
use hotfix_adapters::registry::Image;
use tempfile::TempDir;

const COMMIT: &str = "1234567890abcdef1234567890abcdef12345678";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// Returns the supervisor's path. Cargo builds the examples next to the tests, but not with `--test` alone.
fn supervisor() -> Vec<String> {
    let mine = std::env::current_exe().unwrap();
    let built = mine.parent().unwrap().parent().unwrap().join("examples/supervise");
    assert!(
        built.exists(),
        "{} is not built: run all of `cargo test -p hotfix-adapters`, or `cargo build --examples` before",
        built.display()
    );
    vec![built.to_str().unwrap().to_owned()]
}

struct Place {
    folder: TempDir,
    options: CommandOptions,
}

impl Place {
    /// Sets up a place whose deploy program is this shell script. The shell is the team's program here, not the bot's.
    fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = CommandOptions {
            environment: Environment::parse("production").unwrap(),
            repo: Repo::parse("team/payments").unwrap(),
            deploy: argv(&["/bin/sh", "-c", script, "deploy", "{commit}", "{key}"]),
            running: None,
            env: BTreeMap::new(),
            secret_env: BTreeMap::new(),
            pass_env: Vec::new(),
            working_directory: folder.path().to_owned(),
            timeout: Duration::from_secs(30),
            output_limit_bytes: 4096,
            runs: folder.path().join("runs"),
            supervisor: supervisor(),
        };
        Self { folder, options }
    }

    fn but(mut self, change: impl FnOnce(&mut CommandOptions)) -> Self {
        change(&mut self.options);
        self
    }

    fn open(&self) -> CommandDeploy {
        CommandDeploy::new(self.options.clone()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run_folder(&self, key: &str) -> PathBuf {
        self.options.runs.join(key)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn request(key: &str) -> DeployRequest {
    DeployRequest {
        key: DeployKey::parse(key).unwrap(),
        repo: Repo::parse("team/payments").unwrap(),
        commit: CommitId::parse(COMMIT).unwrap(),
        environment: Environment::parse("production").unwrap(),
        image: None,
        previous: None,
        about: String::new(),
        only: Vec::new(),
        riders: Vec::new(),
    }
}

fn key(text: &str) -> DeployKey {
    DeployKey::parse(text).unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ended(deploy: &CommandDeploy, name: &str) -> DeployStatus {
    let mut last = None;
    until("the run ended", async || {
        last = deploy.status(&key(name)).await.unwrap();
        last.is_some() && last != Some(DeployStatus::InProgress { note: None })
    })
    .await;
    last.unwrap()
}

fn reason(status: DeployStatus) -> String {
    let DeployStatus::Failed { reason } = status else { panic!("{status:?} is no failure") };
    reason
}

/// Returns a variable that cargo sets for every test; it stands for a secret in the bot's environment.
fn manifest_folder() -> String {
    std::env::var("CARGO_MANIFEST_DIR").unwrap()
}

/// Returns whether a process exists and is not a zombie.
fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim().starts_with('Z'))
}

fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
}

#[tokio::test]
async fn a_deployment_succeeds_and_is_the_last_success() {
    let place = Place::with("echo going to $1; exit 0");
    let deploy = place.open();
    assert_eq!(deploy.status(&key("HF-1")).await.unwrap(), None);
    assert_eq!(deploy.last_success().await.unwrap(), None);
    deploy.start(&request("HF-1")).await.unwrap();
    let DeployStatus::Succeeded { at } = ended(&deploy, "HF-1").await else { panic!("it did not succeed") };
    let last = deploy.last_success().await.unwrap().unwrap();
    assert_eq!((last.commit.as_str(), last.at), (COMMIT, at));
    assert_eq!(deploy.running().await.unwrap(), None);

    let elsewhere = Environment::parse("stage").unwrap();
    let stage = CommandDeploy::new(CommandOptions { environment: elsewhere, ..place.options.clone() }).unwrap();
    assert_eq!(stage.last_success().await.unwrap(), None, "another environment's success is not ours");
}

#[tokio::test]
async fn a_failure_says_how_it_ended_and_what_it_printed() {
    let place = Place::with(r"printf '\033[31mpushing\033[0m\rfailed: no space\n' >&2; exit 3");
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    let told = reason(ended(&deploy, "HF-1").await);
    assert!(told.starts_with("`sh` ended with exit status 3 after "), "{told}");
    assert!(told.ends_with("It printed:\npushing\nfailed: no space"), "{told}");
    assert_eq!(deploy.last_success().await.unwrap(), None);
}

#[tokio::test]
async fn a_program_that_vanished_is_a_failure_too() {
    let place = Place::with("");
    let program = place.path("deploy.sh");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let place = place.but(|options| options.deploy = argv(&[program.to_str().unwrap()]));
    let deploy = place.open();
    deploy.probe().await.unwrap();
    fs::remove_file(&program).unwrap();
    assert!(matches!(deploy.probe().await, Err(Failure::Rejected { .. })));
    deploy.start(&request("HF-1")).await.unwrap();
    let reason = reason(ended(&deploy, "HF-1").await);
    assert!(reason.starts_with(NOTHING_BEGUN) && reason.contains("could not be run"), "{reason}");
}

#[tokio::test]
async fn time_out_ends_the_whole_group() {
    let place = Place::with("trap '' TERM; (trap '' TERM; sleep 300) & echo $! > child; echo waiting; wait; sleep 300")
        .but(|options| options.timeout = Duration::from_millis(300));
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    let told = reason(ended(&deploy, "HF-1").await);
    assert!(told.contains("was ended, with everything it had started") && told.contains("waiting"), "{told}");
    let child = place.read("child");
    until("the grandchild is gone", async || !lives(&child)).await;
}

#[tokio::test]
async fn output_is_bounded_and_keeps_both_ends() {
    let place = Place::with(
        "echo first; i=0; while [ $i -lt 20000 ]; do echo noise noise noise; i=$((i+1)); done; echo last; exit 1",
    );
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    let told = reason(ended(&deploy, "HF-1").await);
    assert!(told.len() < 3000 && told.ends_with("noise\nlast"), "{told}");
    let kept = fs::read_to_string(place.run_folder("HF-1").join("outcome.json")).unwrap();
    assert!(kept.len() < 8192 && kept.contains("first") && kept.contains("bytes left out"), "{}", kept.len());
}

#[tokio::test]
async fn the_environment_is_cleared() {
    let place = Place::with("/usr/bin/env > env; pwd > cwd").but(|options| {
        options.env = BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]);
        options.pass_env = argv(&["CARGO_MANIFEST_DIR"]);
    });
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    assert!(matches!(ended(&deploy, "HF-1").await, DeployStatus::Succeeded { .. }));
    let text = place.read("env");
    // The shell adds a few variables of its own.
    let mut lines: Vec<&str> =
        text.lines().filter(|l| !["PWD=", "OLDPWD=", "SHLVL=", "_="].iter().any(|own| l.starts_with(own))).collect();
    lines.sort_unstable();
    let manifest = format!("CARGO_MANIFEST_DIR={}", manifest_folder());
    let commit = format!("HOTFIX_COMMIT={COMMIT}");
    let wanted = [
        &manifest,
        &commit,
        "HOTFIX_ENVIRONMENT=production",
        "HOTFIX_KEY=HF-1",
        "HOTFIX_REPOSITORY=team/payments",
        "REGION=eu",
    ];
    assert_eq!(lines, wanted);
    assert_eq!(Path::new(place.read("cwd").trim()), fs::canonicalize(place.folder.path()).unwrap());
}

#[tokio::test]
async fn a_handed_on_secret_is_neither_recorded_nor_told() {
    let place = Place::with("echo \"token is $CARGO_MANIFEST_DIR\"; exit 1")
        .but(|o| o.pass_env = argv(&["CARGO_MANIFEST_DIR"]));
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    let told = reason(ended(&deploy, "HF-1").await);
    assert!(told.ends_with("token is [CARGO_MANIFEST_DIR]"), "{told}");
    for entry in fs::read_dir(place.run_folder("HF-1")).unwrap() {
        let file = entry.unwrap();
        assert!(!fs::read_to_string(file.path()).unwrap().contains(&manifest_folder()), "{:?}", file.file_name());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(place.run_folder("HF-1")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&place.options.runs).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn one_argument_stays_one_argument() {
    let hostile = ["; touch pwned", "$(touch pwned)", "a b  c", "line\nbreak", "`id`", "*", "--{commit}", ""];
    let place = Place::with("").but(|options| {
        options.deploy = argv(&["/bin/sh", "-c", r#"for a in "$@"; do printf '%s\0' "$a"; done > args"#, "x"]);
        options.deploy.extend(argv(&hostile));
    });
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    assert!(matches!(ended(&deploy, "HF-1").await, DeployStatus::Succeeded { .. }));
    let wanted: String = hostile.iter().map(|word| word.replace("{commit}", COMMIT) + "\0").collect();
    assert_eq!(place.read("args"), wanted);
    assert!(!place.path("pwned").exists());
    // Values that could inject into a placeholder are rejected when they are parsed.
    for text in ["; rm", "$(id)", "a b", "a\nb", "../x", "-x"] {
        assert!(
            DeployKey::parse(text).is_err() && Environment::parse(text).is_err() && Repo::parse(text).is_err(),
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn a_key_runs_once_however_often_it_is_started() {
    let place = Place::with("echo ran >> count; while [ ! -e go ]; do sleep 0.01; done");
    let (deploy, request) = (place.open(), request("HF-1"));
    let (one, two, three) = tokio::join!(deploy.start(&request), deploy.start(&request), deploy.start(&request));
    assert_eq!((one, two, three), (Ok(()), Ok(()), Ok(())));
    assert_eq!(deploy.status(&key("HF-1")).await.unwrap(), Some(DeployStatus::InProgress { note: None }));
    deploy.start(&request).await.unwrap();
    assert_eq!(supervise(&place.run_folder("HF-1")), STARTED_BEFORE, "a second supervisor goes away at once");
    fs::write(place.path("go"), "").unwrap();
    assert!(matches!(ended(&deploy, "HF-1").await, DeployStatus::Succeeded { .. }));
    deploy.start(&request).await.unwrap();
    assert_eq!(place.read("count"), "ran\n");

    let something_else = DeployRequest { commit: CommitId::parse(OTHER).unwrap(), ..request };
    let refused = deploy.start(&something_else).await.unwrap_err();
    assert!(
        matches!(&refused, Failure::Rejected { reason } if reason.contains("of something else: 1234567")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_bot_that_died_before_the_supervisor_began_starts_it_again() {
    // A supervisor that exits at once leaves the same state as a crash between the request and its start.
    let place = Place::with("echo ran >> count").but(|options| options.supervisor = argv(&["/bin/true"]));
    let failed = place.open().start(&request("HF-1")).await.unwrap_err();
    assert!(matches!(&failed, Failure::Retry { reason, .. } if reason.contains("nothing was deployed")), "{failed}");
    let place = place.but(|options| options.supervisor = supervisor());
    let again = place.open();
    assert_eq!(again.status(&key("HF-1")).await.unwrap(), None);
    again.start(&request("HF-1")).await.unwrap();
    assert!(matches!(ended(&again, "HF-1").await, DeployStatus::Succeeded { .. }));
    assert_eq!(place.read("count"), "ran\n");
}

#[tokio::test]
async fn a_run_outlives_the_bot_and_is_found_again() {
    let place = Place::with("while [ ! -e go ]; do sleep 0.01; done; exit 4");
    let bot = place.open();
    bot.start(&request("HF-1")).await.unwrap();
    drop(bot);
    let next = place.open();
    assert_eq!(next.status(&key("HF-1")).await.unwrap(), Some(DeployStatus::InProgress { note: None }));
    fs::write(place.path("go"), "").unwrap();
    assert!(reason(ended(&next, "HF-1").await).contains("exit status 4"));
}

#[tokio::test]
async fn a_killed_supervisor_leaves_a_run_that_is_alive_until_its_command_ends() {
    let place = Place::with("echo $PPID > parent; echo $$ > self; while [ ! -e go ]; do sleep 0.01; done");
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    until("it runs", async || fs::read_to_string(place.path("self")).is_ok_and(|pid| pid.ends_with('\n'))).await;
    kill(&place.read("parent"));
    until("the supervisor is gone", async || !lives(&place.read("parent"))).await;
    assert_eq!(deploy.status(&key("HF-1")).await.unwrap(), Some(DeployStatus::InProgress { note: None }));
    fs::write(place.path("go"), "").unwrap();
    let told = reason(ended(&deploy, "HF-1").await);
    assert!(told.contains("was cut off") && told.contains("effect is unknown; look at production by hand"), "{told}");
    deploy.start(&request("HF-1")).await.unwrap();
    assert!(reason(ended(&deploy, "HF-1").await).contains("was cut off"), "it never runs twice");
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_judged_by_what_runs() {
    let place = Place::with("echo $PPID > parent; echo $$ > self; exec sleep 300")
        .but(|options| options.running = Some(argv(&["/bin/cat", "what-runs"])));
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    until("it runs", async || fs::read_to_string(place.path("self")).is_ok_and(|pid| pid.ends_with('\n'))).await;
    kill(&place.read("parent"));
    kill(&place.read("self"));
    until("both are gone", async || !lives(&place.read("self")) && !lives(&place.read("parent"))).await;

    let unknown = deploy.status(&key("HF-1")).await.unwrap_err();
    assert!(matches!(&unknown, Failure::Retry { reason, .. } if reason.contains("what-runs")), "{unknown}");
    fs::write(place.path("what-runs"), "").unwrap();
    assert!(reason(ended(&deploy, "HF-1").await).contains("nobody can tell what production runs"));
    fs::write(place.path("what-runs"), OTHER).unwrap();
    assert!(reason(ended(&deploy, "HF-1").await).ends_with("production runs fffffff"));
    fs::write(place.path("what-runs"), COMMIT).unwrap();
    let found = ended(&deploy, "HF-1").await;
    assert!(matches!(found, DeployStatus::Succeeded { .. }));
    fs::write(place.path("what-runs"), OTHER).unwrap();
    assert_eq!(ended(&deploy, "HF-1").await, found, "a later deployment does not undo it");
}

#[tokio::test]
async fn running_wants_a_full_commit_id() {
    let place = Place::with("").but(|options| options.running = Some(argv(&["/bin/cat", "what-runs"])));
    let deploy = place.open();
    assert!(matches!(deploy.running().await, Err(Failure::Retry { .. })));
    fs::write(place.path("what-runs"), format!("{COMMIT}\n")).unwrap();
    assert_eq!(deploy.running().await.unwrap().unwrap().commit.as_str(), COMMIT);
    deploy.probe().await.unwrap();
    fs::write(place.path("what-runs"), " \n").unwrap();
    assert_eq!(deploy.running().await.unwrap(), None);
    fs::write(place.path("what-runs"), "v1.4.2\u{1b}[2J").unwrap();
    let wrong = deploy.running().await.unwrap_err();
    assert!(matches!(&wrong, Failure::Rejected { reason } if reason.contains("\"v1.4.2\"")), "{wrong}");
    assert!(deploy.probe().await.is_err());

    let slow = Place::with("").but(|options| {
        options.running = Some(argv(&["/bin/sh", "-c", "sleep 300 & sleep 300"]));
        options.timeout = Duration::from_millis(100);
    });
    let late = slow.open().running().await.unwrap_err();
    assert!(late.reason().contains("did not answer within 100 ms"), "{late}");
}

#[tokio::test]
async fn a_service_that_the_command_leaves_behind_lives_and_does_not_hold_up_the_outcome() {
    let place = Place::with("sleep 300 & echo $! > service");
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    assert!(matches!(ended(&deploy, "HF-1").await, DeployStatus::Succeeded { .. }));
    assert!(lives(&place.read("service")));
    kill(&place.read("service"));
}

#[tokio::test]
async fn no_zombie_is_left() {
    let place = Place::with("echo $PPID > parent");
    let deploy = place.open();
    deploy.start(&request("HF-1")).await.unwrap();
    ended(&deploy, "HF-1").await;
    let stat = format!("/proc/{}", place.read("parent").trim());
    until("the supervisor was waited for", async || !Path::new(&stat).exists()).await;
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built_or_asked() {
    let told = |change: &dyn Fn(&mut CommandOptions)| {
        let mut options = Place::with("").options;
        options.working_directory = "/".into();
        change(&mut options);
        CommandDeploy::new(options).unwrap_err().to_string()
    };
    assert_eq!(told(&|o| o.deploy.clear()), "the command that deploys names no program");
    assert!(told(&|o| o.deploy = argv(&["./deploy.sh"])).contains("relative path"));
    assert!(told(&|o| o.deploy.push("{comit}".to_owned())).contains("{comit}, which is unknown"));
    assert!(
        told(&|o| o.running = Some(argv(&["/bin/true", "{commit}"]))).contains("{commit}, which means nothing here")
    );
    assert!(told(&|o| o.working_directory = "/no/such/folder".into()).contains("/no/such/folder cannot be used"));
    assert!(told(&|o| o.pass_env.push("NO_SUCH_VARIABLE_HERE".to_owned())).contains("the bot itself does not have it"));
    assert!(told(&|o| o.supervisor.clear()).contains("the supervisor names no program"));

    let place = Place::with("");
    let elsewhere = DeployRequest { environment: Environment::parse("stage").unwrap(), ..request("HF-1") };
    assert!(matches!(place.open().start(&elsewhere).await, Err(Failure::Rejected { .. })));
    fs::write(&place.options.runs, "not a folder").unwrap();
    assert!(place.open().probe().await.is_err());
    assert!(place.open().start(&request("HF-1")).await.is_err());
}

/// HOCS-25: the deploy program gets the tag, the digest, the image and the previous commit, both as arguments and
/// as variables.
#[tokio::test]
async fn the_image_and_what_ran_before_go_along() {
    let script =
        "printf '%s\\n' \"$@\" \"$HOTFIX_TAG\" \"$HOTFIX_DIGEST\" \"$HOTFIX_IMAGE\" \"$HOTFIX_PREVIOUS\" > told";
    let words = ["/bin/sh", "-c", script, "deploy", "VERSION={tag}", "{digest}", "{image}", "{previous}", "{short}"];
    let place = Place::with("").but(|options| options.deploy = argv(&words));
    let deploy = place.open();
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = Image {
        repository: "quay.io/team/payments".to_owned(),
        tag: "branch-hotfix_1".to_owned(),
        digest: Digest::parse(&digest).unwrap(),
    };
    let known =
        DeployRequest { image: Some(image), previous: Some(CommitId::parse(OTHER).unwrap()), ..request("HF-1") };
    deploy.start(&known).await.unwrap();
    assert!(matches!(ended(&deploy, "HF-1").await, DeployStatus::Succeeded { .. }));
    let pinned = format!("quay.io/team/payments@{digest}");
    let wanted =
        ["VERSION=branch-hotfix_1", &digest, &pinned, OTHER, &COMMIT[..7], "branch-hotfix_1", &digest, &pinned, OTHER];
    assert_eq!(place.read("told").lines().collect::<Vec<_>>(), wanted);

    // An unknown value does not become an empty argument: nothing is started.
    let told = deploy.start(&request("HF-2")).await.unwrap_err().to_string();
    assert!(told.contains("HOCS-25"), "{told}");
    assert_eq!(deploy.status(&key("HF-2")).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_not_known_is_no_variable() {
    let place =
        Place::with("env | grep -c -e HOTFIX_TAG -e HOTFIX_DIGEST -e HOTFIX_IMAGE -e HOTFIX_PREVIOUS > told; true");
    let deploy = place.but(|options| options.pass_env = argv(&["PATH"]));
    let open = deploy.open();
    open.start(&request("HF-1")).await.unwrap();
    assert!(matches!(ended(&open, "HF-1").await, DeployStatus::Succeeded { .. }));
    assert_eq!(deploy.read("told").trim(), "0");
}
