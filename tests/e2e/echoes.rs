//! Security case 67: remote systems, and proxies before them, that echo credentials. The bot shows and logs their
//! responses, with the secrets redacted.

use std::time::Duration;

use hotfix_fakes::server::Fault;
use hotfix_tests::leaks::Canaries;
use hotfix_tests::room::Room;
use hotfix_tests::running::{Running, run};
use hotfix_tests::site::Host;
use hotfix_tests::stage::{Stage, fresh_folder};
use hotfix_tests::world::{Options, TYPISTS, Talk};
use rstest::rstest;

use super::canaries::{Company, Way, commit};

/// Marker that precedes the secret in every echoed response.
const BACK: &str = "told to say this back";

/// Makes every remote system echo credentials in its responses.
fn all_say_back(company: &Company, status: Option<u16>) {
    let forge = [company.site.calls(), company.site.git_calls()].into_iter().flatten();
    forge.for_each(|control| control.echo_credentials(status));
    company.drone.control().echo_credentials(status);
    company.registry.server.control.echo_credentials(status);
    company.registry.tokens.control.echo_credentials(status);
    company.room.slack().control().echo_credentials(status);
}

#[rstest]
#[case::github(Host::GitHub, Way::Http)]
#[case::github_app(Host::GitHubApp, Way::Socket)]
#[case::gitlab(Host::GitLab, Way::Http)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_said_back_is_not_repeated(#[case] host: Host, #[case] way: Way) {
    let company = Company::new(host, way, "json").await;
    let bot = company.start(way).await;
    // The forge's API echoes when the bot opens the pull request: the error is shown in the channel.
    let api = company.site.calls().expect("an API");
    api.echo_credentials(Some(401));
    let fix = commit(&company.stage, "fix-upload");
    company.does(&format!("ana: /hotfix start payments \"Fix 500 on upload\" --fix {}", &fix[..12])).await;
    company.sees(BACK).await;
    api.echo_credentials(None);
    company.does("ana: /hotfix retry").await;
    company.sees("please review it").await;
    // Slack echoes, in both of its error styles, when the bot updates cards, posts messages and answers commands.
    let answers = [200, 401, 403, 500].into_iter().cycle().take(12).enumerate();
    company.room.slack().control().break_calls(answers.map(|(call, status)| (call, Fault::Echo(status))));
    for line in ["ana: /hotfix status", "dee: /hotfix hold the queue is full", "dee: /hotfix unhold"] {
        company.does(line).await;
    }
    bot.said(BACK).await;
    let mut places = Vec::new();
    for status in [401, 403, 404, 500] {
        all_say_back(&company, Some(status));
        let said = company.runs(&["doctor"]).await;
        assert!(!said.well, "{status}: {}", said.said);
        assert!(said.said.matches(BACK).count() >= 2, "{status}: nobody said it back:\n{}", said.said);
        places.push((format!("what doctor prints of {status}"), said.said));
        company.runs(&["where", "payments"]).await;
    }
    all_say_back(&company, None);
    company.room.slack().control().break_calls([]);
    for arguments in [&["status", "HF-1"][..], &["timeline", "HF-1"]] {
        places.push((format!("what hotfix {arguments:?} prints"), company.runs(arguments).await.said));
    }
    let ended = bot.stop().await;
    places.push(("the log".to_owned(), ended.said));
    let found = company.found(places);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The same in Discord, where the gateway also receives the token, with everything logged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discord_is_told_its_token_and_nobody_else() {
    const TOKEN: &str = "token-of-the-bot";
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "payments").expect("a stage");
    let options = Options { talk: Talk::Discord, ..Options::default() };
    let room = Room::open(&stage, &TYPISTS, &options).await.expect("a server").expect("Discord");
    let config = stage.config();
    let main = config.join("hotfix.toml");
    let text = std::fs::read_to_string(&main).expect("a file");
    std::fs::write(&main, format!("{text}\n[log]\nfilter = \"trace\"\n")).expect("it is written");
    let bot = Running::start(&config, &[]);
    let (server, discord) = (room.server(), room.discord());
    let up = discord.until("the bot", |fake| (fake.connected() == 1 && !fake.commands().is_empty()).then_some(()));
    // The first start waits for the build of the program.
    tokio::time::timeout(Duration::from_secs(60), up).await.expect("it comes");
    server.types("ana", "/hotfix start payments \"Fix 500 on upload\"").await.expect("it is taken");
    let ana = server.number("ana");
    let seen = |fake: &hotfix_fakes::discord::DiscordFake, words: &str| fake.seen(ana, server.channel).contains(words);
    discord.until("a card", |fake| seen(fake, "HF-1 payments").then_some(())).await;
    let answers = [401, 403, 500].into_iter().cycle().take(12).enumerate();
    discord.server.control.break_calls(answers.map(|(call, status)| (call, Fault::Echo(status))));
    for line in ["/hotfix status", "/hotfix hold the queue is full", "/hotfix unhold"] {
        // The reply is not awaited: Discord may have refused it.
        let said = [("text", line["/hotfix ".len()..].into())];
        let _act = server.discord.run(server.number("dee"), server.channel, "hotfix do", &said);
    }
    bot.said(BACK).await;
    let mut places = Vec::new();
    for status in [401, 403, 404, 500] {
        discord.server.control.echo_credentials(Some(status));
        let said = run(&config, &["doctor"], &[]).await;
        assert!(said.said.contains(BACK), "{status}: nobody said it back:\n{}", said.said);
        places.push((format!("what doctor prints of {status}"), said.said));
    }
    discord.server.control.echo_credentials(None);
    places.push(("what is seen".to_owned(), discord.seen(ana, server.channel)));
    let ended = bot.stop().await;
    assert!(ended.said.contains("TRACE"), "nothing is logged:\n{}", ended.said);
    places.push(("the log".to_owned(), ended.said));
    let canaries = Canaries::new(&[("Discord's token", TOKEN.to_owned())]);
    let mut found: Vec<String> = places.iter().flat_map(|(place, text)| canaries.in_text(place, text)).collect();
    found.extend(canaries.in_folder(&stage.root.join("state")).expect("the bot's files"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
