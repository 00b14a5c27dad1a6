//! The bot at work: one loop that gets the outbox done, looks at the world and keeps the cards true, until it is told to
//! stop. Inbound words come in beside it; they only share the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::{Engine, EngineError};

/// The longest sleep when nothing is due: polling is the truth, waking a hint.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The shortest time between two looks that hints ask for. A busy repository must not use up what the forge grants an hour.
const HINT_PAUSE: Duration = Duration::from_secs(2);

/// Runs until `stop` is notified, or the journal is out of order.
///
/// # Errors
/// The journal is out of order: the process must end and say so; what was acknowledged is safe.
pub async fn run(engine: Arc<Engine>, poll: Duration, stop: Arc<Notify>) -> Result<(), EngineError> {
    let mut wake = engine.journal().wake();
    let mut next_look = Instant::now();
    let mut next_hint = next_look;
    loop {
        while engine.work().await?.claimed > 0 {}
        if Instant::now() >= next_look {
            engine.look().await?;
            next_look = Instant::now() + poll;
            while engine.work().await?.claimed > 0 {}
        } else if Instant::now() >= next_hint && engine.look_where_hinted().await? {
            next_hint = Instant::now() + HINT_PAUSE;
            while engine.work().await?.claimed > 0 {}
        }
        engine.present().await?;
        let now = engine.journal().now();
        let due = engine.journal().next_due().await?;
        let nap = due.map_or(LONGEST_SLEEP, |due| due.since(now)).min(LONGEST_SLEEP).min(next_look - Instant::now());
        tokio::select! {
            () = stop.notified() => return Ok(()),
            _ = wake.changed() => {}
            () = engine.hinted() => {}
            () = tokio::time::sleep(nap.max(Duration::from_millis(5))) => {}
        }
    }
}
