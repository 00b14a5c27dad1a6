//! Dispatches gateway events: each handler runs in a task of its own. Called by `connection.rs`.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::super::decode;
use super::super::follow_up;
use super::super::reconcile::reconcile;
use super::{Session, Shared};
use crate::ids::ChannelRef;

/// Maximum number of concurrent handlers (security case 84).
const AT_ONCE: usize = 64;

/// The handlers of one connection.
pub(super) struct Events<'a> {
    shared: &'a Shared,
    at_once: Arc<Semaphore>,
    /// `true` if reactions were dropped; they are reconciled on the next heartbeat.
    missed: bool,
}

impl<'a> Events<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self { shared, at_once: Arc::new(Semaphore::new(AT_ONCE)), missed: false }
    }

    pub(super) fn take(&mut self, session: &Session, name: &str, data: Value) {
        match name {
            "READY" => {
                tracing::info!("the bot is connected to Discord");
                self.reconcile(&session.id);
            }
            // Discord replays missed events before `RESUMED`.
            "RESUMED" => tracing::info!("the bot is connected to Discord again, and missed nothing"),
            "INTERACTION_CREATE" => self.interaction(&data),
            "MESSAGE_REACTION_ADD" => self.reaction(session, &data, true),
            "MESSAGE_REACTION_REMOVE" => self.reaction(session, &data, false),
            "THREAD_CREATE" => self.thread(&data),
            "GUILD_CREATE" => {
                let threads = data.get("threads").and_then(Value::as_array);
                threads.into_iter().flatten().for_each(|thread| self.thread(thread));
            }
            _ => {}
        }
    }

    /// Reconciles reactions that were dropped. Called on every heartbeat.
    pub(super) fn tick(&mut self, session: Option<&Session>) {
        if let Some(session) = session.filter(|_| self.missed) {
            self.missed = false;
            self.reconcile(&format!("{}:{}", session.id, session.sequence));
        }
    }

    fn interaction(&self, data: &Value) {
        let Shared { core, listener, alive, .. } = self.shared.clone();
        let Some(told) = decode::interaction(&core, data) else {
            return tracing::debug!("an interaction of no concern");
        };
        let Ok(place) = Arc::clone(&self.at_once).try_acquire_owned() else {
            // Not acknowledged, so Discord tells the user that the interaction failed.
            return tracing::warn!("more comes from Discord than can be handled at once; somebody has to act again");
        };
        tokio::spawn(async move {
            follow_up::interaction(&core, &*listener, &told).await;
            drop((place, alive));
        });
    }

    fn reaction(&mut self, session: &Session, data: &Value, added: bool) {
        let Shared { core, listener, alive, .. } = self.shared.clone();
        let Some(reacted) = decode::reacted(&core, &session.me, data, added) else { return };
        let Ok(place) = Arc::clone(&self.at_once).try_acquire_owned() else {
            self.missed = true;
            return tracing::warn!("more comes from Discord than can be handled at once; reactions are read again");
        };
        let key = format!("{}:{}", session.id, session.sequence);
        tokio::spawn(async move {
            follow_up::reaction(&core, &*listener, reacted, &key, false).await;
            drop((place, alive));
        });
    }

    fn reconcile(&self, key: &str) {
        let Shared { core, listener, alive, .. } = self.shared.clone();
        let key = key.to_owned();
        tokio::spawn(async move {
            reconcile(&core, &*listener, &key).await;
            drop(alive);
        });
    }

    fn thread(&self, data: &Value) {
        let id = |name: &str| ChannelRef::parse(data.get(name)?.as_str()?).ok();
        if let (Some(thread), Some(parent)) = (id("id"), id("parent_id")) {
            self.shared.core.parents.insert(thread, Some(parent));
        }
    }
}
