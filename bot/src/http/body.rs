//! Reads the body of a request, up to a size and a moment.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::meter::Meter;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is larger than allowed.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// It broke off, or is not what HTTP calls a body.
    Broken,
}

/// The connection on which a request arrives, among the extensions of the request.
#[derive(Debug, Clone)]
pub(super) struct Arriving(pub(super) Arc<Meter>);

/// The head and the whole body. A body that says that it is too large is not even begun; one that does not say is cut off.
///
/// # Errors
/// It is too large, too slow, or broke off.
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
