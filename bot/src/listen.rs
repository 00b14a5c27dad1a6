//! The ear of the bot: hands what the chat brings to the engine, and answers within the time that chats grant. What takes
//! longer is kept in the journal first, so that an acknowledgement is never a promise that a crash can break.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::{Card, Heard, Inbound, Listener, Watched};
use tokio::sync::oneshot;

use crate::engine::{Engine, EngineError, Response};

/// Chats give up after 3 s, and the way back takes some of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The one listener.
pub struct Ear {
    engine: Arc<Engine>,
}

impl Ear {
    /// An ear of this engine.
    #[must_use]
    pub fn of(engine: Arc<Engine>) -> Arc<Self> {
        Arc::new(Self { engine })
    }
}

#[async_trait]
impl Listener for Ear {
    async fn hear(&self, inbound: Inbound) -> Heard {
        let (engine, act) = (self.engine.clone(), inbound.clone());
        // A task of its own: neither a sender who hangs up nor a panic leaves it half done in here (security case 19).
        let mut handling = tokio::spawn(async move { engine.hear(&act).await });
        if let Ok(handled) = tokio::time::timeout(PATIENCE, &mut handling).await {
            return match handled {
                Ok(Ok(response)) => heard(response),
                Ok(Err(error)) => failed(&error),
                Err(panic) => {
                    tracing::error!(%panic, "what a person did could not be handled; it was not done");
                    Heard::Failed
                }
            };
        }
        if let Err(error) = self.engine.keep(&inbound).await {
            // It may still be done; whoever says it again is recognised by the same key.
            return failed(&error);
        }
        let (say, later) = oneshot::channel();
        let engine = self.engine.clone();
        tokio::spawn(async move {
            match handling.await {
                Ok(Ok(response)) => {
                    let _ = say.send(answer(response));
                    if let Err(error) = engine.kept_no_more(&inbound).await {
                        tracing::warn!(%error, "what was handled will be looked at once more");
                    }
                }
                Ok(Err(error)) => tracing::error!(%error, "what a person did is kept, and will be tried again"),
                Err(panic) => tracing::error!(%panic, "what a person did is kept, and will be tried again"),
            }
        });
        Heard::Later(later)
    }

    /// The questions that are open.
    async fn watched(&self) -> Vec<Watched> {
        self.engine.watched().await
    }
}

fn heard(response: Response) -> Heard {
    match response {
        Response::Silent => Heard::Said(None),
        Response::Said(reply) => Heard::Said(Some(reply.card)),
        Response::Ask(form) => Heard::Form(form),
        Response::Wrong(wrong) => Heard::Wrong(wrong),
        Response::Home(cards) => Heard::Home(cards),
    }
}

/// What can still be said when the moment for a form has passed.
fn answer(response: Response) -> Option<Card> {
    response.reply().map(|reply| reply.card)
}

fn failed(error: &EngineError) -> Heard {
    tracing::error!(%error, "what a person did could not be kept; they were told so");
    Heard::Failed
}
