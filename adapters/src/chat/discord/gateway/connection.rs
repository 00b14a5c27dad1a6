//! One gateway connection: identifies or resumes, sends heartbeats, reads events and passes them on. Never blocks
//! on a handler.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::backoff::{CloseReason, jitter};
use super::connect::Socket;
use super::events::Events;
use super::frame::{self, Frame};
use super::{Session, Shared, stopped};

/// Time within which Discord has to send `Hello`.
const GREETING: Duration = Duration::from_secs(20);
const WRITING: Duration = Duration::from_secs(5);
/// Close code that keeps the session resumable; 1000 would end it.
const GOES_ON: u16 = 4000;

/// An open connection with its session and heartbeat state.
pub(super) struct Connection<'a> {
    socket: Socket,
    shared: &'a Shared,
    session: &'a mut Option<Session>,
    events: Events<'a>,
    opened_at: Instant,
    every: Duration,
    next_beat: Instant,
    /// `true` if the last heartbeat was acknowledged.
    alive: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(socket: Socket, shared: &'a Shared, session: &'a mut Option<Session>) -> Self {
        let now = Instant::now();
        let events = Events::new(shared);
        Self {
            socket,
            shared,
            session,
            events,
            opened_at: now,
            every: GREETING,
            next_beat: now + GREETING,
            alive: true,
        }
    }

    /// Reads events and sends heartbeats until the connection ends or the bot stops.
    pub(super) async fn run(mut self) -> CloseReason {
        let mut stop = self.shared.stop.clone();
        let end = loop {
            let at = self.next_beat;
            let end = tokio::select! {
                frame = self.socket.next() => self.take(frame).await,
                () = sleep_until(at) => self.beat_or_die().await,
                () = stopped(&mut stop) => Some(self.closed(None)),
            };
            if let Some(end) = end {
                break end;
            }
        };
        // On shutdown, end the session, so that the bot appears offline.
        let code = if *stop.borrow() { CloseCode::Normal } else { CloseCode::from(GOES_ON) };
        let close = CloseFrame { code, reason: "".into() };
        let _ = timeout(WRITING, self.socket.close(Some(close))).await;
        end
    }

    async fn take(&mut self, frame: Option<Result<Message, Error>>) -> Option<CloseReason> {
        match frame {
            Some(Ok(Message::Text(text))) => self.hear(frame::read(&text)).await,
            Some(Ok(Message::Close(frame))) => Some(self.closed(frame.map(|frame| frame.code.into()))),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => None,
            Some(Err(error)) => {
                tracing::info!(%error, "the connection to Discord broke");
                Some(self.closed(None))
            }
            None => Some(self.closed(None)),
        }
    }

    async fn hear(&mut self, frame: Frame) -> Option<CloseReason> {
        let lived = self.opened_at.elapsed();
        match frame {
            Frame::Hello(millis) => self.greet(millis).await,
            Frame::Acknowledged => {
                self.alive = true;
                None
            }
            Frame::Wanted => self.beat().await,
            Frame::Reconnect => Some(CloseReason::Renewed { lived }),
            Frame::Invalid(resumable) => Some(CloseReason::Invalid { resumable, lived }),
            Frame::Event(sequence, name, data) => {
                if name == "READY" {
                    *self.session = Session::begun(&data);
                }
                if let Some(session) = self.session.as_mut() {
                    session.sequence = sequence;
                    self.events.take(session, &name, data);
                }
                None
            }
            Frame::Other => {
                tracing::debug!("Discord said something that the bot does not know");
                None
            }
        }
    }

    /// Identifies or resumes after `Hello`, and schedules the first heartbeat with jitter, as Discord requires.
    async fn greet(&mut self, millis: u64) -> Option<CloseReason> {
        self.every = Duration::from_millis(millis.max(1));
        self.next_beat = Instant::now() + self.every * jitter(1000) / 1000;
        let token = &self.shared.core.token;
        let said = match self.session.as_ref() {
            Some(session) => frame::resume(token, &session.id, session.sequence),
            None => frame::identify(token),
        };
        self.say(said).await
    }

    /// Sends a heartbeat, or reports the connection as closed if the last one was not acknowledged.
    async fn beat_or_die(&mut self) -> Option<CloseReason> {
        if !self.alive || self.every == GREETING {
            tracing::info!("the connection to Discord is dead; it is opened anew");
            return Some(self.closed(None));
        }
        self.alive = false;
        self.next_beat = Instant::now() + self.every;
        self.events.tick(self.session.as_ref());
        self.beat().await
    }

    async fn beat(&mut self) -> Option<CloseReason> {
        let sequence = self.session.as_ref().map(|session| session.sequence);
        self.say(frame::heartbeat(sequence)).await
    }

    async fn say(&mut self, text: String) -> Option<CloseReason> {
        let said = timeout(WRITING, self.socket.send(Message::text(text))).await;
        if matches!(said, Ok(Ok(()))) { None } else { Some(self.closed(None)) }
    }

    fn closed(&self, code: Option<u16>) -> CloseReason {
        CloseReason::Closed { code, lived: self.opened_at.elapsed() }
    }
}
