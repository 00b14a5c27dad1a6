//! Third-party clients run the life of a change against the GitHub and GitLab fakes. The clients know nothing of the
//! project's adapters, so they check the fakes independently of what the adapters expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::process::Command;

use hotfix_fakes::clients::{held_against_github, node, python, run};
use hotfix_fakes::github::{APP_KEY_PKCS1, Commit, GitHubFake, WorkflowFile};
use hotfix_fakes::gitlab::{GitLab, TOKEN};

const TEAM: &str = "team/payments";
const ADA: &str = "Ada <ada@example.org>";

/// Starts a GitHub where `fix` is one commit ahead of `main` and has a check run, `long` is 300 commits ahead, and one
/// workflow exists.
async fn github() -> GitHubFake {
    let fake = GitHubFake::start("").await;
    let _ = fake.create(TEAM);
    fake.token("ada", "token-of-ada");
    fake.token("grace", "token-of-grace");
    fake.verify_mail("ada", "ada@example.org");
    let commit = |branch, parents: &[&str], file| {
        let files = [(file, Some("1\n"))];
        fake.push(TEAM, Commit { branch, parents, files: &files, message: "Set", author: ADA })
    };
    let base = commit("main", &[], "a");
    let head = commit("fix", &[&base], "b");
    let _ = fake.push_many(TEAM, "long", &base, 300, ADA);
    fake.check(TEAM, &head, "github-actions", "build", "success");
    let file = WorkflowFile {
        name: "Deploy".to_owned(),
        path: ".github/workflows/deploy.yml".to_owned(),
        dispatch: true,
        inputs: vec![("hotfix_id".to_owned(), true), ("sha".to_owned(), false)],
        run_name: Some("Deploy ${{ inputs.hotfix_id }}".to_owned()),
    };
    let _ = fake.workflow(TEAM, file);
    fake
}

/// Runs the script, then validates every call and answer against GitHub's API description.
fn through(fake: &GitHubFake, mut script: Command) {
    script.env("URL", fake.api_url()).env("TOKEN", "token-of-ada").env("REVIEWER", "token-of-grace");
    let said = tokio::task::block_in_place(|| run(script));
    assert_eq!(said, "");
    assert!(held_against_github(&fake.server.control.calls()).len() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn octokit_knows_its_way_around_github() {
    through(&github().await, node("octokit.mjs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pygithub_knows_its_way_around_github() {
    let fake = github().await;
    let app = fake.app("ci");
    let permissions = [("checks", "write"), ("contents", "read"), ("metadata", "read")];
    let installation = fake.install(app, "team", &[TEAM], &permissions);
    let mut script = python("pygithub.py");
    script.env("APP", app.to_string()).env("INSTALLATION", installation.to_string()).env("APP_KEY", APP_KEY_PKCS1);
    through(&fake, script);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_gitlab_knows_its_way_around_gitlab() {
    for prefix in ["", "/gitlab"] {
        let fake = GitLab::start_below(prefix).await;
        let _ = fake.project(TEAM);
        for (environment, sha, status) in [
            ("production", "1", "success"),
            ("staging", "2", "success"),
            ("production", "3", "success"),
            ("production", "4", "failed"),
        ] {
            fake.deployed(TEAM, environment, &sha.repeat(40), status);
        }
        let mut script = python("gitlab_life.py");
        script.env("URL", fake.url()).env("TOKEN", TOKEN);
        let said = tokio::task::block_in_place(|| run(script));
        assert_eq!(said, "");
    }
}
