//! Slow and greedy clients, on in-memory connections with a paused clock that advances when all tasks wait: the
//! timeouts are the real ones, and no test waits for them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::body::{self, Unread};
use super::connection_slots::ConnectionSlots;
use super::meter::{Meter, Metered, allowance_of};
use super::server::{Genuine, Handler, connection};
use super::{Answer, Limits, plain};

/// Capacity of the in-memory pipe between client and server, in bytes.
const PIPE: usize = 16 * 1024;
/// The age at which an open connection counts as never closed.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// The number of accepted bytes that counts as unlimited.
const TOO_MUCH: usize = 16 << 20;

/// A handler that reads bodies like the real ones and answers with the result. Requests with the password are
/// authenticated.
struct Reader(Limits);

const PASSWORD: &str = "X-Password: yes\r\n";

#[async_trait]
impl Handler for Reader {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let genuine = request.headers().contains_key("x-password");
        let mut answer = plain(match body::read(request, self.0.body_bytes, self.0.patience).await {
            Ok(_) => StatusCode::OK,
            Err(Unread::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Err(Unread::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Err(Unread::Broken) => StatusCode::BAD_REQUEST,
        });
        if genuine {
            answer.extensions_mut().insert(Genuine);
        }
        answer
    }
}

/// A client of a served connection.
struct Client {
    pipe: DuplexStream,
    opened: Instant,
    closing: watch::Sender<bool>,
}

impl Client {
    fn connect() -> Self {
        let (pipe, served) = tokio::io::duplex(PIPE);
        let (closing, closed) = watch::channel(false);
        let limits = Limits::default();
        let site = Arc::new(Reader(limits.clone()));
        tokio::spawn(async move {
            let place = ConnectionSlots::new(limits.clone()).take(Ipv4Addr::LOCALHOST.into()).await;
            connection(served, site, &limits, closed, &place).await;
        });
        Self { pipe, opened: Instant::now(), closing }
    }

    async fn say(&mut self, words: &str) {
        self.pipe.write_all(words.as_bytes()).await.unwrap();
    }

    /// Reads one response without a body.
    async fn one_answer(&mut self) -> String {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.pipe.read_u8().await.expect("an answer"));
        }
        String::from_utf8(answer).unwrap()
    }

    /// Sends the bytes repeatedly, with pauses, until the server closes the connection; returns the number of bytes
    /// sent.
    async fn drip(&mut self, bytes: &[u8], pause: Duration) -> usize {
        let mut sent = 0;
        while self.opened.elapsed() < FOR_EVER && sent < TOO_MUCH && self.pipe.write_all(bytes).await.is_ok() {
            sent += bytes.len();
            sleep(pause).await;
        }
        sent
    }

    /// Reads until the server closes the connection; returns the responses and the connection's duration.
    async fn end(mut self) -> (String, Duration) {
        let mut answer = String::new();
        let read = tokio::time::timeout(FOR_EVER, self.pipe.read_to_string(&mut answer)).await;
        assert!(read.is_ok(), "the connection was never closed");
        (answer, self.opened.elapsed())
    }
}

/// Returns the status line of a response.
fn status(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

/// Asserts that the connection was closed by a timeout, before its maximum lifetime.
fn is_short(lasted: Duration) {
    assert!(lasted < Duration::from_secs(10), "the connection lasted {lasted:?}");
}

/// Security case 8: an idle connection is closed.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on() {
    let (answer, lasted) = Client::connect().end().await;
    assert_eq!(answer, "");
    is_short(lasted);
}

/// Security case 8: a connection that stalls after the request line is closed.
#[tokio::test(start_paused = true)]
async fn who_falls_silent_in_the_head_is_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\n").await;
    is_short(client.end().await.1);
}

/// Security case 8: a connection that drips its headers is closed.
#[tokio::test(start_paused = true)]
async fn who_drips_a_head_is_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\n").await;
    client.drip(b"X-More: 1\r\n", Duration::from_secs(1)).await;
    is_short(client.end().await.1);
}

/// Security case 8: a connection that drips its body gets an error and is closed.
#[tokio::test(start_paused = true)]
async fn who_drips_a_body_is_told_so_and_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n").await;
    client.drip(b"x", Duration::from_secs(1)).await;
    let (answer, lasted) = client.end().await;
    assert_eq!(status(&answer), "HTTP/1.1 408 Request Timeout");
    is_short(lasted);
}

/// An unauthenticated connection is closed after a while, however busy it is.
#[tokio::test(start_paused = true)]
async fn who_asks_without_end_is_hung_up_on() {
    let mut client = Client::connect();
    client.drip(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", Duration::from_millis(500)).await;
    let (answers, lasted) = client.end().await;
    assert!(answers.matches("HTTP/1.1 200 OK").count() > 5, "{answers}");
    // Security case 103: the last response, and no other, announces the close.
    let (_, last) = answers.rsplit_once("HTTP/1.1").unwrap();
    assert!(last.contains("connection: close\r\n") && answers.matches("connection: close").count() == 1, "{answers}");
    is_short(lasted);
}

/// An authenticated connection is kept while it sends requests, may be idle in between, and is closed in the end.
#[tokio::test(start_paused = true)]
async fn who_is_genuine_keeps_the_connection() {
    let idle = Limits::default().idle;
    let mut client = Client::connect();
    let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{PASSWORD}Content-Length: 0\r\n\r\n");
    for pause in [Duration::from_millis(500), Duration::from_secs(20), idle - Duration::from_secs(1)] {
        for _ in 0..40 {
            client.say(&request).await;
            assert_eq!(status(&client.one_answer().await), "HTTP/1.1 200 OK");
            sleep(pause).await;
        }
    }
    let lasted = client.opened.elapsed();
    let (rest, ended) = client.end().await;
    assert_eq!((rest.as_str(), ended - lasted), ("", Duration::from_secs(1)));
}

/// An authenticated connection gets no extra time for a slow head or body.
#[tokio::test(start_paused = true)]
async fn who_was_genuine_may_not_be_slow() {
    for begun in ["POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"] {
        let mut client = Client::connect();
        client.say(&format!("POST / HTTP/1.1\r\nHost: x\r\n{PASSWORD}Content-Length: 0\r\n\r\n")).await;
        client.one_answer().await;
        sleep(Duration::from_secs(60)).await;
        client.say(begun).await;
        let began = client.opened.elapsed();
        is_short(client.end().await.1 - began);
    }
}

/// Security case 103: a request with two conflicting body lengths is rejected, in either order of the headers, and also
/// after another request on the connection or in the same packet.
#[tokio::test(start_paused = true)]
async fn a_request_with_two_ends_is_refused() {
    for (headers, expected) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
        ("transfer-encoding:chunked\r\nX-Y: z\r\ncontent-LENGTH:3\r\nX: y\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", 200),
        ("Transfer-Encoding: chunked\r\nX-Content-Length: 3\r\n", 200),
    ] {
        two_ends(headers, expected).await;
    }
}

async fn two_ends(headers: &str, expected: u16) {
    let first = format!("POST / HTTP/1.1\r\nHost: x\r\n{PASSWORD}Content-Length: 4\r\n\r\nbody");
    let second = format!("POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n0\r\n\r\n");
    for (together, before) in [(false, false), (false, true), (true, true)] {
        let mut client = Client::connect();
        if together {
            client.say(&format!("{first}{second}")).await;
        } else if before {
            client.say(&first).await;
        }
        if before {
            assert_eq!(status(&client.one_answer().await), "HTTP/1.1 200 OK");
        }
        if !together {
            client.say(&second).await;
        }
        let answer = client.one_answer().await;
        assert!(status(&answer).starts_with(&format!("HTTP/1.1 {expected}")), "{answer}");
        assert_eq!(answer.contains("connection: close\r\n"), expected == 400, "{answer}");
    }
}

/// Security case 103: an unread body ends the connection, and the response announces it.
#[tokio::test(start_paused = true)]
async fn an_answer_before_the_body_says_that_it_is_the_last() {
    let mut client = Client::connect();
    client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\nbody").await;
    let answer = client.one_answer().await;
    assert_eq!(status(&answer), "HTTP/1.1 413 Payload Too Large");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

/// Connections are evicted in this order: unauthenticated before authenticated, idle before receiving, fewer bytes
/// before more, and new ones last. A connection that handles a request is not evicted.
#[tokio::test(start_paused = true)]
async fn whoever_sent_least_gives_way_first() {
    let limits = Limits::default();
    let meter = async |age: Duration, genuine: bool, sent: usize, idle: bool| {
        let meter = Meter::new();
        let pipe = vec![b'x'; sent];
        let _ = Metered::new(pipe.as_slice(), meter.clone()).read_to_end(&mut Vec::new()).await;
        if idle {
            meter.answered(genuine, &limits);
        } else if genuine {
            meter.answered(true, &limits);
            let _ = Metered::new(b"x".as_slice(), meter.clone()).read_to_end(&mut Vec::new()).await;
        }
        sleep(age).await;
        meter
    };
    let old = limits.grace;
    let old_ones = [
        meter(old, false, 0, true).await,
        meter(old, false, 50, true).await,
        meter(old, false, 10, false).await,
        meter(old, false, 20, false).await,
    ];
    let genuine = [meter(old, true, 5, true).await, meter(old, true, 1, true).await, meter(old, true, 1, false).await];
    let young_ones = [meter(Duration::ZERO, false, 0, true).await, meter(Duration::ZERO, false, 1, false).await];
    let order: Vec<_> = old_ones.iter().chain(&young_ones).chain(&genuine).collect();
    let ranks: Vec<_> = order.iter().map(|meter| meter.rank(&limits, false).unwrap()).collect();
    assert!(ranks.is_sorted(), "{ranks:#?}");
    assert!(young_ones[1].rank(&limits, true).unwrap() < ranks[0], "who is over the share goes first");
    assert!(genuine[0].rank(&limits, true).unwrap() > ranks[5], "but not before who is not genuine");
    let working = meter(old, false, 1, false).await;
    working.head_is_whole(true);
    assert_eq!(working.rank(&limits, true), None);
    working.evict();
    assert!(!working.must_go(), "its answer is being made");
    assert!(working.answered(true, &limits), "the answer is the last one");
    assert!(working.must_go());
}

/// Security case 98: if all slots are taken, an address above its share is evicted first, then the connection that sent
/// least.
#[tokio::test(start_paused = true)]
async fn an_address_above_its_share_gives_way_first() {
    let places = ConnectionSlots::new(Limits { connections: 4, connections_per_address: 2, ..Limits::default() });
    let from = |last: u8| std::net::IpAddr::from([192, 0, 2, last]);
    let one = places.take(from(1)).await;
    let two = [places.take(from(2)).await, places.take(from(2)).await, places.take(from(2)).await];
    assert!(two.iter().all(|place| !place.meter.must_go()), "there are places");
    let three = places.take(from(3)).await;
    assert_eq!((one.meter.must_go(), two[0].meter.must_go()), (false, true), "though the first one is older");
    let four = places.take(from(4)).await;
    assert!(one.meter.must_go(), "it is the oldest of those who said nothing");
    // All others are handling requests: none is evicted, and a new connection waits.
    for place in [&two[1], &two[2], &three, &four] {
        place.meter.head_is_whole(true);
    }
    let waiting = places.take(from(5));
    tokio::pin!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    three.meter.answered(true, &Limits::default());
    three.answered();
    waiting.await;
    assert!(three.meter.must_go());
}

/// An IPv6 /64 network counts as one address, and an IPv4-mapped IPv6 address counts as the IPv4 address.
#[test]
fn a_share_is_of_a_customer() {
    let share = |address: &str| allowance_of(address.parse().unwrap());
    assert_eq!(share("2001:db8:1:2::1"), share("2001:db8:1:2:ffff::2"));
    assert_ne!(share("2001:db8:1:2::1"), share("2001:db8:1:3::1"));
    assert_eq!(share("::ffff:192.0.2.1"), share("192.0.2.1"));
    assert_ne!(share("192.0.2.2"), share("192.0.2.1"));
}

/// A client that never reads its responses is disconnected.
#[tokio::test(start_paused = true)]
async fn who_never_reads_is_hung_up_on() {
    let mut client = Client::connect();
    let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".repeat(64);
    client.drip(&request, Duration::ZERO).await;
    assert!(client.opened.elapsed() <= Limits::default().lifetime);
}

/// Security case 7: a body with an excessive declared length is rejected before it is read.
#[tokio::test(start_paused = true)]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n").await;
    let (answer, lasted) = client.end().await;
    assert_eq!(status(&answer), "HTTP/1.1 413 Payload Too Large");
    assert!(lasted < Limits::default().patience, "it was waited for: {lasted:?}");
}

/// Security case 7: a body without a declared length is cut off at the limit.
#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_cut_off() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    let sent = client.drip(&chunk, Duration::ZERO).await;
    let limit = Limits::default().body_bytes;
    assert!((limit..limit + (256 << 10)).contains(&sent), "{sent} bytes were taken");
    assert_eq!(status(&client.end().await.0), "HTTP/1.1 413 Payload Too Large");
}

/// Security case 10: HTTP/2 is not served, even with prior knowledge.
#[tokio::test(start_paused = true)]
async fn http_2_is_not_spoken() {
    let mut client = Client::connect();
    client.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let (answer, _) = client.end().await;
    assert!(answer.is_empty() || status(&answer).starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_without_end_is_refused() {
    let mut client = Client::connect();
    client.say("POST / HTTP/1.1\r\n").await;
    let sent = client.drip(b"X-More: 0123456789012345678901234567890123456789\r\n", Duration::ZERO).await;
    assert!(sent < 128 << 10, "{sent} bytes were taken");
    assert_eq!(status(&client.end().await.0), "HTTP/1.1 431 Request Header Fields Too Large");
}

/// A shutdown lets a request in flight finish, then closes the connection.
#[tokio::test(start_paused = true)]
async fn a_stop_lets_a_request_end() {
    let mut client = Client::connect();
    client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhal").await;
    tokio::task::yield_now().await;
    client.closing.send_replace(true);
    tokio::task::yield_now().await;
    client.say("f").await;
    let (answer, lasted) = client.end().await;
    assert_eq!(status(&answer), "HTTP/1.1 200 OK");
    assert_eq!(lasted, Duration::ZERO);
}
