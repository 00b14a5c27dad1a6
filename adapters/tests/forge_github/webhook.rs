//! Signature, dedupe key and hint of GitHub webhooks.

use hmac::{Hmac, KeyInit as _, Mac as _};
use hotfix_adapters::forge::github::{GitHubOptionsError, GitHubWebhook};
use hotfix_adapters::forge::webhook::{Webhook as _, WebhookDelivery, WebhookError};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use sha2::Sha256;

pub(crate) const SECRET: &str = "It's a Secret to Everybody";

pub(crate) fn webhook(secrets: &[&str]) -> GitHubWebhook {
    GitHubWebhook::new(secrets.iter().map(|secret| SecretString::from(*secret)).collect()).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

pub(crate) fn deliver(
    webhook: &GitHubWebhook,
    signature: &str,
    event: &str,
    body: &str,
) -> Result<WebhookDelivery, WebhookError> {
    let headers = headers(&[
        ("x-hub-signature-256", signature),
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78"),
    ]);
    webhook.accept(&headers, body.as_bytes(), Timestamp::UNIX_EPOCH)
}

/// The example from GitHub's documentation is accepted.
#[test]
fn githubs_own_example_is_genuine() {
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let accepted = deliver(&webhook(&[SECRET]), signature, "ping", "Hello, World!").unwrap();
    assert_eq!(accepted.hint, None);
    assert_eq!(deliver(&webhook(&[SECRET]), signature, "ping", "Hello, World?"), Err(WebhookError::Unsigned));
}

/// Missing, repeated, truncated, differently encoded, and SHA-1 signatures (security cases 1, 2, 6 and 13).
#[test]
fn every_other_signature_is_refused() {
    let (webhook, body) = (webhook(&[SECRET]), r#"{"repository":{"full_name":"team/payments"}}"#);
    let good = sign(SECRET, body.as_bytes());
    assert!(deliver(&webhook, &good, "push", body).is_ok());
    let digits = good.strip_prefix("sha256=").unwrap();
    let bad = [
        String::new(),
        digits.to_owned(),
        format!("sha1={digits}"),
        format!("v1={digits}"),
        format!("sha256={}", &digits[..62]),
        format!("sha256={}", &digits[..63]),
        format!("sha256={digits}00"),
        format!("sha256={}", "z".repeat(64)),
        format!("sha256= {digits}"),
        "sha256=".to_owned(),
        format!("sha256={}", "0".repeat(2 << 20)),
        sign("another secret", body.as_bytes()),
        sign("", body.as_bytes()),
    ];
    for signature in bad {
        assert_eq!(deliver(&webhook, &signature, "push", body), Err(WebhookError::Unsigned), "{}", signature.len());
    }
    let only_old = headers(&[("x-hub-signature", &good), ("x-github-event", "push"), ("x-github-delivery", "1")]);
    assert_eq!(webhook.accept(&only_old, body.as_bytes(), Timestamp::UNIX_EPOCH), Err(WebhookError::Unsigned));
    let mut twice = headers(&[("x-hub-signature-256", &good), ("x-github-event", "push"), ("x-github-delivery", "1")]);
    twice.append("x-hub-signature-256", HeaderValue::from_str(&good).unwrap());
    assert_eq!(webhook.accept(&twice, body.as_bytes(), Timestamp::UNIX_EPOCH), Err(WebhookError::Unsigned));
}

/// During a rotation both secrets are valid; a webhook without any secret is an error (security case 3).
#[test]
fn several_secrets_are_good_at_once_and_none_is_an_error() {
    let body = r#"{"zen":"Keep it logically awesome."}"#;
    for secret in ["old", "new"] {
        assert!(deliver(&webhook(&["old", "new"]), &sign(secret, body.as_bytes()), "ping", body).is_ok());
    }
    for none in [vec![], vec![SecretString::from("")], vec![SecretString::from("x"), SecretString::from(" ")]] {
        assert!(matches!(GitHubWebhook::new(none), Err(GitHubOptionsError::WebhookSecret)));
    }
    assert_eq!(format!("{:?}", webhook(&["CANARY"])), "GitHubWebhook(1 secrets)");
}

/// A redelivery has the same key; another body under the same delivery id has another one (security case 14).
#[test]
fn the_key_is_the_delivery_and_its_body() {
    let webhook = webhook(&[SECRET]);
    let key = |body: &str| deliver(&webhook, &sign(SECRET, body.as_bytes()), "ping", body).unwrap().key;
    assert_eq!(key("{}"), key("{}"));
    assert_ne!(key("{}"), key("{ }"));
    assert!(key("{}").starts_with("72d3162e-cc78:44136fa355b3678a"));
}

#[test]
fn hints_are_given_for_what_the_bot_waits_for() {
    let webhook = webhook(&[SECRET]);
    let hint = |event: &str, body: &str| deliver(&webhook, &sign(SECRET, body.as_bytes()), event, body).map(|d| d.hint);
    let body =
        r#"{"action":"submitted","repository":{"full_name":"team/payments","id":5},"review":{"state":"approved"}}"#;
    for event in [
        "pull_request",
        "pull_request_review",
        "push",
        "check_run",
        "check_suite",
        "status",
        "workflow_run",
        "deployment_status",
    ] {
        let hint = hint(event, body).unwrap().unwrap();
        assert_eq!((hint.repo.as_str(), hint.what.as_str()), ("team/payments", format!("{event} submitted").as_str()));
    }
    for event in ["ping", "issues", "star", "installation", "next_years_event"] {
        assert_eq!(hint(event, body), Ok(None), "{event}");
    }
    // Event type confusion, unknown actions and missing fields yield no hint (security case 18).
    assert_eq!(hint("push", r#"{"action":"x"}"#), Ok(None));
    assert_eq!(hint("push", r#"{"action":"a\nb","repository":{"full_name":"a/b"}}"#).unwrap().unwrap().what, "push");
    for bad in ["", "[]", "{", "not json", r#"{"repository":{"full_name":"../../etc"}}"#, r#"{"repository":5}"#] {
        assert!(matches!(hint("push", bad), Err(WebhookError::Malformed(_))), "{bad}");
    }
}
