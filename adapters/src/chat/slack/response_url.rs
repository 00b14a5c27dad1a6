//! Client for response URLs, which Slack supplies with a payload for replies. They are untrusted input: only Slack's
//! own hosts are called (security case 64), and without a token.

use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::SecretString;
use serde_json::Value;

use crate::egress::EgressPolicy;
use crate::failure::Failure;
use crate::rest::{Rest, RestOptions};

const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// HTTP client for response URLs.
pub(super) struct ResponseUrlClient {
    rest: Rest,
    /// Host and port of a fake Slack on this machine, for tests.
    also: Option<(String, Option<u16>)>,
}

impl ResponseUrlClient {
    pub(super) fn new(api: &Url, reach: &EgressPolicy, allow_private: bool) -> Result<Self, Failure> {
        let options = RestOptions {
            name: "Slack",
            base: api.clone(),
            reach: reach.clone(),
            token: SecretString::from(String::new()),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            body_limit_bytes: 64 << 10,
        };
        let also = api.host_str().filter(|_| allow_private).map(|host| (host.to_owned(), api.port_or_known_default()));
        Ok(Self { rest: Rest::new(options)?, also })
    }

    /// Posts a reply to a response URL.
    pub(super) async fn respond(&self, url: &str, body: &Value) -> Result<(), Failure> {
        let url = self.checked(url).ok_or_else(|| Failure::rejected("the response URL leads to no host of Slack's"))?;
        let answer = self.rest.write(Method::POST, &url, Some(body), "answer").await?;
        self.rest.ensure_success(answer, "answer").map(drop)
    }

    fn checked(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let bare = url.username().is_empty() && url.password().is_none();
        let host = url.host_str()?;
        let slack = url.scheme() == "https" && url.port().is_none() && HOSTS.contains(&host);
        let test = self.also.as_ref().is_some_and(|(also, port)| also == host && *port == url.port_or_known_default());
        (bare && (slack || test)).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Only the listed hosts are accepted (security case 64).
    #[test]
    fn only_slacks_own_hosts_are_followed() {
        let hook =
            ResponseUrlClient::new(&Url::parse("https://slack.com/api/").unwrap(), &EgressPolicy::default(), false)
                .unwrap();
        for good in ["https://hooks.slack.com/commands/T1/2/x", "https://hooks.slack-gov.com/actions/T1/2/x"] {
            assert!(hook.checked(good).is_some(), "{good}");
        }
        for bad in [
            "http://hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://hooks.slack.com.evil.example/x",
            "https://evil@hooks.slack.com/x",
            "https://hooks.slack.com@evil.example/x",
            "https://slack.com/api/x",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "",
        ] {
            assert!(hook.checked(bad).is_none(), "{bad}");
        }
    }

    /// Redirects are not followed (security case 64).
    #[tokio::test]
    async fn no_redirect_is_followed() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let api = Url::parse(&format!("http://{address}/api/")).unwrap();
        let hook = ResponseUrlClient::new(&api, &EgressPolicy::default(), true).unwrap();
        let url = format!("http://{address}/response/1");
        let answer = format!("HTTP/1.1 307 Go\r\nlocation: http://{address}/elsewhere\r\ncontent-length: 0\r\n\r\n");
        let body = serde_json::json!({ "text": "x" });
        let answers = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Serve until the end of the test: a client that follows redirects sends another request, on this or
            // a new connection.
            let again = tokio::select! {
                more = stream.read(&mut asked[length..]) => more.unwrap_or_default() > 0,
                _ = listener.accept() => true,
            };
            assert!(!again, "it went on");
        };
        let ask = async {
            let refused = hook.respond(&url, &body).await;
            drop(hook);
            refused
        };
        let (refused, ()) = tokio::join!(ask, answers);
        assert!(
            matches!(&refused, Err(Failure::Rejected { reason }) if reason.contains("not followed")),
            "{refused:?}"
        );
    }

    #[test]
    fn a_slack_on_this_machine_is_followed_in_tests_alone() {
        let api = Url::parse("http://127.0.0.1:4000/api/").unwrap();
        let url = "http://127.0.0.1:4000/response/1";
        assert!(ResponseUrlClient::new(&api, &EgressPolicy::default(), true).unwrap().checked(url).is_some());
        assert!(
            ResponseUrlClient::new(&api, &EgressPolicy::default(), true)
                .unwrap()
                .checked("http://127.0.0.1:4001/response/1")
                .is_none()
        );
        assert!(ResponseUrlClient::new(&api, &EgressPolicy::default(), false).unwrap().checked(url).is_none());
    }
}
