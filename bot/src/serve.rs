//! The main loop of the bot: works off the outbox, polls forge and environments, and keeps the cards up to date, each
//! at its own pace, until a stop is requested. Inbound requests run in parallel and share only the engine.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::engine::{Current, Engine, EngineError, Poller, WorkerPool};

/// Time limit for effects in flight at a shutdown. Together with the HTTP drain it stays below the usual 30 s of
/// orchestrators.
const LAST_WORK: Duration = Duration::from_secs(15);
/// Time limit for the last card update at a shutdown.
const LAST_CARDS: Duration = Duration::from_secs(2);
/// The minimum pause between two rounds of card updates: chats allow fewer updates than a run makes events.
const CARD_PAUSE: Duration = Duration::from_millis(200);
/// Time limit for the wait for a journal wakeup between two rounds; a card that failed is retried after it.
const CARD_RETRY: Duration = Duration::from_secs(1);
/// The number of cards that are updated concurrently.
const CARDS: usize = 8;

/// Runs until `stop` is notified or the journal fails. On a stop, begins no new work and waits a limited time for work
/// in flight.
///
/// # Errors
/// The journal failed. The caller must report it and end the process; acknowledged commits are safe.
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

/// Updates all cards. The only state of a card is in the chat, so a card whose update panics is drawn again from
/// scratch.
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
