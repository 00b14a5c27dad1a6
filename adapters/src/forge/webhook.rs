//! Webhooks: hints that something changed. What a webhook says is never believed beyond that; the forge is asked.

use jiff::Timestamp;
use thiserror::Error;

use crate::ids::Repo;

/// One forge's webhooks: checks that they are genuine, and reads what they are about. No I/O.
pub trait Webhook: Send + Sync {
    /// Judges one delivery by its headers and its raw body. The signature is checked before anything is parsed.
    ///
    /// # Errors
    /// It is not genuine, too old, or cannot be read.
    fn accept(&self, headers: &http::HeaderMap, body: &[u8], now: Timestamp) -> Result<WebhookDelivery, WebhookError>;
}

/// A genuine delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The same for every repetition of it, and never for another: the delivery's id with a digest of its body, for the id
    /// alone may lie outside the signature.
    pub key: String,
    /// What to look at again; `None` when it is of no concern, which is answered with success all the same.
    pub hint: Option<Hint>,
}

/// What to look at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The repository.
    pub repo: Repo,
    /// What happened, in a word or two for logs: `pull_request_review submitted`.
    pub what: String,
}

/// Why a delivery is turned away.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// It carries no signature, or a wrong one.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// It is signed, but for another time.
    #[error("the delivery is too old, or from the future")]
    Stale,
    /// It is genuine and makes no sense.
    #[error("the delivery cannot be read: {0}")]
    Malformed(String),
}
