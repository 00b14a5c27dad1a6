//! `POST /hooks/<name>`: what forges send. A delivery is judged before it is read, and success means that it is durable.

use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::forge::webhook::{Webhook, WebhookDelivery, WebhookError};
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use super::body::{self, Unread};
use super::metrics::Deliveries;
use super::server::{Genuine, Handler};
use super::{Answer, Endpoints, Limits, plain, wrong_method};
use crate::engine::{Current, WakeupResult};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// It is durable, and the forge will be asked.
    Accepted,
    /// It came before.
    Duplicate,
    /// It is genuine, and nothing depends on it.
    NoConcern,
    /// It is not signed, or wrongly.
    Unsigned,
    /// It is signed for another time.
    Stale,
    /// It is signed and cannot be read.
    Malformed,
    /// Its body is too large, and was not read.
    TooLarge,
    /// Its body did not come in time.
    TooSlow,
    /// Its body broke off.
    Broken,
    /// Too many wait for the journal.
    Overloaded,
    /// The journal did not take it.
    Failed,
}

impl Received {
    pub(super) const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Duplicate,
        Self::NoConcern,
        Self::Unsigned,
        Self::Stale,
        Self::Malformed,
        Self::TooLarge,
        Self::TooSlow,
        Self::Broken,
        Self::Overloaded,
        Self::Failed,
    ];

    /// Its word in the metrics.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::NoConcern => "no_concern",
            Self::Unsigned => "unsigned",
            Self::Stale => "stale",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
        }
    }

    /// A forge that gets many errors stops to send, so whatever is genuine is answered with success (security case 85);
    /// 503 asks for it again.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Accepted | Self::Duplicate | Self::NoConcern => StatusCode::OK,
            Self::Unsigned | Self::Stale => StatusCode::UNAUTHORIZED,
            Self::Malformed | Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded | Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether the sender is known to be who it says.
    const fn is_genuine(self) -> bool {
        match self {
            Self::Accepted | Self::Duplicate | Self::NoConcern | Self::Malformed => true,
            Self::Unsigned
            | Self::Stale
            | Self::TooLarge
            | Self::TooSlow
            | Self::Broken
            | Self::Overloaded
            | Self::Failed => false,
        }
    }

    pub(super) fn answer(self) -> Answer {
        let mut answer = plain(self.status());
        if self.is_genuine() {
            answer.extensions_mut().insert(Genuine);
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            // Who is not genuine gets no second request on this connection.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// The paths that the outside may send to.
pub(super) struct Hooks {
    ways: Endpoints,
    engine: Current,
    deliveries: Deliveries,
    queue: Arc<Semaphore>,
    limits: Limits,
}

impl Hooks {
    pub(super) fn new(ways: Endpoints, engine: Current, deliveries: Deliveries, limits: Limits) -> Self {
        Self { ways, engine, deliveries, queue: Arc::new(Semaphore::new(limits.queue)), limits }
    }

    async fn receive(&self, source: &str, hook: &dyn Webhook, request: Request<Incoming>) -> Received {
        let (head, body) = match body::read(request, self.limits.body_bytes, self.limits.patience).await {
            Ok(whole) => whole,
            Err(Unread::TooLarge) => return Received::TooLarge,
            Err(Unread::TooSlow) => return Received::TooSlow,
            Err(Unread::Broken) => return Received::Broken,
        };
        match hook.accept(&head.headers, &body, self.engine.engine().now()) {
            Ok(delivery) => self.take(source, delivery).await,
            Err(WebhookError::Unsigned) => Received::Unsigned,
            Err(WebhookError::Stale) => Received::Stale,
            Err(WebhookError::Malformed(reason)) => {
                tracing::warn!(source, %reason, "a genuine webhook cannot be read");
                Received::Malformed
            }
        }
    }

    /// Takes a genuine delivery. Only these wait for the journal, so that a flood of forged ones does not push them out.
    async fn take(&self, source: &str, delivery: WebhookDelivery) -> Received {
        let Some(hint) = delivery.hint else { return Received::NoConcern };
        let Ok(place) = self.queue.clone().try_acquire_owned() else { return Received::Overloaded };
        let (engine, name, repo) = (self.engine.engine(), source.to_owned(), hint.repo.clone());
        // A task of its own: a sender that hangs up does not stop it between the commit and what follows from it.
        let taken = tokio::spawn(async move {
            let _place = place;
            engine.hint(&name, &delivery.key, &repo).await
        });
        match taken.await {
            Ok(Ok(WakeupResult::Looking)) => {
                tracing::debug!(source, repo = %hint.repo, what = %hint.what, "a webhook says to look");
                Received::Accepted
            }
            Ok(Ok(WakeupResult::SeenBefore)) => Received::Duplicate,
            Ok(Ok(WakeupResult::NoConcern)) => Received::NoConcern,
            Ok(Err(error)) => {
                tracing::error!(source, %error, "a webhook could not be kept; the sender was told so");
                Received::Failed
            }
            Err(error) => {
                tracing::error!(source, %error, "a webhook could not be kept; the sender was told so");
                Received::Failed
            }
        }
    }
}

#[async_trait]
impl Handler for Hooks {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let name = request.uri().path().strip_prefix("/hooks/").unwrap_or_default();
        let ways = self.ways.now();
        let Some((name, hook)) = ways.hooks.get_key_value(name) else {
            return plain(StatusCode::NOT_FOUND);
        };
        if request.method() != Method::POST {
            return wrong_method("POST");
        }
        let received = self.receive(name, hook.as_ref(), request).await;
        self.deliveries.count(name, received);
        received.answer()
    }
}
