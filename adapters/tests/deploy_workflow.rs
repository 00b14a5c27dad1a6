//! Deployments by GitHub Actions workflows, against a fake GitHub that refuses what the real one refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hotfix_adapters::deploy::workflow::{Proof, Workflow, WorkflowOptions};
use hotfix_adapters::deploy::{Deploy as _, DeployRequest, DeployStatus, Running};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions};
use hotfix_adapters::ids::{CommitId, DeployKey, Environment, Repo};
use hotfix_fakes::github::{Commit, GitHubFake, WorkflowFile};
use hotfix_fakes::server::Fault;
use jiff::Timestamp;
use secrecy::SecretString;

const TEAM: &str = "team/payments";

struct Place {
    fake: GitHubFake,
    github: GitHub,
    runs: tempfile::TempDir,
    ahead: Arc<AtomicI64>,
    base: String,
    head: String,
}

impl Place {
    async fn new() -> Self {
        let fake = GitHubFake::start("").await;
        let _ = fake.create(TEAM);
        fake.token("bot", "token");
        let commit = |branch, parents: &[&str], file| {
            let files = [(file, Some("1"))];
            fake.push(TEAM, Commit { branch, parents, files: &files, message: "m", author: "Ada <ada@example.org>" })
        };
        let base = commit("main", &[], "a");
        let head = commit("hotfix", &[&base], "b");
        let inputs = ["hotfix_id", "sha", "target"].map(|name| (name.to_owned(), true)).to_vec();
        let run_name = Some("Deploy ${{ inputs.hotfix_id }} to ${{ inputs.target }}".to_owned());
        let path = ".github/workflows/deploy.yml".to_owned();
        let _ = fake.workflow(TEAM, WorkflowFile { name: "Deploy".to_owned(), path, dispatch: true, inputs, run_name });
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = ahead.clone();
        let github = GitHub::new(GitHubOptions {
            api_url: fake.api_url(),
            git_url: fake.git_url(),
            clock: Arc::new(move || {
                Timestamp::now() + Duration::from_secs(clock.load(Ordering::SeqCst).unsigned_abs())
            }),
            ..GitHubOptions::new(GitHubAuth::Token(SecretString::from("token")))
        });
        Self { fake, github: github.unwrap(), runs: tempfile::tempdir().unwrap(), ahead, base, head }
    }

    fn options(&self) -> WorkflowOptions {
        let inputs = [("sha", "{commit}"), ("target", "{environment}")];
        WorkflowOptions {
            github: self.github.clone(),
            repo: Repo::parse(TEAM).unwrap(),
            environment: Environment::parse("production").unwrap(),
            workflow: "deploy.yml".to_owned(),
            reference: "hotfix".to_owned(),
            inputs: inputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            key_input: "hotfix_id".to_owned(),
            proof: Proof::HeadSha,
            deployments: Some("prod-eu".to_owned()),
            forbidden: vec!["*-qa".to_owned()],
            runs: self.runs.path().to_owned(),
            pace: Duration::from_secs(5),
        }
    }

    fn workflow(&self) -> Workflow {
        Workflow::new(self.options()).unwrap()
    }

    fn request(&self, key: &str) -> DeployRequest {
        DeployRequest {
            key: DeployKey::parse(key).unwrap(),
            repo: Repo::parse(TEAM).unwrap(),
            commit: CommitId::parse(&self.head).unwrap(),
            environment: Environment::parse("production").unwrap(),
            image: None,
            previous: None,
            about: String::new(),
            only: Vec::new(),
            riders: Vec::new(),
        }
    }

    /// Advances the clock by a minute, after which GitHub lists every run that it accepted.
    fn settle(&self) {
        self.ahead.fetch_add(61, Ordering::SeqCst);
    }

    fn dispatches(&self) -> usize {
        self.fake.server.control.calls().iter().filter(|call| call.path.ends_with("/dispatches")).count()
    }
}

fn key(text: &str) -> DeployKey {
    DeployKey::parse(text).unwrap()
}

fn failed(status: Option<DeployStatus>) -> String {
    match status {
        Some(DeployStatus::Failed { reason }) => reason,
        other => panic!("this should have failed: {other:?}"),
    }
}

/// A run is dispatched with the requested inputs and followed to its end.
#[tokio::test]
async fn a_run_is_dispatched_once_and_followed_to_its_end() {
    let place = Place::new().await;
    let (deploy, request) = (place.workflow(), place.request("HF-1"));
    assert_eq!(deploy.status(&request.key).await, Ok(None));
    deploy.start(&request).await.unwrap();
    deploy.start(&request).await.unwrap();
    place.workflow().start(&request).await.unwrap();
    let runs = place.fake.runs(TEAM);
    let inputs = serde_json::json!({ "hotfix_id": "HF-1", "sha": place.head, "target": "production" });
    assert_eq!((runs.len(), &runs[0].1, &runs[0].2, place.dispatches()), (1, &place.head, &inputs, 1));
    assert_eq!(deploy.status(&request.key).await, Ok(Some(DeployStatus::InProgress { note: None })));
    place.fake.set_run(TEAM, runs[0].0, "waiting", None);
    let waiting = deploy.status(&request.key).await.unwrap();
    assert!(matches!(waiting, Some(DeployStatus::InProgress { note: Some(note) }) if note.contains("let it go on")));
    place.fake.set_run(TEAM, runs[0].0, "completed", Some("success"));
    assert!(matches!(deploy.status(&request.key).await, Ok(Some(DeployStatus::Succeeded { .. }))));
    for word in ["failure", "cancelled", "timed_out", "skipped", "neutral", "a_word_of_next_year"] {
        place.fake.set_run(TEAM, runs[0].0, "completed", Some(word));
        assert!(failed(deploy.status(&request.key).await.unwrap()).contains(word));
    }
    let mut other = place.request("HF-1");
    other.commit = CommitId::parse(&place.base).unwrap();
    assert!(
        matches!(deploy.start(&other).await, Err(Failure::Rejected { .. })),
        "another deployment needs another key"
    );
}

/// The dispatch succeeds, but is answered with 500 or not at all: one run.
#[tokio::test]
async fn a_dispatch_without_an_answer_is_found_and_not_repeated() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new().await;
        let (deploy, request) = (place.workflow(), place.request("HF-1"));
        // The first call reads the branch head, the second dispatches.
        place.fake.server.control.break_calls([(1, fault.clone())]);
        deploy.start(&request).await.unwrap();
        deploy.start(&request).await.unwrap();
        assert_eq!(place.fake.runs(TEAM).len(), 1, "{fault:?}");
        assert!(deploy.status(&request.key).await.unwrap().is_some());
    }
}

/// An uncertain dispatch is searched for, and repeated only after GitHub had time to list it. The key matches as a
/// whole word: the run of `HF-12` is not that of `HF-1`.
#[tokio::test]
async fn an_uncertain_dispatch_is_looked_for_before_it_is_repeated() {
    let place = Place::new().await;
    let (deploy, request) = (place.workflow(), place.request("HF-1"));
    deploy.start(&place.request("HF-12")).await.unwrap();
    place.fake.server.control.break_calls([(1, Fault::Refuse(502))]);
    assert!(matches!(deploy.start(&request).await, Err(Failure::Uncertain { .. })));
    assert_eq!(deploy.status(&request.key).await, Ok(Some(DeployStatus::InProgress { note: None })));
    assert!(matches!(deploy.start(&request).await, Err(Failure::Retry { after: Some(_), .. })));
    assert_eq!(place.fake.runs(TEAM).len(), 1);
    place.settle();
    assert_eq!(deploy.status(&request.key).await, Ok(None), "it never started");
    deploy.start(&request).await.unwrap();
    assert_eq!(place.fake.runs(TEAM).len(), 2);
}

/// The bot dies between the dispatch and its record; the run is found again by its key.
#[tokio::test]
async fn a_run_is_found_again_after_a_crash() {
    let place = Place::new().await;
    let (deploy, request) = (place.workflow(), place.request("HF-1"));
    // The dispatch succeeds, but its response and the search after it fail.
    place.fake.server.control.break_calls([(1, Fault::DoneButHangUp), (2, Fault::HangUp)]);
    assert!(matches!(deploy.start(&request).await, Err(Failure::Uncertain { .. })));
    let again = place.workflow();
    again.start(&request).await.unwrap();
    let run = place.fake.runs(TEAM)[0].0;
    place.fake.set_run(TEAM, run, "completed", Some("success"));
    assert!(matches!(again.status(&request.key).await, Ok(Some(DeployStatus::Succeeded { .. }))));
    assert_eq!(place.dispatches(), 1);
}

/// An older server does not return the run id.
#[tokio::test]
async fn an_older_server_is_dispatched_to_as_well() {
    let place = Place::new().await;
    place.fake.age();
    let (deploy, request) = (place.workflow(), place.request("HF-1"));
    deploy.start(&request).await.unwrap();
    assert_eq!(deploy.status(&request.key).await, Ok(Some(DeployStatus::InProgress { note: None })));
    assert_eq!((place.fake.runs(TEAM).len(), place.dispatches()), (1, 2));
}

/// A dispatch that GitHub definitely refused can be corrected and repeated at once.
#[tokio::test]
async fn a_refused_dispatch_says_why_and_can_be_repeated() {
    let place = Place::new().await;
    let request = place.request("HF-1");
    let mut options = place.options();
    options.inputs.insert("typo".to_owned(), "x".to_owned());
    let refused = Workflow::new(options).unwrap().start(&request).await;
    assert!(
        matches!(&refused, Err(Failure::Rejected { reason }) if reason.contains("Unexpected inputs")),
        "{refused:?}"
    );
    place.fake.server.control.break_calls([(1, Fault::TooMany(9))]);
    let later = place.workflow().start(&request).await;
    assert!(matches!(later, Err(Failure::Retry { after: Some(after), .. }) if after.as_secs() == 9));
    place.workflow().start(&request).await.unwrap();
    assert_eq!(place.fake.runs(TEAM).len(), 1);
}

/// A dispatch runs on a branch: a branch at another commit is refused, and one that moved in between is a failure
/// (security case 50).
#[tokio::test]
async fn a_run_of_another_commit_is_no_deployment_of_ours() {
    let place = Place::new().await;
    let mut options = place.options();
    options.reference = "main".to_owned();
    let refused = Workflow::new(options).unwrap().start(&place.request("HF-1")).await;
    assert!(
        matches!(&refused, Err(Failure::Rejected { reason }) if reason.contains("deploy something else")),
        "{refused:?}"
    );
    assert_eq!(place.dispatches(), 0);
    place.fake.race_push(TEAM, "hotfix", &place.base);
    let deploy = place.workflow();
    deploy.start(&place.request("HF-2")).await.unwrap();
    let run = place.fake.runs(TEAM)[0].0;
    place.fake.set_run(TEAM, run, "completed", Some("success"));
    let reason = failed(deploy.status(&key("HF-2")).await.unwrap());
    assert!(reason.contains(&place.base) && reason.contains("moved in between"), "{reason}");
}

/// A run at another commit is canceled while it runs, with retries if the cancel call fails (security case 50).
#[tokio::test]
async fn a_run_of_another_commit_is_cancelled_while_it_runs() {
    let faults =
        [None, Some(Fault::Refuse(500)), Some(Fault::DoneBut500), Some(Fault::TooMany(9)), Some(Fault::HangUp)];
    for fault in faults {
        let place = Place::new().await;
        place.fake.race_push(TEAM, "hotfix", &place.base);
        let deploy = place.workflow();
        deploy.start(&place.request("HF-1")).await.unwrap();
        let run = place.fake.runs(TEAM)[0].0;
        place.fake.set_run(TEAM, run, "in_progress", None);
        place.fake.server.control.break_calls(fault.clone().map(|fault| (1, fault)));
        let mut stands = deploy.status(&key("HF-1")).await;
        if fault.is_some() {
            assert!(matches!(stands, Err(Failure::Retry { .. } | Failure::Uncertain { .. })), "{fault:?}: {stands:?}");
            stands = deploy.status(&key("HF-1")).await;
        }
        let reason = failed(stands.unwrap());
        assert!(reason.contains(&place.base) && reason.contains("moved in between"), "{fault:?}: {reason}");
        assert_eq!(place.fake.run_is(TEAM, run), ("completed".to_owned(), Some("cancelled".to_owned())), "{fault:?}");
    }
}

/// If a run cannot be canceled, the bot reports it and leaves it to the users.
#[tokio::test]
async fn a_run_that_cannot_be_cancelled_is_told_of() {
    let place = Place::new().await;
    place.fake.race_push(TEAM, "hotfix", &place.base);
    let deploy = place.workflow();
    deploy.start(&place.request("HF-1")).await.unwrap();
    place.fake.server.control.break_calls([(1, Fault::Refuse(403))]);
    let reason = failed(deploy.status(&key("HF-1")).await.unwrap());
    assert!(reason.contains("could not cancel it") && reason.contains("stop it there"), "{reason}");
}

/// A workflow on `main` that checks out an input succeeds only with proof by a GitHub deployment.
#[tokio::test]
async fn a_workflow_on_main_is_proven_by_its_deployment() {
    let place = Place::new().await;
    let mut options = place.options();
    options.reference = "main".to_owned();
    options.proof = Proof::Deployment { environment: "prod-eu".to_owned() };
    // A deployment of an earlier attempt is no proof for this one.
    let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", &["success"]);
    place.fake.pass(100);
    let _ = place.fake.deployment(TEAM, &place.head, "prod-us", &["success"]);
    let deploy = Workflow::new(options).unwrap();
    deploy.start(&place.request("HF-1")).await.unwrap();
    let run = place.fake.runs(TEAM)[0].0;
    place.fake.set_run(TEAM, run, "completed", Some("success"));
    assert!(failed(deploy.status(&key("HF-1")).await.unwrap()).contains("no successful deployment"));
    let _ = place.fake.deployment(TEAM, &place.base, "prod-eu", &["success"]);
    let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", &["in_progress", "failure"]);
    assert!(failed(deploy.status(&key("HF-1")).await.unwrap()).contains("no successful deployment"));
    let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", &["in_progress", "success"]);
    let _ = place.fake.deployment(TEAM, &place.base, "prod-eu", &["success"]);
    assert!(
        matches!(deploy.status(&key("HF-1")).await, Ok(Some(DeployStatus::Succeeded { .. }))),
        "though followed by another"
    );
}

/// Failed, running and superseded deployments do not count as running, nor do those of other environments.
#[tokio::test]
async fn the_last_success_is_the_newest_that_is_one_now() {
    let place = Place::new().await;
    let deploy = place.workflow();
    assert_eq!(deploy.last_success().await, Ok(None));
    let old = CommitId::parse(&place.base).unwrap();
    let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", &["success"]);
    let _ = place.fake.deployment(TEAM, &place.base, "prod-eu", &["queued", "success"]);
    for states in [&["failure"][..], &["error"], &["in_progress"], &["inactive"], &["queued"], &[]] {
        let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", states);
    }
    let _ = place.fake.deployment(TEAM, &place.head, "prod-us", &["success"]);
    assert_eq!(deploy.last_success().await.unwrap().unwrap().commit, old);
    assert_eq!(deploy.running().await, Ok(Some(Running { commit: old })));
    let _ = place.fake.deployment(TEAM, &place.head, "prod-eu", &["success"]);
    assert_eq!(deploy.last_success().await.unwrap().unwrap().commit.as_str(), place.head);
    let mut options = place.options();
    options.deployments = None;
    assert_eq!(Workflow::new(options).unwrap().running().await, Ok(None));
}

/// Forbidden targets have no override (HOCS-26).
#[tokio::test]
async fn forbidden_targets_are_refused_when_configured_and_when_asked_for() {
    let place = Place::new().await;
    let changes: [fn(&mut WorkflowOptions); 5] = [
        |options| options.environment = Environment::parse("payments-qa").unwrap(),
        |options| options.workflow = "Deploy-QA".to_owned(),
        |options| options.deployments = Some("eu-qa".to_owned()),
        |options| options.reference = "release-qa".to_owned(),
        |options| options.inputs = BTreeMap::from([("target".to_owned(), "cs-qa".to_owned())]),
    ];
    for change in changes {
        let mut options = place.options();
        change(&mut options);
        let refused = Workflow::new(options).err().unwrap();
        assert!(refused.reason().contains("forbidden"), "{refused:?}");
    }
    let mut options = place.options();
    options.inputs.insert("target".to_owned(), "{key}".to_owned());
    let refused = Workflow::new(options).unwrap().start(&place.request("HF-1-qa")).await.unwrap_err();
    assert!(refused.reason().contains("forbidden"), "{refused:?}");
    assert_eq!(place.dispatches(), 0);
}

#[tokio::test]
async fn mistakes_in_the_options_and_a_missing_workflow_are_told() {
    let place = Place::new().await;
    place.workflow().probe().await.unwrap();
    let changes: [fn(&mut WorkflowOptions); 3] = [
        |options| options.reference = "release-{comit}".to_owned(),
        |options| options.key_input = "sha".to_owned(),
        |options| options.key_input = String::new(),
    ];
    for change in changes {
        let mut options = place.options();
        change(&mut options);
        assert!(matches!(Workflow::new(options).err(), Some(Failure::Rejected { .. })));
    }
    let mut options = place.options();
    options.workflow = "nowhere.yml".to_owned();
    assert!(matches!(Workflow::new(options).unwrap().probe().await, Err(Failure::Rejected { .. })));
    let mut options = place.options();
    options.inputs.insert("image".to_owned(), "{digest}".to_owned());
    let without = Workflow::new(options).unwrap().start(&place.request("HF-1")).await;
    assert!(matches!(without, Err(Failure::Rejected { .. })), "no image is known");
}
