//! Features that Debian's registry lacks: a token service, blobs on another host, and every kind of failure.

use std::time::Duration;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::registry::Registry as _;
use hotfix_adapters::registry::oci::{Oci, OciAuth};
use hotfix_fakes::registry::Registry;
use hotfix_fakes::server::{Fault, Server};
use secrecy::SecretString;
use serde_json::json;

use super::{basic, oci};

async fn fake() -> (Registry, Oci) {
    let fake = Registry::start("team/payments", "robot", "pull-me").await;
    fake.push("1.4.2", &json!({ "created": "2026-03-01T10:00:00Z" }));
    let registry = oci(&fake.name(), basic("pull-me"));
    (fake, registry)
}

fn paths(server: &Server) -> Vec<String> {
    server.control.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect()
}

/// Returns the failure of a lookup, and checks that it contains no secret.
async fn failure(registry: &Oci) -> Failure {
    let failure = registry.find("1.4.2").await.unwrap_err();
    let shown = format!("{failure:?}");
    assert!(["pull-me", "token-", "hush"].iter().all(|secret| !shown.contains(secret)), "{shown}");
    failure
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_expires() {
    let (fake, registry) = fake().await;
    registry.probe().await.unwrap();
    registry.find("1.4.2").await.unwrap().unwrap();
    assert_eq!(registry.find("1.4.3").await.unwrap(), None);
    assert_eq!(fake.tokens.control.calls().len(), 1);
    fake.expire_tokens();
    registry.find("1.4.2").await.unwrap().unwrap();
    assert_eq!(fake.tokens.control.calls().len(), 2);
}

/// Security case 66: the registry redirects a blob to a storage host, which gets no credentials.
#[tokio::test]
async fn credentials_go_to_the_registry_alone() {
    let (fake, registry) = fake().await;
    assert!(registry.find("1.4.2").await.unwrap().unwrap().created.is_some());
    let stored = fake.store.control.calls();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].headers.contains_key("authorization"));
    let calls = fake.server.control.calls();
    let how =
        |scheme: &str| calls.iter().any(|call| call.headers.get("authorization").is_some_and(|how| how == scheme));
    assert!(how("Bearer") && !how("Basic"), "the password is for the token service");
    assert!(calls.iter().all(|call| call.method == "GET"));
}

/// Security case 66: only blobs may be redirected.
#[tokio::test]
async fn a_redirect_of_anything_but_a_blob_is_not_followed() {
    let (fake, registry) = fake().await;
    fake.send_away();
    let told = failure(&registry).await;
    assert!(matches!(told, Failure::Rejected { .. }) && told.reason().contains("sends us elsewhere"), "{told}");
    assert!(fake.store.control.calls().is_empty());
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    let (fake, registry) = fake().await;
    for server in [&fake.server, &fake.tokens, &fake.store] {
        for fault in [Fault::Refuse(500), Fault::Refuse(503), Fault::HangUp, Fault::HalfBody, Fault::TooMany(17)] {
            fake.expire_tokens();
            server.control.down(Some(fault.clone()));
            server.control.forget();
            let told = failure(&registry).await;
            let wait = (fault == Fault::TooMany(17)).then_some(Duration::from_secs(17));
            assert!(matches!(&told, Failure::Retry { after, .. } if *after == wait), "{fault:?}: {told:?}");
            assert_eq!(paths(server).len(), 1, "{fault:?}: nothing is repeated by itself");
        }
        for status in [403, 418] {
            fake.expire_tokens();
            server.control.down(Some(Fault::Refuse(status)));
            let told = failure(&registry).await;
            assert!(matches!(told, Failure::Rejected { .. }), "{status}: {told}");
        }
        server.control.down(None);
    }
    registry.find("1.4.2").await.unwrap().unwrap();
    let gone = oci(&fake.name(), basic("pull-me"));
    drop(fake);
    assert!(matches!(failure(&gone).await, Failure::Retry { .. }));
}

#[tokio::test]
async fn whom_the_token_service_does_not_know_is_told_what_to_do() {
    let (fake, _) = fake().await;
    for (auth, advice) in [
        (OciAuth::Anonymous, "Give the bot an account"),
        (basic("hush"), "right and not expired"),
        (OciAuth::Bearer(SecretString::from("token-of-the-registry-0")), "right and not expired"),
    ] {
        let told = failure(&oci(&fake.name(), auth)).await;
        assert!(matches!(told, Failure::Rejected { .. }) && told.reason().contains(advice), "{told}");
    }
    assert!(oci(&fake.name(), basic("pull-me")).find("1.4.2").await.is_ok());
    let known = oci(&fake.name(), OciAuth::Bearer(SecretString::from("token-of-the-registry-1")));
    known.find("1.4.2").await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_cannot_be_true_is_refused() {
    let (fake, registry) = fake().await;
    fake.tamper();
    let told = failure(&registry).await;
    assert!(matches!(told, Failure::Rejected { .. }) && told.reason().contains("was promised"), "{told}");
    fake.lose_blobs();
    let told = failure(&registry).await;
    assert!(matches!(told, Failure::Retry { .. }) && told.reason().contains("does not have (yet)"), "{told}");

    let kind = "application/vnd.oci.image.manifest.v1+json";
    let child = fake.push_raw("child", kind, b"{}".to_vec());
    let list = json!({ "manifests": [{ "digest": child }] }).to_string().into_bytes();
    fake.push_raw("1.4.2", "application/vnd.oci.image.index.v1+json", list);
    fake.push_raw(&child, kind, b"{ }".to_vec());
    let told = failure(&registry).await;
    assert!(matches!(told, Failure::Rejected { .. }) && told.reason().contains("was promised"), "{told}");

    for (manifest, why) in [
        (b"{\"schemaVersion\": 1}".to_vec(), "neither an image nor a list"),
        (b"<html>".to_vec(), "cannot be read"),
        (vec![b' '; (4 << 20) + 1], "is larger than"),
    ] {
        fake.push_raw("1.4.2", kind, manifest);
        let told = failure(&registry).await;
        assert!(matches!(told, Failure::Rejected { .. }) && told.reason().contains(why), "{told}");
    }
}
