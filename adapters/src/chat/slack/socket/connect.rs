//! Opens Socket Mode connections: requests a URL from Slack and connects only if the host is Slack's.
//! Called by [`super::SocketMode`].

use std::time::Duration;

use reqwest::Url;
use tokio::time::timeout;

use super::super::context::SlackContext;
use super::super::self_check::Door;
use super::super::web::SlackCall;
use crate::chat::websocket;
use crate::failure::Failure;

pub(super) use crate::chat::websocket::Socket;

const OPENING: Duration = Duration::from_secs(10);
/// Maximum size in bytes of a frame and of a message (security case 11).
const LARGEST: usize = 1 << 20;

/// Requests a connection URL, checks it and connects.
pub(super) async fn open(core: &SlackContext) -> Result<Socket, Failure> {
    let app = core.app.as_ref().ok_or_else(|| Failure::rejected("there is no app token for Socket Mode"))?;
    let call = SlackCall { method: "apps.connections.open", channel: "", act: "open a connection" };
    let Door { url } = app.set(call, &serde_json::json!({})).await?;
    let url = checked(&url, core.allow_private).ok_or_else(|| {
        Failure::rejected("Slack gave an address for Socket Mode that is not Slack's: nothing is connected to it")
    })?;
    let opened = timeout(OPENING, websocket::connect("Slack's Socket Mode", &url, &core.reach, LARGEST)).await;
    // The URL contains a ticket, so error messages must not include it.
    opened.map_err(|_| Failure::retry("Slack's Socket Mode did not answer in time"))?
}

fn checked(url: &str, allow_private: bool) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let under = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
    let slack = url.scheme() == "wss" && (under("slack.com") || under("slack-gov.com"));
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let bare = url.username().is_empty() && url.password().is_none();
    (bare && (slack || (allow_private && here && url.scheme() == "ws"))).then_some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn only_slack_is_connected_to() {
        for good in ["wss://wss-primary.slack.com/link/?ticket=1", "wss://slack.com/x", "wss://wss.slack-gov.com/link"]
        {
            assert!(checked(good, false).is_some(), "{good}");
        }
        for bad in
            ["ws://slack.com/x", "wss://evilslack.com/x", "wss://slack.com.evil.example/", "wss://a@slack.com/", "x"]
        {
            assert!(checked(bad, true).is_none(), "{bad}");
        }
        assert!(checked("ws://127.0.0.1:4000/link", true).is_some());
        assert!(checked("ws://127.0.0.1:4000/link", false).is_none());
        assert!(checked("ws://10.0.0.1:4000/link", true).is_none());
    }
}
