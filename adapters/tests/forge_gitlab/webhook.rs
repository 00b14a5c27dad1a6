//! Authentication and hints of GitLab webhooks.

use hotfix_adapters::forge::gitlab::GitLabWebhook;
use hotfix_adapters::forge::webhook::{Webhook, WebhookDelivery, WebhookError};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;

/// The example of the Standard Webhooks specification.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const STAMP: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const TOKEN: &str = "a-long-enough-token";

fn webhook(secrets: &[&str]) -> GitLabWebhook {
    let secrets: Vec<SecretString> = secrets.iter().map(|it| (*it).to_owned().into()).collect();
    GitLabWebhook::new(&secrets).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| -> (HeaderName, HeaderValue) {
        (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn signed(signature: &str) -> HeaderMap {
    headers(&[("webhook-id", ID), ("webhook-timestamp", &STAMP.to_string()), ("webhook-signature", signature)])
}

/// Security case 17: the signature covers the id, the time and the body.
#[test]
fn the_known_vector_is_genuine_and_every_change_to_it_is_not() {
    let webhook = webhook(&[KEY]);
    let accepted = webhook.accept(&signed(SIGNATURE), BODY, at(STAMP)).unwrap();
    assert!(accepted.key.starts_with(ID) && accepted.hint.is_none());
    let rotated = format!("v1,AAAA v1a,zzzz {SIGNATURE}");
    assert_eq!(webhook.accept(&signed(&rotated), BODY, at(STAMP)).unwrap(), accepted, "several signatures, one good");
    let wrong = [
        "",
        "v1,",
        "v1,AAAA",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1O",
        "v1,%%%%",
    ];
    for signature in wrong {
        assert_eq!(webhook.accept(&signed(signature), BODY, at(STAMP)), Err(WebhookError::Unsigned), "{signature}");
    }
    assert_eq!(webhook.accept(&signed(SIGNATURE), b"{\"test\": 2432232315}", at(STAMP)), Err(WebhookError::Unsigned));
    for (name, value) in [("webhook-id", "msg_other"), ("webhook-timestamp", "1614265331")] {
        let mut changed = signed(SIGNATURE);
        changed.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        assert_eq!(webhook.accept(&changed, BODY, at(STAMP)), Err(WebhookError::Unsigned), "{name}");
        let mut twice = signed(SIGNATURE);
        twice.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        assert_eq!(webhook.accept(&twice, BODY, at(STAMP)), Err(WebhookError::Unsigned), "{name} twice");
    }
}

/// Security case 4, of GitLab: neither past nor future deliveries are accepted.
#[test]
fn a_delivery_of_another_time_is_stale() {
    let webhook = webhook(&[KEY]);
    for (apart, fine) in [(0, true), (300, true), (-300, true), (301, false), (-301, false), (1 << 33, false)] {
        let told = webhook.accept(&signed(SIGNATURE), BODY, at(STAMP + apart));
        assert_eq!(told.is_ok(), fine, "{apart} s: {told:?}");
        assert!(fine || told == Err(WebhookError::Stale));
    }
}

/// Security case 17: an unsigned delivery is accepted with the older token, which does not make up for a
/// wrong signature.
#[test]
fn the_older_token_is_good_for_what_is_not_signed() {
    let given = |token: &str| headers(&[("x-gitlab-token", token), ("x-gitlab-event-uuid", "u-1")]);
    let both = webhook(&[KEY, TOKEN, "another-good-token"]);
    for token in [TOKEN, "another-good-token"] {
        assert!(both.accept(&given(token), BODY, at(0)).unwrap().key.starts_with("u-1 "));
    }
    for token in ["", "a-long-enough-toke", "a-long-enough-token ", "A-LONG-ENOUGH-TOKEN", KEY] {
        assert_eq!(both.accept(&given(token), BODY, at(0)), Err(WebhookError::Unsigned), "{token}");
    }
    let mut wrongly_signed = signed("v1,AAAA");
    wrongly_signed.extend(given(TOKEN));
    assert_eq!(both.accept(&wrongly_signed, BODY, at(STAMP)), Err(WebhookError::Unsigned));
    assert_eq!(webhook(&[KEY]).accept(&given(TOKEN), BODY, at(0)), Err(WebhookError::Unsigned), "signed ones only");
    assert_eq!(webhook(&[TOKEN]).accept(&signed(SIGNATURE), BODY, at(STAMP)), Err(WebhookError::Unsigned));
    let no_id = headers(&[("x-gitlab-token", TOKEN)]);
    assert!(matches!(both.accept(&no_id, BODY, at(0)), Err(WebhookError::Malformed(_))));
    assert!(matches!(both.accept(&given(TOKEN), b"[]", at(0)), Err(WebhookError::Malformed(_))));
    assert!(matches!(both.accept(&given(TOKEN), b"{", at(0)), Err(WebhookError::Malformed(_))));
}

/// Security case 3, of GitLab: without a secret nothing is accepted, and a weak secret is rejected.
#[test]
fn a_secret_is_needed() {
    for secrets in [&[][..], &["short"], &["whsec_"], &["whsec_%%%%"], &["whsec_c2hvcnQ="], &[TOKEN, ""]] {
        let secrets: Vec<SecretString> = secrets.iter().map(|it| (*it).to_owned().into()).collect();
        assert!(GitLabWebhook::new(&secrets).is_err(), "{}", secrets.len());
    }
}

fn told(event: &str, body: &str) -> WebhookDelivery {
    let given = headers(&[("x-gitlab-token", TOKEN), ("idempotency-key", "i-1"), ("x-gitlab-event", event)]);
    webhook(&[TOKEN]).accept(&given, body.as_bytes(), at(0)).unwrap()
}

/// Security case 18: if the header and the body differ, or a field is missing, there is no hint.
#[test]
fn a_hint_is_where_to_look_and_no_more() {
    let project = r#""project":{"path_with_namespace":"team/payments"}"#;
    for (event, content, what) in [
        ("Push Hook", r#""object_kind":"push""#, "push"),
        ("Tag Push Hook", r#""object_kind":"tag_push""#, "tag_push"),
        (
            "Merge Request Hook",
            r#""object_kind":"merge_request","object_attributes":{"action":"merge"}"#,
            "merge_request merge",
        ),
        ("Pipeline Hook", r#""object_kind":"pipeline","object_attributes":{"status":"success"}"#, "pipeline success"),
        ("Job Hook", r#""object_kind":"build","build_status":"failed"#, "job failed"),
        (
            "Note Hook",
            r#""object_kind":"note","object_attributes":{"noteable_type":"MergeRequest"}"#,
            "note MergeRequest",
        ),
        ("Deployment Hook", r#""object_kind":"deployment","status":"running"#, "deployment running"),
        ("Pipeline Hook", r#""object_kind":"pipeline","object_attributes":{"status":"evil\n word"}"#, "pipeline"),
    ] {
        let quote = if content.matches('"').count() % 2 == 0 { "" } else { "\"" };
        let hint = told(event, &format!("{{{content}{quote},{project}}}")).hint.unwrap();
        assert_eq!((hint.repo.as_str(), hint.what.as_str()), ("team/payments", what));
    }
    for (event, body) in [
        ("Push Hook", format!(r#"{{"object_kind":"merge_request",{project}}}"#)),
        ("Push Hook", r#"{"object_kind":"push"}"#.to_owned()),
        ("Push Hook", r#"{"object_kind":"push","project":{"path_with_namespace":"../../etc"}}"#.to_owned()),
        ("Issue Hook", format!(r#"{{"object_kind":"issue",{project}}}"#)),
        ("Push Hook", format!("{{{project}}}")),
    ] {
        assert_eq!(told(event, &body).hint, None, "{body}");
    }
    assert_eq!(told("Push Hook", "{}").key, told("Push Hook", "{}").key);
    assert_ne!(told("Push Hook", "{}").key, told("Push Hook", "{ }").key, "security case 14: the body is in the key");
}
