//! Failures of GitLab, and how the adapter classifies them.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use hotfix_adapters::failure::Failure;
use hotfix_adapters::forge::credentials::Credentials;
use hotfix_adapters::forge::gitlab::{GitLab, GitLabOptions};
use hotfix_adapters::forge::{PullRequests, PullState};
use hotfix_fakes::gitlab::TOKEN;
use hotfix_fakes::server::Fault;
use secrecy::ExposeSecret as _;

use crate::support::{PROJECT, Place, branch, merge_of, new_pull, options, repo};

fn is_retry(failure: &Failure) -> bool {
    matches!(failure, Failure::Retry { .. })
}

/// GitLab may be down at startup; the bot finds out at the first call.
#[tokio::test]
async fn a_gitlab_that_is_down_is_no_reason_not_to_start() {
    let gitlab = GitLab::new(GitLabOptions::new("http://127.0.0.1:9", TOKEN.to_owned().into())).unwrap();
    assert_eq!(gitlab.calls(), 0);
    let failure = gitlab.find(&repo(), &branch("fix"), &branch("main")).await.unwrap_err();
    assert!(is_retry(&failure), "{failure}");
    let failure = gitlab.open(&new_pull("fix")).await.unwrap_err();
    assert!(is_retry(&failure), "nothing went out, so nothing happened: {failure}");
}

/// Security cases 65 and 66: a token is sent only to the configured host, and only over TLS.
#[tokio::test]
async fn an_address_that_would_leak_the_token_is_refused() {
    for url in [
        "http://gitlab.example.org",
        "ftp://gitlab.example.org",
        "https://ada:secret@gitlab.example.org",
        "https://gitlab.example.org/?x=1",
        "gitlab.example.org",
        "http://127.0.0.1.example.org",
    ] {
        let refused = GitLab::new(GitLabOptions::new(url, TOKEN.to_owned().into())).unwrap_err();
        assert!(matches!(refused, Failure::Rejected { .. }) && !refused.reason().contains("secret@"), "{url}");
    }
}

/// Starts a server that gives every call this response.
fn answering(head: &str, body: &str) -> GitLab {
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                seen.push(byte[0]);
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    GitLab::new(GitLabOptions::new(url, TOKEN.to_owned().into())).unwrap()
}

/// Security case 66: a token does not follow a redirect.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let head = format!("302 Found\r\nLocation: http://{}/", elsewhere.local_addr().unwrap());
    let gitlab = answering(&head, "");
    let refused = gitlab.find(&repo(), &branch("fix"), &branch("main")).await.unwrap_err();
    assert!(refused.reason().contains("redirects are not followed"), "{refused}");
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

/// Security case 67: a token that GitLab echoes is redacted.
#[tokio::test]
async fn a_token_that_is_echoed_is_blacked_out() {
    for head in ["403 Forbidden", "500 Internal Server Error", "200 OK"] {
        let gitlab = answering(head, &format!("{{\"message\":\"not with {TOKEN} or\\u0007\"}}"));
        let failure = gitlab.find(&repo(), &branch("fix"), &branch("main")).await.unwrap_err();
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains(TOKEN) && !shown.contains('\u{7}'), "{shown}");
        assert!(head.starts_with("200") || shown.contains("not with … or"), "{shown}");
    }
}

#[tokio::test]
async fn a_gitlab_below_a_path_and_a_project_in_a_group_are_found() {
    let place = Place::below("/code/gitlab").await;
    let (_, _, pull) = place.opened().await;
    assert_eq!(place.gitlab.read(&repo(), pull.number).await.unwrap().state, PullState::Open);
    let calls = place.fake.control().calls();
    let encoded = |path: &str| path.starts_with("/code/gitlab/api/v4/projects/team%2Fpayments/");
    assert!(calls.iter().all(|call| encoded(&call.path)), "{calls:?}");
    assert_eq!(u64::try_from(calls.len()).unwrap(), place.gitlab.calls(), "every call is counted");
    assert!(place.gitlab.base_url().ends_with("/code/gitlab"));
}

/// Security case 67: no error and no debug output contains the token, whatever fails.
#[tokio::test]
async fn the_token_is_in_no_error() {
    let place = Place::new().await;
    let (_, _, pull) = place.opened().await;
    let faults = [401, 403, 404, 409, 418, 422, 429, 500, 502].map(Fault::Refuse);
    for fault in faults.into_iter().chain([Fault::HangUp, Fault::HalfBody, Fault::TooMany(3)]) {
        place.fake.control().down(Some(fault.clone()));
        for failure in [
            place.gitlab.read(&repo(), pull.number).await.unwrap_err(),
            place.gitlab.comment(&repo(), pull.number, "k", "text").await.unwrap_err(),
        ] {
            let shown = format!("{failure} {failure:?}");
            assert!(!shown.contains(TOKEN) && !shown.contains("http://"), "{fault:?}: {shown}");
            assert!(failure.reason().contains("GitLab"), "it says who: {shown}");
        }
    }
    assert!(!format!("{:?}", place.gitlab).contains(TOKEN));
    let header = place.gitlab.authorization(&repo()).await.unwrap().unwrap();
    assert!(header.expose_secret().starts_with("Basic "));
    assert!(!format!("{header:?}").contains("Basic"));
}

/// Security case 56: the delay that GitLab requests is passed on.
#[tokio::test]
async fn too_many_calls_are_told_for_how_long() {
    let place = Place::new().await;
    let (_, _, pull) = place.opened().await;
    place.fake.control().break_calls([(0, Fault::TooMany(17))]);
    let failure = place.gitlab.read(&repo(), pull.number).await.unwrap_err();
    assert!(
        matches!(failure, Failure::Retry { after: Some(after), .. } if after == Duration::from_secs(17)),
        "{failure}"
    );
}

#[tokio::test]
async fn a_wrong_token_says_what_to_do() {
    let place = Place::new().await;
    let wrong = GitLab::new(GitLabOptions { token: "glpat-wrong".to_owned().into(), ..options(&place.fake) }).unwrap();
    let failure = wrong.find(&repo(), &branch("fix"), &branch("main")).await.unwrap_err();
    assert!(matches!(failure, Failure::Rejected { .. }));
    assert!(failure.reason().contains("does not accept the bot's token"), "{failure}");
    let place = Place::new().await;
    let elsewhere = hotfix_adapters::ids::Repo::parse("team/nothing").unwrap();
    let failure = place.gitlab.find(&elsewhere, &branch("fix"), &branch("main")).await.unwrap_err();
    assert!(failure.reason().contains("make the bot's account a member"), "{failure}");
}

/// The merge request is opened, but the response is lost in any way: one merge request.
#[tokio::test]
async fn a_merge_request_whose_answer_got_lost_is_opened_once() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new().await;
        let base = place.commit("main", &[], "a");
        place.commit("fix", &[&base], "b");
        // The calls: search, two branches, open
        place.fake.control().break_calls([(3, fault.clone())]);
        let pull = place.gitlab.open(&new_pull("fix")).await.unwrap();
        assert_eq!(place.gitlab.open(&new_pull("fix")).await.unwrap().number, pull.number);
        assert_eq!(place.fake.merge_requests(PROJECT).0, 1, "{fault:?}");
    }
}

/// Someone else opens the merge request between the adapter's read and its call: GitLab answers 409, and that one
/// is used.
#[tokio::test]
async fn a_duplicate_is_found() {
    let place = Place::new().await;
    let base = place.commit("main", &[], "a");
    place.commit("fix", &[&base], "b");
    place.fake.control().break_calls([(0, Fault::Refuse(500))]);
    let failure = place.gitlab.open(&new_pull("fix")).await.unwrap_err();
    assert!(is_retry(&failure), "a look that fails is no reason to go ahead: {failure}");
    let theirs = place.fake.open_by_hand(PROJECT, "ada", "fix", "main", false);
    place.fake.set(PROJECT, |settings| settings.lagging = 1);
    assert_eq!(place.gitlab.open(&new_pull("fix")).await.unwrap().number.0, theirs);
    let statuses: Vec<_> = place.fake.control().calls().iter().map(|call| call.status).collect();
    assert!(statuses.contains(&Some(409)), "{statuses:?}");
    assert_eq!(place.fake.merge_requests(PROJECT).0, 1);
}

#[tokio::test]
async fn a_merge_whose_answer_got_lost_is_one_merge() {
    for fault in [Fault::DoneBut500, Fault::DoneButHangUp, Fault::HalfBody] {
        let place = Place::new().await;
        let (_, head, pull) = place.opened().await;
        place.fake.control().break_calls([(1, fault.clone())]);
        let merged = place.gitlab.merge(&repo(), pull.number, &merge_of(&head)).await.unwrap();
        assert_eq!(place.gitlab.merge(&repo(), pull.number, &merge_of(&head)).await, Ok(merged.clone()));
        let now = place.gitlab.read(&repo(), pull.number).await.unwrap();
        assert_eq!(now.state, PullState::Merged(merged), "{fault:?}");
        let merges = place.fake.control().calls().iter().filter(|call| call.path.ends_with("/merge")).count();
        assert_eq!(merges, 1, "it was asked for once");
    }
}

/// If the adapter cannot find out whether the merge happened, the result is uncertain, and nothing is retried.
#[tokio::test]
async fn a_merge_that_cannot_be_looked_up_is_uncertain() {
    let place = Place::new().await;
    let (_, head, pull) = place.opened().await;
    place.fake.control().break_calls([(1, Fault::DoneButHangUp), (2, Fault::HangUp)]);
    let failure = place.gitlab.merge(&repo(), pull.number, &merge_of(&head)).await.unwrap_err();
    assert!(matches!(failure, Failure::Uncertain { .. }), "{failure}");
}

#[tokio::test]
async fn what_gitlab_does_not_merge_is_said_in_its_words() {
    let place = Place::new().await;
    let (_, head, pull) = place.opened().await;
    let reason = async |standing: &'static str| {
        place.fake.set(PROJECT, |settings| settings.standing = Some(standing));
        place.gitlab.merge(&repo(), pull.number, &merge_of(&head)).await.unwrap_err()
    };
    for (standing, word) in [
        ("not_approved", "Ask the approvers"),
        ("discussions_not_resolved", "Resolve them"),
        ("draft_status", "Mark it as ready"),
        ("need_rebase", "Rebase it"),
        ("something_new", "look at it on GitLab"),
    ] {
        let failure = reason(standing).await;
        assert!(matches!(failure, Failure::Rejected { .. }), "{failure}");
        assert!(failure.reason().contains(standing) && failure.reason().contains(word), "{failure}");
    }
    assert!(is_retry(&reason("checking").await), "GitLab has not made up its mind");
    place.fake.set(PROJECT, |settings| settings.standing = None);
    place.gitlab.merge(&repo(), pull.number, &merge_of(&head)).await.unwrap();
}

/// Security case 47: a merge request from a fork is refused, even if its branch has our name.
#[tokio::test]
async fn a_fork_is_refused() {
    let place = Place::new().await;
    let base = place.commit("main", &[], "a");
    place.commit("fix", &[&base], "b");
    let foreign = place.fake.open_by_hand(PROJECT, "mallory", "fix", "main", true);
    assert_eq!(place.gitlab.find(&repo(), &branch("fix"), &branch("main")).await, Ok(None));
    let number = hotfix_adapters::forge::PullNumber(foreign);
    let failure = place.gitlab.read(&repo(), number).await.unwrap_err();
    assert!(failure.reason().contains("comes from a fork"), "{failure}");
}
