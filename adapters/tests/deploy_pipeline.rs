//! Deployments by GitLab pipelines, against a strict fake over real HTTP with real git.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hotfix_adapters::deploy::pipeline::{Pipeline, PipelineOptions};
use hotfix_adapters::deploy::{Deploy, DeployRequest, DeployStatus};
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::gitlab::{GitLab, GitLabOptions};
use hotfix_adapters::ids::{CommitId, DeployKey, Environment, Repo};
use hotfix_fakes::git::{git, git_out};
use hotfix_fakes::gitlab as fake;
use hotfix_fakes::server::Fault;

const PROJECT: &str = "team/payments";

struct Place {
    fake: fake::GitLab,
    directory: PathBuf,
    runs: tempfile::TempDir,
    commit: CommitId,
}

impl Place {
    /// Sets up a project whose branch `hotfix` has one commit.
    async fn new() -> Self {
        let fake = fake::GitLab::start().await;
        let directory = fake.project(PROJECT);
        let commit = commit(&directory, "hotfix", "first");
        Self { fake, directory, runs: tempfile::tempdir().unwrap(), commit }
    }

    fn options(&self) -> PipelineOptions {
        let token = fake::TOKEN.to_owned().into();
        PipelineOptions {
            gitlab: GitLab::new(GitLabOptions::new(self.fake.url(), token)).unwrap(),
            repo: Repo::parse(PROJECT).unwrap(),
            environment: Environment::parse("production").unwrap(),
            gitlab_environment: "prod/eu".to_owned(),
            reference: "hotfix".to_owned(),
            variables: BTreeMap::from([
                ("DEPLOY_SHA".into(), "{commit}".into()),
                ("DEPLOY_TO".into(), "{environment}".into()),
            ]),
            forbidden: vec!["*-qa".to_owned()],
            runs: self.runs.path().to_owned(),
            pace: Duration::from_secs(5),
        }
    }

    fn deploy(&self) -> Pipeline {
        Pipeline::new(self.options()).unwrap()
    }

    fn request(&self) -> DeployRequest {
        DeployRequest {
            key: DeployKey::parse("HF-1-production-1").unwrap(),
            repo: Repo::parse(PROJECT).unwrap(),
            commit: self.commit.clone(),
            environment: Environment::parse("production").unwrap(),
            image: None,
            previous: None,
            about: "HF-1".into(),
            only: Vec::new(),
            riders: Vec::new(),
        }
    }
}

fn commit(directory: &std::path::Path, branch: &str, message: &str) -> CommitId {
    let tree = git_out(directory, &["mktree", "--missing"]);
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let id = git_out(directory, &[&identity[..], &["commit-tree", &tree, "-m", message]].concat());
    git(directory, &["update-ref", &format!("refs/heads/{branch}"), &id]);
    CommitId::parse(&id).unwrap()
}

fn rejected(result: Result<(), Failure>) -> String {
    match result {
        Err(Failure::Rejected { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pipeline_is_run_once_and_followed_to_its_end() {
    let place = Place::new().await;
    let (deploy, asked) = (place.deploy(), place.request());
    assert_eq!(deploy.status(&asked.key).await.unwrap(), None);
    deploy.start(&asked).await.unwrap();
    deploy.start(&asked).await.unwrap();
    let pipelines = place.fake.pipelines(PROJECT);
    assert_eq!(pipelines.len(), 1, "once");
    let (id, variables): (u64, BTreeMap<_, _>) = (pipelines[0].id, pipelines[0].variables.iter().cloned().collect());
    let commit = asked.commit.to_string();
    let expected = [("DEPLOY_SHA", commit.as_str()), ("DEPLOY_TO", "production"), ("HOTFIX_KEY", "HF-1-production-1")];
    assert_eq!(variables, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());

    for status in ["created", "waiting_for_resource", "running", "something_new"] {
        place.fake.pipeline_is(PROJECT, id, status, "deploy");
        let stands = deploy.status(&asked.key).await.unwrap();
        assert_eq!(stands, Some(DeployStatus::InProgress { note: None }), "{status}");
    }
    place.fake.pipeline_is(PROJECT, id, "manual", "approve the deploy");
    let DeployStatus::InProgress { note: Some(note) } = deploy.status(&asked.key).await.unwrap().unwrap() else {
        panic!()
    };
    assert!(note.contains("approve the deploy"), "{note}");
    place.fake.pipeline_is(PROJECT, id, "failed", "roll out");
    let DeployStatus::Failed { reason } = deploy.status(&asked.key).await.unwrap().unwrap() else { panic!() };
    assert!(reason.contains("roll out") && reason.contains(&format!("/-/pipelines/{id}")), "{reason}");
    place.fake.pipeline_is(PROJECT, id, "success", "deploy");
    let again = place.deploy();
    assert!(
        matches!(again.status(&asked.key).await.unwrap(), Some(DeployStatus::Succeeded { .. })),
        "it survives a restart"
    );
    again.probe().await.unwrap();
    let other = DeployRequest { previous: Some(asked.commit.clone()), ..asked };
    assert!(rejected(again.start(&other).await).contains("a new deployment needs a new key"));
}

/// A pipeline runs on a branch, not on a commit: if the branch is elsewhere, none is created.
#[tokio::test]
async fn a_branch_that_is_elsewhere_is_refused() {
    let place = Place::new().await;
    let asked = place.request();
    commit(&place.directory, "hotfix", "sneaked in");
    assert!(rejected(place.deploy().start(&asked).await).contains("would deploy something else"));
    let gone = PipelineOptions { reference: "release-{short}".into(), ..place.options() };
    assert!(rejected(Pipeline::new(gone).unwrap().start(&asked).await).contains("there is no release-"));
    assert!(place.fake.pipelines(PROJECT).is_empty());
    git(&place.directory, &["tag", &format!("release-{}", asked.commit.short()), asked.commit.as_str()]);
    let tagged = PipelineOptions { reference: "release-{short}".into(), ..place.options() };
    Pipeline::new(tagged).unwrap().start(&asked).await.unwrap();
    assert_eq!(place.fake.pipelines(PROJECT)[0].sha, asked.commit.as_str());
}

/// The branch moves at the last moment: the pipeline is canceled and counts as failed, however it ends.
#[tokio::test]
async fn a_pipeline_of_another_commit_is_cancelled_and_has_failed() {
    let place = Place::new().await;
    let (deploy, asked) = (place.deploy(), place.request());
    // The calls after the creation fail, so that the branch can move before the pipeline is read again.
    place.fake.control().break_calls([(3, Fault::Refuse(500)), (4, Fault::HangUp)]);
    let _ = deploy.start(&asked).await.unwrap_err();
    commit(&place.directory, "hotfix", "sneaked in");
    // The pipeline that a request at that moment would have created.
    place.fake.run_by_hand(PROJECT, "hotfix", &[("HOTFIX_KEY", asked.key.as_str())]);
    let DeployStatus::Failed { reason } = deploy.status(&asked.key).await.unwrap().unwrap() else { panic!() };
    assert!(reason.contains("hotfix moved in between"), "{reason}");
    assert_eq!(place.fake.pipelines(PROJECT)[0].status, "canceled");
    place.fake.pipeline_is(PROJECT, place.fake.pipelines(PROJECT)[0].id, "success", "deploy");
    assert!(matches!(deploy.status(&asked.key).await.unwrap(), Some(DeployStatus::Failed { .. })));
}

/// The pipeline is created, but the response is lost or the bot is killed: one pipeline, found again by its variable.
#[tokio::test]
async fn a_pipeline_is_found_again_and_run_once() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new().await;
        // The calls: branch head, newest pipeline, branch head, creation.
        place.fake.control().break_calls([(3, fault.clone())]);
        place.deploy().start(&place.request()).await.unwrap();
        assert_eq!(place.fake.pipelines(PROJECT).len(), 1, "{fault:?}");
    }
    let place = Place::new().await;
    let asked = place.request();
    place.fake.run_by_hand(PROJECT, "hotfix", &[("HOTFIX_KEY", asked.key.as_str())]);
    place.fake.control().break_calls([(3, Fault::DoneButHangUp), (4, Fault::HangUp)]);
    let failure = place.deploy().start(&asked).await.unwrap_err();
    assert!(matches!(failure, Failure::Uncertain { .. }), "{failure}");
    place.fake.run_by_hand(PROJECT, "hotfix", &[("HOTFIX_KEY", "HF-2-production-1")]);
    place.deploy().start(&asked).await.unwrap();
    let ids: Vec<u64> = place.fake.pipelines(PROJECT).iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), 3, "one from before, ours, and somebody else's");
    place.fake.pipeline_is(PROJECT, ids[0], "failed", "deploy");
    place.fake.pipeline_is(PROJECT, ids[2], "failed", "deploy");
    place.fake.pipeline_is(PROJECT, ids[1], "success", "deploy");
    assert!(matches!(place.deploy().status(&asked.key).await.unwrap(), Some(DeployStatus::Succeeded { .. })));
}

/// Killed before the call to GitLab: no pipeline counts, even an older one with the same key, and the second start
/// creates one.
#[tokio::test]
async fn a_pipeline_that_never_was_is_run_then() {
    let place = Place::new().await;
    let asked = place.request();
    place.fake.run_by_hand(PROJECT, "hotfix", &[("HOTFIX_KEY", asked.key.as_str())]);
    place.fake.control().break_calls([(3, Fault::Refuse(500))]);
    let failure = place.deploy().start(&asked).await.unwrap_err();
    assert!(matches!(failure, Failure::Uncertain { .. }), "{failure}");
    assert_eq!(place.deploy().status(&asked.key).await.unwrap(), None);
    place.deploy().start(&asked).await.unwrap();
    assert_eq!(place.fake.pipelines(PROJECT).len(), 2, "one from before, and ours");
}

#[tokio::test]
async fn the_last_success_is_the_newest_deployment_of_that_environment() {
    let place = Place::new().await;
    let deploy = place.deploy();
    assert_eq!(deploy.last_success().await.unwrap(), None);
    let other = "d".repeat(40);
    for (environment, sha, status) in [
        ("prod/eu", other.as_str(), "success"),
        ("prod/eu", place.commit.as_str(), "success"),
        ("prod/eu", other.as_str(), "failed"),
        ("staging", other.as_str(), "success"),
    ] {
        place.fake.deployed(PROJECT, environment, sha, status);
    }
    assert_eq!(deploy.last_success().await.unwrap().unwrap().commit, place.commit);
    assert_eq!(deploy.running().await.unwrap(), None);
}

#[tokio::test]
async fn what_could_not_be_is_refused_when_it_is_built() {
    let place = Place::new().await;
    let refused = |options: PipelineOptions| Pipeline::new(options).err().unwrap().reason().to_owned();
    let qa = Environment::parse("cs-qa").unwrap();
    assert!(refused(PipelineOptions { environment: qa, ..place.options() }).contains("forbidden by \"*-qa\""));
    assert!(refused(PipelineOptions { gitlab_environment: "CS-QA ".into(), ..place.options() }).contains("forbidden"));
    assert!(refused(PipelineOptions { reference: "v{version}".into(), ..place.options() }).contains("{version}"));
    for name in ["CI_COMMIT_SHA", "ci", "GITLAB_X", "HOTFIX_KEY", "a-b"] {
        let variables = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        assert!(refused(PipelineOptions { variables, ..place.options() }).contains(name), "{name}");
    }
    place.fake.set(PROJECT, |settings| settings.ci = false);
    assert!(rejected(place.deploy().start(&place.request()).await).contains("Missing CI config file"));
}
