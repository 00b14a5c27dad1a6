//! Opens a connection: asks Slack for an address, and goes there only if it is Slack's.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::super::core::Core;
use super::super::examine::Door;
use super::super::web::Call;
use crate::failure::Failure;
use crate::rest;

const OPENING: Duration = Duration::from_secs(10);
/// The largest frame and message that are read, in bytes (security case 11).
const LARGEST: usize = 1 << 20;

/// Bytes to and from Slack.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A connection.
pub(super) type Socket = WebSocketStream<Box<dyn Pipe>>;

/// Opens a connection.
pub(super) async fn open(core: &Core) -> Result<Socket, Failure> {
    let app = core.app.as_ref().ok_or_else(|| Failure::rejected("there is no app token for Socket Mode"))?;
    let call = Call { method: "apps.connections.open", channel: "", act: "open a connection" };
    let Door { url } = app.set(call, &serde_json::json!({})).await?;
    let url = checked(&url, core.allow_private).ok_or_else(|| {
        Failure::rejected("Slack gave an address for Socket Mode that is not Slack's: nothing is connected to it")
    })?;
    let opened = timeout(OPENING, connect(&url)).await;
    // The address holds a ticket, so errors are told without it.
    opened.map_err(|_| Failure::retry("Slack's Socket Mode did not answer in time"))?
}

async fn connect(url: &Url) -> Result<Socket, Failure> {
    let down = |why: String| Failure::retry(format!("Slack's Socket Mode could not be reached: {why}"));
    let secure = url.scheme() == "wss";
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port().unwrap_or(if secure { 443 } else { 80 });
    let tcp = TcpStream::connect((host, port)).await.map_err(|error| down(error.to_string()))?;
    tcp.set_nodelay(true).map_err(|error| down(error.to_string()))?;
    let pipe: Box<dyn Pipe> = if secure {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| down(error.to_string()))?;
        let tls = TlsConnector::from(Arc::new(rest::tls(true).map_err(down)?));
        Box::new(tls.connect(name, tcp).await.map_err(|error| down(error.to_string()))?)
    } else {
        Box::new(tcp)
    };
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let (socket, _) =
        client_async_with_config(url.as_str(), pipe, Some(config)).await.map_err(|error| down(error.to_string()))?;
    Ok(socket)
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
