//! Webhooks of GitLab, verified in one of two ways. The signing token (Standard Webhooks) covers the id, the time and
//! the body. The older secret token is only echoed in a header and covers nothing: anyone who captures one delivery can
//! forge others. That is acceptable because a webhook is only a hint (security case 17).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::failure::Failure;
use crate::forge::webhook::{Hint, Webhook, WebhookDelivery, WebhookError};
use crate::ids::Repo;

/// Maximum difference in seconds between the delivery's timestamp and the bot's clock, in both directions.
const TOLERANCE_S: i64 = 300;

/// Verifies and parses the webhook deliveries of one GitLab server.
pub struct GitLabWebhook {
    signing: Vec<SecretBox<Vec<u8>>>,
    tokens: Vec<SecretString>,
}

impl GitLabWebhook {
    /// Takes the currently valid secrets; there are two during a rotation. A secret that begins with `whsec_` is a
    /// signing token, any other a secret token. With signing tokens alone, unsigned deliveries are refused.
    ///
    /// # Errors
    /// `Rejected` if there is no secret, or if one is too short or cannot be decoded.
    pub fn new(secrets: &[SecretString]) -> Result<Self, Failure> {
        let (mut signing, mut tokens) = (Vec::new(), Vec::new());
        for secret in secrets {
            match secret.expose_secret().strip_prefix("whsec_") {
                Some(encoded) => match BASE64_STANDARD.decode(encoded) {
                    Ok(key) if key.len() >= 24 => signing.push(SecretBox::new(Box::new(key))),
                    Ok(_) | Err(_) => {
                        return Err(Failure::rejected(
                            "a signing token of GitLab's webhooks is not `whsec_` and 24 to 64 bytes in base64. Copy it again.",
                        ));
                    }
                },
                None if secret.expose_secret().len() >= 16 => tokens.push(secret.clone()),
                None => {
                    return Err(Failure::rejected(
                        "a secret token of GitLab's webhooks has fewer than 16 characters. Set a longer one on both sides.",
                    ));
                }
            }
        }
        if signing.is_empty() && tokens.is_empty() {
            return Err(Failure::rejected("GitLab's webhooks need a secret. Set one on both sides."));
        }
        Ok(Self { signing, tokens })
    }

    fn signed(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<String, WebhookError> {
        let id = one(headers, "webhook-id").ok_or(WebhookError::Unsigned)?;
        let stamp = one(headers, "webhook-timestamp").ok_or(WebhookError::Unsigned)?;
        let signatures = one(headers, "webhook-signature").ok_or(WebhookError::Unsigned)?;
        let genuine = signatures.split(' ').filter_map(|entry| entry.strip_prefix("v1,")).any(|encoded| {
            let Ok(signature) = BASE64_STANDARD.decode(encoded) else { return false };
            self.signing.iter().any(|key| {
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret()) else { return false };
                for part in [id.as_bytes(), b".", stamp.as_bytes(), b".", body] {
                    mac.update(part);
                }
                mac.verify_slice(&signature).is_ok()
            })
        });
        if !genuine {
            return Err(WebhookError::Unsigned);
        }
        let at: i64 = stamp.parse().map_err(|_| WebhookError::Stale)?;
        let apart = now.as_second().checked_sub(at).and_then(i64::checked_abs).ok_or(WebhookError::Stale)?;
        if apart > TOLERANCE_S { Err(WebhookError::Stale) } else { Ok(id.to_owned()) }
    }

    fn known(&self, headers: &HeaderMap) -> Result<String, WebhookError> {
        let given = one(headers, "x-gitlab-token").ok_or(WebhookError::Unsigned)?;
        // Compare digests of equal length, so that the timing does not reveal the length of the token.
        let given = Sha256::digest(given.as_bytes());
        let same = |token: &SecretString| bool::from(Sha256::digest(token.expose_secret().as_bytes()).ct_eq(&given));
        if !self.tokens.iter().any(same) {
            return Err(WebhookError::Unsigned);
        }
        let id = ["idempotency-key", "x-gitlab-event-uuid"].iter().find_map(|name| one(headers, name));
        id.map(str::to_owned).ok_or_else(|| WebhookError::Malformed("it has no id".to_owned()))
    }
}

impl Webhook for GitLabWebhook {
    fn accept(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<WebhookDelivery, WebhookError> {
        // A signed delivery is judged by its signature: a valid token does not make up for a wrong one.
        let id = if headers.contains_key("webhook-signature") && !self.signing.is_empty() {
            self.signed(headers, body, now)?
        } else {
            self.known(headers)?
        };
        let content: Value =
            serde_json::from_slice(body).map_err(|_| WebhookError::Malformed("its body is no JSON".to_owned()))?;
        if !content.is_object() {
            return Err(WebhookError::Malformed("its body is no JSON object".to_owned()));
        }
        let key = format!("{id} {}", hex::encode(Sha256::digest(body)));
        Ok(WebhookDelivery { key, hint: hint(headers, &content) })
    }
}

/// Returns the value of a header that occurs exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok().filter(|value| !value.is_empty() && value.len() <= 1024)?;
    if values.next().is_some() { None } else { Some(value) }
}

/// Returns the subject of the delivery. The event header is not covered by the signature, so a header that contradicts
/// the body yields no hint (security case 18).
fn hint(headers: &HeaderMap, content: &Value) -> Option<Hint> {
    let (kind, detail) = match (one(headers, "x-gitlab-event")?, content.get("object_kind")?.as_str()?) {
        ("Push Hook", "push") => ("push", None),
        ("Tag Push Hook", "tag_push") => ("tag_push", None),
        ("Merge Request Hook", "merge_request") => ("merge_request", content.pointer("/object_attributes/action")),
        ("Pipeline Hook", "pipeline") => ("pipeline", content.pointer("/object_attributes/status")),
        ("Job Hook", "build") => ("job", content.get("build_status")),
        ("Note Hook", "note") => ("note", content.pointer("/object_attributes/noteable_type")),
        ("Deployment Hook", "deployment") => ("deployment", content.get("status")),
        _ => return None,
    };
    let repo = Repo::parse(content.pointer("/project/path_with_namespace")?.as_str()?).ok()?;
    let word = |word: &&str| word.len() <= 40 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let detail = detail.and_then(Value::as_str).filter(word).map(|word| format!(" {word}")).unwrap_or_default();
    Some(Hint { repo, what: format!("{kind}{detail}") })
}
