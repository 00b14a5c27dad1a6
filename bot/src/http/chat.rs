//! `POST` at the paths of the chat: its inbound requests. A request is verified by its raw bytes and passed to the
//! handler; success means that it is durable.

use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::chat::inbound::{Delivery, InboundHandler, WebhookRequest, WebhookResponse as Said};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::body::{self, Unread};
use super::metrics::Deliveries;
use super::server::Handler;
use super::webhooks::Received;
use super::{Answer, Endpoints, Limits, wrong_method};

/// The metric label of the chat.
pub(super) const SOURCE: &str = "chat";

/// The handler of the chat's requests.
pub(super) struct Chat {
    ways: Endpoints,
    listener: Arc<dyn InboundHandler>,
    deliveries: Deliveries,
    queue: Arc<Semaphore>,
    limits: Limits,
}

impl Chat {
    pub(super) fn new(
        ways: Endpoints,
        listener: Arc<dyn InboundHandler>,
        deliveries: Deliveries,
        limits: Limits,
    ) -> Self {
        let queue = Arc::new(Semaphore::new(limits.queue));
        Self { ways, listener, deliveries, queue, limits }
    }

    /// Returns `true` if the chat receives at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.ways.now().chat.as_ref().is_some_and(|ingress| ingress.paths().iter().any(|one| one == path))
    }

    async fn receive(&self, request: Request<Incoming>) -> Result<Said, Received> {
        let (head, body) = match body::read(request, self.limits.body_bytes, self.limits.patience).await {
            Ok(whole) => whole,
            Err(Unread::TooLarge) => return Err(Received::TooLarge),
            Err(Unread::TooSlow) => return Err(Received::TooSlow),
            Err(Unread::Broken) => return Err(Received::Broken),
        };
        let Ok(place) = self.queue.clone().try_acquire_owned() else { return Err(Received::Overloaded) };
        // The chat was there when the request was routed; a reload may have removed it in the meantime.
        let Some(ingress) = self.ways.now().chat.clone() else { return Err(Received::Failed) };
        let listener = self.listener.clone();
        // A separate task: a sender that disconnects must not interrupt it between the commit and its consequences.
        let taken = tokio::spawn(async move {
            let _place = place;
            let path = head.uri.path();
            let call = WebhookRequest { path, headers: &head.headers, body: &body, at: Timestamp::now() };
            ingress.receive(call, listener.as_ref()).await
        });
        taken.await.map_err(|error| {
            tracing::error!(%error, "what the chat sent broke its handler; the sender was told so");
            Received::Failed
        })
    }
}

#[async_trait]
impl Handler for Chat {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.method() != Method::POST {
            return wrong_method("POST");
        }
        let answer = self.receive(request).await;
        let received = answer.as_ref().map_or_else(|received| *received, |said| received(said.delivery));
        self.deliveries.count(SOURCE, received);
        answer.map_or_else(|received| received.answer(), |said| whole(received, said))
    }
}

fn received(taken: Delivery) -> Received {
    match taken {
        Delivery::Accepted => Received::Accepted,
        Delivery::Ignored => Received::NoConcern,
        Delivery::Unsigned => Received::Unsigned,
        Delivery::StaleSignature => Received::Stale,
        Delivery::Malformed => Received::Malformed,
        Delivery::Unavailable => Received::Failed,
    }
}

fn whole(received: Received, said: Said) -> Answer {
    let mut answer = received.answer();
    if let Some(kind) = said.content_type {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *answer.body_mut() = Full::new(said.body);
    }
    answer
}
