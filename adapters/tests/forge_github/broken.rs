//! Outages, refusals and malformed responses of GitHub, and the redaction of errors.

use std::time::Duration;

use hotfix_adapters::forge::github::{GitHub, GitHubAuth, GitHubOptions, GitHubOptionsError};
use hotfix_adapters::forge::{PullNumber, PullRequests as _};
use hotfix_fakes::server::Fault;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{Clock, Place, TEAM, TOKEN, branch, new_pull, options, rejected, repo, retried};

/// A failed read may be repeated by its caller; it has no other consequence.
#[tokio::test]
async fn a_look_that_fails_may_be_made_again() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    for fault in [Fault::Refuse(500), Fault::Refuse(503), Fault::HangUp, Fault::HalfBody, Fault::DoneBut500] {
        place.fake.server.control.forget();
        place.fake.server.control.break_calls([(0, fault.clone())]);
        retried(place.github.read(&repo(), number).await);
        assert_eq!(place.fake.server.control.calls().len(), 1, "nothing is repeated by itself: {fault:?}");
    }
    place.github.read(&repo(), number).await.unwrap();
}

/// The timeout covers the response up to its last byte.
#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let api_url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _asked = stream.read(&mut [0; 4096]).await.unwrap();
        let start = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(start.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let auth = GitHubAuth::Token(SecretString::from(TOKEN));
    let options = GitHubOptions { api_url, timeout: Duration::from_secs(1), ..GitHubOptions::new(auth) };
    let (reason, _) = retried(GitHub::new(options).unwrap().read(&repo(), PullNumber(1)).await);
    assert!(reason.contains("did not answer within 1 s"), "{reason}");
    server.abort();
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let place = Place::new("").await;
    let (_, number) = place.opened().await;
    for (status, advice) in
        [(401, "give the bot a new one"), (403, "Pull requests: read"), (404, "the App is installed")]
    {
        place.fake.server.control.break_calls([(0, Fault::Refuse(status))]);
        let reason = rejected(place.github.read(&repo(), number).await);
        assert!(reason.contains(advice) && reason.contains("team/payments"), "{reason}");
    }
    place.fake.server.control.break_calls([(0, Fault::Refuse(301))]);
    assert!(rejected(place.github.read(&repo(), number).await).contains("has moved"), "and is not followed");
    let elsewhere = hotfix_adapters::ids::Repo::parse("team/other").unwrap();
    assert!(rejected(place.github.find(&elsewhere, &branch("a"), &branch("b")).await).contains("team/other"));
}

/// The token is in no error and no debug output (security case 67).
#[tokio::test]
async fn the_token_is_never_shown() {
    let place = Place::new("").await;
    place.branches();
    let auth = GitHubAuth::Token(SecretString::from(TOKEN));
    let mut said = format!("{:?} {auth:?} {:?}", place.github, options(&place.fake, auth.clone(), &Clock::default()));
    for fault in
        [Fault::Refuse(401), Fault::Refuse(403), Fault::Refuse(422), Fault::Refuse(500), Fault::HangUp, Fault::HalfBody]
            .into_iter()
            .chain([200, 400, 401, 403, 404, 422, 429, 500].map(Fault::Echo))
    {
        for call in [0, 1] {
            place.fake.server.control.break_calls([(call, fault.clone())]);
            said += &format!("{:?}", place.github.open(&new_pull("nowhere")).await);
        }
    }
    place.fake.revoke(TOKEN);
    said += &format!("{:?}", place.github.open(&new_pull("fix")).await);
    drop(place.fake);
    said += &format!("{:?}", place.github.open(&new_pull("fix")).await);
    assert!(said.contains("GitHub") && !said.contains("CANARY"), "{said}");
    assert!(said.contains("told to say this back: Bearer …"), "{said}");
    let bad = GitHubAuth::Token(SecretString::from("CANARY\n"));
    let place = Place::new("").await;
    let error = GitHub::new(options(&place.fake, bad, &Clock::default())).unwrap_err();
    assert!(matches!(error, GitHubOptionsError::Token) && !error.to_string().contains("CANARY"));
}

/// The API of an Enterprise Server is below a path prefix.
#[tokio::test]
async fn an_enterprise_server_is_asked_below_its_prefix() {
    let place = Place::new("/api/v3").await;
    let (_, number) = place.opened().await;
    place.github.read(&repo(), number).await.unwrap();
    place.github.probe(&repo()).await.unwrap();
    let calls = place.fake.server.control.calls();
    assert!(calls.iter().all(|call| call.path.starts_with("/api/v3/repos/team/payments")), "{calls:?}");
    assert_eq!(place.github.git_url(&repo()), format!("{}/{TEAM}.git", place.fake.git_url()));
}

/// Foreign text cannot leave its segment of the URL.
#[tokio::test]
async fn names_are_percent_encoded() {
    let place = Place::new("").await;
    let (base, _) = place.branches();
    let _ = place.commit("hotfix/a.b_c-1", &[base.as_str()], "x");
    let pull = place.github.open(&new_pull("hotfix/a.b_c-1")).await.unwrap();
    assert_eq!(pull.head, branch("hotfix/a.b_c-1"));
    let odd = "a/b?#& %ü,c".to_owned();
    place.github.set_labels(&repo(), pull.number, std::slice::from_ref(&odd), &[]).await.unwrap();
    assert_eq!(place.github.read(&repo(), pull.number).await.unwrap().labels, std::slice::from_ref(&odd));
    place.github.set_labels(&repo(), pull.number, &[], &[odd]).await.unwrap();
    assert_eq!(place.github.read(&repo(), pull.number).await.unwrap().labels, [""; 0]);
    let calls = place.fake.server.control.calls();
    let removed = calls.iter().find(|call| call.method == "DELETE").unwrap();
    assert!(removed.path.ends_with("/labels/a%2Fb%3F%23%26%20%25%C3%BC%2Cc"), "{}", removed.path);
    let looked = calls.iter().find(|call| call.query.contains("head=")).unwrap();
    assert!(looked.query.contains("head=team%3Ahotfix%2Fa.b_c-1"), "{}", looked.query);
}
