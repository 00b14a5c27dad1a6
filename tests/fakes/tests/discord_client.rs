//! A discord.js bot runs a hotfix on the Discord fake with several users; every call and answer must conform to
//! Discord's API description.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::Write as _;
use std::process::{Child, Stdio};

use hotfix_fakes::clients::{held_against_discord, node, run};
use hotfix_fakes::discord::{Answer, DiscordFake};
use serde_json::json;

const TOKEN: &str = "token-of-the-bot";

/// The bot, in a child process that ends with the test.
struct Bot(Child);

impl Bot {
    fn start(fake: &DiscordFake) -> Self {
        let mut script = node("discord_bot.mjs");
        script.env("API", format!("{}/api", fake.server.url())).env("TOKEN", TOKEN);
        script.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        Self(script.stdin(Stdio::piped()).spawn().expect("node"))
    }

    /// Tells the bot to shut down and checks that it exits without an error.
    fn ends(mut self) {
        self.0.stdin.take().unwrap().write_all(b"end\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn sees(fake: &DiscordFake, user: u64, channel: u64, words: &str) {
    fake.until(words, |fake| fake.seen(user, channel).contains(words).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_lives_through_a_hotfix() {
    let fake = DiscordFake::start(TOKEN).await;
    let releases = fake.channel("releases");
    let (ada, grace) = (fake.person("ada"), fake.person("grace"));
    let bot = Bot::start(&fake);
    sees(&fake, ada, releases, "hotfix: I am here.").await;

    let captain = [("service", json!("payments")), ("captain", json!(grace.to_string()))];
    let started = fake.run(ada, releases, "hotfix start", &captain);
    let Answer::Message(answer) = fake.answered(started).await else { panic!("an answer") };
    assert_eq!(fake.message(answer), "hotfix (only you): Started payments for @ada.\n");
    assert!(!fake.seen(grace, releases).contains("Started"), "{}", fake.seen(grace, releases));
    sees(&fake, ada, releases, "thread: Hotfix 1").await;
    sees(&fake, ada, releases, "👍 hotfix").await;
    let post = *fake.posted(releases).last().unwrap();
    assert_eq!(
        fake.message(post),
        "hotfix:\n  | Hotfix\n  | led by @grace\n  | Service: payments\n  \
         [Approve] [Refuse] [Runbook → https://example.org/runbook]\n  👍 hotfix\n  thread: Hotfix 1\n"
    );
    assert_eq!(fake.seen(grace, fake.threads(releases)[0].0), "hotfix: Here it goes on.\n");

    fake.react(grace, post, "👍");
    sees(&fake, ada, releases, "put 👍: grace").await;
    let pressed = fake.press(grace, post, "Approve");
    assert_eq!(fake.answered(pressed).await, Answer::Update);
    assert!(fake.message(post).contains("approved by grace"), "{}", fake.message(post));

    // A user reacts while the connection is down; the bot receives the reaction when it resumes.
    fake.gateway_down(true);
    fake.cut();
    fake.react(ada, post, "👍");
    fake.unreact(grace, post, "👍");
    fake.gateway_down(false);
    sees(&fake, ada, releases, "taken 👍: ada").await;
    assert_eq!(fake.frames().iter().filter(|frame| frame.op == 6).count(), 1, "{:?}", fake.frames());
    assert_eq!(fake.frames().iter().filter(|frame| frame.op == 2).count(), 1, "{:?}", fake.frames());

    let asked = fake.run(ada, releases, "hotfix reason", &[]);
    let Answer::Modal(modal) = fake.answered(asked).await else { panic!("a modal") };
    assert_eq!((modal.title.as_str(), modal.inputs[0].label.as_str()), ("A reason", "Why?"));
    let sent = fake.submit(ada, &[("why", "money is lost")]);
    let Answer::Message(answer) = fake.answered(sent).await else { panic!("an answer") };
    assert_eq!(fake.message(answer), "hotfix: Because: money is lost\n");

    let slow = fake.run(grace, releases, "hotfix slow", &[]);
    sees(&fake, grace, releases, "hotfix (only you): Found it. (edited)\nhotfix (only you): And more.\n").await;
    assert!(matches!(fake.answered(slow).await, Answer::Deferred(_)));

    // A session that cannot be resumed is replaced by a new one.
    fake.refuse_resume(true);
    fake.cut();
    fake.until("a second session", |fake| {
        (fake.frames().iter().filter(|frame| frame.op == 2).count() == 2 && fake.connected() == 1).then_some(())
    })
    .await;
    let again = fake.run(grace, releases, "hotfix slow", &[]);
    assert!(matches!(fake.answered(again).await, Answer::Deferred(_)));
    assert_eq!(fake.pings(), []);
    tokio::task::block_in_place(|| bot.ends());
    let used = tokio::task::block_in_place(|| held_against_discord(&fake.server.control.calls()));
    assert!(used.len() > 15, "{used:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_closes_on_what_discord_closes_on() {
    let fake = DiscordFake::start(TOKEN).await;
    let mut script = node("discord_gateway.mjs");
    script.env("GATEWAY", fake.gateway_url()).env("TOKEN", TOKEN);
    assert_eq!(tokio::task::block_in_place(|| run(script)), "");
    assert!(fake.frames().iter().all(|frame| !frame.data.to_string().contains(TOKEN)));
}
