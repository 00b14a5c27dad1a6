//! `POST /hooks/<name>`: deliveries from forges. A delivery is verified before it is parsed, and success means that it
//! is durable.

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

/// The result of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// Durable; the forge will be polled.
    Accepted,
    /// The same delivery arrived before.
    Duplicate,
    /// Authenticated, but no run depends on it.
    NoConcern,
    /// The signature is missing or wrong.
    Unsigned,
    /// The signature is valid for another time.
    Stale,
    /// Authenticated, but it cannot be parsed.
    Malformed,
    /// The body exceeds the size limit and was not read.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body was cut off.
    Broken,
    /// Too many deliveries wait for the journal.
    Overloaded,
    /// The journal did not accept it.
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

    /// Returns the metric label of the result.
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

    /// Returns the HTTP status. Forges disable a webhook that returns many errors, so an authenticated delivery gets
    /// success (security case 85); 503 asks for a retry.
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

    /// Returns `true` if the sender was authenticated.
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
            // An unauthenticated sender gets no second request on this connection.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// The handler of webhook deliveries.
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

    /// Accepts an authenticated delivery. Only these take a place in the queue, so a flood of forged ones cannot crowd
    /// them out.
    async fn take(&self, source: &str, delivery: WebhookDelivery) -> Received {
        let Some(hint) = delivery.hint else { return Received::NoConcern };
        let Ok(place) = self.queue.clone().try_acquire_owned() else { return Received::Overloaded };
        let (engine, name, repo) = (self.engine.engine(), source.to_owned(), hint.repo.clone());
        // A separate task: a sender that disconnects must not interrupt it between the commit and its consequences.
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
