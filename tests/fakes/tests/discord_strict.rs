//! Tests that the Discord fake refuses what Discord refuses, with Discord's statuses and error codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use hotfix_fakes::clients::held_against_discord;
use hotfix_fakes::discord::{Answer, DiscordFake};
use serde_json::{Value, json};

const TOKEN: &str = "token-of-the-bot";

/// Sends one call over its own connection; returns the status, the headers in lower case, and the body.
fn raw(fake: &DiscordFake, token: &str, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut line = TcpStream::connect(fake.server.address).unwrap();
    write!(
        line,
        "{method} /api/v10{path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\nuser-agent: DiscordBot (test, 1)\r\n\
         authorization: Bot {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    line.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

fn call(fake: &DiscordFake, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, _, answer) = tokio::task::block_in_place(|| raw(fake, TOKEN, method, path, &body));
    (status, answer)
}

/// Sends a call that must be refused; returns the status and Discord's error code.
fn refused(fake: &DiscordFake, method: &str, path: &str, body: Value) -> (u16, u64) {
    let (status, answer) = call(fake, method, path, body);
    (status, answer["code"].as_u64().unwrap_or_else(|| panic!("{status} {answer}")))
}

fn button(id: &str) -> Value {
    json!({ "type": 2, "style": 1, "label": "Approve", "custom_id": id })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_much_is_refused_with_every_place() {
    let fake = DiscordFake::start(TOKEN).await;
    let at = format!("/channels/{}/messages", fake.channel("releases"));
    let row = |buttons: Vec<Value>| json!({ "type": 1, "components": buttons });
    let fields = |many: usize| vec![json!({ "name": "a", "value": "b" }); many];
    for (body, place) in [
        (json!({ "content": "x".repeat(2001) }), "/content"),
        (json!({ "embeds": vec![json!({ "title": "a" }); 11] }), "/embeds"),
        (json!({ "embeds": [{ "title": "x".repeat(257) }] }), "/embeds/0/title"),
        (json!({ "embeds": [{ "description": "x".repeat(4097) }] }), "/embeds/0/description"),
        (json!({ "embeds": [{ "fields": fields(26) }] }), "/embeds/0/fields"),
        (json!({ "embeds": vec![json!({ "description": "x".repeat(3001) }); 2] }), "/embeds"),
        (
            json!({ "content": "a", "components": vec![row(vec![button("a")]); 2] }),
            "/components/1/components/0/custom_id",
        ),
        (json!({ "content": "a", "components": [row(vec![button("a"); 6])] }), "/components/0/components"),
        (
            json!({ "content": "a", "components": [row(vec![button(&"x".repeat(101))])] }),
            "/components/0/components/0/custom_id",
        ),
        (json!({ "content": "a", "nonce": "x".repeat(26) }), "/nonce"),
        (json!({ "content": "a", "allowed_mentions": { "parse": ["users"], "users": ["1"] } }), "/allowed_mentions"),
    ] {
        let (status, answer) = call(&fake, "POST", &at, body);
        assert_eq!((status, answer["code"].as_u64()), (400, Some(50035)), "{place}: {answer}");
        assert!(answer["errors"].pointer(&format!("{place}/_errors/0/code")).is_some(), "{place}: {answer}");
    }
    assert_eq!(refused(&fake, "POST", &at, json!({ "content": " " })), (400, 50006));
    assert_eq!(fake.seen(fake.app(), fake.channel("releases")), "");
    assert_eq!(call(&fake, "POST", &at, json!({ "content": "x".repeat(2000) })).0, 200);
    let _ = tokio::task::block_in_place(|| held_against_discord(&fake.server.control.calls()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_and_numbers_are_looked_at() {
    let fake = DiscordFake::start(TOKEN).await;
    let (ada, channel) = (fake.person("ada"), fake.channel("releases"));
    let at = format!("/channels/{channel}/messages");
    let hello = json!({ "content": "hello" });
    let wrong = tokio::task::block_in_place(|| raw(&fake, "wrong", "GET", "/users/@me", &Value::Null));
    assert_eq!((wrong.0, &wrong.2["code"]), (401, &json!(0)));
    assert_eq!(refused(&fake, "POST", "/channels/1/messages", hello.clone()), (404, 10003));
    assert_eq!(refused(&fake, "GET", &format!("{at}/1"), Value::Null), (404, 10008));
    assert_eq!(refused(&fake, "GET", &format!("/guilds/{}/members", fake.guild()), Value::Null), (403, 50001));
    let theirs = fake.say(ada, channel, "mine");
    assert_eq!(refused(&fake, "PATCH", &format!("{at}/{theirs}"), hello.clone()), (403, 50005));
    assert_eq!(refused(&fake, "PUT", &format!("{at}/{theirs}/reactions/nothing/@me"), Value::Null), (400, 10014));
    fake.deny(channel, fake.app(), 1 << 11);
    assert_eq!(refused(&fake, "POST", &at, hello.clone()), (403, 50013));
    fake.deny(channel, fake.app(), 1 << 10);
    assert_eq!(refused(&fake, "POST", &at, hello.clone()), (403, 50001));
    fake.take_no_messages(ada, true);
    assert_eq!(refused(&fake, "POST", &format!("/channels/{}/messages", fake.direct(ada)), hello), (403, 50007));
    assert_eq!(fake.invalid_requests(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_is_answered_once_and_in_time() {
    let fake = DiscordFake::start(TOKEN).await;
    let (ada, channel) = (fake.person("ada"), fake.channel("releases"));
    let at = format!("/applications/{}/guilds/{}/commands", fake.app(), fake.guild());
    let bad = json!([{ "name": "Big", "description": "" }]);
    assert_eq!(refused(&fake, "PUT", &at, bad), (400, 50035));
    assert_eq!(call(&fake, "PUT", &at, json!([{ "name": "hotfix", "description": "Starts" }])).0, 200);
    let ways = |id: u64| {
        let token = fake.told(id)["token"].as_str().unwrap().to_owned();
        (format!("/interactions/{id}/{token}/callback"), format!("/webhooks/{}/{token}", fake.app()))
    };
    let said = json!({ "type": 4, "data": { "content": "@everyone hello", "flags": 64 } });
    let late = fake.run(ada, channel, "hotfix", &[]);
    fake.pass(Duration::from_secs(3));
    assert_eq!(refused(&fake, "POST", &ways(late).0, said.clone()), (404, 10062));
    let id = fake.run(ada, channel, "hotfix", &[]);
    assert_eq!(refused(&fake, "POST", &ways(id).0, json!({ "type": 7, "data": {} })), (400, 50035));
    assert_eq!(refused(&fake, "POST", &ways(id).1, json!({ "content": "early" })), (404, 10015));
    assert_eq!(call(&fake, "POST", &ways(id).0, said.clone()).0, 204);
    assert_eq!(refused(&fake, "POST", &ways(id).0, said), (400, 40060));
    let Some(Answer::Message(answer)) = fake.answer(id) else { panic!("an answer") };
    assert_eq!(fake.pings(), [(answer, "@everyone".to_owned())]);
    assert_eq!(fake.unguarded(), [answer]);
    let original = format!("{}/messages/@original", ways(id).1);
    assert_eq!(call(&fake, "PATCH", &original, json!({ "content": "later" })).0, 200);
    fake.pass(Duration::from_secs(15 * 60));
    assert_eq!(refused(&fake, "PATCH", &original, json!({ "content": "too late" })), (401, 50027));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_until_the_clock_moves_and_a_nonce_gives_the_earlier_message() {
    let fake = DiscordFake::start(TOKEN).await;
    let at = format!("/channels/{}/messages", fake.channel("releases"));
    let once = json!({ "content": "hello", "nonce": "1", "enforce_nonce": true });
    fake.limit(true);
    let first = call(&fake, "POST", &at, once.clone()).1["id"].clone();
    for _ in 0..4 {
        assert_eq!(call(&fake, "POST", &at, once.clone()).1["id"], first);
    }
    let (status, head, answer) = tokio::task::block_in_place(|| raw(&fake, TOKEN, "POST", &at, &once));
    assert_eq!((status, &answer["retry_after"], &answer["global"]), (429, &json!(5.0), &json!(false)));
    assert!(head.contains("retry-after: 5\r\n") && head.contains("x-ratelimit-remaining: 0\r\n"), "{head}");
    fake.pass(Duration::from_secs(5));
    assert_eq!(call(&fake, "POST", &at, once).0, 200);
    fake.limit_next(Duration::from_millis(1500), true);
    let (status, head, _) = tokio::task::block_in_place(|| raw(&fake, TOKEN, "GET", &at, &Value::Null));
    assert!(status == 429 && head.contains("x-ratelimit-global: true") && head.contains("retry-after: 2"), "{head}");
}
