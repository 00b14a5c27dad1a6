//! Reads the body of a request, with limits on its size and time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::meter::Meter;

/// The reason that a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The body exceeds the size limit.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body was cut off, or is invalid HTTP.
    Broken,
}

/// Request extension: the meter of the connection that the request arrives on.
#[derive(Debug, Clone)]
pub(super) struct Arriving(pub(super) Arc<Meter>);

/// Returns the head and the whole body. A body with an excessive declared length is not read; one without a declared
/// length is cut off at the limit.
///
/// # Errors
/// [`Unread`]: the body is too large, too slow, or broken.
pub(super) async fn read(
    request: Request<Incoming>,
    limit_bytes: usize,
    patience: Duration,
) -> Result<(Parts, Bytes), Unread> {
    let (head, body) = request.into_parts();
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit_bytes) {
        return Err(Unread::TooLarge);
    }
    match timeout(patience, Limited::new(body, limit_bytes).collect()).await {
        Ok(Ok(body)) => {
            if let Some(Arriving(meter)) = head.extensions.get() {
                meter.body_is_whole();
            }
            Ok((head, body.to_bytes()))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Broken),
        Err(_) => Err(Unread::TooSlow),
    }
}
