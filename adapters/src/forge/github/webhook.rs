//! Webhooks of GitHub. Only `X-Hub-Signature-256` is accepted; the older `X-Hub-Signature` is SHA-1 and ignored
//! (security case 13).

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::options::GitHubOptionsError;
use crate::forge::webhook::{Hint, Webhook, WebhookDelivery, WebhookError};
use crate::ids::Repo;

/// Events that may change a state which the bot polls. All others are accepted and ignored.
pub(super) const EVENTS: [&str; 8] = [
    "pull_request",
    "pull_request_review",
    "push",
    "check_run",
    "check_suite",
    "status",
    "workflow_run",
    "deployment_status",
];

/// Verifies and parses GitHub's webhook deliveries.
pub struct GitHubWebhook {
    secrets: Vec<SecretString>,
}

impl std::fmt::Debug for GitHubWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitHubWebhook({} secrets)", self.secrets.len())
    }
}

impl GitHubWebhook {
    /// Creates a verifier for deliveries signed with any of these secrets; there are several during a rotation.
    ///
    /// # Errors
    /// [`GitHubOptionsError::WebhookSecret`] if there is no secret or an empty one, because anyone could then forge a
    /// signature (security case 3).
    pub fn new(secrets: Vec<SecretString>) -> Result<Self, GitHubOptionsError> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose_secret().trim().is_empty()) {
            return Err(GitHubOptionsError::WebhookSecret);
        }
        Ok(Self { secrets })
    }

    /// Tries every secret, each in constant time.
    fn is_signed(&self, signature: &[u8], body: &[u8]) -> bool {
        self.secrets.iter().fold(false, |signed, secret| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return signed };
            mac.update(body);
            mac.verify_slice(signature).is_ok() || signed
        })
    }
}

/// The part of a payload that is read.
#[derive(Deserialize)]
struct Payload {
    repository: Option<Repository>,
    action: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Webhook for GitHubWebhook {
    /// GitHub does not sign a timestamp, so no delivery is too old. A redelivery has the same key.
    fn accept(&self, headers: &HeaderMap, body: &[u8], _: Timestamp) -> Result<WebhookDelivery, WebhookError> {
        let signature = only(headers, "x-hub-signature-256").and_then(|value| value.strip_prefix("sha256="));
        let signature = signature.filter(|digits| digits.len() == 64).and_then(|digits| hex::decode(digits).ok());
        if !signature.is_some_and(|signature| self.is_signed(&signature, body)) {
            return Err(WebhookError::Unsigned);
        }
        // The delivery id is not covered by the signature, and a redelivery keeps it (security case 14).
        let id = only(headers, "x-github-delivery").filter(|id| is_word(id));
        let id = id.ok_or_else(|| WebhookError::Malformed("it has no X-GitHub-Delivery".to_owned()))?;
        let event = only(headers, "x-github-event").filter(|event| is_word(event));
        let event = event.ok_or_else(|| WebhookError::Malformed("it has no X-GitHub-Event".to_owned()))?;
        let key = format!("{id}:{}", hex::encode(Sha256::digest(body)));
        let hint = if EVENTS.contains(&event) { hint(event, body)? } else { None };
        Ok(WebhookDelivery { key, hint })
    }
}

fn hint(event: &str, body: &[u8]) -> Result<Option<Hint>, WebhookError> {
    let payload: Payload = serde_json::from_slice(body).map_err(|error| WebhookError::Malformed(error.to_string()))?;
    let Some(repository) = payload.repository else { return Ok(None) };
    let repo = Repo::parse(&repository.full_name).map_err(|error| WebhookError::Malformed(error.to_string()))?;
    let action = payload.action.filter(|action| is_word(action));
    let what = action.map_or_else(|| event.to_owned(), |action| format!("{event} {action}"));
    Ok(Some(Hint { repo, what }))
}

/// Returns the value of a header that occurs exactly once (security case 2).
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Returns `true` if a text is short and safe to log.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}
