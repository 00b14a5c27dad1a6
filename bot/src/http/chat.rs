//! `POST` at the paths of the chat: what it sends when it calls us. It is judged by its raw bytes and handed to the engine;
//! success means that it is durable.

use std::sync::Arc;

use async_trait::async_trait;
use hotfix_adapters::chat::listen::{Answer as Said, Call, Ingress, Listener, Taken};
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::body::{self, Unread};
use super::hooks::Received;
use super::metrics::Deliveries;
use super::server::Site;
use super::{Answer, Limits, plain, wrong_method};

/// By which name the chat stands in the metrics.
pub(super) const SOURCE: &str = "chat";

/// The paths of the chat.
pub(super) struct Chat {
    ingress: Arc<dyn Ingress>,
    paths: Vec<String>,
    listener: Arc<dyn Listener>,
    deliveries: Deliveries,
    queue: Arc<Semaphore>,
    limits: Limits,
}

impl Chat {
    pub(super) fn new(
        ingress: Arc<dyn Ingress>,
        listener: Arc<dyn Listener>,
        deliveries: Deliveries,
        limits: Limits,
    ) -> Self {
        let paths = ingress.paths();
        let queue = Arc::new(Semaphore::new(limits.queue));
        Self { ingress, paths, listener, deliveries, queue, limits }
    }

    /// Whether the chat calls this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.paths.iter().any(|one| one == path)
    }

    async fn receive(&self, request: Request<Incoming>) -> Result<Said, Received> {
        let (head, body) = request.into_parts();
        let body = match body::read(body, self.limits.body_bytes, self.limits.patience).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return Err(Received::TooLarge),
            Err(Unread::TooSlow) => return Err(Received::TooSlow),
            Err(Unread::Broken) => return Err(Received::Broken),
        };
        let Ok(place) = self.queue.clone().try_acquire_owned() else { return Err(Received::Overloaded) };
        let (ingress, listener) = (self.ingress.clone(), self.listener.clone());
        // A task of its own: a sender that hangs up does not stop it between the commit and what follows from it.
        let taken = tokio::spawn(async move {
            let _place = place;
            let path = head.uri.path();
            let call = Call { path, headers: &head.headers, body: &body, at: Timestamp::now() };
            ingress.take(call, listener.as_ref()).await
        });
        taken.await.map_err(|error| {
            tracing::error!(%error, "what the chat sent broke its handler; the sender was told so");
            Received::Failed
        })
    }
}

#[async_trait]
impl Site for Chat {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.method() != Method::POST {
            return wrong_method("POST");
        }
        let answer = self.receive(request).await;
        let received = answer.as_ref().map_or_else(|received| *received, |said| received(said.taken));
        self.deliveries.count(SOURCE, received);
        answer.map_or_else(|received| received.answer(), |said| whole(received.status(), said))
    }
}

fn received(taken: Taken) -> Received {
    match taken {
        Taken::Accepted => Received::Accepted,
        Taken::NoConcern => Received::NoConcern,
        Taken::Unsigned => Received::Unsigned,
        Taken::Stale => Received::Stale,
        Taken::Malformed => Received::Malformed,
        Taken::Failed => Received::Failed,
    }
}

fn whole(status: StatusCode, said: Said) -> Answer {
    let mut answer = plain(status);
    if let Some(kind) = said.content_type {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *answer.body_mut() = Full::new(said.body);
    }
    if status == StatusCode::UNAUTHORIZED {
        // Who is not genuine gets no second request on this connection.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
