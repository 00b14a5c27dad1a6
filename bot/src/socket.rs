//! The local socket between the command line and a running bot: one JSON line per request, one per response. Only the
//! user who runs the bot can open it (mode 0600), so its clients are trusted to state their identity.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use hotfix_adapters::chat::{Card, Inbound, Interaction};
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::engine::{Current, Engine};
use crate::reload;
use crate::view::Trouble;

/// Maximum length of a request line, in bytes. A longer one is answered with an error.
const LONGEST_LINE: u64 = 64 * 1024;
/// Idle timeout of a connection.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause after a failed accept.
const BREATH: Duration = Duration::from_millis(100);

/// A request of the command line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CliRequest {
    /// The caller's account id on the console platform.
    pub person: String,
    /// The text after `/hotfix`.
    pub text: String,
    /// Idempotency key: the same for every retry of the same command.
    pub key: String,
}

/// A diagnostic request of `doctor`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Look {
    /// The reads that keep failing.
    Troubles {},
}

/// Queries a running bot for its failing reads; `None` if no bot listens.
///
/// # Errors
/// The bot is there but does not answer.
pub async fn troubles(path: &Path) -> anyhow::Result<Option<Vec<Trouble>>> {
    let Ok(stream) = UnixStream::connect(path).await else { return Ok(None) };
    let (read, mut write) = stream.into_split();
    let mut bytes = serde_json::to_vec(&Look::Troubles {})?;
    bytes.push(b'\n');
    write.write_all(&bytes).await?;
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    Ok(Some(serde_json::from_str(&line).context("the answer of the bot cannot be read")?))
}

/// A maintenance request of an operator for the process. It is not a command of a user.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maintenance {
    /// Reload the configuration.
    Reload,
    /// Report the digest of the active configuration.
    Configuration,
}

/// The response to a maintenance request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// `true` if the request succeeded.
    pub ok: bool,
    /// The result of the reload, or the digest of the configuration.
    pub text: String,
}

/// The response to a command. The result is durable before it is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CliResponse {
    /// `true` if the command succeeded.
    pub ok: bool,
    /// The card to display.
    pub card: Card,
}

/// Creates the socket. Clients can connect from then on, and are served once [`serve`] runs.
///
/// # Errors
/// The socket cannot be created, or another bot listens on it.
pub async fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        anyhow::bail!("another bot listens on {}: stop it first", path.display());
    }
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves requests on the socket until the process ends.
pub async fn serve(
    listener: UnixListener,
    engine: Current,
    channel: ChannelRef,
    reload: mpsc::Sender<reload::ReloadReply>,
) -> Infallible {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // The process has too many open files; others are closed soon.
                tracing::warn!(%error, "a connection of the command line could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let (engine, channel, reload) = (engine.clone(), channel.clone(), reload.clone());
        tokio::spawn(async move {
            // On a panic, the connection is closed. What was committed is durable, and the rest was not done.
            match AssertUnwindSafe(connection(stream, &engine, &channel, &reload)).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a connection of the command line ended"),
                Err(_) => tracing::error!("a command broke off by a fault of the bot"),
            }
        });
    }
}

async fn connection(
    stream: UnixStream,
    current: &Current,
    channel: &ChannelRef,
    reload: &mpsc::Sender<reload::ReloadReply>,
) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let got = tokio::time::timeout(PATIENCE, (&mut read).take(LONGEST_LINE).read_until(b'\n', &mut line)).await??;
        if got == 0 {
            return Ok(());
        }
        let mut bytes = if let Ok(maintenance) = serde_json::from_slice::<Maintenance>(&line) {
            serde_json::to_vec(&maintain(current, reload, maintenance).await?)?
        } else if serde_json::from_slice::<Look>(&line).is_ok() {
            serde_json::to_vec(&current.engine().troubles())?
        } else {
            serde_json::to_vec(&match serde_json::from_slice::<CliRequest>(&line) {
                Ok(question) => ask(&current.engine(), channel, question).await?,
                Err(error) => CliResponse {
                    ok: false,
                    card: crate::view::unreadable(&format!("That is not a question: {error}.")),
                },
            })?
        };
        bytes.push(b'\n');
        write.write_all(&bytes).await?;
    }
}

async fn maintain(
    current: &Current,
    reload: &mpsc::Sender<reload::ReloadReply>,
    maintenance: Maintenance,
) -> anyhow::Result<Report> {
    match maintenance {
        Maintenance::Configuration => Ok(Report { ok: true, text: current.engine().config().digest.clone() }),
        Maintenance::Reload => {
            let (tell, told) = oneshot::channel();
            reload.send(tell).await.context("the bot is stopping")?;
            let reload::ReloadReport { ok, text } = told.await.context("the bot is stopping")?;
            Ok(Report { ok, text })
        }
    }
}

async fn ask(engine: &Engine, channel: &ChannelRef, question: CliRequest) -> anyhow::Result<CliResponse> {
    let inbound = Inbound {
        dedupe_key: format!("cli/{}", question.key),
        from: PersonRef::new(Platform::Console, question.person),
        channel: channel.clone(),
        thread: None,
        can_ask: false,
        interaction: Interaction::Command { text: question.text },
    };
    let reply = engine.handle_inbound(&inbound).await?.reply();
    Ok(reply.map_or(CliResponse { ok: true, card: Card::default() }, |reply| CliResponse {
        ok: reply.ok,
        card: reply.card,
    }))
}

/// Sends a command to a running bot; `None` if no bot listens.
///
/// # Errors
/// The bot is there but its response is lost. The command may have been done; retrying with the same key is safe.
pub async fn call(path: &Path, question: &CliRequest) -> anyhow::Result<Option<CliResponse>> {
    exchange(path, question).await
}

/// Sends a maintenance request to a running bot; `None` if no bot listens.
///
/// # Errors
/// The bot is there but its response is lost.
pub async fn maintenance(path: &Path, maintenance: Maintenance) -> anyhow::Result<Option<Report>> {
    exchange(path, &maintenance).await
}

async fn exchange<A: DeserializeOwned>(path: &Path, question: &impl Serialize) -> anyhow::Result<Option<A>> {
    let Ok(stream) = UnixStream::connect(path).await else {
        return Ok(None);
    };
    let (read, mut write) = stream.into_split();
    let mut bytes = serde_json::to_vec(question)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await?;
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    if line.is_empty() {
        anyhow::bail!("the bot went away before it answered; ask again, it does nothing twice");
    }
    Ok(Some(serde_json::from_str(&line).context("the answer of the bot cannot be read")?))
}
