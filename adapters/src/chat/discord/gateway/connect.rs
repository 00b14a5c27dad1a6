//! Opens gateway connections: requests the URL from Discord and sends the token only to a safe address.
//! Called by [`super::Gateway`].

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use tokio::time::timeout;

use super::super::context::DiscordContext;
use super::super::options::is_safe;
use super::super::web::DiscordCall;
use crate::chat::websocket;
use crate::egress::EgressPolicy;
use crate::failure::Failure;

pub(super) use crate::chat::websocket::Socket;

const OPENING: Duration = Duration::from_secs(10);
/// Maximum size in bytes of a frame and of a message (security case 11). Discord sends a server with all its channels
/// and threads in one message.
const LARGEST: usize = 8 << 20;

/// Response of `GET /gateway/bot`: the gateway URL and the session limit.
#[derive(Debug, Clone, Deserialize)]
pub(in super::super) struct Gateway {
    url: String,
    pub(in super::super) session_start_limit: SessionLimit,
}

#[derive(Debug, Clone, Deserialize)]
pub(in super::super) struct SessionLimit {
    pub(in super::super) remaining: u32,
    /// Milliseconds until the limit is reset.
    pub(in super::super) reset_after: u64,
}

/// Requests the gateway URL and the session limit. There is no built-in fallback URL.
pub(in super::super) async fn ask(core: &DiscordContext) -> Result<Gateway, Failure> {
    Ok(core.web.read(DiscordCall::new(&["gateway", "bot"], "ask where the gateway is")).await?)
}

/// Returns the URL for a new session.
///
/// # Errors
/// Returns [`Failure::Retry`] with the delay if the session limit is used up, and [`Failure::Rejected`] if the URL is
/// not safe.
pub(super) async fn fresh(core: &DiscordContext) -> Result<Url, Failure> {
    let Gateway { url, session_start_limit: limit } = ask(core).await?;
    if limit.remaining == 0 {
        return Err(Failure::Retry {
            reason: "no more sessions of Discord's gateway may be opened today".to_owned(),
            after: Some(Duration::from_millis(limit.reset_after)),
        });
    }
    match &core.gateway {
        Some(configured) => Ok(configured.clone()),
        None => checked(&url, &core.api).ok_or_else(|| {
            Failure::rejected("Discord gave an address for its gateway that is not safe: nothing is connected to it")
        }),
    }
}

/// Returns the URL to resume a session, or `None` if `told` is not safe.
pub(super) fn resumed(core: &DiscordContext, told: &str) -> Option<Url> {
    core.gateway.clone().or_else(|| checked(told, &core.api))
}

/// Parses a URL and checks that it may receive the token. With Discord's own API, only Discord's own
/// gateway is accepted.
fn checked(url: &str, api: &Url) -> Option<Url> {
    let url = Url::parse(url).ok().filter(is_safe)?;
    let under = |url: &Url, domain: &str| {
        url.host_str()
            .is_some_and(|host| host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')))
    };
    let own = under(api, "discord.com");
    let fits = if own {
        url.scheme() == "wss" && under(&url, "discord.gg")
    } else {
        url.scheme() == "wss" || api.scheme() == "http"
    };
    fits.then_some(url)
}

/// Opens a WebSocket connection with the protocol version and encoding of this client.
pub(super) async fn open(mut url: Url, reach: &EgressPolicy) -> Result<Socket, Failure> {
    url.query_pairs_mut().clear().append_pair("v", "10").append_pair("encoding", "json");
    let opened = timeout(OPENING, websocket::connect("Discord's gateway", &url, reach, LARGEST)).await;
    opened.map_err(|_| Failure::retry("Discord's gateway did not answer in time"))?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// The token is sent only to Discord or to the configured gateway (security case 66).
    #[test]
    fn the_token_is_told_to_discord_only() {
        let discord = Url::parse("https://discord.com/api/v10/").unwrap();
        for good in ["wss://gateway.discord.gg", "wss://gateway-us-east1-b.discord.gg/"] {
            assert!(checked(good, &discord).is_some(), "{good}");
        }
        for bad in [
            "ws://gateway.discord.gg",
            "wss://evildiscord.gg",
            "wss://discord.gg.evil.example",
            "wss://a@discord.gg",
            "ws://127.0.0.1",
            "x",
        ] {
            assert!(checked(bad, &discord).is_none(), "{bad}");
        }
        let proxy = Url::parse("https://discord.proxy.example/api/v10/").unwrap();
        assert!(checked("wss://gateway.proxy.example", &proxy).is_some());
        assert!(checked("ws://127.0.0.1:1", &proxy).is_none());
        assert!(checked("ws://127.0.0.1:1", &Url::parse("http://127.0.0.1:1/api/v10/").unwrap()).is_some());
    }
}
