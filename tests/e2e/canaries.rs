//! Security case 67: the real program runs a whole hotfix in Slack and on a forge, with a registry and Drone, at log
//! level trace. No secret leaks: not into the log, the bot's files, the chat, an HTTP response, the body or URL of an
//! outgoing request, or the arguments of a process.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hotfix_adapters::forge::{CheckState, ReviewVerdict};
use hotfix_adapters::ids::{BranchName, CommitId};
use hotfix_fakes::drone::{self, Drone};
use hotfix_fakes::registry::Registry;
use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Urls};
use hotfix_tests::clock::FakeClock;
use hotfix_tests::git::git;
use hotfix_tests::leaks::Canaries;
use hotfix_tests::program::program;
use hotfix_tests::room::{CHANNEL, Room};
use hotfix_tests::running::{Ended, Running, ask, run};
use hotfix_tests::site::{self, Host, NAME, Site};
use hotfix_tests::stage::{Stage, fresh_folder};
use hotfix_tests::world::{Options, TYPISTS, Talk};
use rstest::rstest;
use serde_json::json;

const DEPLOY_TOKEN: &str = "deploy-0123456789-canary-abcdef";
const REGISTRY_PASSWORD: &str = "registry-0123456789-canary-abcdef";
const TRACE: &str = "trace";

/// Shell lines that record how a program was started: its command line, its parent's command line, and the names of its
/// environment variables.
const WATCHED: &str = "{ tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$PPID/cmdline; echo; \
                       env | sed 's/=.*//'; } >>\"RECORD\"";

/// The transport by which Slack delivers events and commands to the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Socket,
}

/// A setup of bot, Slack, forge, registry and Drone, in which every secret is a known canary.
pub(crate) struct Company {
    _folder: tempfile::TempDir,
    pub(crate) stage: Stage,
    pub(crate) room: Room,
    pub(crate) site: Arc<dyn Site>,
    pub(crate) drone: Drone,
    pub(crate) registry: Registry,
    record: PathBuf,
    path: OsString,
    secrets: Vec<(&'static str, String)>,
}

impl Company {
    pub(crate) async fn new(host: Host, way: Way, format: &str) -> Self {
        // Builds the program first if needed, so that no timeout runs during the build.
        let _built = program();
        let folder = fresh_folder().expect("a folder");
        let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
        let site =
            site::open(host, &stage, &Arc::new(FakeClock::at(hotfix_tests::clock::START))).await.expect("a forge");
        let room = Room::open(&stage, &TYPISTS, &Options { talk: Talk::Slack, ..Options::default() })
            .await
            .expect("a workspace")
            .expect("Slack");
        let (drone, repository) = (Drone::start().await, stage.repository());
        let registry = Registry::start(&repository, "robot", REGISTRY_PASSWORD).await;
        drone.repo(&repository);
        let live = commit(&stage, "live");
        let _pushed = drone.build(&repository, "push", &live, "success");
        let promoted = drone.build(&repository, "promote", &live, "success");
        drone.change(&repository, promoted, |build| build.deploy_to = "prod".to_owned());
        let record = stage.root.join("started");
        let mut secrets = site.secrets();
        secrets.extend(
            [
                ("Slack's token", BOT_TOKEN),
                ("Slack's app token", APP_TOKEN),
                ("Slack's signing secret", SIGNING_SECRET),
                // A response URL lets its holder post as the bot for half an hour; a connection ticket lets its holder
                // read the events.
                ("a response url", "/actions/"),
                ("the ticket of a connection", "ticket="),
                ("Drone's token", drone::TOKEN),
                ("the registry's password", REGISTRY_PASSWORD),
                ("a token of the registry", "token-of-the-registry-"),
                // The JWT that a GitHub App signs to get a token. Every one has this prefix.
                ("what the GitHub App signed", "eyJ0eXAiOiJKV1Qi"),
                ("the token that deploys", DEPLOY_TOKEN),
            ]
            .map(|(name, secret)| (name, secret.to_owned())),
        );
        let company = Self {
            path: watch_git(&stage, &record),
            _folder: folder,
            stage,
            room,
            site,
            drone,
            registry,
            record,
            secrets,
        };
        company.configure(way, format);
        company
    }

    fn file(&self, name: &str) -> PathBuf {
        self.stage.config().join(name)
    }

    fn edit(&self, name: &str, change: impl Fn(String) -> String) {
        let text = std::fs::read_to_string(self.file(name)).expect("a file");
        let changed = change(text.clone());
        assert_ne!(changed, text, "{name} is not what it was");
        std::fs::write(self.file(name), changed).expect("it is written");
    }

    fn configure(&self, way: Way, format: &str) {
        for (name, secret) in [
            ("deploy-token", DEPLOY_TOKEN),
            ("drone-token", drone::TOKEN),
            ("registry-password", REGISTRY_PASSWORD),
            ("slack-app-token", APP_TOKEN),
        ] {
            write(&self.file(name), secret, 0o600);
        }
        let (registry, drone) = (self.registry.name(), self.drone.url());
        self.edit("services/payments.toml", |own| {
            let own = own.replace("[forge]\n", &format!(
                "[registry]\nrepository = \"{registry}\"\ntags = [\"{{sha}}\"]\nuser = \"robot\"\n\
                 password = {{ file = \"registry-password\" }}\nplain_http = true\n\n[forge]\n"
            ));
            let (staging, _) = own.rsplit_once("[environment.deploy]").expect("two environments");
            let staging = staging.replacen("pass_env =", "secret_env = { DEPLOY_TOKEN = { file = \"deploy-token\" } }\npass_env =", 1);
            format!(
                "{staging}[environment.deploy]\nby = \"drone\"\nurl = \"{drone}\"\ntoken = {{ file = \"drone-token\" }}\n\
                 target = \"prod\"\npace_seconds = 1\n"
            )
        });
        self.edit("hotfix.toml", |own| {
            let own = match way {
                Way::Http => own,
                Way::Socket => own
                    .replace("mode = \"http\"", "mode = \"socket\"\napp_token = { file = \"slack-app-token\" }")
                    .replace("signing_secrets = [{ file = \"slack-signing\" }]\n", ""),
            };
            format!("{own}metrics = \"127.0.0.1:0\"\n[log]\nformat = \"{format}\"\nfilter = \"{TRACE}\"\n")
        });
        // The script prints its secret on stdout and stderr, as careless scripts do.
        let watched = WATCHED.replace("RECORD", &self.record.display().to_string());
        let deploy = format!(
            "#!/bin/sh\nset -eu\n{watched}\necho \"with $DEPLOY_TOKEN\"\necho \"with $DEPLOY_TOKEN\" >&2\n\
             exec \"$(dirname \"$0\")/deploy-to-folder.sh\" \"$@\"\n"
        );
        write(&self.file("scripts/deploy.sh"), &deploy, 0o755);
    }

    pub(crate) async fn does(&self, line: &str) {
        self.room.does(line, None).await.unwrap_or_else(|error| panic!("{line}: {error:#}"));
    }

    pub(crate) async fn sees(&self, words: &str) {
        self.room.slack().until_seen("ana", CHANNEL, words).await;
    }

    /// Runs a whole hotfix through its usual steps.
    async fn whole_hotfix(&self) {
        let fix = commit(&self.stage, "fix-upload");
        self.does(&format!("ana: /hotfix start payments \"Fix 500 on upload\" --fix {}", &fix[..12])).await;
        self.sees("please review it").await;
        let branch = BranchName::parse("hotfix").expect("a branch");
        let head = CommitId::parse(&commit(&self.stage, "hotfix")).expect("a commit");
        let pull = self.site.pull_from(&branch).await.expect("pull requests").expect("one");
        self.site.check(&head, "unit-tests", CheckState::Success).await.expect("a check");
        self.site.review(pull, "ben", ReviewVerdict::Approved).await.expect("a review");
        self.sees("please look locally").await;
        self.does("ana: /hotfix verify local pass").await;
        self.sees("Does the fix work on staging").await;
        self.does("dee: /hotfix verify staging pass").await;
        self.sees("may this go to production?").await;
        let repository = self.stage.repository();
        let _built = self.drone.build(&repository, "push", head.as_str(), "success");
        self.does("ben: /hotfix approve").await;
        self.sees("when it shall begin").await;
        self.does("ana: /hotfix deploy production").await;
        let promoted = || self.drone.promotions(&repository).into_iter().find(|build| build.after == head.as_str());
        let build = until(promoted).await;
        self.drone.change(&repository, build.number, |build| build.status = "success".to_owned());
        self.sees("Live in production").await;
        self.does("dee: /hotfix verify production pass").await;
        self.sees("The fix is on main").await;
        self.does("ana: /hotfix postmortem https://wiki.example.org/118").await;
        self.sees("HF-1 is closed").await;
    }

    /// Collects the responses of the listeners to signed and unsigned requests.
    async fn answers(&self, bot: &Running, way: Way) -> String {
        let none = http::HeaderMap::new();
        let watched = bot.address("health and metrics can be asked for").await;
        let mut answers = Vec::new();
        for path in ["/healthz", "/readyz", "/metrics", "/", "/state"] {
            answers.push(ask(watched, "GET", path, &none, "").await);
        }
        let listens = bot.address("webhooks come in").await;
        for (id, about) in [("1", "push"), ("1", "push"), ("2", "review"), ("3", "check")] {
            let delivery = self.site.delivery(id, about, jiff::Timestamp::now()).expect("a delivery");
            let path = format!("/hooks/{NAME}");
            let taken = ask(listens, "POST", &path, &delivery.headers, &delivery.body).await;
            assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
            answers.push(taken);
            answers.push(ask(listens, "POST", &path, &none, &delivery.body).await);
            answers.push(ask(listens, "POST", &path, &delivery.headers, "{}").await);
        }
        answers.push(ask(listens, "POST", "/slack", &none, "{}").await);
        if way == Way::Http {
            let again = self.room.slack().deliver_again().await;
            answers.push(again.body.to_string());
        }
        answers.join("\n")
    }

    /// Starts the bot and connects Slack to it.
    pub(crate) async fn start(&self, way: Way) -> Running {
        let bot = Running::start(&self.stage.config(), &[("PATH", self.path.as_os_str())]);
        self.room.slack().set_time(jiff::Timestamp::now());
        self.room.slack().patience(Duration::from_secs(60));
        match way {
            Way::Http => {
                let listens = bot.address("webhooks come in").await;
                self.room.slack().deliver_to(Urls::one(&format!("http://{listens}/slack")));
            }
            Way::Socket => {
                self.room.slack().deliver_over_sockets();
                self.room.slack().connected(2).await;
            }
        }
        bot
    }

    /// Runs the program at the command line, as ana.
    pub(crate) async fn runs(&self, arguments: &[&str]) -> Ended {
        let env = [("PATH", self.path.as_os_str())];
        run(&self.stage.config(), &[&["--as", "ana"], arguments].concat(), &env).await
    }

    /// Returns the secrets found in these places, in the chat and in the bot's files.
    pub(crate) fn found(&self, mut places: Vec<(String, String)>) -> Vec<String> {
        let said = self.room.slack().said();
        let said: Vec<_> = said.iter().filter(|said| said.method != "apps.connections.open").collect();
        places.push(("what was said in Slack".to_owned(), json!(said).to_string()));
        let canaries = Canaries::new(&self.secrets);
        let mut found: Vec<String> = places.iter().flat_map(|(place, text)| canaries.in_text(place, text)).collect();
        found.extend(canaries.in_folder(&self.stage.root.join("state")).expect("the bot's files"));
        found
    }

    /// Returns the requests to all remote systems: bodies and URLs. URLs end up in the logs of others.
    fn sent(&self) -> String {
        let slack = self.room.slack().control().calls();
        let forge = self.site.calls().map(|calls| calls.calls()).unwrap_or_default();
        let git = self.site.git_calls().map(|calls| calls.calls()).unwrap_or_default();
        let others =
            [self.drone.control().calls(), self.registry.server.control.calls(), self.registry.tokens.control.calls()];
        let calls = forge.iter().chain(&git).chain(others.iter().flatten());
        let addressed =
            |call: &hotfix_fakes::server::Call| json!([call.path, call.query, call.body]).to_string() + "\n";
        // The paths of Slack's response URLs are left out: Slack issues them and expects calls there.
        let slack = slack.iter().map(|call| json!([call.query, call.body]).to_string() + "\n");
        calls.map(addressed).chain(slack).collect()
    }
}

/// Runs a hotfix and searches all places; returns the secrets found.
async fn search(company: &Company, way: Way) -> Vec<String> {
    let bot = company.start(way).await;
    company.whole_hotfix().await;
    company.room.in_order().expect("Slack refused nothing");
    let mut places = vec![("an answer over HTTP".to_owned(), company.answers(&bot, way).await)];
    for arguments in [&["status", "HF-1"][..], &["timeline", "HF-1"], &["postmortem", "HF-1"], &["doctor"]] {
        let said = company.runs(arguments).await;
        assert!(said.well, "{arguments:?}: {}", said.said);
        places.push((format!("what hotfix {arguments:?} prints"), said.said));
    }
    let ended = bot.stop().await;
    assert!(ended.well, "{}", ended.said);
    assert!(ended.said.contains("TRACE"), "nothing is logged:\n{}", ended.said);
    let started = std::fs::read_to_string(&company.record).expect("programs were started");
    for program in ["git", "supervise", "deploy.sh", "GIT_CONFIG_VALUE_0", "DEPLOY_TOKEN"] {
        assert!(started.contains(program), "{program} is not among what was started:\n{started}");
    }
    // The recorded start has the names of the environment variables, but not their values.
    places.push(("the log".to_owned(), ended.said));
    places.push(("how programs were started".to_owned(), started));
    places.push(("what others were sent".to_owned(), company.sent()));
    company.found(places)
}

#[rstest]
#[case::github(Host::GitHub, Way::Http, "json")]
#[case::github_app(Host::GitHubApp, Way::Socket, "text")]
#[case::gitlab(Host::GitLab, Way::Socket, "json")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_stands_anywhere_after_a_whole_hotfix(#[case] host: Host, #[case] way: Way, #[case] format: &str) {
    let company = Company::new(host, way, format).await;
    let found = search(&company, way).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Puts a `git` that records its start before the real one; returns the `PATH`.
fn watch_git(stage: &Stage, record: &Path) -> OsString {
    let path = std::env::var_os("PATH").expect("a PATH");
    let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).expect("git");
    let folder = stage.root.join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let watched = WATCHED.replace("RECORD", &record.display().to_string());
    write(&folder.join("git"), &format!("#!/bin/sh\n{watched}\nexec \"{}\" \"$@\"\n", real.display()), 0o755);
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).expect("a PATH")
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("it is written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

pub(crate) fn commit(stage: &Stage, name: &str) -> String {
    let spec = format!("{name}^{{commit}}");
    git(&stage.bare(), "dee", jiff::Timestamp::now(), &["rev-parse", "--verify", &spec]).expect("a commit")
}

/// Waits until `find` returns a value.
async fn until<T>(find: impl Fn() -> Option<T>) -> T {
    let wait = async {
        loop {
            match find() {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("what was waited for did not come")
}
