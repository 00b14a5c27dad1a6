//! Configuration reload at runtime: all or nothing, immediate, and never against an open run.

use std::path::Path;

use hotfix::socket::{CliRequest, call};
use hotfix_tests::play::{Play, given};
use hotfix_tests::running::{Running, run};
use hotfix_tests::scenario::Act;
use hotfix_tests::stage::{Stage, fresh_folder};
use hotfix_tests::world::{Options, World};

const UP: &str = "the bot is up";

fn edit(config: &Path, name: &str, from: &str, to: &str) {
    let path = config.join(name);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains(from), "there is no {from:?} in {name}");
    std::fs::write(&path, text.replace(from, to)).expect("it is written");
}

fn digest(config: &Path) -> String {
    hotfix::config::load(config).map_err(|faults| faults.render(false)).expect("a configuration").digest
}

async fn says(config: &Path, person: &str, words: &str) -> bool {
    let settings =
        hotfix::config::load(config).map_err(|faults| faults.render(false)).expect("a configuration").settings;
    let question = CliRequest { person: person.to_owned(), text: words.to_owned(), key: format!("{person}/{words}") };
    call(&settings.socket, &question).await.expect("it answers").expect("it listens").ok
}

/// Security case 96: reload by SIGHUP and by the command, all or nothing; the active configuration is shown.
#[tokio::test]
async fn case_96_the_program_reads_its_configuration_again() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let config = stage.config();
    edit(&config, "hotfix.toml", "poll_seconds", "http = { metrics = \"127.0.0.1:0\" }\npoll_seconds");
    let bot = Running::start(&config, &[]);
    bot.said(UP).await;
    let watched = bot.address("health and metrics can be asked for").await;
    let ready = async || hotfix_tests::running::ask(watched, "GET", "/readyz", &http::HeaderMap::new(), "").await;
    let first = digest(&config);
    assert!(ready().await.contains(&format!("ready\nconfiguration {first}\n")));
    assert!(!says(&config, "eli", "lock payments/staging why").await, "eli may not");

    edit(&config, "policy.toml", "\"chi\", \"dee\"]", "\"chi\", \"dee\", \"eli\"]");
    let second = digest(&config);
    let doubtful = run(&config, &["doctor"], &[]).await;
    assert!(doubtful.said.contains("hotfix reload") && doubtful.said.contains(&first), "{}", doubtful.said);
    let taken = run(&config, &["reload"], &[]).await;
    assert!(taken.well && taken.said.contains(&second), "{}", taken.said);
    assert!(ready().await.contains(&second));
    let fine = run(&config, &["doctor"], &[]).await;
    assert!(fine.said.contains("the configuration of the running bot: it is this one"), "{}", fine.said);

    // SIGHUP does not end the process.
    edit(&config, "policy.toml", "expires_minutes = 240", "expires_minutes = 241");
    bot.signal(rustix::process::Signal::HUP);
    let third = digest(&config);
    bot.said(&third).await;
    assert!(ready().await.contains(&third));

    // All errors are reported, and nothing of the broken configuration is applied.
    edit(&config, "policy.toml", "expires_minutes = 241", "expires_minutes = \"soon\"");
    edit(&config, "people.toml", "name    = \"Ana\"", "name    = 1");
    bot.signal(rustix::process::Signal::HUP);
    bot.said("The one before holds").await;
    let log = bot.so_far();
    assert!(log.contains("policy.toml") && log.contains("people.toml"), "{log}");
    assert!(ready().await.contains(&third));
    // Commands still work: the bot runs on the configuration it has.
    let asked = run(&config, &["--as", "ana", "lock", "payments/staging", "the load test"], &[]).await;
    assert!(asked.well && asked.said.contains("hotfix check-config"), "{}", asked.said);
    assert!(bot.stop().await.well);
    let alone = run(&config, &["--as", "ana", "locks"], &[]).await;
    assert!(!alone.well && alone.said.contains("people.toml"), "{}", alone.said);
    let nobody = run(&stage.config(), &["reload"], &[]).await;
    assert!(!nobody.well);
}

async fn opened(point: &str) -> Play {
    let options = Options { service: "payments".to_owned(), ..Options::default() };
    let mut play = Play::new(World::new(options).await.expect("a world")).expect("a play");
    for act in given(&format!("a hotfix that is {point}")).expect("a way there") {
        play.step(&act).await.unwrap_or_else(|error| panic!("{act:?}: {error:#}"));
    }
    play
}

/// A reload cannot remove the service, environment or forge of an open run, nor change settings that need a restart.
/// All such errors are reported together, and nothing changes.
#[tokio::test]
async fn what_an_open_run_needs_cannot_be_taken_away() {
    let mut play = opened("reviewed").await;
    let config = play.world.stage.config();
    let before = play.world.engine().config().digest.clone();
    let service = std::fs::read_to_string(config.join("services/payments.toml")).expect("a service");
    let (before_it, behind) = service.split_once("[[environment]]").expect("staging");
    let (_, production) = behind.split_once("[[environment]]").expect("production");
    let other = format!("{before_it}[[environment]]{production}");
    std::fs::write(config.join("services/payments.toml"), other).expect("it is written");
    edit(&config, "hotfix.toml", "poll_seconds = 1", "poll_seconds = 7");
    let faults = play.world.reload().await.expect_err("it is refused");
    assert!(faults.iter().any(|fault| fault.contains("HF-1") && fault.contains("staging")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("poll_seconds")), "{faults:?}");
    assert_eq!(play.world.engine().config().digest, before);
    // A service without an open run may be removed and added.
    std::fs::write(config.join("services/payments.toml"), &service).expect("it is written");
    edit(&config, "hotfix.toml", "poll_seconds = 7", "poll_seconds = 1");
    let shop = service.replace("payments", "shop");
    std::fs::write(config.join("services/shop.toml"), shop).expect("it is written");
    let policy = std::fs::read_to_string(config.join("policy.toml")).expect("a policy");
    let roles = policy.split_once("[services.payments.roles]").expect("roles").1;
    std::fs::write(config.join("policy.toml"), format!("{policy}\n[services.shop.roles]{roles}"))
        .expect("it is written");
    play.world.reload().await.expect("it is taken");
    assert_eq!(play.world.engine().config().services.len(), 2);
    std::fs::remove_file(config.join("services/shop.toml")).expect("it is removed");
    std::fs::write(config.join("policy.toml"), policy).expect("it is written");
    play.world.reload().await.expect("it is taken");
    std::fs::remove_file(config.join("services/payments.toml")).expect("it is removed");
    assert!(play.world.reload().await.is_err());
}

/// An open run keeps its deploy mechanisms, and thus its votes; the new configuration applies after it ends.
#[tokio::test]
async fn an_open_run_keeps_its_mechanisms() {
    let mut play = opened("approved").await;
    let config = play.world.stage.config();
    let way = |play: &Play| {
        let service = play.world.engine().config().services.values().next().expect("a service").clone();
        format!("{:?}", service.mechanisms)
    };
    let before = way(&play);
    let votes = play.world.newest().await.expect("a run").votes.len();
    edit(&config, "services/payments.toml", "pass_env = [\"PATH\"]", "pass_env = [\"PATH\"]\ntimeout_seconds = 901");
    let taken = play.world.reload().await.expect("it is taken");
    assert_eq!(taken.kept.len(), 1, "{taken:?}");
    assert_eq!((way(&play), taken.voided.len()), (before.clone(), 0));
    play.go_on().await.expect("it goes on");
    assert_eq!(play.world.newest().await.expect("a run").votes.len(), votes);
    play.step(&Act::Typed("ana: /hotfix abort HF-1 not needed".to_owned())).await.expect("it is over");
    let taken = play.world.reload().await.expect("it is taken");
    assert!(taken.kept.is_empty(), "{taken:?}");
    assert_ne!(way(&play), before);
}
