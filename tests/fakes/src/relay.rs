//! TCP relay between the bot and a platform. It forwards both directions and lets a test inject raw WebSocket frames,
//! of any length and in any number of fragments, that no real platform sends.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Maximum time that a test waits for connections to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running relay. Dropping it stops accepting connections.
pub struct Relay {
    address: SocketAddr,
    lines: Lines,
    ended: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

type Lines = Arc<Mutex<Vec<mpsc::Sender<Said>>>>;

/// Injected bytes for the bot, sent without interruption by the platform, and a count of the bytes written so far.
struct Said {
    pieces: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    taken: watch::Sender<usize>,
}

impl Relay {
    /// Starts a relay in front of a platform.
    ///
    /// # Panics
    /// Panics if no port is free.
    pub async fn start(platform: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let address = listener.local_addr().expect("an address");
        let (lines, (end, ended)) = (Lines::default(), watch::channel(0));
        let known = lines.clone();
        let task = tokio::spawn(async move {
            while let Ok((bot, _)) = listener.accept().await {
                let (say, said) = mpsc::channel(1);
                held(&known).push(say);
                let end = end.clone();
                tokio::spawn(async move {
                    between(bot, platform, said).await;
                    end.send_modify(|count| *count += 1);
                });
            }
        });
        Self { address, lines, ended, task }
    }

    /// Returns the loopback address that the relay listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends these pieces to the bot over the newest connection. Data from the platform waits until all pieces are
    /// written or the bot closes the connection. Returns the number of bytes written.
    pub async fn say(&self, pieces: impl IntoIterator<IntoIter: Send + 'static, Item = Vec<u8>>) -> usize {
        let line = held(&self.lines).last().cloned();
        let Some(line) = line else { return 0 };
        let (taken, mut so_far) = watch::channel(0);
        let _ = line.send(Said { pieces: Box::new(pieces.into_iter()), taken }).await;
        while so_far.changed().await.is_ok() {}
        *so_far.borrow_and_update()
    }

    /// Waits until at least `many` connections have ended.
    ///
    /// # Panics
    /// Panics if they do not end in time.
    pub async fn ended(&self, many: usize) {
        let mut ended = self.ended.clone();
        let waited = tokio::time::timeout(PATIENCE, ended.wait_for(|count| *count >= many)).await;
        assert!(waited.is_ok(), "the connection did not end");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn held(lines: &Lines) -> MutexGuard<'_, Vec<mpsc::Sender<Said>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Relays one connection until either side closes it.
async fn between(bot: TcpStream, platform: SocketAddr, said: mpsc::Receiver<Said>) {
    let Ok(platform) = TcpStream::connect(platform).await else { return };
    let (mut from_bot, to_bot) = bot.into_split();
    let (from_platform, mut to_platform) = platform.into_split();
    tokio::select! {
        _ = down(from_platform, to_bot, said) => {}
        _ = copy(&mut from_bot, &mut to_platform) => {}
    }
}

/// Forwards data from the platform to the bot, and injected pieces as soon as a test sends them.
async fn down(mut platform: OwnedReadHalf, mut bot: OwnedWriteHalf, mut said: mpsc::Receiver<Said>) -> io::Result<()> {
    loop {
        tokio::select! {
            bytes = read(&mut platform) => match bytes {
                Some(bytes) => bot.write_all(&bytes).await?,
                None => return Ok(()),
            },
            Some(Said { pieces, taken }) = said.recv() => {
                for piece in pieces {
                    bot.write_all(&piece).await?;
                    taken.send_modify(|taken| *taken += piece.len());
                }
            }
        }
    }
}

async fn read(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 1 << 16];
    let length = from.read(&mut bytes).await.ok().filter(|length| *length > 0)?;
    bytes.truncate(length);
    Some(bytes)
}

/// Encodes a WebSocket frame as servers send it: unmasked. `length` is the length in the header, regardless of the
/// payload.
#[must_use]
pub fn frame(last: bool, kind: Kind, length: u64, payload: &[u8]) -> Vec<u8> {
    let first = (if last { 0x80 } else { 0 }) | kind as u8;
    let mut bytes = match u16::try_from(length) {
        Ok(short @ 0..126) => vec![first, u8::try_from(short).unwrap_or_default()],
        Ok(middle) => [vec![first, 126], middle.to_be_bytes().to_vec()].concat(),
        Err(_) => [vec![first, 127], length.to_be_bytes().to_vec()].concat(),
    };
    bytes.extend_from_slice(payload);
    bytes
}

/// Opcode of a WebSocket frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Continuation of a fragmented message.
    Continuation = 0,
    /// Text message, or its first fragment.
    Text = 1,
    /// Ping, which the peer answers with a pong.
    Ping = 9,
}

/// Encodes a text message in fragments of at most `size` bytes.
#[must_use]
pub fn in_pieces(text: &str, size: usize) -> Vec<Vec<u8>> {
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
    let number = pieces.len();
    let piece = |(at, piece): (usize, &&[u8])| {
        let kind = if at == 0 { Kind::Text } else { Kind::Continuation };
        frame(at + 1 == number, kind, u64::try_from(piece.len()).unwrap_or_default(), piece)
    };
    pieces.iter().enumerate().map(piece).collect()
}

/// A lazy sequence of encoded frames.
pub type Frames = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Returns all kinds of oversized or invalid messages, each with a label. `most` is the maximum size of a message in
/// bytes. The last is a ping with a payload of 126 bytes, which the protocol forbids.
#[must_use]
pub fn too_much(most: usize) -> Vec<(&'static str, Frames)> {
    let piece = 64 << 10;
    let over = u64::try_from(most + 1).unwrap_or_default();
    let endless = (0..1024).map(move |at| {
        let kind = if at == 0 { Kind::Text } else { Kind::Continuation };
        frame(false, kind, u64::try_from(piece).unwrap_or_default(), &vec![b'x'; piece])
    });
    vec![
        ("one byte too many", Box::new(std::iter::once(frame(true, Kind::Text, over, b"")))),
        ("a terabyte", Box::new(std::iter::once(frame(true, Kind::Text, 1 << 40, b"")))),
        ("pieces without end", Box::new(endless)),
        ("a piece of nothing", Box::new(std::iter::once(frame(true, Kind::Continuation, 1, b"x")))),
        ("a long question", Box::new(std::iter::once(frame(true, Kind::Ping, 126, &[b'x'; 126])))),
    ]
}
