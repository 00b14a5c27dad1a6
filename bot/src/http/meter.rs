//! How far a connection has come: what it has sent, what it is doing, and how long it may go on doing that. A connection is
//! read through [`Metered`], so what counts is what arrived, not what a request says of itself.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::header::TRANSFER_ENCODING;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Limits;
use super::server::HEAD_BYTES;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request has begun.
    Idle,
    /// The head of a request is arriving.
    Head,
    /// The body of a request is arriving.
    Body,
    /// A request is whole, and its answer is being made.
    Working,
}

/// One connection, as those see it who share the places with it.
#[derive(Debug)]
pub(super) struct Meter {
    standing: Mutex<Standing>,
    /// The phase changed, or the connection has to go.
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct Standing {
    opened: Instant,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// Whether a request of it was authenticated.
    genuine: bool,
    sent: u64,
    /// The last bytes that arrived; the head of the request at hand is among them.
    recent: Vec<u8>,
    evicted: bool,
}

/// The order in which connections give way; the least goes first. The fields count in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    genuine: bool,
    /// Its address holds no more than its share of the places.
    within_share: bool,
    /// It had no time yet to say anything.
    young: bool,
    /// A request is arriving.
    receiving: bool,
    sent: u64,
    since: Instant,
}

impl Meter {
    /// The meter of a connection that is opened now.
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        let standing = Standing {
            opened: now,
            phase: Phase::Idle,
            since: now,
            genuine: false,
            sent: 0,
            recent: Vec::new(),
            evicted: false,
        };
        Arc::new(Self { standing: Mutex::new(standing), changed: Notify::new() })
    }

    fn standing<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        change(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, phase: Phase) {
        self.standing(|standing| standing.enter(phase));
        self.changed.notify_one();
    }

    fn arrived(&self, bytes: &[u8]) {
        let began = self.standing(|standing| {
            standing.sent = standing.sent.saturating_add(bytes.len() as u64);
            standing.remember(bytes);
            let began = standing.phase == Phase::Idle;
            if began {
                standing.enter(Phase::Head);
            }
            began
        });
        if began {
            self.changed.notify_one();
        }
    }

    /// The head of a request is whole; its body is whole as well when there is none.
    pub(super) fn head_is_whole(&self, bodiless: bool) {
        self.enter(if bodiless { Phase::Working } else { Phase::Body });
    }

    /// The request is whole.
    pub(super) fn body_is_whole(&self) {
        self.enter(Phase::Working);
    }

    /// Reports whether the body that arrives was read to its end.
    pub(super) fn is_read(&self) -> bool {
        self.standing(|standing| standing.phase == Phase::Working)
    }

    /// The request is answered. Reports whether the answer is the last one of the connection: it was told to go, or it is
    /// old and nobody vouches for it.
    pub(super) fn answered(&self, genuine: bool, limits: &Limits) -> bool {
        let last = self.standing(|standing| {
            standing.genuine |= genuine;
            standing.enter(Phase::Idle);
            standing.evicted || (!standing.genuine && standing.opened.elapsed() >= limits.patience / 2)
        });
        self.changed.notify_one();
        last
    }

    /// Reports whether the head of the request at hand names both a length and a transfer coding, of which hyper shows the
    /// second alone. What was sent before it or behind it may be among the bytes that are looked at; each head stands in a
    /// block of its own.
    pub(super) fn is_framed_twice(&self, headers: &http::HeaderMap) -> bool {
        if !headers.contains_key(TRANSFER_ENCODING) {
            return false;
        }
        self.standing(|standing| {
            let (mut length, mut coding) = (false, false);
            for line in standing.recent.split(|byte| *byte == b'\n') {
                let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
                if line.trim_ascii().is_empty() {
                    (length, coding) = (false, false);
                }
                length |= name.eq_ignore_ascii_case(b"content-length");
                coding |= name.eq_ignore_ascii_case(b"transfer-encoding");
                if length && coding {
                    return true;
                }
            }
            false
        })
    }

    /// The moment at which it is closed if nothing changes.
    pub(super) fn deadline(&self, limits: &Limits) -> Instant {
        self.standing(|standing| {
            let of_the_phase = standing.since
                + match standing.phase {
                    Phase::Idle if standing.genuine => limits.idle,
                    Phase::Idle | Phase::Head => limits.patience,
                    Phase::Body | Phase::Working => limits.lifetime,
                };
            if standing.genuine || standing.phase == Phase::Working {
                of_the_phase
            } else {
                of_the_phase.min(standing.opened + limits.lifetime)
            }
        })
    }

    /// Where it stands among those that may have to give way; `None` while a request is being answered.
    pub(super) fn rank(&self, limits: &Limits, over_share: bool) -> Option<Rank> {
        self.standing(|standing| {
            let receiving = match standing.phase {
                Phase::Working => return None,
                Phase::Idle => false,
                Phase::Head | Phase::Body => true,
            };
            Some(Rank {
                genuine: standing.genuine,
                within_share: !over_share,
                young: standing.opened.elapsed() < limits.grace,
                receiving,
                sent: if standing.genuine { 0 } else { standing.sent },
                since: standing.since,
            })
        })
    }

    /// Tells it to go. One that is answering a request by then goes with its answer.
    pub(super) fn evict(&self) {
        self.standing(|standing| standing.evicted = true);
        self.changed.notify_one();
    }

    /// Reports whether it has to go at once.
    pub(super) fn must_go(&self) -> bool {
        self.standing(|standing| standing.evicted && standing.phase != Phase::Working)
    }
}

impl Standing {
    fn enter(&mut self, phase: Phase) {
        (self.phase, self.since) = (phase, Instant::now());
    }

    /// Keeps as many of the last bytes as hyper may hold in its buffer.
    fn remember(&mut self, bytes: &[u8]) {
        let new = bytes.get(bytes.len().saturating_sub(HEAD_BYTES)..).unwrap_or_default();
        let excess = self.recent.len().saturating_add(new.len()).saturating_sub(HEAD_BYTES);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend_from_slice(new);
    }
}

/// The addresses that share one allowance: an IPv4 address, or the network of an IPv6 address that one customer gets.
pub(super) fn allowance_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// A connection that is read by its meter.
pub(super) struct Metered<I> {
    io: I,
    meter: Arc<Meter>,
}

impl<I> Metered<I> {
    pub(super) fn new(io: I, meter: Arc<Meter>) -> Self {
        Self { io, meter }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Metered<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => self.meter.arrived(bytes),
            Some(_) | None => {}
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Metered<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
