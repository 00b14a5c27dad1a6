//! The ear of the bot: hands what the chat brings to the engine, and answers within the time that chats grant. What takes
//! longer is kept in the journal first, so that an acknowledgement is never a promise that a crash can break.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::{DeferredReply, HandlerReply, Inbound, InboundHandler, ReplyStore, VoteMessage};
use tokio::sync::oneshot;

use crate::engine::{Current, EngineError, Response};

/// Chats give up after 3 s, and the way back takes some of it.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is being handled is left alone for so long; after that, whoever handled it is gone.
const GRACE: Duration = Duration::from_secs(60);

/// The one listener.
pub struct InboundService {
    engine: Current,
    patience: Duration,
}

impl InboundService {
    /// An ear of this engine.
    #[must_use]
    pub fn of(engine: impl Into<Current>) -> Arc<Self> {
        Self::patient(engine, PATIENCE)
    }

    /// An ear that keeps in the journal what takes longer than this.
    #[must_use]
    pub fn patient(engine: impl Into<Current>, patience: Duration) -> Arc<Self> {
        Arc::new(Self { engine: engine.into(), patience })
    }

    /// An act that cannot be judged now, and that means the same later.
    async fn put_off(&self, inbound: &Inbound) -> HandlerReply {
        match self.engine.engine().keep(inbound, Duration::ZERO).await {
            // The sender is dropped: what comes of it is told by whoever handles it.
            Ok(()) => HandlerReply::Deferred(oneshot::channel().1),
            Err(error) => failed(&error),
        }
    }
}

#[async_trait]
impl InboundHandler for InboundService {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        let (engine, act) = (self.engine.engine(), inbound.clone());
        // A task of its own: neither a sender who hangs up nor a panic leaves it half done in here (security case 19).
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
            // It may still be done; whoever says it again is recognised by the same key.
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

    /// The questions that are open.
    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        self.engine.engine().watched().await
    }
}

/// Keeps the answers that the chat did not take.
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
