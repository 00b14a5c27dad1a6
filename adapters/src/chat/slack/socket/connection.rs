//! One Socket Mode connection: reads envelopes, spawns their handlers and writes acknowledgements. Never blocks
//! on a handler.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::connect::Socket;
use super::envelope::{self, Frame};
use super::{Shared, stopped};

/// Maximum number of envelopes handled concurrently per connection. Further ones are not acknowledged, so Slack
/// redelivers them.
const AT_ONCE: usize = 64;
const PING: Duration = Duration::from_secs(20);
/// Silence after which a connection counts as dead; Slack sends pings and answers ours.
const SILENCE: Duration = Duration::from_secs(60);
/// Time for which a connection is still read after Slack announced that it closes it.
const GRACE: Duration = Duration::from_secs(60);
const WRITING: Duration = Duration::from_secs(5);
/// Time that running handlers have to finish when the connection closes.
const LAST: Duration = Duration::from_secs(3);

/// An open connection with its pending acknowledgements.
pub(super) struct Connection {
    socket: Socket,
    shared: Shared,
    /// Reports the reason once when a replacement is needed.
    going: Option<oneshot::Sender<String>>,
    acks: mpsc::Sender<String>,
    written: mpsc::Receiver<String>,
    at_once: Arc<Semaphore>,
    heard_at: Instant,
    /// End of the grace period; `None` until Slack announces the close.
    until: Option<Instant>,
}

impl Connection {
    pub(super) fn new(socket: Socket, shared: Shared, going: oneshot::Sender<String>) -> Self {
        let (acks, written) = mpsc::channel(AT_ONCE);
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        Self { socket, shared, going: Some(going), acks, written, at_once, heard_at: Instant::now(), until: None }
    }

    /// Reads and writes until the connection closes or the bot stops.
    pub(super) async fn run(mut self) {
        let mut ping = interval(PING);
        let mut stop = self.shared.stop.clone();
        loop {
            let until = self.until;
            let goes_on = tokio::select! {
                frame = self.socket.next() => self.take(frame).await,
                Some(ack) = self.written.recv() => self.write(Message::text(ack)).await,
                _ = ping.tick() => self.is_alive() && self.write(Message::Ping(Default::default())).await,
                () = sleep_until(until.unwrap_or_else(far)), if until.is_some() => false,
                () = stopped(&mut stop) => false,
            };
            if !goes_on {
                break;
            }
        }
        self.say_going("closed");
        self.finish().await;
    }

    async fn take(&mut self, frame: Option<Result<Message, Error>>) -> bool {
        self.heard_at = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => {
                match envelope::read(&text) {
                    Frame::Hello => tracing::info!("a connection to Slack is up"),
                    Frame::Disconnect(why) => {
                        if why == "link_disabled" {
                            tracing::error!("Socket Mode is switched off in the app's settings: switch it on");
                        }
                        self.say_going(&why);
                        self.until = Some(Instant::now() + GRACE);
                    }
                    Frame::Envelope(envelope) => self.hand_on(envelope),
                    Frame::Other => tracing::debug!("Slack said something that the bot does not know"),
                }
                true
            }
            Some(Ok(Message::Close(_))) | None => false,
            // The library answers pings on the next read or write.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => true,
            Some(Err(error)) => {
                tracing::info!(%error, "a connection to Slack broke");
                false
            }
        }
    }

    fn hand_on(&self, envelope: envelope::Envelope) {
        let Ok(place) = Arc::clone(&self.at_once).try_acquire_owned() else {
            tracing::warn!("more comes from Slack than can be handled at once; what is too much is sent again");
            return;
        };
        let (core, listener, acks) =
            (Arc::clone(&self.shared.core), Arc::clone(&self.shared.listener), self.acks.clone());
        tokio::spawn(async move {
            envelope::handle(&core, &*listener, envelope, &acks).await;
            drop(place);
        });
    }

    async fn write(&mut self, message: Message) -> bool {
        matches!(timeout(WRITING, self.socket.send(message)).await, Ok(Ok(())))
    }

    fn is_alive(&self) -> bool {
        self.heard_at.elapsed() < SILENCE
    }

    fn say_going(&mut self, why: &str) {
        if let Some(going) = self.going.take() {
            let _ = going.send(why.to_owned());
        }
    }

    /// Writes the acknowledgements of running handlers, if the connection still works.
    async fn finish(mut self) {
        let Self { socket, acks, written, .. } = &mut self;
        let acks = std::mem::replace(acks, mpsc::channel(1).0);
        drop(acks);
        let rest = async {
            while let Some(ack) = written.recv().await {
                if socket.send(Message::text(ack)).await.is_err() {
                    break;
                }
            }
            let _ = socket.close(None).await;
            // Read until Slack closes too: closing a socket with unread data may reset it and
            // discard sent acknowledgements.
            while let Some(Ok(_)) = socket.next().await {}
        };
        let _ = timeout(LAST, rest).await;
        drop(self.shared.alive);
    }
}

fn far() -> Instant {
    Instant::now() + GRACE
}
