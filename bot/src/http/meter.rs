//! The meter of a connection: tracks its bytes, its phase and its deadline. It reads the connection through
//! [`Metered`], so it counts the bytes that arrived, not what a request declares.

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

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request has begun.
    Idle,
    /// The head of a request is arriving.
    Head,
    /// The body of a request is arriving.
    Body,
    /// The request is complete and is being handled.
    Working,
}

/// The state of one connection, shared with the limiter that may evict it.
#[derive(Debug)]
pub(super) struct Meter {
    standing: Mutex<Standing>,
    /// Notified when the phase changes or the connection is evicted.
    pub(super) changed: Notify,
}

#[derive(Debug)]
struct Standing {
    opened: Instant,
    phase: Phase,
    /// Start of the phase.
    since: Instant,
    /// `true` if a request on the connection was authenticated.
    genuine: bool,
    sent: u64,
    /// The last received bytes, including the head of the current request.
    recent: Vec<u8>,
    evicted: bool,
}

/// The eviction order of connections; the lowest is evicted first. The order of the fields matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    genuine: bool,
    /// `true` if the address holds no more connections than its share.
    within_share: bool,
    /// `true` if the connection is too new to have sent a request.
    young: bool,
    /// `true` if a request is arriving.
    receiving: bool,
    sent: u64,
    since: Instant,
}

impl Meter {
    /// Creates the meter of a connection that was just opened.
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

    /// Records that the head of a request is complete; and its body too, if it has none.
    pub(super) fn head_is_whole(&self, bodiless: bool) {
        self.enter(if bodiless { Phase::Working } else { Phase::Body });
    }

    /// Records that the request is complete.
    pub(super) fn body_is_whole(&self) {
        self.enter(Phase::Working);
    }

    /// Returns `true` if the body was read to its end.
    pub(super) fn is_read(&self) -> bool {
        self.standing(|standing| standing.phase == Phase::Working)
    }

    /// Records that the request was answered. Returns `true` if the response is the last one of the connection: it was
    /// evicted, or it is old and not authenticated.
    pub(super) fn answered(&self, genuine: bool, limits: &Limits) -> bool {
        let last = self.standing(|standing| {
            standing.genuine |= genuine;
            standing.enter(Phase::Idle);
            standing.evicted || (!standing.genuine && standing.opened.elapsed() >= limits.patience / 2)
        });
        self.changed.notify_one();
        last
    }

    /// Returns `true` if the head of the current request has both a `Content-Length` and a `Transfer-Encoding`; hyper
    /// exposes only the second. The recorded bytes may also include earlier or later requests, but each head is a block
    /// of its own.
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

    /// Returns the time at which the connection is closed if nothing changes.
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

    /// Returns the eviction rank; `None` while a request is being handled.
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

    /// Evicts the connection. If it is handling a request, it closes after the response.
    pub(super) fn evict(&self) {
        self.standing(|standing| standing.evicted = true);
        self.changed.notify_one();
    }

    /// Returns `true` if the connection must close immediately.
    pub(super) fn must_go(&self) -> bool {
        self.standing(|standing| standing.evicted && standing.phase != Phase::Working)
    }
}

impl Standing {
    fn enter(&mut self, phase: Phase) {
        (self.phase, self.since) = (phase, Instant::now());
    }

    /// Keeps as many of the last bytes as hyper can hold in its buffer.
    fn remember(&mut self, bytes: &[u8]) {
        let new = bytes.get(bytes.len().saturating_sub(HEAD_BYTES)..).unwrap_or_default();
        let excess = self.recent.len().saturating_add(new.len()).saturating_sub(HEAD_BYTES);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend_from_slice(new);
    }
}

/// Returns the unit that one share applies to: an IPv4 address, or the /64 network of an IPv6 address.
pub(super) fn allowance_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// A stream that reports all received bytes to its meter.
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
