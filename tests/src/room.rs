//! The chat platform of a world that does not use the console: a Slack workspace or a Discord server, and the bot's
//! connection to it.

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

/// Name of the service's channel on the platform.
pub const CHANNEL: &str = "payments";

/// A chat platform with all users on it.
pub enum Room {
    /// A workspace of the Slack fake.
    Slack(Box<Workspace>),
    /// A server of the Discord fake.
    Discord(Box<Server>),
}

impl Room {
    /// Opens the platform and adds it to the configuration of the stage. Returns `None` if the world uses the console.
    ///
    /// # Errors
    /// Fails if the configuration cannot be written.
    pub async fn open(stage: &Stage, people: &[&str], options: &Options) -> anyhow::Result<Option<Self>> {
        Ok(match options.talk {
            Talk::Console => None,
            Talk::Slack | Talk::SlackSocket => {
                Some(Self::Slack(Box::new(Workspace::open(stage, people, options).await?)))
            }
            Talk::Discord => Some(Self::Discord(Box::new(Server::open(stage, people, options).await?))),
        })
    }

    /// Builds the bot's chat adapter from the configuration.
    ///
    /// # Errors
    /// Fails if the adapter refuses the configuration.
    pub async fn wire(&mut self, config: &Config) -> anyhow::Result<Arc<dyn Chat>> {
        match self {
            Self::Slack(workspace) => workspace.wire(config).await,
            Self::Discord(server) => server.wire(config),
        }
    }

    /// Connects the bot: from here on, it receives the users' messages, reactions and interactions.
    ///
    /// # Errors
    /// Fails if [`Room::wire`] was not called before.
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

    /// Disconnects the bot.
    pub async fn hang_up(&mut self) {
        match self {
            Self::Slack(workspace) => workspace.hang_up().await,
            Self::Discord(server) => server.hang_up().await,
        }
    }

    /// Checks that the platform refused none of the bot's calls.
    ///
    /// # Errors
    /// Shows the first call that was refused.
    pub fn in_order(&self) -> anyhow::Result<()> {
        match self {
            Self::Slack(workspace) => workspace.in_order(),
            Self::Discord(server) => server.in_order(),
        }
    }

    /// Performs a line of a scenario: `ana: /hotfix status`, `ben: +1`, `ben: take back +1`. `prompt` is the message of
    /// the vote request that reactions go to.
    ///
    /// # Errors
    /// Fails if the platform does not support the action in the line.
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

    /// Returns the Slack workspace.
    ///
    /// # Panics
    /// Panics if the world uses another platform.
    #[must_use]
    pub fn slack(&self) -> &Slack {
        match self {
            Self::Slack(workspace) => &workspace.slack,
            Self::Discord(_) => panic!("people talk in Discord"),
        }
    }

    /// Returns the Discord server.
    ///
    /// # Panics
    /// Panics if the world uses another platform.
    #[must_use]
    pub fn server(&self) -> &Server {
        match self {
            Self::Discord(server) => server,
            Self::Slack(_) => panic!("people talk in Slack"),
        }
    }

    /// Returns the Discord fake of the server.
    ///
    /// # Panics
    /// Panics if the world uses another platform.
    #[must_use]
    pub fn discord(&self) -> &DiscordFake {
        &self.server().discord
    }
}

/// Writes the chat platform into the configuration: the `[chat]` section and its secrets, the service's channel, and
/// each user's account.
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

/// Returns the users who are in the service's channel.
pub(crate) fn present<'a>(people: &[&'a str], options: &Options) -> Vec<&'a str> {
    people.iter().copied().filter(|name| !options.absent.iter().any(|absent| absent == name)).collect()
}

/// Returns the kind of a user's account.
pub(crate) fn standing(name: &str, options: &Options) -> Standing {
    options.standing.get(name).copied().unwrap_or(Standing::Member)
}
