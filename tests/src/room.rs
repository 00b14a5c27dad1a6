//! Where people talk when it is not at the console: a workspace of Slack or a server of Discord, and the bot's way in.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hotfix::config::Config;
use hotfix::engine::Current;
use hotfix::inbound::InboundService;
use hotfix_adapters::chat::{Chat, InboundHandler};
use hotfix_adapters::ids::MessageRef;
use hotfix_fakes::discord::DiscordFake;
use hotfix_fakes::slack::{Slack, Standing};

use crate::discord::Server;
use crate::slack::Workspace;
use crate::stage::Stage;
use crate::world::{Options, Talk};

/// How the service's channel is called there.
pub const CHANNEL: &str = "payments";

/// A platform with everybody on it.
pub enum Room {
    /// Slack.
    Slack(Box<Workspace>),
    /// Discord.
    Discord(Box<Server>),
}

impl Room {
    /// Opens one, and tells the configuration on the stage of it; `None` where people talk at the console.
    ///
    /// # Errors
    /// When the configuration cannot be written.
    pub async fn open(stage: &Stage, people: &[&str], options: &Options) -> anyhow::Result<Option<Self>> {
        Ok(match options.talk {
            Talk::Console => None,
            Talk::Slack | Talk::SlackSocket => {
                Some(Self::Slack(Box::new(Workspace::open(stage, people, options).await?)))
            }
            Talk::Discord => Some(Self::Discord(Box::new(Server::open(stage, people, options).await?))),
        })
    }

    /// The bot's side, as the configuration says.
    ///
    /// # Errors
    /// When the configuration does not do.
    pub async fn wire(&mut self, config: &Config) -> anyhow::Result<Arc<dyn Chat>> {
        match self {
            Self::Slack(workspace) => workspace.wire(config).await,
            Self::Discord(server) => server.wire(config),
        }
    }

    /// The bot is there: what people do reaches it from now on.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn listen(&mut self, engine: &Current, patience: Option<Duration>) -> anyhow::Result<()> {
        let ear: Arc<dyn InboundHandler> = match patience {
            Some(patience) => InboundService::patient(engine.clone(), patience),
            None => InboundService::of(engine.clone()),
        };
        match self {
            Self::Slack(workspace) => workspace.listen(engine, ear).await,
            Self::Discord(server) => server.listen(ear).await,
        }
    }

    /// Nobody listens any more.
    pub async fn hang_up(&mut self) {
        match self {
            Self::Slack(workspace) => workspace.hang_up().await,
            Self::Discord(server) => server.hang_up().await,
        }
    }

    /// Nothing that the bot said was refused, and everything it said is within the platform's limits.
    ///
    /// # Errors
    /// Shows the first call that was refused.
    pub fn in_order(&self) -> anyhow::Result<()> {
        match self {
            Self::Slack(workspace) => workspace.in_order(),
            Self::Discord(server) => server.in_order(),
        }
    }

    /// Does what a line of a scenario says: `ana: /hotfix status`, `ben: +1`, `ben: take back +1`. `prompt` is the message
    /// that votes are asked for on.
    ///
    /// # Errors
    /// When the line says something that nobody does there.
    pub async fn does(&self, line: &str, prompt: Option<&MessageRef>) -> anyhow::Result<()> {
        let (who, words) = line.split_once(": ").with_context(|| format!("who does this? {line}"))?;
        if words.starts_with('/') {
            return match self {
                Self::Slack(workspace) => workspace.types(who, words).await,
                Self::Discord(server) => server.types(who, words).await,
            };
        }
        let (words, added) = words.strip_prefix("take back ").map_or((words, true), |words| (words, false));
        let yes = match words {
            "+1" => true,
            "-1" => false,
            other => bail!("nobody does {other:?} there"),
        };
        let message = prompt.context("nothing is asked, so there is nothing to react to")?;
        match self {
            Self::Slack(workspace) => workspace.votes(who, message, yes, added).await,
            Self::Discord(server) => server.votes(who, message, yes, added).await?,
        }
        Ok(())
    }

    /// The workspace of Slack.
    ///
    /// # Panics
    /// When people talk elsewhere.
    #[must_use]
    pub fn slack(&self) -> &Slack {
        match self {
            Self::Slack(workspace) => &workspace.slack,
            Self::Discord(_) => panic!("people talk in Discord"),
        }
    }

    /// The server of Discord.
    ///
    /// # Panics
    /// When people talk elsewhere.
    #[must_use]
    pub fn server(&self) -> &Server {
        match self {
            Self::Discord(server) => server,
            Self::Slack(_) => panic!("people talk in Slack"),
        }
    }

    /// The same Discord, as people use it.
    ///
    /// # Panics
    /// When people talk elsewhere.
    #[must_use]
    pub fn discord(&self) -> &DiscordFake {
        &self.server().discord
    }
}

/// Tells the configuration where people talk: the chat's part of it with its secrets, the service's channel, and what the
/// account of each person is called.
pub(crate) fn configure(
    stage: &Stage,
    chat: &str,
    secrets: &[(&str, &str)],
    channel: &str,
    accounts: (&str, &[(String, String)]),
) -> anyhow::Result<()> {
    let config = stage.config();
    for (name, secret) in secrets {
        let path = config.join(name);
        std::fs::write(&path, secret)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    }
    let main = config.join("hotfix.toml");
    let before = std::fs::read_to_string(&main).unwrap_or_default();
    std::fs::write(&main, format!("{before}\n{chat}"))?;
    let service = config.join(format!("services/{}.toml", stage.service));
    let text = std::fs::read_to_string(&service)?;
    let line = text.lines().find(|line| line.starts_with("channel ")).context("a service has a channel")?;
    std::fs::write(&service, text.replace(line, &format!("channel = \"{channel}\"")))?;
    let people = config.join("people.toml");
    let mut text = std::fs::read_to_string(&people)?;
    let (platform, accounts) = accounts;
    for (name, account) in accounts {
        let console = format!("console = \"{name}\"");
        text = text.replace(&console, &format!("{console}\n{platform} = \"{account}\""));
    }
    Ok(std::fs::write(&people, text)?)
}

/// Those who are in the service's channel.
pub(crate) fn present<'a>(people: &[&'a str], options: &Options) -> Vec<&'a str> {
    people.iter().copied().filter(|name| !options.absent.iter().any(|absent| absent == name)).collect()
}

/// What somebody's account is.
pub(crate) fn standing(name: &str, options: &Options) -> Standing {
    options.standing.get(name).copied().unwrap_or(Standing::Member)
}
