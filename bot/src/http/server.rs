//! Accepts connections, each under its time-outs, and no more than so many; at the stop, waits for what is in flight.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Answer, Limits};

/// The longest head of a request, in bytes, and the most headers. Real senders stay below a tenth of both.
const HEAD_BYTES: usize = 32 * 1024;
const HEADERS: usize = 100;
/// The pause after the kernel refused to hand over a connection, because the process has too many files open.
const BREATH: Duration = Duration::from_millis(100);

/// What is served on a listener.
#[async_trait]
pub(super) trait Site: Send + Sync + 'static {
    /// Answers one request. Its body is read as far as it is wanted.
    async fn answer(&self, request: Request<Incoming>) -> Answer;
}

/// Serves until `stop` is over, and then until what is in flight is answered, or took too long.
pub(super) async fn serve(
    listener: TcpListener,
    site: Arc<dyn Site>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let (closing, closed) = watch::channel(false);
    let mut held = JoinSet::new();
    tokio::pin!(stop);
    loop {
        // A place first: who finds none waits in the kernel, and costs nothing here.
        let accepted = async {
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
            Some(ended) = held.join_next() => {
                tell(ended);
                continue;
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let (site, limits, closed) = (site.clone(), limits.clone(), closed.clone());
                held.spawn(async move {
                    connection(stream, site, &limits, closed).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
    }
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

/// A request that breaks off by a fault of the bot ends its own connection, and nothing else.
fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection broke off by a fault of the bot");
    }
}

/// Serves one connection. It is told to end when it was kept long enough or the listener stops, and ends at the latest
/// when its lifetime is over.
pub(super) async fn connection(
    io: impl AsyncRead + AsyncWrite + Unpin,
    site: Arc<dyn Site>,
    limits: &Limits,
    mut closing: watch::Receiver<bool>,
) {
    let service = service_fn(|request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(io), service);
    tokio::pin!(connection);
    let ended = timeout(limits.lifetime, async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = sleep(limits.patience) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    });
    match ended.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
        Err(_) => tracing::debug!("a connection was closed because it lasted too long"),
    }
}
