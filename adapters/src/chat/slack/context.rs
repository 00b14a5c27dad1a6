//! The state that all parts of the Slack adapter share: API clients, caches and the bot's own identity.

use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::decode::Allowed;
use super::options::SlackOptions;
use super::person;
use super::response_url::ResponseUrlClient;
use super::web::{SlackCall, SlackClient};
use crate::chat::ttl_cache::{EVER, FRESH, TtlCache, UpdateQueue};
use crate::chat::{AccountKind, ChannelKind};
use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::ids::{ChannelRef, PersonRef};

/// Shared by [`super::Slack`], [`super::SlackIngress`] and [`super::SocketMode`].
pub(super) struct SlackContext {
    pub(super) web: SlackClient,
    /// Client with the app-level token, which is used to open Socket Mode connections only.
    pub(super) app: Option<SlackClient>,
    pub(super) response_urls: ResponseUrlClient,
    pub(super) allowed: Allowed,
    pub(super) secrets: Vec<SecretString>,
    pub(super) connections: u8,
    pub(super) path: String,
    pub(super) reach: EgressPolicy,
    pub(super) allow_private: bool,
    pub(super) accounts: TtlCache<String, AccountKind>,
    pub(super) channels: TtlCache<ChannelRef, ChannelKind>,
    /// Direct-message channels by user id; they never change.
    pub(super) directs: TtlCache<String, ChannelRef>,
    pub(super) updates: UpdateQueue,
    me: OnceCell<Me>,
}

/// The bot's own identity, as returned by `auth.test`.
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
    /// Returns the account of a user for whom Slack gives only the user id.
    pub(super) fn person(&self, user: &str) -> Option<PersonRef> {
        let org_wide = self.is_enterprise_install.unwrap_or(false);
        let home = person::home(self.team_id.as_deref(), self.enterprise_id.as_deref(), user, org_wide)?;
        person::person(home, user)
    }

    pub(super) fn is(&self, user: &str) -> bool {
        self.user_id.as_deref() == Some(user)
    }
}

impl SlackContext {
    pub(super) fn new(options: SlackOptions) -> Result<Self, Failure> {
        options.check()?;
        let burst = options.burst;
        let app =
            options.app_token.map(|token| SlackClient::new(&options.api, &options.reach, token, burst)).transpose()?;
        Ok(Self {
            web: SlackClient::new(&options.api, &options.reach, options.token, burst)?,
            app,
            response_urls: ResponseUrlClient::new(&options.api, &options.reach, options.allow_private)?,
            allowed: Allowed { app: options.app_id, teams: options.teams },
            secrets: options.signing_secrets,
            connections: options.connections,
            path: options.path,
            reach: options.reach,
            allow_private: options.allow_private,
            accounts: TtlCache::new(FRESH),
            channels: TtlCache::new(FRESH),
            directs: TtlCache::new(EVER),
            updates: UpdateQueue::default(),
            me: OnceCell::new(),
        })
    }

    /// Returns the bot's own identity; queried once per process.
    pub(super) async fn me(&self) -> Result<&Me, Failure> {
        let call = SlackCall { method: "auth.test", channel: "", act: "ask who the bot is" };
        self.me.get_or_try_init(|| self.web.read(call, &[])).await
    }
}
