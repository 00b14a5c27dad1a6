//! Recovery at startup: replays every run from its events. Unsettled work needs no recovery: the journal hands it out
//! again, and the performers look each effect up first, because this process did not enqueue it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hotfix_storage::Cursor;
use tokio::sync::Mutex;

use super::{Engine, EngineError, Run};
use crate::domain::event::Entry;
use crate::domain::evolve::evolve;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;

/// Number of records per page.
const PAGE: usize = 1_000;

impl Engine {
    pub(super) async fn recover(&self) -> Result<(), EngineError> {
        let states = replay_all(self.journal.as_ref()).await?;
        let mut runs = self.runs.lock().await;
        for (id, state) in states {
            runs.entry(id).or_insert_with(|| Arc::new(Mutex::new(Run::new(state))));
        }
        Ok(())
    }
}

/// Replays all runs of a journal.
///
/// # Errors
/// If the journal cannot be read, or holds an entry that this program would not write.
pub async fn replay_all(journal: &dyn hotfix_storage::Journal) -> Result<BTreeMap<HotfixId, Hotfix>, EngineError> {
    let mut states: BTreeMap<HotfixId, Hotfix> = BTreeMap::new();
    let mut cursor = Cursor::default();
    loop {
        let page = journal.feed(cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(states) };
        cursor = last.cursor;
        for record in &page {
            // Other streams hold other events, such as changes of locks.
            let Ok(id) = record.stream.as_str().parse::<HotfixId>() else {
                continue;
            };
            let place = || format!("{id} event {}", record.version);
            let entry: Entry = serde_json::from_str(record.event.get())
                .map_err(|error| EngineError::Replay(format!("{}: {error}", place())))?;
            let state =
                evolve(id, states.remove(&id), &entry).map_err(|error| EngineError::Replay(error.to_string()))?;
            states.insert(id, state);
        }
    }
}
