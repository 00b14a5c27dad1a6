//! GitHub App authentication: its JWT, its installations, and tokens limited to one repository.

use std::sync::Arc;

use hotfix_adapters::forge::credentials::Credentials as _;
use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions, GitHubOptionsError};
use hotfix_adapters::forge::{PullNumber, PullRequests as _};
use hotfix_adapters::ids::Repo;
use hotfix_fakes::github::{APP_KEY_PKCS1, APP_KEY_PKCS8, Commit, GitHubFake};
use hotfix_fakes::server::Fault;
use secrecy::{ExposeSecret as _, SecretString};

use super::support::{Clock, TEAM, merge_of, new_pull, options, rejected, repo, retried};

pub(crate) const GRANTED: [(&str, &str); 6] = [
    ("metadata", "read"),
    ("contents", "write"),
    ("pull_requests", "write"),
    ("issues", "read"),
    ("checks", "read"),
    ("statuses", "read"),
];

pub(crate) struct Apps {
    pub(crate) fake: GitHubFake,
    pub(crate) app: u64,
    clock: Clock,
    head: String,
}

impl Apps {
    pub(crate) async fn new() -> Self {
        let fake = GitHubFake::start("").await;
        let _ = (fake.create(TEAM), fake.create("team/other"));
        let commit = |branch, parents: &[&str], files: &[_]| {
            fake.push(TEAM, Commit { branch, parents, files, message: "m", author: "Ada <ada@example.org>" })
        };
        let base = commit("main", &[], &[("a", Some("1"))]);
        let head = commit("fix", &[&base], &[("b", Some("1"))]);
        let app = fake.app("hotfix");
        Self { fake, app, clock: Clock::default(), head }
    }

    pub(crate) fn options(&self, key: &str, installation_id: Option<u64>) -> GitHubOptions {
        let private_key = SecretString::from(key);
        options(&self.fake, GitHubAuth::App { app_id: self.app, installation_id, private_key }, &self.clock)
    }

    fn github(&self) -> GitHub {
        GitHub::new(self.options(APP_KEY_PKCS1, None)).unwrap()
    }

    fn minted(&self) -> Vec<serde_json::Value> {
        let calls = self.fake.server.control.calls();
        calls.into_iter().filter(|call| call.path.ends_with("/access_tokens")).filter_map(|call| call.body).collect()
    }
}

/// Both key formats work, and everything from the JWT to the merge needs only the minimal permissions.
#[tokio::test]
async fn an_app_works_with_the_least_permissions() {
    for key in [APP_KEY_PKCS1, APP_KEY_PKCS8] {
        let place = Apps::new().await;
        let _ = place.fake.install(place.app, "team", &[TEAM, "team/other"], &GRANTED);
        let github = GitHub::new(place.options(key, None)).unwrap();
        let head = super::support::id(&place.head);
        let number = github.open(&new_pull("fix")).await.unwrap().number;
        github.comment(&repo(), number, "k", "text").await.unwrap();
        github.set_labels(&repo(), number, &["go".to_owned()], &[]).await.unwrap();
        github.label_events(&repo(), number).await.unwrap();
        github.list_by_label(&repo(), "go").await.unwrap();
        github.checks(&repo(), &head).await.unwrap();
        github.merge(&repo(), number, &merge_of(&head)).await.unwrap();
    }
}

/// A token is issued for each repository by name, cached, and renewed a minute before it expires (security case 80).
#[tokio::test]
async fn a_token_is_good_for_one_repository_and_is_kept() {
    let place = Apps::new().await;
    let _ = place.fake.install(place.app, "team", &[TEAM, "team/other"], &GRANTED);
    let github = Arc::new(place.github());
    let other = Repo::parse("team/other").unwrap();
    let ours = repo();
    let _ = tokio::join!(github.probe(&ours), github.probe(&ours), github.probe(&other));
    let names: Vec<_> = place.minted().iter().map(|body| body["repositories"].clone()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&serde_json::json!(["payments"])) && names.contains(&serde_json::json!(["other"])));
    let first = github.authorization(&repo()).await.unwrap().unwrap();
    assert_ne!(first.expose_secret(), github.authorization(&other).await.unwrap().unwrap().expose_secret());
    place.clock.pass(3500);
    place.fake.pass(3500);
    assert_eq!(github.authorization(&repo()).await.unwrap().unwrap().expose_secret(), first.expose_secret());
    place.clock.pass(50);
    place.fake.pass(50);
    assert_ne!(github.authorization(&repo()).await.unwrap().unwrap().expose_secret(), first.expose_secret());
    assert_eq!(place.minted().len(), 3);
}

/// The same token authenticates git.
#[tokio::test]
async fn git_is_let_in_with_the_same_token() {
    let place = Apps::new().await;
    let _ = place.fake.install(place.app, "team", &[TEAM], &GRANTED);
    let github = place.github();
    let speaker = github.authorization(&repo()).await.unwrap().unwrap();
    let url = github.git_url(&repo());
    let ls = |header: String| {
        let mut command = tokio::process::Command::new("git");
        command.args(["ls-remote", &url, "refs/heads/fix"]).env("GIT_TERMINAL_PROMPT", "0");
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "http.extraHeader")
            .env("GIT_CONFIG_VALUE_0", header);
        async move { command.output().await.unwrap() }
    };
    let output = ls(format!("Authorization: {}", speaker.expose_secret())).await;
    assert!(String::from_utf8(output.stdout).unwrap().starts_with(&place.head), "{:?}", output.stderr);
    assert!(!ls("X-None: 1".to_owned()).await.status.success());
}

/// A token that GitHub revoked is renewed once.
#[tokio::test]
async fn a_token_that_was_taken_back_is_minted_anew() {
    let place = Apps::new().await;
    let _ = place.fake.install(place.app, "team", &[TEAM], &GRANTED);
    let github = place.github();
    github.probe(&repo()).await.unwrap();
    place.fake.revoke_minted();
    assert_eq!(github.open(&new_pull("fix")).await.unwrap().number, PullNumber(1));
    assert_eq!(place.minted().len(), 2);
    place.fake.server.control.down(Some(Fault::Refuse(401)));
    rejected(github.read(&repo(), PullNumber(1)).await);
}

#[tokio::test]
async fn an_app_that_is_not_installed_there_is_rejected() {
    let place = Apps::new().await;
    let github = place.github();
    let reason = rejected(github.probe(&repo()).await);
    assert!(reason.contains("token for team/payments") && reason.contains("whether the App is installed"), "{reason}");
    let few = place.fake.install(place.app, "team", &[TEAM], &GRANTED[..2]);
    let reason = rejected(github.probe(&repo()).await);
    assert!(reason.contains("permissions requested are not granted"), "{reason}");
    let _ = few;
    place.fake.server.control.down(Some(Fault::Refuse(500)));
    retried(github.probe(&repo()).await);
}

/// Another owner's installation may have a repository of the same name: its token is not used for ours
/// (security case 80).
#[tokio::test]
async fn the_token_of_another_owners_repository_is_not_used() {
    let place = Apps::new().await;
    let _ = place.fake.create("stranger/payments");
    let foreign = place.fake.install(place.app, "stranger", &["stranger/payments"], &GRANTED);
    let github = GitHub::new(place.options(APP_KEY_PKCS1, Some(foreign))).unwrap();
    assert!(rejected(github.authorization(&repo()).await.map(drop)).contains("stranger/payments"));
}

/// The key is read at startup and never shown (security case 67).
#[tokio::test]
async fn a_key_that_is_none_is_refused_at_once() {
    let place = Apps::new().await;
    let half: String = APP_KEY_PKCS1.lines().take(10).collect();
    for key in ["", "CANARY", half.as_str()] {
        let error = GitHub::new(place.options(key, None)).unwrap_err();
        assert!(matches!(error, GitHubOptionsError::Key(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
    let shown = format!("{:?}", place.options(APP_KEY_PKCS1, None));
    assert!(!shown.contains("BEGIN"), "{shown}");
}
