//! What all of the adapter shares: the ways to Slack, what is known for a minute, and who the bot is.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::decode::Allowed;
use super::hook::Hook;
use super::options::SlackOptions;
use super::person;
use super::web::{Call, Web};
use crate::chat::{AccountKind, ChannelKind};
use crate::failure::Failure;
use crate::vocabulary::{ChannelRef, MessageRef, PersonRef};

/// How long an account and a channel are taken for what they were (security case 31).
const FRESH: Duration = Duration::from_secs(60);
const KNOWN: usize = 4096;

/// Shared by the port, the ingress and Socket Mode.
pub(super) struct Core {
    pub(super) web: Web,
    /// With the app's token: it opens connections and nothing else.
    pub(super) app: Option<Web>,
    pub(super) hook: Hook,
    pub(super) allowed: Allowed,
    pub(super) secrets: Vec<SecretString>,
    pub(super) connections: u8,
    pub(super) path: String,
    pub(super) allow_private: bool,
    pub(super) accounts: Kept<String, AccountKind>,
    pub(super) channels: Kept<ChannelRef, ChannelKind>,
    /// Direct conversations never change.
    pub(super) directs: Kept<String, ChannelRef>,
    pub(super) updates: Updates,
    me: OnceCell<Me>,
}

/// Who the bot is, as `auth.test` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Me {
    pub(super) user_id: Option<String>,
    pub(super) bot_id: Option<String>,
    pub(super) team_id: Option<String>,
    pub(super) enterprise_id: Option<String>,
    pub(super) is_enterprise_install: Option<bool>,
    pub(super) team: Option<String>,
    pub(super) user: Option<String>,
}

impl Me {
    /// A user whom Slack names by the user id alone.
    pub(super) fn person(&self, user: &str) -> Option<PersonRef> {
        let org_wide = self.is_enterprise_install.unwrap_or(false);
        let home = person::home(self.team_id.as_deref(), self.enterprise_id.as_deref(), user, org_wide)?;
        person::person(home, user)
    }

    pub(super) fn is(&self, user: &str) -> bool {
        self.user_id.as_deref() == Some(user)
    }
}

impl Core {
    pub(super) fn new(options: SlackOptions) -> Result<Self, Failure> {
        options.check()?;
        let app = options.app_token.map(|token| Web::new(&options.api, token)).transpose()?;
        Ok(Self {
            web: Web::new(&options.api, options.token)?,
            app,
            hook: Hook::new(&options.api, options.allow_private)?,
            allowed: Allowed { app: options.app_id, teams: options.teams },
            secrets: options.signing_secrets,
            connections: options.connections,
            path: options.path,
            allow_private: options.allow_private,
            accounts: Kept::default(),
            channels: Kept::default(),
            directs: Kept::default(),
            updates: Updates::default(),
            me: OnceCell::new(),
        })
    }

    /// Who the bot is; asked once.
    pub(super) async fn me(&self) -> Result<&Me, Failure> {
        let call = Call { method: "auth.test", channel: "", act: "ask who the bot is" };
        self.me.get_or_try_init(|| self.web.read(call, &[])).await
    }
}

/// What was asked not long ago.
#[derive(Debug)]
pub(super) struct Kept<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    pub(super) fn fresh(&self, key: &K) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, value)| value.clone())
    }

    pub(super) fn keep(&self, key: K, value: V) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KNOWN {
            kept.clear();
        }
        kept.insert(key, (Instant::now(), value));
    }
}

/// Changes of messages, one at a time for each message: what is overtaken while it waits is not sent at all, and what is
/// older never lands on what is newer.
#[derive(Debug, Default)]
pub(super) struct Updates(Mutex<HashMap<MessageRef, Arc<Turn>>>);

#[derive(Debug, Default)]
pub(super) struct Turn {
    latest: Mutex<u64>,
    pub(super) busy: tokio::sync::Mutex<()>,
}

impl Updates {
    /// The message's turn, and the number of this change.
    pub(super) fn join(&self, message: &MessageRef) -> (Arc<Turn>, u64) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= KNOWN {
            // Whoever waits holds a turn too.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        let turn = Arc::clone(turns.entry(message.clone()).or_default());
        let mut latest = turn.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest += 1;
        let number = *latest;
        drop(latest);
        (turn, number)
    }
}

impl Turn {
    /// Whether a newer change came meanwhile.
    pub(super) fn is_overtaken(&self, number: u64) -> bool {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) > number
    }
}
