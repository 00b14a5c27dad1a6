//! `hotfix doctor` reports what the bot lacks in an emergency, with the remedy.

use hotfix_tests::discord::Server;
use hotfix_tests::room::Room;
use hotfix_tests::running::{Ended, Running, ask, run};
use hotfix_tests::site::Host;
use hotfix_tests::stage::{Stage, fresh_folder};
use hotfix_tests::world::{Options, TYPISTS, Talk, World};
use rstest::rstest;

const VIEW_CHANNEL: u64 = 1 << 10;
const EMBED_LINKS: u64 = 1 << 14;
const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
const ADMINISTRATOR: u64 = 1 << 3;

fn edit(stage: &Stage, name: &str, change: impl FnOnce(String) -> String) {
    let path = stage.config().join(name);
    let text = std::fs::read_to_string(&path).expect("a file");
    let changed = change(text.clone());
    assert_ne!(changed, text, "{name} is not what it was");
    std::fs::write(&path, changed).expect("it is written");
}

async fn examined(change: impl FnOnce(&Server, &Stage)) -> Ended {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let options = Options { talk: Talk::Discord, ..Options::default() };
    let room = Room::open(&stage, &TYPISTS, &options).await.expect("a server").expect("Discord");
    change(room.server(), &stage);
    run(&stage.config(), &["doctor"], &[]).await
}

type Change = fn(&Server, &Stage);

#[rstest]
#[case::in_the_channel(
    |server: &Server, _: &Stage| {
        let bot = server.discord.app();
        server.discord.deny(server.channel, bot, EMBED_LINKS | CREATE_PUBLIC_THREADS);
    },
    "lacks Embed Links, Create Public Threads in #payments",
    "Give the bot's role in #payments: Embed Links, Create Public Threads."
)]
#[case::everywhere(
    |server: &Server, _: &Stage| server.discord.permit_only(VIEW_CHANNEL),
    "lacks Send Messages, Embed Links, Read Message History, Create Public Threads, Send Messages in Threads",
    "Give the bot's role in #payments: Send Messages,"
)]
#[case::unseen(
    |server: &Server, _: &Stage| server.discord.deny(server.channel, server.discord.app(), VIEW_CHANNEL),
    "Missing Access (50001)",
    "Let the bot see the channel, or invite it into the server."
)]
#[case::another_server(
    |server: &Server, stage: &Stage| {
        let guild = format!("servers = [\"{}\"]", server.discord.guild());
        edit(stage, "hotfix.toml", |text| text.replace(&guild, "servers = [\"1\"]"));
    },
    "Unknown Guild (10004)",
    "Invite the bot into the server, or correct the server's number."
)]
#[case::another_application(
    |server: &Server, stage: &Stage| {
        let own = format!("application_id = \"{}\"", server.discord.app());
        edit(stage, "hotfix.toml", |text| text.replace(&own, "application_id = \"12\""));
    },
    "and 12 is configured",
    "Set the application's number, or the token of the other one."
)]
#[case::another_token(
    |_: &Server, stage: &Stage| edit(stage, "discord-token", |_| "of-somebody-else".to_owned()),
    "Discord does not accept the bot's token (401",
    "Make a new one and set it."
)]
#[case::no_such_role(
    |_: &Server, stage: &Stage| {
        let notify = "notify = [{ group = \"7\", name = \"oncall\", on = [\"live\"] }]\nteam ";
        edit(stage, "services/payments.toml", |text| text.replacen("team ", notify, 1));
    },
    "the role 7: no server that the bot listens to has it",
    "Correct `notify` in the service's file."
)]
#[tokio::test]
async fn what_is_missing_in_discord_is_named(#[case] change: Change, #[case] seen: &str, #[case] next: &str) {
    let Ended { well, said } = examined(change).await;
    assert!(!well && said.contains("The bot cannot work like this"), "{said}");
    let bad = said.split("BAD ").skip(1).find(|bad| bad.contains(seen)).unwrap_or_else(|| panic!("no {seen}:\n{said}"));
    assert!(bad.contains(next), "no {next}:\n{said}");
}

/// Warnings do not fail the check: commands registered at the start, sessions that are available again tomorrow, and
/// unneeded permissions. The requested intents need no approval, so none can be missing.
#[tokio::test]
async fn what_is_doubtful_in_discord_is_told() {
    let Ended { well, said } = examined(|_, _| {}).await;
    assert!(well && said.contains("The bot works; something is lost"), "{said}");
    assert_eq!(said.matches("hm  ").count(), 1, "{said}");
    assert!(said.contains("hm  the commands: Discord knows others, or none\n      → Start the bot"), "{said}");
    assert!(said.contains("the bot may do what it has to in #payments"), "{said}");
    let Ended { well, said } = examined(|server, _| {
        server.discord.sessions_left(0);
        server.discord.permit(ADMINISTRATOR);
    })
    .await;
    assert!(well && said.contains("→ Look why the bot was connected so often."), "{said}");
    assert!(said.contains("→ Take that right from its role: it needs six lesser ones."), "{said}");
}

/// Returns the report of `doctor` on a stopped world after a change.
async fn examined_in(options: Options, change: impl FnOnce(&World)) -> Ended {
    let mut world = World::new(options).await.expect("a world");
    world.stop_listening().await;
    world.stop();
    change(&world);
    run(&world.stage.config(), &["doctor"], &[]).await
}

fn is_bad(ended: &Ended, seen: &str, next: &str) {
    let said = &ended.said;
    assert!(!ended.well, "{said}");
    let bad = said.split("BAD ").skip(1).find(|bad| bad.contains(seen)).unwrap_or_else(|| panic!("no {seen}:\n{said}"));
    assert!(bad.contains(next), "no {next}:\n{said}");
}

/// An invalid token and a read-only token are reported; both would let git read a public repository.
#[rstest]
#[tokio::test]
async fn a_token_that_cannot_write_is_named(#[values(Host::GitHub, Host::GitLab)] host: Host) {
    let options = || Options { service: "payments".to_owned(), host, ..Options::default() };
    let fine = examined_in(options(), |_| {}).await;
    assert!(fine.said.contains("ok  the token of code in team/payments: it reads and writes"), "{}", fine.said);
    let reads = examined_in(options(), |world| world.site.permit_reading_only()).await;
    is_bad(&reads, "the token of code in team/payments: ", "Give the token what it lacks");
    let garbage = examined_in(options(), |world| edit(&world.stage, "token", |_| "garbage".to_owned())).await;
    is_bad(&garbage, "the token of code in team/payments: ", "Give the token what it lacks");
}

/// The output of the `running` command must be a commit of the repository.
#[rstest]
#[case::words("echo it is fine", "production")]
#[case::a_commit_of_another_repository("echo 0123456789012345678901234567890123456789", "has no such commit")]
#[tokio::test]
async fn what_runs_is_a_commit_of_the_repository(#[case] script: &str, #[case] seen: &str) {
    let options = || Options { service: "payments".to_owned(), ..Options::default() };
    let fine = examined_in(options(), |_| {}).await;
    assert!(fine.said.contains("payments: deploys to production: it answers, and runs "), "{}", fine.said);
    let strange = examined_in(options(), |world| {
        edit(&world.stage, "scripts/running-in-folder.sh", |_| format!("#!/bin/sh\n{script}\n"));
    })
    .await;
    is_bad(&strange, seen, "→ ");
}

/// The audit channel for break-glass is checked like the service channels.
#[tokio::test]
async fn the_audit_channel_is_looked_at() {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    let ended = examined_in(options, |world| {
        edit(&world.stage, "policy.toml", |policy| {
            format!("{policy}\n[break_glass]\npeople = [\"dee\"]\naudit = \"C404\"\n")
        });
    })
    .await;
    is_bad(&ended, "the channel C404", "→ ");
}

/// The configured app id must be that of the token's app: events of other apps are dropped.
#[tokio::test]
async fn another_app_in_slack_is_named() {
    let options = || Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    let fine = examined_in(options(), |_| {}).await;
    assert!(fine.said.contains("ok  the app's id: "), "{}", fine.said);
    let other = examined_in(options(), |world| {
        edit(&world.stage, "hotfix.toml", |text| {
            let (before, behind) = text.split_once("app_id = \"").expect("an app");
            format!("{before}app_id = \"AOTHER{}", behind.trim_start_matches(|c: char| c != '"'))
        });
    })
    .await;
    is_bad(&other, "the app's id: ", "Set `app_id = ");
}

/// A read that failed three times in a row appears in the metrics and in the report of `doctor`, until it succeeds.
#[tokio::test]
async fn what_keeps_failing_is_named_while_it_fails() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    edit(&stage, "hotfix.toml", |text| format!("{text}[http]\nmetrics = \"127.0.0.1:0\"\n"));
    let bot = Running::start(&stage.config(), &[]);
    bot.said("the bot is up").await;
    let metrics = bot.address("health and metrics can be asked for").await;
    let read = async || ask(metrics, "GET", "/metrics", &http::HeaderMap::new(), "").await;
    let doctor = async || run(&stage.config(), &["doctor"], &[]).await;
    let started = run(&stage.config(), &["--as", "ana", "start", "payments", "Fix 500 on upload"], &[]).await;
    assert!(started.well, "{}", started.said);
    let mut status = String::new();
    for _ in 0..200 {
        status = run(&stage.config(), &["--as", "ana", "status", "HF-1"], &[]).await.said;
        if status.contains("Waiting for the fix") {
            break;
        }
    }
    assert!(status.contains("Waiting for the fix"), "{status}");
    assert!(!doctor().await.said.contains("HF-1: the branch hotfix"));
    assert!(read().await.contains("hotfix_failing_reads{read=\"branch\"} 0"));
    let away = stage.root.join("away.git");
    std::fs::rename(stage.bare(), &away).expect("it vanishes");
    bot.said("it is read again and again run=HF-1 read=\"branch\"").await;
    let ended = doctor().await;
    is_bad(&ended, "HF-1: the branch hotfix: could not be read since ", "there is no repository team/payments");
    let failing = read().await;
    assert!(failing.contains("hotfix_failing_reads{read=\"branch\"} 1"), "{failing}");
    std::fs::rename(&away, stage.bare()).expect("it is back");
    bot.said("it can be read again run=HF-1 read=\"branch\"").await;
    assert!(!doctor().await.said.contains("HF-1: the branch hotfix"));
    assert!(bot.stop().await.well);
}
