//! The bot at work: the outbox gets done, the world is looked at, and the cards are kept true, each at its own pace, until
//! the bot is told to stop. Inbound words come in beside it; they only share the engine.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::engine::{Current, Engine, EngineError, Poller, WorkerPool};

/// How long a stop waits for work in flight. With the drain of HTTP it is less than the 30 s that orchestrators give.
const LAST_WORK: Duration = Duration::from_secs(15);
/// How long a stop waits for the cards.
const LAST_CARDS: Duration = Duration::from_secs(2);
/// The shortest time between two rounds of cards: a chat grants fewer updates than a run makes events.
const CARD_PAUSE: Duration = Duration::from_millis(200);
/// A card that could not be shown is tried again after so long.
const CARD_RETRY: Duration = Duration::from_secs(1);
/// Cards brought up to date at a time.
const CARDS: usize = 8;

/// Runs until `stop` is notified, or the journal is out of order. At a stop nothing new is begun, and what is in flight is
/// waited for, up to a point.
///
/// # Errors
/// The journal is out of order: the process must end and say so; what was acknowledged is safe.
pub async fn run(engine: impl Into<Current>, poll: Duration, stop: Arc<Notify>) -> Result<(), EngineError> {
    let engine = engine.into();
    let (mut pool, mut looker) = (WorkerPool::new(engine.clone()), Poller::new(engine.clone()));
    let ended: Result<Infallible, EngineError> = tokio::select! {
        () = stop.notified() => {
            drop(looker);
            pool.drain(LAST_WORK).await?;
            let _ = timeout(LAST_CARDS, show(&engine.engine())).await;
            return Ok(());
        }
        ended = pool.keep_going() => ended,
        ended = looker.keep_going(poll) => ended,
        ended = keep_cards_true(&engine) => ended,
    };
    ended.map(|never| match never {})
}

async fn keep_cards_true(current: &Current) -> Result<Infallible, EngineError> {
    let mut wake = current.engine().journal().wake();
    loop {
        wake.borrow_and_update();
        let engine = current.engine();
        engine.tell_of_the_clock().await;
        show(&engine).await;
        sleep(CARD_PAUSE).await;
        let _ = timeout(CARD_RETRY, wake.changed()).await;
    }
}

/// Nothing is kept of a card but what the chat has, so one that breaks off is drawn anew.
async fn show(engine: &Engine) {
    let cards = futures::stream::iter(engine.ids().await);
    cards
        .for_each_concurrent(CARDS, |run| async move {
            if AssertUnwindSafe(engine.present_run(run)).catch_unwind().await.is_err() {
                tracing::error!(%run, "a card could not be drawn, by a fault of the bot; it is tried again");
            }
        })
        .await;
}
