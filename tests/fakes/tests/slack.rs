//! Tests that slack_sdk and bolt work with the Slack fake as with Slack itself, and that the time-dependent rules of
//! the fake hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotfix_fakes::clients::{node, python, run};
use hotfix_fakes::server::Fault;
use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, Farewell, SIGNING_SECRET, Slack, Standing, Submitted, Urls};
use serde_json::{Value, json};

/// A script that runs in a child process. It exits when its standard input closes.
struct Beside {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Beside {
    fn start(mut command: Command, fake: &Slack) -> Self {
        command.env("URL", fake.url()).env("BOT_TOKEN", BOT_TOKEN).env("APP_TOKEN", APP_TOKEN);
        command.env("SIGNING_SECRET", SIGNING_SECRET).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        tokio::task::block_in_place(|| self.said.read_line(&mut line)).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn workspace() -> Slack {
    let fake = Slack::start().await;
    fake.person("ada", Standing::Member);
    fake.person("ben", Standing::Member);
    fake.channel("payments", &["ada", "ben", "hotfix"]);
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_sdk_knows_its_way_around() {
    let fake = workspace().await;
    let mut ids = json!({ "team": fake.team(), "hotfix": fake.bot() });
    for (name, standing) in [
        ("gus", Standing::Guest),
        ("sue", Standing::SingleChannelGuest),
        ("sam", Standing::Stranger),
        ("amy", Standing::Admin),
        ("del", Standing::Member),
    ] {
        ids[name] = fake.person(name, standing).into();
    }
    fake.deactivate("del").await;
    ids["approvers"] = fake.group("approvers", &["ben"]).into();
    ids["elsewhere"] = fake.channel("elsewhere", &["ada"]).into();
    ids["secret"] = fake.private_channel("secret", &["ada"]).into();
    ids["shared"] = fake.channel("shared", &["ada"]).into();
    fake.share("shared");
    ids["old"] = fake.channel("old", &["ada", "hotfix"]).into();
    fake.archive("old");
    ids["payments"] = fake.channel_id("payments").into();
    let said = fake.say("ada", "payments", "said by ada").await;
    fake.react("ben", "payments", &said, "eyes").await;
    ids["said by ada"] = said.into();
    for name in ["ada", "ben"] {
        let info = fake.call(BOT_TOKEN, "users.list", &json!({}));
        let found = info["members"].as_array().unwrap().iter().find(|user| user["name"] == name);
        ids[name] = found.unwrap()["id"].clone();
    }
    let mut script = python("slack_life.py");
    script.env("IDS", ids.to_string());
    let mut beside = Beside::start(script, &fake);
    assert_eq!(beside.line(), "grant");
    fake.grant_also("channels:history");
    writeln!(beside.child.stdin.as_mut().unwrap(), "granted").unwrap();
    let status = tokio::task::block_in_place(|| beside.child.wait()).unwrap();
    assert!(status.success());
    let seen =
        "ada: said by ada\n  :eyes: ben\nhotfix: Live\n    hotfix: one\n    hotfix (also sent to the channel): two\n";
    assert_eq!(fake.sees("ben", "payments"), seen);
    assert_eq!(fake.sees("ada", "payments"), format!("{seen}hotfix (only you see this): psst\n"));
    assert_eq!(fake.home("ada").as_deref(), Some("Welcome\n"));
    let complaint = check(&fake);
    for known in ["51 blocks are more than 50", "text attribute cannot exceed 3000 characters", "marquee is unknown"] {
        assert!(complaint.contains(known), "{known} is not in\n{complaint}");
    }
}

/// Runs `slack_check.py` on everything that the fake recorded; returns its complaints, empty if there are none.
fn check(fake: &Slack) -> String {
    let mut command = python("slack_check.py");
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for said in fake.said() {
        writeln!(input, "{}", serde_json::to_string(&said).unwrap()).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), complaint.is_empty(), "{complaint}");
    complaint
}

/// Runs a day of user actions with the bolt bot; the result is the same for webhooks and Socket Mode.
async fn a_day(fake: &Slack) {
    fake.command("ada", "payments", "/hotfix dance & <sing>").await;
    fake.until_seen("ada", "payments", "(only you see this): I do not know dance & <sing>").await;
    assert_eq!(fake.sees("ben", "payments"), "");

    fake.command("ada", "payments", "/hotfix start payments").await;
    fake.until_seen("ada", "payments", "Started.").await;
    fake.until_seen("ben", "payments", "[Approve]").await;
    let card = fake.find("ben", "payments", "[Approve]");
    assert!(fake.press("ben", "payments", &card, "Approve").await.taken());
    fake.until_seen("ada", "payments", "hotfix: *HF-1* approved by @ben").await;

    fake.react("ada", "payments", &card, "tada").await;
    fake.until_seen("ben", "payments", "    hotfix: saw :tada:").await;
    let called = fake.say("ada", "payments", "@hotfix status").await;
    fake.until_seen("ben", "payments", "    hotfix: You called, @ada?").await;
    assert!(fake.message_shortcut("ben", "payments", &called, "note").await.taken());
    fake.until_seen("ben", "payments", "Noted: @hotfix status").await;

    fake.command("ada", "payments", "/hotfix modal").await;
    fake.until("a modal is open", |fake| fake.modal("ada").is_some()).await;
    let refused = fake.submit("ada", &[("Environment", "staging")]).await;
    assert_eq!(refused, Submitted::Refused(vec!["Reason: please complete this required field".to_owned()]));
    let long = "x".repeat(21);
    assert!(matches!(fake.submit("ada", &[("Reason", &long)]).await, Submitted::Refused(_)));
    assert!(matches!(fake.submit("ada", &[("Reason", "because")]).await, Submitted::Wrong(_)));
    let modal = fake.modal("ada").unwrap();
    assert!(modal.contains("Reason*: [____]\n  ! That is no reason\n"), "{modal}");
    let done = fake.submit("ada", &[("Reason", "Fees"), ("Environment", "production")]).await;
    assert_eq!((done, fake.modal("ada")), (Submitted::Closed, None));
    fake.until_seen("ben", "payments", "hotfix: Fees on production").await;

    fake.open_home("ben").await;
    fake.until("ben has a home", |fake| fake.home("ben").is_some()).await;
    assert_eq!(fake.home("ben").unwrap(), "Nothing is open.\n");
    assert_eq!(check(fake), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn bolt_lives_here_over_http() {
    let fake = workspace().await;
    let mut bot = Beside::start(node("slack_bot.mjs"), &fake);
    let url = format!("http://127.0.0.1:{}/slack/events", bot.line());
    fake.deliver_to(Urls::one(&url));
    a_day(&fake).await;
    fake.rotate_signing_secret("another");
    let refused = fake.command("ada", "payments", "/hotfix dance").await;
    assert_eq!(refused.status, Some(401));
    assert!(fake.sees("ada", "payments").contains("/hotfix failed with the error \"dispatch_failed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn bolt_lives_here_over_sockets() {
    let fake = workspace().await;
    fake.deliver_over_sockets();
    let mut script = node("slack_bot.mjs");
    script.env("MODE", "socket");
    let mut bot = Beside::start(script, &fake);
    assert_eq!(bot.line(), "connected");
    a_day(&fake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_sdk_lives_here_over_sockets_and_comes_back() {
    let fake = workspace().await;
    fake.deliver_over_sockets();
    let alone = fake.command("ada", "payments", "/hotfix x").await;
    assert_eq!(alone.problem, Some("connection_failed"));
    let bot = Beside::start(python("slack_socket.py"), &fake);
    fake.connected(1).await;
    assert_eq!(fake.command("ada", "payments", "/hotfix status").await.body["text"], "You typed status");
    fake.say("ada", "payments", "@hotfix hello").await;
    fake.until_seen("ada", "payments", "hotfix: saw app_mention").await;
    fake.take_leave(Farewell::RefreshRequested);
    fake.connected(0).await;
    fake.connected(1).await;
    assert_eq!(fake.command("ada", "payments", "/hotfix again").await.body["text"], "You typed again");
    let second = Beside::start(python("slack_socket.py"), &fake);
    fake.connected(2).await;
    fake.send_twice(true);
    fake.command("ada", "payments", "/hotfix twice").await;
    let acks: Vec<Value> =
        fake.said().into_iter().filter(|it| it.method == "socket.ack").map(|it| it.arguments).collect();
    let last = &acks[acks.len() - 2..];
    assert_eq!(last[0]["envelope_id"], last[1]["envelope_id"]);
    drop((bot, second));
}

fn posted(fake: &Slack, text: &str) -> Value {
    let channel = fake.channel_id("payments");
    fake.call(BOT_TOKEN, "chat.postMessage", &json!({ "channel": channel, "text": text }))
}

#[tokio::test]
async fn a_channel_takes_one_message_a_second_after_a_burst() {
    let fake = workspace().await;
    fake.rate_limits(true);
    let burst: Vec<bool> = (0..5).map(|_| posted(&fake, "x")["ok"] == true).collect();
    assert_eq!(burst, [true, true, true, true, false]);
    let wait = posted(&fake, "x")["retry_after"].as_u64().unwrap();
    fake.pass(Duration::from_secs(wait)).await;
    assert_eq!(posted(&fake, "x")["ok"], true);
    for _ in 0..20 {
        assert_eq!(fake.call(BOT_TOKEN, "users.list", &json!({}))["ok"], true);
    }
    assert_eq!(fake.call(BOT_TOKEN, "users.list", &json!({}))["error"], "ratelimited");
}

#[tokio::test]
async fn timestamps_grow_though_the_clock_stands() {
    let fake = workspace().await;
    let (first, second) = (posted(&fake, "a"), posted(&fake, "b"));
    assert!(first["ts"].as_str() < second["ts"].as_str());
}

/// A delivered request: headers and body.
type Delivered = (BTreeMap<String, String>, String);

/// An app that returns the prepared answers and records every delivery.
struct App {
    url: String,
    came: Arc<Mutex<Vec<Delivered>>>,
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
}

impl App {
    async fn start(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let came = Arc::new(Mutex::new(Vec::new()));
        let (kept, left) = (came.clone(), answers.clone());
        let take = async move |headers: axum::http::HeaderMap, body: String| {
            let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
            let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            kept.lock().unwrap().push((headers, body));
            let (status, answer) = left.lock().unwrap().pop_front().unwrap_or((200, json!({})));
            (axum::http::StatusCode::from_u16(status).unwrap(), axum::Json(answer))
        };
        let router = axum::Router::new().fallback(take);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, came, answers }
    }

    /// Returns a form field of the last delivery.
    fn field(&self, name: &str) -> String {
        let came = self.came.lock().unwrap();
        let found = form_urlencoded::parse(came.last().unwrap().1.as_bytes()).find(|(key, _)| key == name);
        found.unwrap().1.into_owned()
    }

    /// Returns the payload of the last interaction.
    fn interaction(&self) -> Value {
        serde_json::from_str(&self.field("payload")).unwrap()
    }
}

async fn with_app(answers: impl IntoIterator<Item = (u16, Value)>) -> (Slack, App) {
    let (fake, app) = (workspace().await, App::start(answers).await);
    fake.deliver_to(Urls::one(&app.url));
    (fake, app)
}

fn modal(title: &str) -> Value {
    let element = json!({ "type": "plain_text_input", "action_id": "a" });
    let input = json!({ "type": "input", "block_id": "b", "label": { "type": "plain_text", "text": "Why" },
        "element": element });
    let title = json!({ "type": "plain_text", "text": title });
    let submit = json!({ "type": "plain_text", "text": "Go" });
    json!({ "type": "modal", "title": title, "submit": submit, "blocks": [input], "notify_on_close": true })
}

#[tokio::test]
async fn a_trigger_lives_three_seconds_and_serves_once() {
    let (fake, app) = with_app([]).await;
    let open = |trigger: &str| {
        let answer = fake.call(BOT_TOKEN, "views.open", &json!({ "trigger_id": trigger, "view": modal("Start") }));
        answer["error"].as_str().unwrap_or("ok").to_owned()
    };
    fake.command("ada", "payments", "/hotfix").await;
    let trigger = app.field("trigger_id");
    fake.pass(Duration::from_millis(2999)).await;
    assert_eq!([open(&trigger), open(&trigger)], ["ok", "exchanged_trigger_id"]);
    fake.command("ada", "payments", "/hotfix").await;
    let trigger = app.field("trigger_id");
    fake.pass(Duration::from_secs(3)).await;
    assert_eq!([open(&trigger), open("1.2.x")], ["expired_trigger_id", "invalid_trigger_id"]);
}

#[tokio::test]
async fn an_answer_to_a_modal_closes_changes_or_stacks_it() {
    let (fake, app) = with_app([]).await;
    fake.command("ada", "payments", "/hotfix").await;
    let open = json!({ "trigger_id": app.field("trigger_id"), "view": modal("One") });
    let view = fake.call(BOT_TOKEN, "views.open", &open)["view"].clone();
    for (answer, wanted) in [
        ((500, json!({})), "One"),
        ((200, json!({ "response_action": "errors", "errors": { "nothing": "x" } })), "One"),
        ((200, json!({ "response_action": "update", "view": modal("Two") })), "Two"),
        ((200, json!({ "response_action": "push", "view": modal("Three") })), "Three"),
        ((200, json!({})), "Two"),
    ] {
        app.answers.lock().unwrap().push_back(answer);
        fake.submit("ada", &[("Why", "so")]).await;
        assert_eq!(fake.modal("ada").unwrap().lines().next().unwrap(), format!("=== {wanted} ==="));
    }
    let value = &app.interaction()["view"]["state"]["values"]["b"]["a"]["value"];
    assert_eq!(value, "so");
    let stale = json!({ "view_id": view["id"], "hash": view["hash"], "view": modal("Four") });
    assert_eq!(fake.call(BOT_TOKEN, "views.update", &stale)["error"], "hash_conflict");
    fake.close("ada").await;
    assert_eq!((app.interaction()["type"].as_str(), fake.modal("ada")), (Some("view_closed"), None));
}

#[tokio::test]
async fn views_keep_within_their_limits() {
    let (fake, app) = with_app([]).await;
    let long = |size: usize| json!({ "type": "plain_text", "text": "x".repeat(size) });
    for (key, value, words) in [
        ("title", long(25), "must be less than 25 characters [json-pointer:/view/title/text]"),
        ("submit", long(25), "[json-pointer:/view/submit/text]"),
        ("close", long(25), "[json-pointer:/view/close/text]"),
        ("private_metadata", "x".repeat(3001).into(), "must be less than 3001 characters"),
        ("callback_id", "x".repeat(256).into(), "must be less than 256 characters"),
        ("submit", Value::Null, "missing required field: submit"),
        ("blocks", vec![json!({ "type": "divider" }); 101].into(), "no more than 100 items allowed"),
    ] {
        fake.command("ada", "payments", "/hotfix").await;
        let mut view = modal("Start");
        view[key] = value;
        if view[key].is_null() {
            view.as_object_mut().unwrap().remove(key);
        }
        let refused =
            fake.call(BOT_TOKEN, "views.open", &json!({ "trigger_id": app.field("trigger_id"), "view": view }));
        assert_eq!(refused["error"], "invalid_arguments");
        assert!(refused["response_metadata"]["messages"].to_string().contains(words), "{refused}");
    }
}

/// Events that the app does not acknowledge are retried at once, after one minute and after five minutes, with the same
/// body, until the app acknowledges one delivery.
#[tokio::test]
async fn events_come_again() {
    let (fake, app) = with_app([500, 500, 503, 200].map(|status| (status, json!({})))).await;
    let ts = fake.say("ada", "payments", "hello").await;
    fake.react("ben", "payments", &ts, "eyes").await;
    let numbers = || {
        let came = app.came.lock().unwrap();
        let number = |headers: &BTreeMap<String, String>| headers.get("x-slack-retry-num").cloned();
        came.iter().map(|(headers, _)| number(headers).unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(), ["", "1"]);
    fake.pass(Duration::from_secs(59)).await;
    assert_eq!(numbers(), ["", "1"]);
    fake.pass(Duration::from_secs(1)).await;
    fake.pass(Duration::from_secs(240)).await;
    assert_eq!((numbers(), fake.retries_to_come()), (["", "1", "2", "3"].map(str::to_owned).to_vec(), 0));
    let came = app.came.lock().unwrap();
    assert!(came.iter().all(|(_, body)| *body == came[0].1));
    assert_eq!(came[1].0["x-slack-retry-reason"], "http_error");
}

/// Events arrive only from channels that the bot is a member of, and only for granted scopes.
#[tokio::test]
async fn what_happens_elsewhere_is_not_told() {
    let (fake, app) = with_app([]).await;
    fake.channel("elsewhere", &["ada"]);
    let ts = fake.say("ada", "elsewhere", "@hotfix hello").await;
    fake.react("ada", "elsewhere", &ts, "eyes").await;
    fake.say("ada", "@ada", "nobody granted im:history").await;
    assert_eq!(app.came.lock().unwrap().len(), 0);
    fake.grant_also("im:history");
    fake.say("ada", "@ada", "hello").await;
    assert!(app.came.lock().unwrap()[0].1.contains("\"channel_type\":\"im\""));
}

/// slack_sdk's own verifier accepts the signature of a delivery.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_signed_and_can_be_sent_again_as_it_was() {
    let (fake, app) = with_app([]).await;
    fake.command("ada", "payments", "/hotfix status").await;
    let again = fake.deliver_again().await;
    assert_eq!(again.status, Some(200));
    let came = app.came.lock().unwrap();
    assert_eq!(came[0], came[1]);
    let mut script = python("slack_signature.py");
    script.env("HEADERS", json!(came[0].0).to_string()).env("BODY", &came[0].1).env("SECRET", SIGNING_SECRET);
    assert_eq!(tokio::task::block_in_place(|| run(script)), "True False\n");
}

#[tokio::test]
async fn an_app_installed_for_the_whole_enterprise_is_told_no_team() {
    let (fake, app) = with_app([]).await;
    fake.enterprise("E0FAKE", true);
    fake.shortcut("ada", "anything").await;
    let payload = app.interaction();
    assert_eq!((&payload["team"], &payload["is_enterprise_install"]), (&Value::Null, &json!(true)));
    assert_eq!(payload["enterprise"]["id"], "E0FAKE");
}

/// If the app does not answer in time, the user who entered the command is shown an error.
#[tokio::test]
async fn silence_is_shown() {
    let (fake, _app) = with_app([]).await;
    let deaf = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    fake.deliver_to(Urls::one(&format!("http://{}/", deaf.local_addr().unwrap())));
    fake.patience(Duration::from_millis(50));
    fake.command("ada", "payments", "/hotfix status").await;
    let shown = "hotfix (only you see this): /hotfix failed with the error \"operation_timeout\"\n";
    assert_eq!(fake.sees("ada", "payments"), shown);
}

#[tokio::test]
async fn a_planned_failure_does_nothing() {
    let fake = workspace().await;
    fake.fail_next("chat.postMessage", "internal_error");
    let url = format!("{}/api/chat.postMessage", fake.url());
    assert_eq!(
        post(&url, &json!({ "channel": fake.channel_id("payments"), "text": "x" })).await.1["error"],
        "internal_error"
    );
    assert_eq!(fake.sees("ada", "payments"), "");
    fake.uninstall().await;
    assert_eq!(posted(&fake, "x")["error"], "account_inactive");
}

#[tokio::test]
async fn a_response_url_serves_five_times_in_thirty_minutes() {
    let (fake, app) = with_app([]).await;
    fake.command("ada", "payments", "/hotfix").await;
    let url = app.field("response_url");
    post(&url, &json!({ "text": "one" })).await;
    post(&url, &json!({ "text": "two", "replace_original": true })).await;
    post(&url, &json!({ "text": "for all", "response_type": "in_channel" })).await;
    assert_eq!(fake.sees("ada", "payments"), "hotfix (only you see this): two (edited)\nhotfix: for all\n");
    post(&url, &json!({ "delete_original": true })).await;
    assert_eq!(fake.sees("ada", "payments"), fake.sees("ben", "payments"));
    assert_eq!(post(&url, &json!({ "text": "five" })).await.0, 200);
    assert_eq!(post(&url, &json!({ "text": "six" })).await, (404, json!({ "ok": false, "error": "used_url" })));
    fake.command("ada", "payments", "/hotfix").await;
    let url = app.field("response_url");
    fake.pass(Duration::from_secs(30 * 60)).await;
    assert_eq!(post(&url, &json!({ "text": "late" })).await.1["error"], "expired_url");
}

/// An envelope is delivered again on another connection if its connection closes before it is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_not_lost_with_its_connection() {
    let fake = workspace().await;
    fake.deliver_over_sockets();
    let bots: Vec<Beside> = (0..2).map(|_| Beside::start(python("slack_socket.py"), &fake)).collect();
    fake.connected(2).await;
    fake.cut_at_next();
    let answered = fake.command("ada", "payments", "/hotfix status").await;
    assert_eq!(answered.body["text"], "You typed status");
    drop(bots);
}

/// Opens a Socket Mode connection with a ticket; returns it with the first data received.
async fn connect(url: &str) -> (tokio::net::TcpStream, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (host, path) = url.strip_prefix("ws://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n");
    let more = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(format!("{head}{more}").as_bytes()).await.unwrap();
    let mut said = Vec::new();
    // The type is the last field of a message. A ping or the close frame may arrive in the same read.
    let is_whole =
        |said: &[u8]| String::from_utf8_lossy(said).split_once("\"type\":\"").is_some_and(|(_, end)| end.contains('}'));
    while !is_whole(&said) && stream.read_buf(&mut said).await.unwrap() > 0 {
        if said.starts_with(b"HTTP/1.1 401") {
            break;
        }
    }
    (stream, String::from_utf8_lossy(&said).into_owned())
}

/// An app may have at most ten connections, and a ticket opens one connection.
#[tokio::test]
async fn an_eleventh_connection_is_refused() {
    let fake = workspace().await;
    let ticket = || fake.call(APP_TOKEN, "apps.connections.open", &json!({}))["url"].as_str().unwrap().to_owned();
    let mut open = Vec::new();
    for _ in 0..10 {
        let (stream, said) = connect(&ticket()).await;
        assert!(said.contains("\"hello\""), "{said}");
        open.push(stream);
    }
    assert!(connect(&ticket()).await.1.contains("too_many_websockets"));
    open.pop();
    fake.connected(9).await;
    let again = ticket();
    assert!(connect(&again).await.1.contains("\"hello\""));
    assert!(connect(&again).await.1.starts_with("HTTP/1.1 401"));
    assert!(connect(&again.replace("ticket-", "ticket-9")).await.1.starts_with("HTTP/1.1 401"));
    fake.may_connect(false);
    assert_eq!(fake.call(APP_TOKEN, "apps.connections.open", &json!({}))["needed"], "connections:write");
}

/// A call may take effect although its answer is lost; this is a fault of the network and not of Slack.
#[tokio::test]
async fn a_call_may_be_done_though_nobody_heard() {
    let fake = workspace().await;
    let url = format!("{}/api/chat.postMessage", fake.url());
    let body = |text: &str| json!({ "channel": fake.channel_id("payments"), "text": text });
    fake.control().break_calls([(0, Fault::Refuse(500)), (1, Fault::DoneBut500), (2, Fault::HalfBody)]);
    assert_eq!(post(&url, &body("not done")).await.0, 500);
    assert_eq!(post(&url, &body("done")).await.0, 500);
    assert_eq!(post(&url, &body("half")).await.1, Value::Null);
    assert_eq!(fake.sees("ada", "payments"), "hotfix: done\nhotfix: half\n");
}

/// Posts JSON; returns the status, 0 if there was no answer, and the body, null if it is incomplete.
async fn post(url: &str, body: &Value) -> (u16, Value) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let body = body.to_string();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: Bearer {BOT_TOKEN}\r\n"
    );
    let length = body.len();
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}
