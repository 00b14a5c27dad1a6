//! The credentials are sent only to the forge.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::git::mirror::{Mirror, MirrorOptions};
use hotfix_adapters::forge::{Files, History, Refs};
use hotfix_adapters::ids::BranchName;
use hotfix_fakes::server::Server;

use crate::support::{Place, TOKEN, options};

/// Returns the token without its scheme.
fn secret() -> &'static str {
    TOKEN.split_once(' ').unwrap().1
}

/// Makes every kind of call that uses the network; returns the failures.
async fn everything(place: &Place) -> Vec<Failure> {
    let (repo, hotfix) = (place.repo(), BranchName::parse("hotfix").unwrap());
    let base = place.commit("main", &[], &[("a", "1")]);
    let next = place.commit("main", &[&base], &[("a", "2")]);
    let mirror = place.fresh();
    let answers = [
        mirror.resolve(&repo, "main").await.map(drop),
        mirror.create(&repo, &hotfix, &base).await,
        mirror.advance(&repo, &hotfix, &base, &next).await,
        mirror.read_file(&repo, &next, "a").await.map(drop),
        mirror.size(&repo, &base, &next).await.map(drop),
        mirror.delete(&repo, &hotfix, &next).await,
    ];
    answers.into_iter().filter_map(Result::err).collect()
}

/// Security case 67: a wrong token is rejected with the remedy, and appears in no error.
#[tokio::test]
async fn a_wrong_token_is_rejected_with_advice_and_not_repeated_to_anybody() {
    let place = Place::new().await;
    for token in [Some("Basic canary-wrong"), None] {
        place.token.set(token);
        let failures = everything(&place).await;
        assert_eq!(failures.len(), 6);
        for failure in failures {
            let Failure::Rejected { reason } = &failure else { panic!("{failure:?}") };
            assert!(reason.contains("team/payments.git") && reason.contains("Check that the token"), "{reason}");
            assert!(!format!("{failure:?}").contains("canary"), "{reason}");
        }
    }
}

/// A server-side hook can know the token and print it.
#[tokio::test]
async fn a_server_that_says_the_token_back_is_not_quoted() {
    let place = Place::new().await;
    place.hook(&format!("echo 'you are {TOKEN}' >&2; exit 1"));
    let failures = everything(&place).await;
    assert!(failures.iter().any(|failure| failure.reason().contains("you are Basic …")), "{failures:?}");
    assert!(!format!("{failures:?}").contains(secret()));
}

/// The test reruns itself with another `git` first in the path, which records its own calls and those of its children.
#[tokio::test]
async fn the_token_is_in_no_argument_and_no_file() {
    const INSIDE: &str = "HOTFIX_TEST_RUNS_INSIDE";
    let place = Place::new().await;
    if std::env::var_os(INSIDE).is_some() {
        let failures = everything(&place).await;
        assert!(failures.is_empty(), "{failures:?}");
        let kept = Command::new("grep").args(["-r", "-l", "-e", secret()]).arg(place.folder.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&kept.stdout), "", "the token is in a file");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (log, wrapper) = (folder.path().join("log"), folder.path().join("git"));
    let path = std::env::var("PATH").unwrap();
    let log_name = log.display();
    let script =
        format!("#!/bin/sh\necho \"$@\" >> {log_name}\nexport PATH='{path}' GIT_TRACE={log_name}\nexec git \"$@\"\n");
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let inside = Command::new(std::env::current_exe().unwrap())
        .args(["secrets::the_token_is_in_no_argument_and_no_file", "--exact"])
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stdout));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("remote-http") && log.contains("push --porcelain"), "what git calls is seen: {log}");
    assert!(!log.contains(secret()));
}

/// Security case 66: a redirect is not followed.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(Router::new(), |_| true).await;
    let to = elsewhere.url();
    let router = Router::new().fallback(move || async move { Redirect::temporary(&format!("{to}/x.git/info/refs")) });
    let server = Server::start(router, |_| true).await;
    let place = Place::new().await;
    let options = options(&server, &place.token, place.folder.path().join("redirected"));
    let mirror = Mirror::open(options).unwrap();
    let failure = mirror.tip(&place.repo(), &BranchName::parse("main").unwrap()).await.unwrap_err();
    assert!(matches!(&failure, Failure::Rejected { reason } if reason.contains("redirect")), "{failure:?}");
    assert_eq!(elsewhere.control.calls().len(), 0);
}

/// Security case 44: a line break would start another header.
#[tokio::test]
async fn a_token_with_a_line_break_is_not_sent() {
    let place = Place::new().await;
    place.token.set(Some("Basic canary\r\nX-Other: 1"));
    let failure = place.mirror.resolve(&place.repo(), "main").await.unwrap_err();
    assert!(matches!(&failure, Failure::Rejected { reason } if reason.contains("control character")), "{failure:?}");
    assert!(!failure.reason().contains("canary"));
    assert_eq!(place.server.control.calls().len(), 0);
}

#[tokio::test]
async fn the_debug_text_says_where_and_nothing_else() {
    let place = Place::new().await;
    let options = options(&place.server, &Arc::clone(&place.token), place.folder.path().join("other"));
    let MirrorOptions { base_url, .. } = options.clone();
    let text = format!("{:?}", Mirror::open(options).unwrap());
    assert!(text.contains(&base_url) && !text.contains(secret()), "{text}");
}
