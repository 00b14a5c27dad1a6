//! Tests with Debian's `docker-registry`.

use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{BranchName, CommitId};
use hotfix_adapters::registry::Registry as _;
use hotfix_adapters::registry::oci::OciAuth;
use hotfix_adapters::registry::tags::{Discovery, TagFacts, TagStrategies, discover};
use serde_json::json;

use super::daemon::{Daemon, IMAGE, LIST};
use super::{basic, oci};

fn config(commit: &str, created: &str) -> serde_json::Value {
    let labels = json!({ "org.opencontainers.image.revision": commit.repeat(40), "maintainer": "us" });
    json!({ "created": created, "architecture": "amd64", "os": "linux", "config": { "Labels": labels } })
}

/// HOCS-23: the tag is found in the registry, with its digest, build time and commit.
#[tokio::test]
async fn an_image_is_found_with_what_it_says_of_itself() {
    let daemon = Daemon::start(false);
    let (digest, _) = daemon.push("branch-hotfix_HOCS-1", &config("a", "2026-03-01T10:00:00.123456789Z")).await;
    let registry = oci(&daemon.repository(), OciAuth::Anonymous);
    let found = registry.find("branch-hotfix_HOCS-1").await.unwrap().unwrap();
    assert_eq!(found.image.repository, daemon.repository());
    assert_eq!((found.image.tag.as_str(), found.image.digest.as_str()), ("branch-hotfix_HOCS-1", digest.as_str()));
    assert_eq!(found.created, Some("2026-03-01T10:00:00.123456789Z".parse().unwrap()));
    assert_eq!(found.revision, Some(CommitId::parse(&"a".repeat(40)).unwrap()));

    assert_eq!(registry.find("branch-hotfix_HOCS-2").await.unwrap(), None);
    assert!(matches!(registry.find("hotfix/HOCS-1").await, Err(Failure::Rejected { .. })), "that is no tag");
    registry.probe().await.unwrap();
    let unknown = oci(&daemon.repository().replace("payments", "paymants"), OciAuth::Anonymous);
    assert_eq!(unknown.find("1").await.unwrap(), None);
    assert!(unknown.probe().await.unwrap_err().reason().contains("knows no repository 127.0.0.1:"));
}

#[tokio::test]
async fn what_an_image_does_not_say_is_not_made_up() {
    let daemon = Daemon::start(false);
    let registry = oci(&daemon.repository(), OciAuth::Anonymous);
    for (tag, config, told) in [
        ("silent", json!({}), (None, None)),
        ("null", json!({ "created": null, "config": { "Labels": null } }), (None, None)),
        // Reproducible builds set the time to the epoch.
        ("reproducible", json!({ "created": "1970-01-01T00:00:00Z" }), (None, None)),
        ("old", json!({ "config": { "Labels": { "org.label-schema.vcs-ref": "B".repeat(40) } } }), (None, Some("b"))),
        ("short", json!({ "config": { "Labels": { "org.opencontainers.image.revision": "abc1234" } } }), (None, None)),
    ] {
        daemon.push(tag, &config).await;
        let found = registry.find(tag).await.unwrap().unwrap();
        let revision = told.1.map(|digit: &str| CommitId::parse(&digit.repeat(40)).unwrap());
        assert_eq!((found.created, found.revision), (told.0, revision), "{tag}");
    }
}

#[tokio::test]
async fn an_image_for_several_platforms_is_pinned_as_a_whole() {
    let daemon = Daemon::start(false);
    let entry = |(digest, size): (String, usize), os: &str, architecture: &str| {
        let platform = json!({ "os": os, "architecture": architecture });
        json!({ "mediaType": IMAGE, "digest": digest, "size": size, "platform": platform })
    };
    let provenance = entry(daemon.push("p", &json!({ "created": "2026-01-01T00:00:00Z" })).await, "unknown", "unknown");
    let arm = entry(daemon.push("arm", &config("b", "2026-03-01T10:00:01Z")).await, "linux", "arm64");
    let amd = entry(daemon.push("amd", &config("a", "2026-03-01T10:00:00Z")).await, "linux", "amd64");
    let registry = oci(&daemon.repository(), OciAuth::Anonymous);
    for (manifests, commit) in
        [(json!([provenance, arm, amd]), Some("a")), (json!([provenance, arm]), Some("b")), (json!([provenance]), None)]
    {
        let list = json!({ "schemaVersion": 2, "mediaType": LIST, "manifests": manifests });
        let (digest, _) = daemon.push_manifest("all", LIST, &list).await;
        let found = registry.find("all").await.unwrap().unwrap();
        assert_eq!(found.image.digest.as_str(), digest);
        assert_eq!(found.revision, commit.map(|digit| CommitId::parse(&digit.repeat(40)).unwrap()));
    }
}

#[tokio::test]
async fn a_locked_registry_wants_the_right_account() {
    let daemon = Daemon::start(true);
    let (digest, _) = daemon.push("1.4.2", &config("a", "2026-03-01T10:00:00Z")).await;
    let good = oci(&daemon.repository(), basic("pull-me"));
    assert_eq!(good.find("1.4.2").await.unwrap().unwrap().image.digest.as_str(), digest);
    good.probe().await.unwrap();
    for (auth, advice) in [(OciAuth::Anonymous, "Give the bot an account"), (basic("hush"), "right and not expired")] {
        let registry = oci(&daemon.repository(), auth);
        for failure in [registry.find("1.4.2").await.unwrap_err(), registry.probe().await.unwrap_err()] {
            assert!(matches!(failure, Failure::Rejected { .. }), "{failure}");
            assert!(failure.reason().contains(advice) && failure.reason().contains("(401)"), "{failure}");
            assert!(!failure.reason().contains("hush"), "{failure}");
        }
    }
}

/// HOCS-22, HOCS-23: discovery from the branch to the pinned image, past one that an earlier hotfix left behind.
#[tokio::test]
async fn the_tag_of_a_branch_is_discovered() {
    let daemon = Daemon::start(false);
    let registry = oci(&daemon.repository(), OciAuth::Anonymous);
    let strategies = TagStrategies::new(&["branch-{branch}", "{sha}"]).unwrap();
    let branch = BranchName::parse("hotfix/HOCS-1234").unwrap();
    let facts = TagFacts { branch, commit: CommitId::parse(&"a".repeat(40)).unwrap(), version: None };
    let made = Some("2026-03-01T10:00:00Z".parse().unwrap());

    daemon.push("branch-hotfix_HOCS-1234", &config("b", "2026-02-01T10:00:00Z")).await;
    let Discovery::NotYet { looked, passed_over } = discover(&registry, &strategies, &facts, made).await.unwrap()
    else {
        panic!()
    };
    let stale = "branch-hotfix_HOCS-1234: built from bbbbbbb and not from aaaaaaa".to_owned();
    assert_eq!(passed_over, std::slice::from_ref(&stale));
    assert_eq!(looked, [stale, format!("{}: not in the registry", "a".repeat(40))]);

    let (digest, _) = daemon.push("branch-hotfix_HOCS-1234", &config("a", "2026-03-01T10:04:00Z")).await;
    let Discovery::Found { published, by } = discover(&registry, &strategies, &facts, made).await.unwrap() else {
        panic!()
    };
    assert_eq!((published.image.digest.as_str(), by.as_str()), (digest.as_str(), "branch-{branch}"));
}
