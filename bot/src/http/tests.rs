//! Slow and greedy clients, on a connection in memory under a clock that runs ahead whenever everybody waits: the time-outs
//! are the real ones, and no test waits for them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::body::{self, Unread};
use super::server::{Site, connection};
use super::{Answer, Limits, plain};

/// What fits between client and server without being read.
const PIPE: usize = 16 * 1024;
/// After this a connection that is still open is open for ever.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// Who takes so many bytes takes any number.
const TOO_MUCH: usize = 16 << 20;

/// Reads bodies as the real ones do, and answers with how that went.
struct Reader(Limits);

#[async_trait]
impl Site for Reader {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        plain(match body::read(request.into_body(), self.0.body_bytes, self.0.patience).await {
            Ok(_) => StatusCode::OK,
            Err(Unread::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Err(Unread::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Err(Unread::Broken) => StatusCode::BAD_REQUEST,
        })
    }
}

/// A client on a connection that is served.
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
        tokio::spawn(async move { connection(served, site, &limits, closed).await });
        Self { pipe, opened: Instant::now(), closing }
    }

    async fn say(&mut self, words: &str) {
        self.pipe.write_all(words.as_bytes()).await.unwrap();
    }

    /// Sends this again and again, in pauses, until the other side hangs up; and how many bytes that were.
    async fn drip(&mut self, bytes: &[u8], pause: Duration) -> usize {
        let mut sent = 0;
        while self.opened.elapsed() < FOR_EVER && sent < TOO_MUCH && self.pipe.write_all(bytes).await.is_ok() {
            sent += bytes.len();
            sleep(pause).await;
        }
        sent
    }

    /// What was answered until the other side hung up, and how long the connection lasted.
    async fn end(mut self) -> (String, Duration) {
        let mut answer = String::new();
        let read = tokio::time::timeout(FOR_EVER, self.pipe.read_to_string(&mut answer)).await;
        assert!(read.is_ok(), "the connection was never closed");
        (answer, self.opened.elapsed())
    }
}

/// The first line of an answer.
fn status(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

/// Slowness is noticed as such, long before the lifetime of the connection ends it.
fn is_short(lasted: Duration) {
    assert!(lasted < Duration::from_secs(10), "the connection lasted {lasted:?}");
}

/// Security case 8: idle.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on() {
    let (answer, lasted) = Client::connect().end().await;
    assert_eq!(answer, "");
    is_short(lasted);
}

/// Security case 8: silent after the request line.
#[tokio::test(start_paused = true)]
async fn who_falls_silent_in_the_head_is_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\n").await;
    is_short(client.end().await.1);
}

/// Security case 8: header drip.
#[tokio::test(start_paused = true)]
async fn who_drips_a_head_is_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\n").await;
    client.drip(b"X-More: 1\r\n", Duration::from_secs(1)).await;
    is_short(client.end().await.1);
}

/// Security case 8: body drip.
#[tokio::test(start_paused = true)]
async fn who_drips_a_body_is_told_so_and_hung_up_on() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n").await;
    client.drip(b"x", Duration::from_secs(1)).await;
    let (answer, lasted) = client.end().await;
    assert_eq!(status(&answer), "HTTP/1.1 408 Request Timeout");
    is_short(lasted);
}

/// A connection is kept alive for a while, and not for ever, however busy it is.
#[tokio::test(start_paused = true)]
async fn who_asks_without_end_is_hung_up_on() {
    let mut client = Client::connect();
    client.drip(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", Duration::from_millis(500)).await;
    let (answers, lasted) = client.end().await;
    assert!(answers.matches("HTTP/1.1 200 OK").count() > 5, "{answers}");
    is_short(lasted);
}

/// Answers that nobody reads do not keep a connection.
#[tokio::test(start_paused = true)]
async fn who_never_reads_is_hung_up_on() {
    let mut client = Client::connect();
    let request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".repeat(64);
    client.drip(&request, Duration::ZERO).await;
    assert_eq!(client.opened.elapsed(), Limits::default().lifetime);
}

/// Security case 7: refused by its announcement, before a byte of it is read.
#[tokio::test(start_paused = true)]
async fn a_body_that_says_it_is_too_large_is_not_read() {
    let mut client = Client::connect();
    client.say("POST /hooks/test HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n").await;
    let (answer, lasted) = client.end().await;
    assert_eq!(status(&answer), "HTTP/1.1 413 Payload Too Large");
    assert!(lasted < Limits::default().patience, "it was waited for: {lasted:?}");
}

/// Security case 7: without an announcement it is cut off.
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

/// Security case 10: HTTP/2 is not spoken, not even when it is asked for outright.
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

/// At a stop what is in flight is answered, and the connection ends with it.
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
