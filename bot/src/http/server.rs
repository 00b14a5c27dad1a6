//! The HTTP server: accepts connections within the limits on their number and duration, and drains them at a shutdown.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONNECTION;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::body::Arriving;
use super::connection_slots::{ConnectionSlots, Place};
use super::meter::Metered;
use super::{Answer, Limits, plain};

/// Limits on a request head: its size in bytes, and its number of headers. Real senders stay below a tenth of both.
pub(super) const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 100;
/// The pause after a failed accept, usually because of too many open files.
const BREATH: Duration = Duration::from_millis(100);

/// The request handler of a listener.
#[async_trait]
pub(super) trait Handler: Send + Sync + 'static {
    /// Answers one request, and reads only as much of its body as needed. The response to an authenticated request
    /// carries [`Genuine`].
    async fn answer(&self, request: Request<Incoming>) -> Answer;
}

/// Response extension that marks an authenticated request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Genuine;

/// Serves until `stop` completes, then drains: waits for requests in flight, up to [`Limits::drain`].
pub(super) async fn serve(
    listener: TcpListener,
    site: Arc<dyn Handler>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let places = ConnectionSlots::new(limits.clone());
    let (closing, closed) = watch::channel(false);
    let mut held = JoinSet::new();
    tokio::pin!(stop);
    let accept = async || {
        let (stream, address) = listener.accept().await?;
        Ok::<_, std::io::Error>((stream, places.take(address.ip()).await))
    };
    // Reused across iterations: an accepted client that waits for a slot must not be dropped when another connection
    // ends.
    let mut accepting = Box::pin(accept());
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = &mut accepting => accepted,
            Some(ended) = held.join_next() => {
                tell(ended);
                continue;
            }
        };
        match accepted {
            Ok((stream, place)) => {
                let _ = stream.set_nodelay(true);
                let (site, limits, closed) = (site.clone(), limits.clone(), closed.clone());
                held.spawn(async move { connection(stream, site, &limits, closed, &place).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
        accepting.set(accept());
    }
    drop(accepting);
    drop(listener);
    closing.send_replace(true);
    if timeout(limits.drain, async {
        while let Some(ended) = held.join_next().await {
            tell(ended);
        }
    })
    .await
    .is_err()
    {
        tracing::warn!(connections = held.len(), "some connections were cut off at the stop");
    }
}

/// Logs a panic in a connection task. It ends only that connection.
fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection broke off by a fault of the bot");
    }
}

/// Serves one connection until it ends, its meter's deadline passes, it is evicted, or the listener has drained.
pub(super) async fn connection(
    io: impl AsyncRead + AsyncWrite + Unpin,
    site: Arc<dyn Handler>,
    limits: &Limits,
    mut closing: watch::Receiver<bool>,
    place: &Place,
) {
    let meter = &place.meter;
    let site = site.as_ref();
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(request, site, limits, place).await) });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The meter keeps time instead: it allows authenticated connections to be idle for longer.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Metered::new(io, meter.clone())), service);
    tokio::pin!(connection);
    let mut told = false;
    loop {
        if meter.must_go() {
            return;
        }
        let deadline = meter.deadline(limits);
        if deadline <= Instant::now() {
            return tracing::debug!("a connection was closed because it lasted too long");
        }
        tokio::select! {
            biased;
            () = meter.changed.notified() => {}
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            _ = closing.wait_for(|closing| *closing), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = sleep_until(deadline) => {}
        }
    }
}

/// Answers one request. Sets `Connection: close` if the response is the last one on its connection.
async fn answer(mut request: Request<Incoming>, site: &dyn Handler, limits: &Limits, place: &Place) -> Answer {
    let meter = &place.meter;
    meter.head_is_whole(request.body().is_end_stream());
    let mut answer = if meter.is_framed_twice(request.headers()) {
        plain(StatusCode::BAD_REQUEST)
    } else {
        request.extensions_mut().insert(Arriving(meter.clone()));
        site.answer(request).await
    };
    // The unread rest of a body would be parsed as the next request.
    let unread = !meter.is_read();
    let genuine = answer.extensions().get::<Genuine>().is_some();
    if meter.answered(genuine, limits) || unread {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    place.answered();
    answer
}
