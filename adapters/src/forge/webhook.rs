//! Webhooks: hints that something on a forge changed. The content of a webhook is never trusted beyond that; the bot
//! polls the forge for the facts.

use jiff::Timestamp;
use thiserror::Error;

use crate::ids::Repo;

/// Verifies and parses the webhooks of one forge. Does no I/O.
pub trait Webhook: Send + Sync {
    /// Verifies one delivery by its headers and raw body, and parses it. The signature is checked before
    /// anything is parsed.
    ///
    /// # Errors
    /// [`WebhookError`] if the delivery is not authentic, too old, or malformed.
    fn accept(&self, headers: &http::HeaderMap, body: &[u8], now: Timestamp) -> Result<WebhookDelivery, WebhookError>;
}

/// A verified delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Dedupe key: the same for every redelivery and different for any other delivery. It joins the delivery id and a
    /// digest of the body, because the id alone may not be covered by the signature.
    pub key: String,
    /// The repository to poll. `None` if the event is irrelevant; such a delivery is still answered with success.
    pub hint: Option<Hint>,
}

/// A repository to poll again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The repository that the event is about.
    pub repo: Repo,
    /// Short description of the event for logs, such as `pull_request_review submitted`.
    pub what: String,
}

/// The reason for which a delivery is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// The signature is missing or wrong.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// The signature is valid, but its timestamp is outside the accepted window.
    #[error("the delivery is too old, or from the future")]
    Stale,
    /// The signature is valid, but the content cannot be parsed.
    #[error("the delivery cannot be read: {0}")]
    Malformed(String),
}
