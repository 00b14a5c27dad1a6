//! The inbound handler: passes chat interactions to the engine and replies within the chat's time limit. A request that
//! takes longer is stored in the journal before it is acknowledged, so a crash cannot lose an acknowledged request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::{DeferredReply, HandlerReply, Inbound, InboundHandler, ReplyStore, VoteMessage};
use tokio::sync::oneshot;

use crate::engine::{Current, EngineError, Response};

/// The time until the reply is deferred. Chats time out after 3 s, part of which is network latency.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time for which a stored request is left to its current handler. Later, that handler is considered dead and the
/// request is retried.
const GRACE: Duration = Duration::from_secs(60);

/// The handler of all chat interactions.
pub struct InboundService {
    engine: Current,
    patience: Duration,
}

impl InboundService {
    /// Creates a handler with the default time limit.
    #[must_use]
    pub fn of(engine: impl Into<Current>) -> Arc<Self> {
        Self::patient(engine, PATIENCE)
    }

    /// Creates a handler that stores requests which take longer than `patience`.
    #[must_use]
    pub fn patient(engine: impl Into<Current>, patience: Duration) -> Arc<Self> {
        Arc::new(Self { engine: engine.into(), patience })
    }

    /// Stores an action that cannot be decided yet, to be handled later.
    async fn put_off(&self, inbound: &Inbound) -> HandlerReply {
        match self.engine.engine().keep(inbound, Duration::ZERO).await {
            // The sender is dropped: the later handler delivers the reply.
            Ok(()) => HandlerReply::Deferred(oneshot::channel().1),
            Err(error) => failed(&error),
        }
    }
}

#[async_trait]
impl InboundHandler for InboundService {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        let (engine, act) = (self.engine.engine(), inbound.clone());
        // A separate task: neither a disconnected sender nor a panic can leave the request half handled (security case
        // 19).
        let mut handling = tokio::spawn(async move { engine.handle_inbound(&act).await });
        if let Ok(handled) = tokio::time::timeout(self.patience, &mut handling).await {
            return match handled {
                Ok(Ok(Response::NotNow(_))) => self.put_off(&inbound).await,
                Ok(Ok(response)) => heard(response),
                Ok(Err(error)) => failed(&error),
                Err(panic) => {
                    tracing::error!(%panic, "what a person did could not be handled; it was not done");
                    HandlerReply::Unavailable
                }
            };
        }
        if let Err(error) = self.engine.engine().keep(&inbound, GRACE).await {
            // It may still be done; a repeated request is recognized by its dedupe key.
            return failed(&error);
        }
        let (say, later) = oneshot::channel();
        let engine = self.engine.engine();
        tokio::spawn(async move {
            match handling.await {
                Ok(Ok(Response::NotNow(_))) => {
                    if let Err(error) = engine.keep(&inbound, Duration::ZERO).await {
                        tracing::warn!(%error, "what cannot be judged now is looked at somewhat later");
                    }
                }
                Ok(Ok(response)) => {
                    let _ = say.send(response.late());
                    if let Err(error) = engine.kept_no_more(&inbound).await {
                        tracing::warn!(%error, "what was handled will be looked at once more");
                    }
                }
                Ok(Err(error)) => tracing::error!(%error, "what a person did is kept, and will be tried again"),
                Err(panic) => tracing::error!(%panic, "what a person did is kept, and will be tried again"),
            }
        });
        HandlerReply::Deferred(later)
    }

    fn reply_store(&self) -> Option<Arc<dyn ReplyStore>> {
        Some(Arc::new(Answers(self.engine.clone())))
    }

    /// Returns the open vote messages.
    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        self.engine.engine().watched().await
    }
}

/// Stores replies that the chat did not accept.
struct Answers(Current);

#[async_trait]
impl ReplyStore for Answers {
    async fn defer(&self, unsaid: DeferredReply) {
        if let Err(error) = self.0.engine().keep_answer(&unsaid).await {
            tracing::warn!(%error, "an answer got lost; what was done stands all the same");
        }
    }
}

fn heard(response: Response) -> HandlerReply {
    match response {
        Response::Silent => HandlerReply::Message(None),
        Response::Said(reply) | Response::NotNow(reply) => HandlerReply::Message(Some(reply.card)),
        Response::Ask(form) => HandlerReply::OpenForm(form),
        Response::Wrong(wrong) => HandlerReply::FieldErrors(wrong),
        Response::Home(cards) => HandlerReply::HomePage(cards),
    }
}

fn failed(error: &EngineError) -> HandlerReply {
    tracing::error!(%error, "what a person did could not be kept; they were told so");
    HandlerReply::Unavailable
}
