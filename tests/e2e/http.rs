//! The HTTP listeners, tested with plain TCP: refusals, durability and replies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hotfix::engine::{Engine, WakeupResult};
use hotfix::http::{Http, Limits, Options as Served};
use hotfix::inbound::InboundService;
use hotfix::serve;
use hotfix_adapters::chat::InboundHandler;
use hotfix_adapters::chat::slack::{Slack, SlackOptions};
use hotfix_adapters::forge::webhook::{Hint, Webhook, WebhookDelivery, WebhookError};
use hotfix_adapters::ids::Repo;
use hotfix_fakes::slack::SIGNING_SECRET;
use hotfix_storage::Seq;
use hotfix_tests::program::program;
use hotfix_tests::site::{Host, NAME};
use hotfix_tests::stage::{PLATFORM, Stage, fresh_folder};
use hotfix_tests::world::{Options, Talk, World};
use rstest::rstest;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

/// Path of the webhook of the forge that hosts the service.
const HOOK: &str = "/hooks/code";
const CHAT: &str = "/slack";
const SECRET: &str = "X-Badge: open sesame\r\n";
/// Name of a forge that hosts no service.
const ELSEWHERE: &str = "elsewhere";
/// Time limit for every wait in these tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A webhook whose deliveries are a dedupe key and a repository, authenticated by the `X-Badge` header.
struct Badge;

impl Webhook for Badge {
    fn accept(
        &self,
        headers: &http::HeaderMap,
        body: &[u8],
        _: jiff::Timestamp,
    ) -> Result<WebhookDelivery, WebhookError> {
        if headers.get("x-badge").is_none_or(|badge| badge != "open sesame") {
            return Err(WebhookError::Unsigned);
        }
        assert!(body != b"break off", "this webhook was told to break off");
        let text = std::str::from_utf8(body).map_err(|error| WebhookError::Malformed(error.to_string()))?;
        let (key, repo) = text.split_once(' ').unwrap_or((text, ""));
        let hint = (!repo.is_empty()).then(|| Repo::parse(repo).expect("a repository"));
        let hint = hint.map(|repo| Hint { repo, what: "push".to_owned() });
        Ok(WebhookDelivery { key: key.to_owned(), hint })
    }
}

fn ear(engine: &Arc<Engine>) -> Arc<dyn InboundHandler> {
    InboundService::of(engine.clone())
}

/// A bot with an open run and both listeners.
struct Bot {
    world: World,
    http: Http,
}

impl Bot {
    async fn new(limits: Limits) -> Self {
        let options = Options { service: "website".to_owned(), host: Host::GitHub, ..Options::default() };
        let world = World::new(options).await.expect("a world");
        world.on_the_forge("main is green").await.expect("a check");
        let start = world.typed("ana: /hotfix start website \"Fix 500 on upload\"").expect("words").expect("a command");
        world.deliver(&start).await.expect("it is open");
        world.settle().await.expect("the bot comes to rest");
        let mut http = bound(limits).await;
        http.open(world.engine().clone(), &ear(world.engine()));
        Self { world, http }
    }

    async fn post(&self, headers: &str, body: &str) -> String {
        self.post_to(NAME, headers, body).await
    }

    async fn post_to(&self, forge: &str, headers: &str, body: &str) -> String {
        self.send(&format!("/hooks/{forge}"), headers, body).await
    }

    async fn send(&self, path: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        ask(self.http.listens_on().expect("an address"), &request).await
    }

    async fn get(&self, path: &str) -> String {
        get(&self.http, path).await
    }

    async fn journal(&self) -> Seq {
        self.world.journal().health().await.seq
    }
}

async fn bound(limits: Limits) -> Http {
    let free = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let hooks = [NAME, ELSEWHERE].map(|forge| (forge.to_owned(), Arc::new(Badge) as Arc<dyn Webhook>));
    let hooks = BTreeMap::from(hooks);
    // Nothing listens here: the bot's messages are lost, and it calls Slack only for requests with a valid signature.
    let api = "http://127.0.0.1:9/api/".parse().expect("an address");
    let mut slack = SlackOptions::new(api, "xoxb-1".into(), "A1", vec!["T1".to_owned()]);
    slack.signing_secrets = vec![SIGNING_SECRET.into()];
    let chat = Slack::new(slack).expect("a Slack").ingress().map(|ingress| Arc::new(ingress) as Arc<_>);
    Http::bind(Served { listen: free, metrics: free, hooks, chat, limits }).await.expect("free ports")
}

/// Returns the headers with which Slack signs this body.
fn signed(body: &str) -> String {
    let now = jiff::Timestamp::now().as_second();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).expect("a key");
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    format!("X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n")
}

/// The body of a slash command from Slack.
const COMMAND: &str = "command=%2Fhotfix&text=help&api_app_id=A1&team_id=T1&user_id=U1&channel_id=C1&trigger_id=1.2";
/// Returns the authentication headers and body of a valid request for each path.
fn genuine(path: &str) -> (String, &'static str) {
    if path == CHAT { (signed(COMMAND), COMMAND) } else { (SECRET.to_owned(), "key-1 team/website") }
}

async fn get(http: &Http, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ask(http.metrics_on().expect("an address"), &request).await
}

/// Sends a request and reads until the server closes the connection.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("it is heard");
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A server that refuses a body closes early, which resets the connection; the response before that counts.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection was never closed");
    String::from_utf8(answer).expect("text")
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Waits until the condition holds.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("what was waited for did not come");
}

/// Security cases 1 and 6, S2: the response gives no reason, and the journal does not grow.
#[tokio::test]
async fn what_is_not_signed_leaves_no_trace() {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    for headers in ["", "X-Badge: \r\n", "X-Badge: open sesam\r\n"] {
        let answer = bot.post(headers, "key-1 team/website").await;
        assert_eq!((status(&answer), body(&answer)), (401, ""));
    }
    assert_eq!(bot.journal().await, before);
    assert!(!bot.world.engine().look_where_hinted().await.expect("the journal"));
}

/// Security case 5: a redelivery has no effect, both in the same process and after a restart.
#[tokio::test]
async fn a_delivery_that_comes_again_has_one_effect() {
    let mut bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 200);
    let after = bot.journal().await;
    assert!(after > before, "it is not durable");
    assert!(bot.world.engine().look_where_hinted().await.expect("the journal"));
    for _ in 0..2 {
        assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 200);
        assert_eq!(bot.journal().await, after);
        assert!(!bot.world.engine().look_where_hinted().await.expect("the journal"));
        bot.world.restart().await.expect("it starts again");
        bot.http = bound(Limits::default()).await;
        bot.http.open(bot.world.engine().clone(), &ear(bot.world.engine()));
    }
    assert_eq!(status(&bot.post(SECRET, "key-2 team/website").await), 200);
    assert!(bot.world.engine().look_where_hinted().await.expect("the journal"));
}

/// Security cases 12, 15 and 85: a ping and a foreign repository get a success response and change nothing.
#[tokio::test]
async fn what_is_no_concern_is_answered_with_success() {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    for words in ["ping", "key-1 team/other"] {
        assert_eq!(status(&bot.post(SECRET, words).await), 200);
    }
    assert_eq!(bot.journal().await, before);
    assert!(!bot.world.engine().look_where_hinted().await.expect("the journal"));
}

/// Security case 15: a sender with the secret of one forge cannot make the bot poll repositories of another forge,
/// under any name.
#[tokio::test]
async fn a_forge_hints_only_at_what_is_on_it() {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    assert_eq!(status(&bot.post_to(ELSEWHERE, SECRET, "key-1 team/website").await), 200);
    assert_eq!(bot.journal().await, before);
    assert!(!bot.world.engine().look_where_hinted().await.expect("the journal"));
    assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 200);
    assert!(bot.world.engine().look_where_hinted().await.expect("the journal"));
}

/// Security case 15: a hint about the repository that a run promotes in counts too, from the forge that hosts it.
#[tokio::test]
async fn a_hint_about_the_repository_that_is_promoted_in_counts() {
    let options = Options { service: "reports".to_owned(), host: Host::GitHub, ..Options::default() };
    let world = World::new(options).await.expect("a world");
    let (engine, repo) = (world.engine().clone(), Repo::parse(PLATFORM).expect("a repository"));
    assert_eq!(
        engine.hint(NAME, "key-1", &repo).await.expect("the journal"),
        WakeupResult::NoConcern,
        "nobody is there yet"
    );
    let start = world.typed("ana: /hotfix start reports \"Fix 500 on export\"").expect("words").expect("a command");
    world.deliver(&start).await.expect("it is open");
    world.settle().await.expect("the bot comes to rest");
    assert_eq!(engine.hint(ELSEWHERE, "key-1", &repo).await.expect("the journal"), WakeupResult::NoConcern);
    assert_eq!(engine.hint(NAME, "key-1", &repo).await.expect("the journal"), WakeupResult::Looking);
    assert_eq!(engine.hint(NAME, "key-1", &repo).await.expect("the journal"), WakeupResult::SeenBefore);
    assert!(engine.look_where_hinted().await.expect("the journal"));
}

/// A panic in one request ends only its connection.
#[tokio::test]
async fn a_request_that_breaks_off_hurts_no_other() {
    let mut bot = Bot::new(Limits { connections: 2, ..Limits::default() }).await;
    for _ in 0..4 {
        assert_eq!(bot.post(SECRET, "break off").await, "");
    }
    assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 200);
    assert_eq!(status(&bot.get("/readyz").await), 200);
    assert!(bot.http.broken().now_or_never().is_none(), "a listener ended");
}

/// A webhook makes the bot read a push long before its next poll.
#[tokio::test]
async fn a_hint_makes_the_bot_look_at_once() {
    let bot = Bot::new(Limits::default()).await;
    let engine = bot.world.engine().clone();
    let looks = engine.pulse().looks();
    let stop = Arc::new(Notify::new());
    let working = tokio::spawn(serve::run(engine.clone(), Duration::from_secs(3600), stop.clone()));
    until(async || engine.pulse().looks() > looks).await;
    let push =
        "ana pushes \"Fix 500\" to hotfix/fix-500-on-upload: src/upload.py = def upload(receipt):\\n    return 1\\n";
    bot.world.with_git(push).expect("a push");
    let pushed = bot.world.commit_of("hotfix/fix-500-on-upload").expect("a commit");
    assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 200);
    until(async || {
        let run = bot.world.newest().await.expect("a run");
        run.head.is_some_and(|head| head.tip.as_str() == pushed)
    })
    .await;
    stop.notify_one();
    working.await.expect("it ends").expect("the journal is in order");
}

/// The success response is sent only after the commit to the journal.
#[tokio::test]
async fn what_the_journal_does_not_take_is_not_acknowledged() {
    let bot = Bot::new(Limits::default()).await;
    bot.world.cut.stop_at(0);
    assert_eq!(status(&bot.post(SECRET, "key-1 team/website").await), 503);
}

/// Security case 84: a full queue is answered with 503, and nothing is recorded.
#[rstest]
#[case::forge(HOOK)]
#[case::chat(CHAT)]
#[tokio::test]
async fn who_finds_the_queue_full_is_asked_to_come_again(#[case] path: &str) {
    let bot = Bot::new(Limits { queue: 0, ..Limits::default() }).await;
    let (before, heard) = (bot.journal().await, bot.world.engine().pulse().done());
    let (headers, words) = genuine(path);
    assert_eq!(status(&bot.send(path, &headers, words).await), 503);
    assert_eq!((bot.journal().await, bot.world.engine().pulse().done()), (before, heard));
    // Unsigned requests never reach the queue.
    assert_eq!(status(&bot.post("", "key-1 team/website").await), 401);
}

/// Security case 83: GET has no side effects, and only the known paths exist.
#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let bot = Bot::new(Limits::default()).await;
    let cases = [
        ("GET /hooks/code", 405),
        ("PUT /hooks/code", 405),
        ("POST /hooks/", 404),
        ("POST /hooks/other", 404),
        ("POST /hooks/code/", 404),
        ("POST /", 404),
        ("GET /metrics", 404),
        ("nonsense", 400),
    ];
    for (line, expected) in cases {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{SECRET}Content-Length: 0\r\n\r\n");
        let answer = ask(bot.http.listens_on().expect("an address"), &request).await;
        assert_eq!((status(&answer), body(&answer)), (expected, ""), "{line}");
    }
    for (line, expected) in [("POST /metrics", 405), ("DELETE /healthz", 405), ("GET /", 404), ("HEAD /readyz", 200)] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = ask(bot.http.metrics_on().expect("an address"), &request).await;
        assert_eq!((status(&answer), body(&answer)), (expected, ""), "{line}");
    }
    let mut request = format!("POST /hooks/code HTTP/1.1\r\nHost: x\r\n{SECRET}Content-Length: 1\r\n").into_bytes();
    request.extend(b"Connection: close\r\n\r\n\xff");
    let mut stream = TcpStream::connect(bot.http.listens_on().expect("an address")).await.expect("a connection");
    stream.write_all(&request).await.expect("it is heard");
    assert_eq!(status(&rest(&mut stream).await), 400);
}

/// Security case 85: Slack disables an endpoint that fails too often, so genuine but irrelevant deliveries get a
/// success response.
#[tokio::test]
async fn what_slack_sends_and_nobody_wants_is_answered_with_success() {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    let other = |from: &str, to: &str| COMMAND.replace(from, to);
    for words in [
        other("team_id=T1", "team_id=T2"),
        other("api_app_id=A1", "api_app_id=A2"),
        "{\"type\":\"event_callback\",\"event\":{\"type\":\"brand_new\"}}".to_owned(),
        "payload={\"type\":\"brand_new\"}".to_owned(),
    ] {
        let answer = bot.send(CHAT, &signed(&words), &words).await;
        assert_eq!((status(&answer), body(&answer)), (200, ""), "{words}");
    }
    assert_eq!(bot.journal().await, before);
    // The drop counter has the reason as a label. Other tests in this process may have increased it as well.
    let metrics = bot.get("/metrics").await;
    for reason in ["other_team", "other_app"] {
        let name = format!("hotfix_chat_dropped_total{{reason=\"{reason}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name)).expect("it is counted");
        assert!(count.parse::<u64>().expect("a number") > 0, "{metrics}");
    }
    for (words, answered) in [("{", 400), ("", 400)] {
        assert_eq!(status(&bot.send(CHAT, &signed(words), words).await), answered, "{words}");
    }
    let answer = bot.send(CHAT, &signed(COMMAND), COMMAND).await;
    assert!(status(&answer) == 200 && answer.contains("start <service>"), "{answer}");
}

/// Figure S2: a flood of unsigned or wrongly signed requests is refused from the bytes alone, and nothing is stored.
#[rstest]
#[case::forge(HOOK)]
#[case::chat(CHAT)]
#[tokio::test]
async fn a_flood_without_signatures_is_not_kept(#[case] path: &str) {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    let wrong = signed("something else");
    let request = |headers: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{COMMAND}",
            COMMAND.len()
        )
    };
    let address = bot.http.listens_on().expect("an address");
    for _ in 0..20 {
        let headers = (0..100).map(|number| if number % 2 == 0 { "" } else { wrong.as_str() });
        let flood = headers.map(|headers| {
            let request = request(headers);
            async move { status(&ask(address, &request).await) }
        });
        assert!(futures::future::join_all(flood).await.iter().all(|status| *status == 401));
    }
    assert_eq!(bot.journal().await, before);
    let (headers, words) = genuine(path);
    assert_eq!(status(&bot.send(path, &headers, words).await), 200, "who is genuine is heard all the same");
}

/// Security case 7: an oversized `Content-Length` is refused before any byte of the body arrives.
#[rstest]
#[case::forge(HOOK)]
#[case::chat(CHAT)]
#[tokio::test]
async fn two_hundred_megabytes_are_refused_by_their_announcement(#[case] path: &str) {
    let bot = Bot::new(Limits::default()).await;
    let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{SECRET}Content-Length: 209715200\r\n\r\n");
    let answer = ask(bot.http.listens_on().expect("an address"), &request).await;
    assert_eq!(status(&answer), 413);
}

/// Opens far more connections than the limit; each sends one of five partial requests and then stalls.
async fn hang(bot: &Bot, path: &str) -> Vec<TcpStream> {
    hang_from(bot, path, 1, SLOW).await
}

/// Opens `many` such connections from the address 127.0.0.`last`.
async fn hang_from(bot: &Bot, path: &str, last: u8, many: usize) -> Vec<TcpStream> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n");
    let body = format!("{head}Content-Length: 100\r\n\r\ncommand=");
    let begun = ["", "POST /s", head.split_once("Host").expect("a line").0, &head, &body];
    let mut hanging = Vec::new();
    for number in 0..many {
        let address = bot.http.listens_on().expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("an address of this machine");
        let mut stream = socket.connect(address).await.expect("a connection");
        // A connection that was already evicted may fail here.
        let _ = stream.write_all(begun[number % begun.len()].as_bytes()).await;
        hanging.push(stream);
    }
    hanging
}

/// Figure S1: number of slow connections at the same time.
const SLOW: usize = 600;

/// Security case 8, S1: health checks are answered while any number of connections stall.
#[rstest]
#[case::forge(HOOK)]
#[case::chat(CHAT)]
#[tokio::test]
async fn those_who_hang_do_not_keep_out_who_watches(#[case] path: &str) {
    let patience = Duration::from_secs(3600);
    // The stalled connections fill the limit, and some wait for a slot.
    let limits = Limits { connections: SLOW - 64, patience, lifetime: patience, ..Limits::default() };
    let bot = Bot::new(limits).await;
    let hanging = hang(&bot, path).await;
    for _ in 0..20 {
        let health = tokio::time::timeout(PATIENCE, bot.get("/healthz")).await.expect("nobody answered");
        assert_eq!(status(&health), 200);
    }
    drop(hanging);
}

/// Security case 8, S1: a waiting request gets a slot because all stalled connections time out.
#[rstest]
#[case::forge(HOOK)]
#[case::chat(CHAT)]
#[tokio::test]
async fn those_who_hang_keep_out_nobody_for_long(#[case] path: &str) {
    let patience = Duration::from_millis(250);
    let bot = Bot::new(Limits { patience, lifetime: patience * 2, ..Limits::default() }).await;
    let hanging = hang(&bot, path).await;
    let (headers, words) = genuine(path);
    let (answer, health) = tokio::join!(bot.send(path, &headers, words), bot.get("/healthz"));
    assert_eq!((status(&answer), status(&health)), (200, 200));
    for mut stream in hanging {
        let said = rest(&mut stream).await;
        assert!(["", "408"].contains(&said.get(9..12).unwrap_or_default()), "{said}");
    }
}

/// Security case 98: stalled connections, however many and however long, never block a request: the one that sent least
/// is evicted. This holds for the same and another address, and for new and existing connections.
#[rstest]
#[case::forge(HOOK, 1)]
#[case::chat(CHAT, 1)]
#[case::another_address(CHAT, 2)]
#[tokio::test]
async fn a_genuine_request_takes_the_place_of_one_that_hangs(#[case] path: &str, #[case] last: u8) {
    let patience = Duration::from_secs(3600);
    let bot = Bot::new(Limits { patience, idle: patience, lifetime: patience, ..Limits::default() }).await;
    let address = bot.http.listens_on().expect("an address");
    let (headers, words) = genuine(path);
    let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{words}", words.len());
    let mut kept = TcpStream::connect(address).await.expect("a connection");
    let asks = async |kept: &mut TcpStream| {
        kept.write_all(request.as_bytes()).await.expect("it is heard");
        let mut answer = [0; 12];
        let read = tokio::time::timeout(PATIENCE, kept.read_exact(&mut answer)).await.expect("nobody answered");
        read.expect("the connection is there");
        assert_eq!(&answer, b"HTTP/1.1 200");
        // The rest of the response has arrived by then, in one buffer.
        let mut rest = [0; 1 << 16];
        let _ = kept.read(&mut rest).await.expect("the rest");
    };
    asks(&mut kept).await;
    let mut hanging = Vec::new();
    for _ in 0..3 {
        hanging.extend(hang_from(&bot, path, last, 200).await);
        let answer = tokio::time::timeout(PATIENCE, bot.send(path, &headers, words)).await.expect("nobody answered");
        assert_eq!(status(&answer), 200);
        asks(&mut kept).await;
    }
}

/// Security case 103: hyper shows only one of the two headers.
#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    let bot = Bot::new(Limits::default()).await;
    let before = bot.journal().await;
    let head = format!("POST {HOOK} HTTP/1.1\r\nHost: x\r\n{SECRET}Transfer-Encoding: chunked\r\n");
    let body = "12\r\nkey-1 team/website\r\n0\r\n\r\n";
    let address = bot.http.listens_on().expect("an address");
    let both = ask(address, &format!("{head}Content-Length: 4\r\n\r\n{body}")).await;
    assert_eq!(status(&both), 400, "{both}");
    assert_eq!(bot.journal().await, before);
    let one = ask(address, &format!("{head}Connection: close\r\n\r\n{body}")).await;
    assert_eq!(status(&one), 200, "{one}");
}

/// Security case 8, S1: slowly dripped header lines or body bytes do not extend the time limit.
#[rstest]
#[case::head("X-Drip: 1\r\n", "")]
#[case::body("x", "Content-Length: 100000\r\n\r\n")]
#[tokio::test]
async fn those_who_drip_are_hung_up_on(#[case] drop: &str, #[case] behind: &str) {
    let patience = Duration::from_millis(250);
    let bot = Bot::new(Limits { patience, lifetime: patience * 2, ..Limits::default() }).await;
    let address = bot.http.listens_on().expect("an address");
    let dripping = (0..SLOW).map(|_| async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let _ = stream.write_all(format!("POST {CHAT} HTTP/1.1\r\nHost: x\r\n{behind}").as_bytes()).await;
        let mut answer = [0; 64];
        loop {
            // Writes and reads alternate, because a closed connection ends both.
            if stream.write_all(drop.as_bytes()).await.is_err() {
                return;
            }
            let heard = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut answer)).await;
            if let Ok(Ok(0) | Err(_)) = heard {
                return;
            }
        }
    });
    let all = tokio::time::timeout(PATIENCE, futures::future::join_all(dripping));
    let (all, health) = tokio::join!(all, bot.get("/healthz"));
    assert!(all.is_ok(), "somebody was never hung up on");
    assert_eq!(status(&health), 200);
}

/// `/readyz` is true from the end of recovery until the shutdown starts; requests in flight are still answered.
#[tokio::test]
async fn it_is_ready_from_recovery_until_the_stop() {
    let early = bound(Limits::default()).await;
    let (health, ready) = (get(&early, "/healthz").await, get(&early, "/readyz").await);
    assert_eq!((status(&health), status(&ready), body(&ready)), (200, 503, "starting\n"));
    assert_eq!(status(&get(&early, "/metrics").await), 200);
    drop(early);
    let mut bot = Bot::new(Limits::default()).await;
    assert_eq!(status(&bot.get("/readyz").await), 200);
    let (inbound, watched) = (bot.http.listens_on().expect("one"), bot.http.metrics_on().expect("one"));
    let mut stream = TcpStream::connect(inbound).await.expect("a connection");
    let head = format!(
        "POST /hooks/code HTTP/1.1\r\nHost: x\r\n{SECRET}Expect: 100-continue\r\nContent-Length: 18\r\n\r\nkey-1 "
    );
    stream.write_all(head.as_bytes()).await.expect("it is heard");
    let mut go_on = [0; 12];
    stream.read_exact(&mut go_on).await.expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100");
    let meanwhile = async {
        until(async || TcpStream::connect(inbound).await.is_err()).await;
        let ready = ask(watched, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert_eq!((status(&ready), body(&ready)), (503, "stopping\n"));
        stream.write_all(b"team/website").await.expect("it is heard");
        rest(&mut stream).await
    };
    let ((), answer) = tokio::join!(bot.http.drain(), meanwhile);
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    assert!(bot.world.engine().look_where_hinted().await.expect("the journal"));
    drop(bot.http);
    until(async || TcpStream::connect(watched).await.is_err()).await;
}

/// A stalled engine is reported as unhealthy, so that it is restarted.
#[tokio::test]
async fn an_engine_that_stands_still_is_not_healthy() {
    let bot = Bot::new(Limits { stall: Duration::ZERO, ..Limits::default() }).await;
    let answer = bot.get("/healthz").await;
    assert_eq!((status(&answer), body(&answer)), (503, "the engine has stalled\n"));
}

/// Security cases 61 and 82: every line parses, every label value is from a closed list, and no other path shows
/// a version.
#[tokio::test]
async fn the_metrics_say_what_happened_and_name_nobody() {
    let bot = Bot::new(Limits::default()).await;
    for (headers, words) in [("", "a team/website"), (SECRET, "b team/website"), (SECRET, "b team/website")] {
        bot.post(headers, words).await;
    }
    let answer = bot.get("/metrics").await;
    let text = body(&answer);
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let bare = name.split('{').next().unwrap_or_default();
        assert!(bare.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{line}");
    }
    let expected = [
        "hotfix_webhook_deliveries_total{source=\"code\",result=\"unsigned\"} 1",
        "hotfix_webhook_deliveries_total{source=\"code\",result=\"accepted\"} 1",
        "hotfix_webhook_deliveries_total{source=\"code\",result=\"duplicate\"} 1",
        "hotfix_webhook_deliveries_total{source=\"code\",result=\"stale\"} 0",
        "hotfix_runs{phase=\"underway\"} 1",
        "hotfix_runs{phase=\"completed\"} 0",
        "hotfix_break_glass_uses_total 0",
        "hotfix_break_glass_unreviewed 0",
        "hotfix_commands_total{result=\"done\"} 1",
        "hotfix_commands_total{result=\"refused\"} 0",
        "hotfix_denials_total{rule=\"role.missing\"} 0",
        "hotfix_outbox_backlog 0",
        "hotfix_outbox_dead 0",
        "hotfix_outbox_oldest_due_seconds 0",
        "hotfix_journal_writable 1",
        "hotfix_build_info{version=",
        "process_start_time_seconds ",
    ];
    for line in expected {
        assert!(text.contains(line), "there is no {line:?} in\n{text}");
    }
    let pulse = bot.world.engine().pulse();
    for (name, value) in
        [("journal_commits", pulse.commits()), ("outbox_batches", pulse.passes()), ("polls", pulse.looks())]
    {
        assert!(value > 0 && text.contains(&format!("hotfix_{name}_total {value}\n")), "{name} {value}\n{text}");
    }
    for name in ["website", "ana", "upload"] {
        assert!(!text.contains(name), "{name} is in\n{text}");
    }
    for path in ["/healthz", "/readyz", "/"] {
        assert!(!bot.get(path).await.contains(env!("CARGO_PKG_VERSION")), "{path}");
    }
}

/// The real program serves both listeners and shuts down cleanly; an address in use is an error before any other work.
#[tokio::test]
async fn the_program_serves_and_says_what_it_cannot_have() {
    let folder = fresh_folder().expect("a folder");
    let stage = Stage::set_up(folder.path(), "website").expect("a stage");
    let file = stage.config().join("hotfix.toml");
    let own = std::fs::read_to_string(&file).expect("a file");
    let start = |listen: SocketAddr| {
        let http = format!("[http]\nlisten = \"{listen}\"\nmetrics = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n");
        std::fs::write(&file, format!("{own}{http}")).expect("it is written");
        let mut command = tokio::process::Command::new(program());
        command.arg("--config").arg(stage.config()).arg("serve").env_remove("RUST_LOG").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the bot starts")
    };
    let mut bot = start(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut log = BufReader::new(bot.stderr.take().expect("a log")).lines();
    let mut watched = None;
    while let Some(line) = log.next_line().await.expect("a line") {
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if line["fields"]["message"] == "health and metrics can be asked for" {
            watched = line["fields"]["address"].as_str().and_then(|address| address.parse().ok());
            break;
        }
    }
    let watched: SocketAddr = watched.expect("an address in the log");
    until(async || {
        let ready = ask(watched, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        status(&ready) == 200
    })
    .await;
    let pid = bot.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)).expect("it runs");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is told to stop");
    assert!(bot.wait().await.expect("it ends").success());
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = taken.local_addr().expect("an address");
    let refused = tokio::time::timeout(PATIENCE, start(address).wait_with_output()).await;
    let refused = refused.expect("it did not end").expect("it ends");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    let expected = format!("hotfix: cannot listen on {address}, which is `listen` under [http] in hotfix.toml");
    assert!(said.contains(&expected), "{said}");
}

/// Returns the peak resident memory of a process, in KiB.
fn peak_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Sends up to 200 MB of a body of unknown length; returns how much was accepted, and the response.
async fn pour(address: SocketAddr) -> (usize, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!("POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is heard");
    let chunk = [format!("{:x}\r\n", 1 << 16).into_bytes(), vec![b'x'; 1 << 16], b"\r\n".to_vec()].concat();
    let mut sent = 0;
    while sent < 200 << 20 && stream.write_all(&chunk).await.is_ok() {
        sent += 1 << 16;
    }
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
    (sent, String::from_utf8_lossy(&answer).into_owned())
}

/// Security case 7, figure S2: unsigned bodies, both of 200 MB and of unknown length, cost the real program neither
/// memory nor journal space.
#[tokio::test]
async fn what_is_not_signed_costs_no_memory() {
    let options = Options { service: "payments".to_owned(), talk: Talk::Slack, ..Options::default() };
    let mut world = World::new(options).await.expect("a world");
    world.stop_listening().await;
    world.stop();
    let file = world.stage.config().join("hotfix.toml");
    let own = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, format!("{own}[log]\nformat = \"json\"\n")).expect("it is written");
    let mut command = tokio::process::Command::new(program());
    command.arg("--config").arg(world.stage.config()).arg("serve").env_remove("RUST_LOG").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut bot = command.spawn().expect("the bot starts");
    let mut log = BufReader::new(bot.stderr.take().expect("a log")).lines();
    let address: SocketAddr = loop {
        let line = log.next_line().await.expect("a line").expect("the bot is up");
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if line["fields"]["message"] == "webhooks come in" {
            break line["fields"]["address"].as_str().and_then(|address| address.parse().ok()).expect("an address");
        }
    };
    let journal = world.stage.root.join("state/store/journal");
    let size = || -> u64 {
        let files = std::fs::read_dir(&journal).expect("the journal");
        files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len()).sum()
    };
    let (pid, kept) = (bot.id().expect("it runs"), size());
    let before = peak_kib(pid);
    let poured = futures::future::join_all((0..32).map(|_| pour(address))).await;
    for (sent, answer) in &poured {
        assert!(*sent < 16 << 20, "{sent} bytes were taken");
        assert!(answer.is_empty() || status(answer) == 413, "{answer}");
    }
    let announced = format!("POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n");
    assert_eq!(status(&ask(address, &announced).await), 413);
    let grown = peak_kib(pid) - before;
    assert!(grown < 64 << 10, "it took {grown} KiB more");
    assert_eq!(size(), kept, "something of it was kept");
}
