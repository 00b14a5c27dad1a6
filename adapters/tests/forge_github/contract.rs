//! The adapter's calls and the fake's responses conform to GitHub's own API description, which depends on neither.

use std::collections::BTreeSet;
use std::time::Duration;

use hotfix_adapters::deploy::workflow::{Proof, Workflow, WorkflowOptions};
use hotfix_adapters::deploy::{Deploy as _, DeployRequest, DeployStatus};
use hotfix_adapters::forge::github::{GitHub, GitHubOptions};
use hotfix_adapters::forge::hosted::Accounts as _;
use hotfix_adapters::forge::{MergeMethod, PullRequests as _};
use hotfix_adapters::ids::{DeployKey, Environment, Repo};
use hotfix_fakes::clients::held_against_github;
use hotfix_fakes::github::{APP_KEY_PKCS1, GitHubFake, WorkflowFile};
use jiff::Timestamp;

use super::app::{Apps, GRANTED};
use super::support::{Place, TEAM, branch, merge_of, new_pull, rejected, repo};

/// Checks that exactly these operations were used, and that all calls conform.
#[track_caller]
fn assert_described(fake: &GitHubFake, used: &[&str]) {
    let calls = fake.server.control.calls();
    let found: BTreeSet<String> = held_against_github(&calls).into_iter().collect();
    assert_eq!(found, used.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn the_life_of_a_pull_request_is_as_described() {
    let place = Place::new("").await;
    let github = &place.github;
    github.probe(&repo()).await.unwrap();
    let (base, head) = place.branches();
    place.fake.verify_mail("ada", "ada@example.org");
    assert_eq!(github.find(&repo(), &branch("fix"), &branch("main")).await, Ok(None));
    let number = github.open(&new_pull("fix")).await.unwrap().number;
    rejected(github.open(&new_pull("nowhere")).await);
    assert_eq!(github.open(&new_pull("fix")).await.unwrap().number, number);
    assert_eq!(github.find_by_title(&repo(), "Fix the fees").await.unwrap().len(), 1);
    let labels = ["hotfix".to_owned(), "production: now/soon".to_owned()];
    github.set_labels(&repo(), number, &labels, &[]).await.unwrap();
    assert_eq!(github.list_by_label(&repo(), &labels[1]).await.unwrap().len(), 1);
    github.set_labels(&repo(), number, &[], &labels[1..]).await.unwrap();
    assert_eq!(github.label_events(&repo(), number).await.unwrap().len(), 3);
    github.comment(&repo(), number, "HF-1/opened", "Hello").await.unwrap();
    github.comment(&repo(), number, "HF-1/opened", "Hello").await.unwrap();
    for said in ["COMMENTED", "CHANGES_REQUESTED", "APPROVED", "DISMISSED"] {
        place.fake.review(TEAM, number.0, "grace", said);
    }
    let how = [
        "queued",
        "in_progress",
        "success",
        "failure",
        "neutral",
        "cancelled",
        "skipped",
        "timed_out",
        "action_required",
    ];
    how.iter().for_each(|how| place.fake.check(TEAM, head.as_str(), "github-actions", &format!("ends as {how}"), how));
    for said in ["pending", "success", "failure", "error"] {
        place.fake.status(TEAM, head.as_str(), "jenkins", &format!("is {said}"), said);
    }
    assert_eq!(github.checks(&repo(), &head).await.unwrap().len(), how.len() + 4);
    assert_eq!(github.accounts(&repo(), &base, &head).await.unwrap().len(), 1);
    place.fake.pushed_by(TEAM, "fix", "2026-03-02T10:00:00Z", "ada@example.org");
    assert_eq!(github.pushers(&repo(), &branch("fix"), Timestamp::UNIX_EPOCH).await.unwrap().len(), 1);
    assert_eq!(github.read(&repo(), number).await.unwrap().reviews.len(), 3);
    rejected(github.merge(&repo(), number, &merge_of(&base)).await);
    place.fake.block(TEAM, Some("Required status check \"build\" is expected."));
    rejected(github.merge(&repo(), number, &merge_of(&head)).await);
    place.fake.block(TEAM, None);
    let merged = github.merge(&repo(), number, &merge_of(&head)).await.unwrap();
    github.read(&repo(), number).await.unwrap();
    let next = place.commit("next", &[merged.as_str()], "next");
    let number = github.open(&new_pull("next")).await.unwrap().number;
    let mut squash = merge_of(&super::support::id(&next));
    squash.method = MergeMethod::Squash;
    github.merge(&repo(), number, &squash).await.unwrap();
    let _ = place.commit("last", &[next.as_str()], "last");
    let number = github.open(&new_pull("last")).await.unwrap().number;
    github.close(&repo(), number).await.unwrap();
    rejected(github.read(&repo(), hotfix_adapters::forge::PullNumber(4711)).await);
    assert_described(
        &place.fake,
        &[
            "checks/list-for-ref",
            "issues/add-labels",
            "issues/create-comment",
            "issues/get",
            "issues/list-comments",
            "issues/list-events",
            "issues/list-for-repo",
            "issues/remove-label",
            "pulls/create",
            "pulls/get",
            "pulls/list",
            "pulls/list-reviews",
            "pulls/merge",
            "pulls/update",
            "repos/compare-commits-with-basehead",
            "repos/get",
            "repos/list-activities",
            "repos/list-commit-statuses-for-ref",
        ],
    );
}

#[tokio::test]
async fn the_token_of_an_app_is_asked_for_as_described() {
    let place = Apps::new().await;
    let mut granted = GRANTED.to_vec();
    granted.extend([("actions", "write"), ("deployments", "read")]);
    let _ = place.fake.install(place.app, "team", &[TEAM, "team/other"], &granted);
    for deploys in [false, true] {
        let options = GitHubOptions { deploys, ..place.options(APP_KEY_PKCS1, None) };
        GitHub::new(options).unwrap().probe(&repo()).await.unwrap();
    }
    let stranger = Repo::parse("stranger/payments").unwrap();
    rejected(GitHub::new(place.options(APP_KEY_PKCS1, None)).unwrap().probe(&stranger).await);
    assert_described(
        &place.fake,
        &["apps/create-installation-access-token", "apps/get-repo-installation", "repos/get"],
    );
}

/// Includes the lookup of running commits, and a workflow run from its dispatch to its end.
#[tokio::test]
async fn the_life_of_a_workflow_is_as_described() {
    let place = Place::new("").await;
    let (_, head) = place.branches();
    let file = WorkflowFile {
        name: "Deploy".to_owned(),
        path: ".github/workflows/deploy.yml".to_owned(),
        dispatch: true,
        inputs: vec![("hotfix_id".to_owned(), true), ("sha".to_owned(), true)],
        run_name: Some("Deploy ${{ inputs.hotfix_id }}".to_owned()),
    };
    let _ = place.fake.workflow(TEAM, file);
    let runs = tempfile::tempdir().unwrap();
    let deploy = Workflow::new(WorkflowOptions {
        github: place.github.clone(),
        repo: repo(),
        environment: Environment::parse("production").unwrap(),
        workflow: "deploy.yml".to_owned(),
        reference: "fix".to_owned(),
        inputs: [("sha".to_owned(), "{commit}".to_owned())].into(),
        key_input: "hotfix_id".to_owned(),
        proof: Proof::Deployment { environment: "prod-eu".to_owned() },
        deployments: Some("prod-eu".to_owned()),
        forbidden: vec![],
        runs: runs.path().to_owned(),
        pace: Duration::from_secs(5),
    });
    let (deploy, key) = (deploy.unwrap(), DeployKey::parse("HF-1").unwrap());
    let request = DeployRequest {
        key: key.clone(),
        repo: repo(),
        commit: head.clone(),
        environment: Environment::parse("production").unwrap(),
        image: None,
        previous: None,
        about: String::new(),
        only: Vec::new(),
        riders: Vec::new(),
    };
    deploy.probe().await.unwrap();
    // GitHub accepts the dispatch, but the response is lost: the bot searches the list of runs.
    place.fake.server.control.break_calls([(0, hotfix_fakes::server::Fault::DoneButHangUp)]);
    deploy.start(&request).await.unwrap();
    let run = place.fake.runs(TEAM)[0].0;
    for status in ["queued", "in_progress", "waiting"] {
        place.fake.set_run(TEAM, run, status, None);
        assert!(matches!(deploy.status(&key).await, Ok(Some(DeployStatus::InProgress { .. }))), "{status}");
    }
    for state in ["failure", "success"] {
        let _ = place.fake.deployment(TEAM, head.as_str(), "prod-eu", &["queued", "in_progress", state]);
    }
    place.fake.set_run(TEAM, run, "completed", Some("success"));
    assert!(matches!(deploy.status(&key).await, Ok(Some(DeployStatus::Succeeded { .. }))));
    assert_eq!(deploy.running().await.unwrap().unwrap().commit, head);
    let mut again = request;
    again.key = DeployKey::parse("HF-2").unwrap();
    deploy.start(&again).await.unwrap();
    assert_described(
        &place.fake,
        &[
            "actions/create-workflow-dispatch",
            "actions/get-workflow",
            "actions/get-workflow-run",
            "actions/list-workflow-runs",
            "repos/list-deployment-statuses",
            "repos/list-deployments",
        ],
    );
}
