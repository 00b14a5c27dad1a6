//! Drone promotions, against a strict fake over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hotfix_adapters::deploy::drone::{Drone, DroneOptions, QA_TARGETS};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus};
use hotfix_adapters::egress::EgressPolicy;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::ids::{CommitId, DeployKey, Digest, Environment, Repo};
use hotfix_adapters::registry::Image;
use hotfix_fakes::drone as fake;
use hotfix_fakes::server::Fault;

const REPO: &str = "team/payments";

struct Place {
    fake: fake::Drone,
    runs: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let fake = fake::Drone::start().await;
        fake.repo(REPO);
        Self { fake, runs: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> DroneOptions {
        options(&self.fake.url(), self.runs.path())
    }

    fn drone(&self) -> Drone {
        Drone::new(self.options()).unwrap()
    }

    /// Adds a successful build of the commit among builds that must not be promoted; returns its number.
    fn built(&self) -> u64 {
        let ours = commit("a");
        let _ = self.fake.build(REPO, "push", ours.as_str(), "success");
        let source = self.fake.build(REPO, "push", ours.as_str(), "success");
        for (event, digit, status) in [
            ("push", "a", "failure"),
            ("pull_request", "a", "success"),
            ("cron", "a", "success"),
            ("push", "b", "success"),
        ] {
            let _ = self.fake.build(REPO, event, commit(digit).as_str(), status);
        }
        source
    }
}

fn options(url: &str, runs: &Path) -> DroneOptions {
    DroneOptions {
        url: url.to_owned(),
        reach: EgressPolicy::default(),
        token: fake::TOKEN.to_owned().into(),
        repo: Repo::parse(REPO).unwrap(),
        environment: Environment::parse("staging").unwrap(),
        target: "cs-staging".to_owned(),
        parameters: BTreeMap::from([
            ("VERSION".to_owned(), "{tag}".to_owned()),
            ("FROM".to_owned(), "{commit}".to_owned()),
        ]),
        forbidden: QA_TARGETS.map(str::to_owned).to_vec(),
        runs: runs.to_owned(),
        pace: Duration::from_secs(5),
    }
}

fn commit(digit: &str) -> CommitId {
    CommitId::parse(&digit.repeat(40)).unwrap()
}

fn request(tag: &str) -> DeployRequest {
    let digest = Digest::parse(&format!("sha256:{}", "c".repeat(64))).unwrap();
    DeployRequest {
        key: DeployKey::parse("HF-1-staging-1").unwrap(),
        repo: Repo::parse(REPO).unwrap(),
        commit: commit("a"),
        environment: Environment::parse("staging").unwrap(),
        image: Some(Image { repository: "quay.io/team/payments".into(), tag: tag.into(), digest }),
        previous: None,
        about: "HF-1".into(),
        only: Vec::new(),
        riders: Vec::new(),
    }
}

fn rejected(result: Result<(), Failure>) -> String {
    match result {
        Err(Failure::Rejected { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// HOCS-24 and HOCS-25: the build of exactly the requested commit is promoted, VERSION is the discovered tag, and the
/// new build is followed to its end.
#[tokio::test]
async fn the_build_of_our_commit_is_promoted_with_the_tag_that_was_found() {
    let place = Place::new().await;
    let source = place.built();
    let (drone, asked) = (place.drone(), request("branch-hotfix_HOCS-1234"));
    assert_eq!(drone.status(&asked.key).await.unwrap(), None);
    drone.start(&asked).await.unwrap();
    drone.start(&asked).await.unwrap();
    let promotions = place.fake.promotions(REPO);
    assert_eq!(promotions.len(), 1, "once");
    let made = &promotions[0];
    assert_eq!(
        (made.parent, made.deploy_to.as_str(), made.after.as_str()),
        (source, "cs-staging", asked.commit.as_str())
    );
    assert_eq!(made.params["VERSION"], "branch-hotfix_HOCS-1234");
    assert_eq!(
        (made.params["FROM"].as_str(), made.params["HOTFIX_KEY"].as_str()),
        (asked.commit.as_str(), "HF-1-staging-1")
    );

    for status in ["pending", "running", "waiting_on_dependencies", "something_new", "blocked"] {
        place.fake.change(REPO, made.number, |build| status.clone_into(&mut build.status));
        let stands = drone.status(&asked.key).await.unwrap().unwrap();
        assert!(matches!(stands, DeployStatus::InProgress { .. }), "{status}: {stands:?}");
    }
    let DeployStatus::InProgress { note: Some(note) } = drone.status(&asked.key).await.unwrap().unwrap() else {
        panic!()
    };
    assert!(note.contains("somebody has to approve"), "{note}");
    for status in ["failure", "error", "killed", "declined", "skipped"] {
        place.fake.change(REPO, made.number, |build| status.clone_into(&mut build.status));
        let stands = drone.status(&asked.key).await.unwrap().unwrap();
        assert!(matches!(&stands, DeployStatus::Failed { reason } if reason.contains(status)), "{stands:?}");
    }
    assert_eq!(drone.last_success().await.unwrap(), None);
    place.fake.change(REPO, made.number, |build| "success".clone_into(&mut build.status));
    let again = place.drone();
    let DeployStatus::Succeeded { at } = again.status(&asked.key).await.unwrap().unwrap() else { panic!() };
    let last = again.last_success().await.unwrap().unwrap();
    assert_eq!((last.commit, last.at), (asked.commit.clone(), at));
    assert_eq!(again.running().await.unwrap(), None);
    again.probe().await.unwrap();
    let other = DeployRequest { commit: commit("b"), ..asked };
    assert!(rejected(again.start(&other).await).contains("a new deployment needs a new key"));
}

#[tokio::test]
async fn what_failed_is_named() {
    let place = Place::new().await;
    place.built();
    let (drone, asked) = (place.drone(), request("t"));
    drone.start(&asked).await.unwrap();
    let number = place.fake.promotions(REPO)[0].number;
    place.fake.change(REPO, number, |build| "failure".clone_into(&mut build.status));
    let DeployStatus::Failed { reason } = drone.status(&asked.key).await.unwrap().unwrap() else { panic!() };
    assert!(
        reason.contains("step deploy/kubectl exited with 1") && reason.contains(&format!("/{REPO}/{number}")),
        "{reason}"
    );
}

/// HOCS-26: QA is never a target of a Drone promotion, in any spelling, and there is no override.
#[tokio::test]
async fn qa_is_never_deployed_by_drone() {
    let place = Place::new().await;
    for target in ["release", "Release", " release ", "cs-qa", "WCS-QA", "qax", "QAX"] {
        let refused = Drone::new(DroneOptions { target: target.to_owned(), ..place.options() }).unwrap_err();
        assert!(matches!(&refused, Failure::Rejected { reason } if reason.contains("HOCS-26")), "{target}: {refused}");
    }
    let environment = Environment::parse("cs-qa").unwrap();
    let refused = Drone::new(DroneOptions { environment, ..place.options() }).unwrap_err();
    assert!(refused.reason().contains("HOCS-26"), "an innocent target for QA's environment: {refused}");
    for name in ["target", "TARGET", "DRONE_DEPLOY_TO", "access_token", "HOTFIX_KEY", "CI_X", "a b", "a=b&target", ""] {
        let parameters = BTreeMap::from([(name.to_owned(), "release".to_owned())]);
        assert!(Drone::new(DroneOptions { parameters, ..place.options() }).is_err(), "{name:?}");
    }
    place.built();
    let sneaked = DroneOptions {
        target: "cs-staging".into(),
        parameters: BTreeMap::from([("NOTE".into(), "x&target=release".into())]),
        ..place.options()
    };
    Drone::new(sneaked).unwrap().start(&request("t")).await.unwrap();
    let made = place.fake.promotions(REPO);
    assert_eq!(
        (made.len(), made[0].deploy_to.as_str(), made[0].params["NOTE"].as_str()),
        (1, "cs-staging", "x&target=release")
    );
}

/// HOCS-25: without a tag there is no VERSION, and a tag that Kubernetes would reject is refused before any promotion.
#[tokio::test]
async fn a_version_is_a_tag_that_was_found_and_fits() {
    let place = Place::new().await;
    place.built();
    let drone = place.drone();
    let without = DeployRequest { image: None, ..request("t") };
    assert!(rejected(drone.start(&without).await).contains("HOCS-25"));
    let reason = rejected(drone.start(&request(&"v".repeat(64))).await);
    assert!(reason.contains("at most 63 characters"), "{reason}");
    assert!(place.fake.promotions(REPO).is_empty());
    drone.start(&request(&"v".repeat(63))).await.unwrap();
}

/// HOCS-24: a build of another commit is not promoted.
#[tokio::test]
async fn without_a_build_of_our_commit_nothing_is_promoted() {
    let place = Place::new().await;
    let _ = place.fake.build(REPO, "push", commit("b").as_str(), "success");
    let _ = place.fake.build(REPO, "push", commit("a").as_str(), "running");
    assert!(rejected(place.drone().start(&request("t")).await).contains("HOCS-24"));
    let tag = place.fake.build(REPO, "tag", commit("a").as_str(), "success");
    for _ in 0..250 {
        let _ = place.fake.build(REPO, "push", commit("b").as_str(), "success");
    }
    place.drone().start(&request("t")).await.unwrap();
    assert_eq!(place.fake.promotions(REPO)[0].parent, tag, "it is on the third page");
}

/// The promotion succeeds, but the response is lost or the bot is killed: one promotion, found again in either order
/// of calls.
#[tokio::test]
async fn a_promotion_is_found_again_and_made_once() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new().await;
        place.built();
        // The calls: find the source build, search for a promotion, promote.
        place.fake.control().break_calls([(2, fault.clone())]);
        place.drone().start(&request("t")).await.unwrap();
        assert_eq!(place.fake.promotions(REPO).len(), 1, "{fault:?}");
    }
    for status_first in [true, false] {
        let place = Place::new().await;
        place.built();
        let asked = request("t");
        // Equivalent to a kill after the promotion: both its response and the search after it fail.
        place.fake.control().break_calls([(2, Fault::DoneButHangUp), (3, Fault::HangUp)]);
        let failure = place.drone().start(&asked).await.unwrap_err();
        assert!(matches!(failure, Failure::Uncertain { .. }), "{failure}");
        for _ in 0..120 {
            let _ = place.fake.build(REPO, "push", commit("b").as_str(), "success");
        }
        let again = place.drone();
        if status_first {
            let found = again.status(&asked.key).await.unwrap();
            assert!(matches!(found, Some(DeployStatus::InProgress { .. })), "found by its key");
        }
        again.start(&asked).await.unwrap();
        assert_eq!(place.fake.promotions(REPO).len(), 1);
    }
}

/// Killed before the call to Drone: no promotion exists, and the second start makes it.
#[tokio::test]
async fn a_promotion_that_never_was_is_made_then() {
    let place = Place::new().await;
    place.built();
    let asked = request("t");
    place.fake.control().break_calls([(2, Fault::Refuse(500))]);
    assert!(matches!(place.drone().start(&asked).await, Err(Failure::Uncertain { .. })));
    assert_eq!(place.drone().status(&asked.key).await.unwrap(), None);
    place.drone().start(&asked).await.unwrap();
    assert_eq!(place.fake.promotions(REPO).len(), 1);
}

/// HOCS-24: a build that does not match the request is a failure, even if it succeeded.
#[tokio::test]
async fn a_build_of_something_else_is_a_failure() {
    type Change = fn(&mut fake::Build);
    let changes: [(Change, &str); 3] = [
        (|build| build.after = "b".repeat(40), "it runs bbbb"),
        (|build| build.deploy_to = "release".into(), "\"release\""),
        (|build| drop(build.params.insert("VERSION".into(), "latest".into())), "its VERSION is \"latest\""),
    ];
    for (change, word) in changes {
        let place = Place::new().await;
        place.built();
        let (drone, asked) = (place.drone(), request("t"));
        drone.start(&asked).await.unwrap();
        let number = place.fake.promotions(REPO)[0].number;
        place.fake.change(REPO, number, |build| "success".clone_into(&mut build.status));
        place.fake.change(REPO, number, change);
        let DeployStatus::Failed { reason } = drone.status(&asked.key).await.unwrap().unwrap() else {
            panic!("{word}")
        };
        assert!(reason.contains(word), "{reason}");
    }
}

#[tokio::test]
async fn what_drone_refuses_is_said() {
    let place = Place::new().await;
    place.built();
    place.fake.deaf_to("cs-staging");
    assert!(rejected(place.drone().start(&request("t")).await).contains("no pipeline of its .drone.yml"));
    let wrong = Drone::new(DroneOptions { token: "wrong-token".to_owned().into(), ..place.options() }).unwrap();
    let reason = rejected(wrong.start(&request("t")).await);
    assert!(reason.contains("does not accept the bot's token") && !reason.contains("wrong-token"), "{reason}");
    assert!(wrong.probe().await.is_err());
    let elsewhere = DeployRequest { environment: Environment::parse("production").unwrap(), ..request("t") };
    assert!(rejected(place.drone().start(&elsewhere).await).contains("not team/payments to production"));
    let flat = Drone::new(DroneOptions { repo: Repo::parse("payments").unwrap(), ..place.options() }).unwrap_err();
    assert!(flat.reason().contains("owner/name"));
    let down = Drone::new(options("http://127.0.0.1:9", place.runs.path())).unwrap();
    assert!(matches!(down.probe().await, Err(Failure::Retry { .. })), "down is no reason not to start");
}
