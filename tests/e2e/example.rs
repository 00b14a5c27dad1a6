//! The example in `config/`, as a new user sets it up: optional sections are uncommented and filled with tokens and
//! addresses, and the bot starts.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use hotfix_fakes::github::GitHubFake;
use hotfix_fakes::gitlab::{GitLab, TOKEN as GITLAB_TOKEN};
use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack, Standing};
use hotfix_tests::running::{Running, ask, run};
use hotfix_tests::stage::fresh_folder;
use rstest::rstest;

const GITHUB_TOKEN: &str = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";

/// Uncomments the section that starts with `head`, up to the first line that is not a comment.
fn taken_in(text: &str, head: &str) -> String {
    let mut inside = false;
    let mut found = false;
    let line = |line: &str| {
        inside = (inside && line.starts_with("# "))
            || line.trim_start_matches("# ").starts_with(head) && line.starts_with("# [");
        found |= inside || line.starts_with(head);
        if inside { line.trim_start_matches("# ").to_owned() } else { line.to_owned() }
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    assert!(found, "the example has no {head}");
    lines.join("\n") + "\n"
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the example").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { std::fs::copy(&from, &to).map(drop).expect("a file") }
    }
}

/// Replaces each text, and panics if one is missing.
fn filled(text: &str, with: &[(&str, &str)]) -> String {
    with.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example does not say {from:?} any more:\n{text}");
        text.replace(from, to)
    })
}

#[rstest]
#[case::socket("socket")]
#[case::http("http")]
#[tokio::test]
async fn the_example_starts_with_tokens_filled_in(#[case] mode: &str) {
    let folder = fresh_folder().expect("a folder");
    let (config, secrets) = (folder.path().join("config"), folder.path().join("secrets"));
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
    std::fs::create_dir(&secrets).expect("a folder");
    for (name, secret) in [
        ("github-token", GITHUB_TOKEN),
        ("github-webhook", "it rains in the world of tests"),
        ("gitlab-token", GITLAB_TOKEN),
        ("gitlab-webhook", "whsec_aXQgcmFpbnMgaW4gdGhlIHdvcmxkIG9mIHRlc3Rz"),
        ("slack-bot-token", BOT_TOKEN),
        ("slack-app-token", APP_TOKEN),
        ("slack-signing", SIGNING_SECRET),
    ] {
        let path = secrets.join(name);
        std::fs::write(&path, secret).expect("it is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    let (github, gitlab, slack) = (GitHubFake::start("").await, GitLab::start().await, Slack::start().await);
    let (_payments, _website) = (github.create("team/payments"), gitlab.project("team/website"));
    github.token("hotfix-bot", GITHUB_TOKEN);
    slack.person("ana", Standing::Member);
    let channel = slack.channel("payments", &["ana", "hotfix"]);
    let web = slack.channel("web", &["ana", "hotfix"]);
    slack.deliver_over_sockets();

    let text = std::fs::read_to_string(config.join("hotfix.toml")).expect("the example");
    let text =
        ["[forges.github]", "[forges.gitlab]", "[chat.slack]"].iter().fold(text, |text, head| taken_in(&text, head));
    let at_github =
        format!("kind    = \"github\"\napi_url = \"{}\"\ngit_url = \"{}\" #", github.api_url(), github.git_url());
    let spoken =
        if mode == "http" { "app_token = {" } else { "signing_secrets = [{ file = \"/etc/hotfix/slack-signing\" }]" };
    let text = text
        .lines()
        .filter(|line| !line.starts_with(spoken))
        .filter(|line| mode == "socket" || !line.starts_with("connections = 2"))
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    let text = filled(
        &text,
        &[
            ("kind    = \"github\"", &at_github),
            (
                "app     = { id = 12345, private_key = { file = \"/etc/hotfix/github.pem\" } }",
                "token = { file = \"/etc/hotfix/github-token\" }",
            ),
            ("https://gitlab.example.org/sub/path", &gitlab.url()),
            ("use = \"console\"", "use = \"slack\""),
            ("mode   = \"socket\"", &format!("mode   = \"{mode}\"\napi_url = \"{}/api/\"", slack.url())),
            ("A0123456789", &slack.app()),
            ("T024BE7LD", &slack.team()),
            ("listen  = \"\"", "listen  = \"127.0.0.1:0\""),
            ("metrics = \"\"", "metrics = \"127.0.0.1:0\""),
            ("/etc/hotfix/", &format!("{}/", secrets.display())),
        ],
    );
    std::fs::write(config.join("hotfix.toml"), text).expect("it is written");
    for (service, forge, name, id) in
        [("payments", "github", "#payments", &channel), ("website", "gitlab", "#web", &web)]
    {
        let path = config.join(format!("services/{service}.toml"));
        let text = std::fs::read_to_string(&path).expect("a service");
        let text = filled(
            &text,
            &[("kind = \"local\"", &format!("use = \"{forge}\"")), (&format!("\"{name}\""), &format!("\"{id}\""))],
        );
        std::fs::write(path, text).expect("it is written");
    }

    let checked = run(&config, &["check-config"], &[]).await;
    assert!(checked.well, "{}", checked.said);
    let bot = Running::start(&config, &[]);
    let watched = bot.address("health and metrics can be asked for").await;
    let ready = async {
        while !ask(watched, "GET", "/readyz", &http::HeaderMap::new(), "").await.starts_with("HTTP/1.1 200") {}
    };
    let ready = tokio::time::timeout(Duration::from_secs(60), ready).await;
    assert!(ready.is_ok(), "it is never ready:\n{}", bot.so_far());
    if mode == "socket" {
        slack.connected(2).await;
    }
    serves_no_pages(watched, bot.address("webhooks come in").await).await;
    let ended = bot.stop().await;
    assert!(ended.well, "{}", ended.said);
}

/// Security cases 60, 82 and 83: no response is a web page, no read changes state or needs a cookie, and health and
/// metrics are not on the public listener.
async fn serves_no_pages(watched: SocketAddr, outside: SocketAddr) {
    let none = http::HeaderMap::new();
    let plain = ["text/plain", "application/openmetrics-text", "application/json"];
    for (address, name) in [(watched, "watched"), (outside, "outside")] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            for path in
                ["/", "/healthz", "/readyz", "/metrics", "/hooks/github", "/hooks/gitlab", "/hooks/x", "/slack", "/<b>"]
            {
                let answer = ask(address, method, path, &none, "").await.to_lowercase();
                let head = answer.split("\r\n\r\n").next().unwrap_or_default();
                let kind = head.lines().find_map(|line| line.strip_prefix("content-type: "));
                assert!(
                    kind.is_none_or(|kind| plain.contains(&kind.split(';').next().unwrap_or_default())),
                    "{name} {method} {path}: {head}"
                );
                assert!(!answer.contains("<b>") && !head.contains("set-cookie"), "{name} {method} {path}: {answer}");
                let status = head.split(' ').nth(1).unwrap_or_default();
                let looked = address == watched && ["GET", "HEAD"].contains(&method) && plain_paths(path);
                assert_eq!(status == "200", looked, "{name} {method} {path}: {head}");
            }
        }
    }
}

fn plain_paths(path: &str) -> bool {
    ["/healthz", "/readyz", "/metrics"].contains(&path)
}
