//! The load generator: keep-alive connections that send signed slash commands like Slack does, and measure the time to
//! each acknowledgement. It runs on one thread, so that it takes at most one core from the contender.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

/// Warm-up time, which is not measured.
const WARM: Duration = Duration::from_millis(500);
/// Duration of the measurement.
const SPAN: Duration = Duration::from_secs(3);
/// Slack's timeout for an acknowledgement, after which it shows an error to the user.
const SLACKS_PATIENCE: Duration = Duration::from_secs(3);

/// A user in a workspace, and the app that receives the user's commands.
pub(crate) struct Typist {
    /// Address that the app listens on.
    pub(crate) address: SocketAddr,
    /// URL path for slash commands.
    pub(crate) path: &'static str,
    /// The signing secret of the app.
    pub(crate) secret: &'static str,
    /// The form fields that are the same for all commands.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Number of commands sent so far.
    pub(crate) typed: AtomicU64,
}

/// The text of a command, and a text that the acknowledgement must contain.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    pub(crate) typed: &'static str,
    pub(crate) answered: &'static str,
}

/// The result of a load.
pub(crate) struct Load {
    /// Number of acknowledgements, including the warm-up.
    pub(crate) acknowledged: u64,
    /// Acknowledgements per second.
    pub(crate) rate: f64,
    took: Vec<Duration>,
}

impl Load {
    fn of(acknowledged: u64, rate: f64, mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self { acknowledged, rate, took }
    }

    /// Returns a percentile of the latency in milliseconds. `share` is between 0 and 1.
    pub(crate) fn within(&self, share: f64) -> f64 {
        let place = (self.took.len() as f64 * share) as usize;
        self.took[place.min(self.took.len() - 1)].as_secs_f64() * 1e3
    }

    /// Returns the number of acknowledgements that exceeded Slack's timeout.
    pub(crate) fn late(&self) -> usize {
        self.took.iter().filter(|took| **took > SLACKS_PATIENCE).count()
    }
}

/// Sends commands back to back: each connection sends the next command as soon as the last one is acknowledged.
pub(crate) async fn back_to_back(typist: &Arc<Typist>, words: Words, connections: usize) -> Load {
    let from = Instant::now() + WARM;
    let until = from + SPAN;
    let typing = (0..connections).map(|_| {
        let typist = typist.clone();
        tokio::spawn(async move {
            let (mut line, mut took) = (Line::default(), Vec::new());
            let (mut acknowledged, mut counted) = (0_u64, 0_u64);
            while Instant::now() < until {
                let sent = Instant::now();
                line.say(&typist, words).await;
                let heard = Instant::now();
                acknowledged += 1;
                counted += u64::from((from..until).contains(&heard));
                if heard >= from {
                    took.push(heard - sent);
                }
            }
            (acknowledged, counted, took)
        })
    });
    let (mut acknowledged, mut counted, mut all) = (0, 0, Vec::new());
    for one in typing.collect::<Vec<_>>() {
        let (more, of_them, took) = one.await.expect("every command is acknowledged");
        acknowledged += more;
        counted += of_them;
        all.extend(took);
    }
    Load::of(acknowledged, counted as f64 / SPAN.as_secs_f64(), all)
}

/// Sends commands at a fixed rate, even if the app falls behind. The latency counts from the scheduled time, so that
/// commands queued behind a slow one are included.
pub(crate) async fn offered(typist: &Arc<Typist>, words: Words, per_second: u32, connections: usize) -> Load {
    let (mut queues, mut typing) = (Vec::new(), Vec::new());
    for _ in 0..connections {
        let (queue, mut due) = unbounded_channel::<Instant>();
        queues.push(queue);
        let typist = typist.clone();
        typing.push(tokio::spawn(async move {
            let (mut line, mut took) = (Line::default(), Vec::new());
            while let Some(due) = due.recv().await {
                line.say(&typist, words).await;
                took.push((due, due.elapsed()));
            }
            took
        }));
    }
    // The runtime's timer has a resolution of a millisecond, which is too coarse for the pace.
    let began = Instant::now() + Duration::from_millis(10);
    let pacer = std::thread::spawn(move || {
        let count = ((WARM + SPAN).as_secs_f64() * f64::from(per_second)) as u32;
        for (number, queue) in (0..count).zip(queues.iter().cycle()) {
            let due = began + Duration::from_secs(1) * number / per_second;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            queue.send(due).expect("somebody sends it");
        }
    });
    let mut all = Vec::new();
    for one in typing {
        all.extend(one.await.expect("every command is acknowledged"));
    }
    pacer.join().expect("all are sent");
    let rate = all.len() as f64 / began.elapsed().as_secs_f64();
    let counted = all.iter().filter(|(due, _)| *due >= began + WARM).map(|(_, took)| *took);
    Load::of(all.len() as u64, rate, counted.collect())
}

impl Typist {
    /// Builds a signed request for a command. Each one has its own trigger id, so that none is a duplicate.
    fn request(&self, typed: &str) -> String {
        let number = self.typed.fetch_add(1, Ordering::Relaxed);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.fields).append_pair("text", typed);
        let body = form.append_pair("trigger_id", &format!("{number}.7000000.{number:032x}")).finish();
        let now = jiff::Timestamp::now().as_second();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("a key of any length");
        mac.update(format!("v0:{now}:{body}").as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n\
             accept: application/json,*/*\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
             x-slack-request-timestamp: {now}\r\nx-slack-signature: v0={signature}\r\n\r\n{body}",
            self.path,
            self.address,
            body.len()
        )
    }
}

/// A connection, which is reopened after the app closes it.
#[derive(Default)]
pub(crate) struct Line {
    stream: Option<TcpStream>,
    heard: Vec<u8>,
}

impl Line {
    /// Sends a command, and waits for its acknowledgement.
    ///
    /// # Panics
    /// Panics if the app answers anything else, or cannot be reached.
    pub(crate) async fn say(&mut self, typist: &Typist, words: Words) {
        let request = typist.request(words.typed);
        loop {
            let kept = self.stream.is_some();
            match self.exchange(typist.address, request.as_bytes()).await {
                Ok(head) => {
                    let said = String::from_utf8_lossy(&self.heard);
                    assert!(
                        head.status == 200 && said.contains(words.answered),
                        "{:?} was not done: {said}",
                        words.typed
                    );
                    self.stream = self.stream.take().filter(|_| !head.closes);
                    return;
                }
                // The app closed the connection because of its idle time or age before this request arrived.
                Err(_) if kept => self.stream = None,
                Err(error) => panic!("the app cannot be reached: {error}"),
            }
        }
    }

    async fn exchange(&mut self, address: SocketAddr, request: &[u8]) -> std::io::Result<Head> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let stream = self.stream.insert(stream);
        stream.write_all(request).await?;
        self.heard.clear();
        loop {
            if stream.read_buf(&mut self.heard).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::of_whole(&self.heard) {
                return Ok(head);
            }
        }
    }
}

struct Head {
    status: u16,
    closes: bool,
}

impl Head {
    /// Parses a response. `None` until the response is complete.
    fn of_whole(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = answer.parse(bytes).expect("an answer") else { return None };
        let has = |name: &str| answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let text = |name| has(name).map(|header| String::from_utf8_lossy(header.value).to_lowercase());
        let whole = match text("content-length") {
            Some(body) => bytes.len() >= length + body.parse::<usize>().expect("a length"),
            // Requests are not pipelined, so the last chunk ends the buffer.
            None => bytes.ends_with(b"0\r\n\r\n"),
        };
        let closes = text("connection").is_some_and(|how| how.contains("close"));
        whole.then_some(Self { status: answer.code.unwrap_or_default(), closes })
    }
}
