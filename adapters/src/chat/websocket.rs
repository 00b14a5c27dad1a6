//! WebSocket client for the chat platforms: TLS by rustls and ring, bounded frames, and only addresses that the egress
//! policy allows. Called by Slack's Socket Mode and Discord's gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::Url;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::egress::{EgressError, EgressPolicy};
use crate::failure::Failure;
use crate::rest::client;

/// The byte stream below a WebSocket, with or without TLS.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// An open WebSocket connection.
pub(super) type Socket = WebSocketStream<Box<dyn Pipe>>;

/// Opens a connection. `what` names it in error messages, because its URL may contain a ticket. A frame or message of
/// more than `largest` bytes closes it (security case 11).
pub(super) async fn connect(what: &str, url: &Url, reach: &EgressPolicy, largest: usize) -> Result<Socket, Failure> {
    let down = |why: String| Failure::retry(format!("{what} could not be reached: {why}"));
    let secure = url.scheme() == "wss";
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port().unwrap_or(if secure { 443 } else { 80 });
    // Connect to the checked addresses; do not resolve the name a second time (security case 65).
    let found = match reach.guard(url)?.addresses(host).await {
        Ok(found) => found,
        Err(EgressError::Denied(barred)) => return Err(barred.into()),
        Err(EgressError::Unknown(error)) => return Err(down(error.to_string())),
    };
    let found: Vec<SocketAddr> = found.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    let tcp = TcpStream::connect(found.as_slice()).await.map_err(|error| down(error.to_string()))?;
    tcp.set_nodelay(true).map_err(|error| down(error.to_string()))?;
    let pipe: Box<dyn Pipe> = if secure {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| down(error.to_string()))?;
        let tls = TlsConnector::from(Arc::new(client::tls(true).map_err(down)?));
        Box::new(tls.connect(name, tcp).await.map_err(|error| down(error.to_string()))?)
    } else {
        Box::new(tcp)
    };
    let config = WebSocketConfig::default().max_message_size(Some(largest)).max_frame_size(Some(largest));
    let (socket, _) =
        client_async_with_config(url.as_str(), pipe, Some(config)).await.map_err(|error| down(error.to_string()))?;
    Ok(socket)
}
