//! A world's Slack workspace: users type, react and click in the Slack fake. Their actions reach the bot over signed
//! HTTP or over socket mode, through the same listener, handler and adapter as in production.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use hotfix::config::Config;
use hotfix::engine::Current;
use hotfix::http::Http;
use hotfix::wire;
use hotfix_adapters::chat::inbound::EventSource;
use hotfix_adapters::chat::slack::SCOPES;
use hotfix_adapters::chat::{Chat, InboundHandler};
use hotfix_adapters::ids::MessageRef;
use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack, Urls};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::room::{CHANNEL, configure, present, standing};
use crate::stage::Stage;
use crate::world::{Options, Talk};

/// A Slack workspace with all users, and the bot's connection to it.
pub struct Workspace {
    /// The Slack fake.
    pub slack: Slack,
    http: Option<Http>,
    source: Option<Arc<dyn EventSource>>,
    /// The bot's connections in socket mode: the sender that stops them, and the task that runs them.
    connected: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

/// Number of connections in socket mode.
const CONNECTIONS: usize = 2;

impl Workspace {
    /// Creates a workspace and adds it to the configuration of the stage.
    ///
    /// # Errors
    /// Fails if the configuration cannot be written.
    pub async fn open(stage: &Stage, people: &[&str], options: &Options) -> anyhow::Result<Self> {
        let slack = Slack::start().await;
        slack.grant(&SCOPES);
        let team = slack.team();
        let account = |name: &&str| {
            let id = slack.person(name, standing(name, options));
            ((*name).to_owned(), format!("{team}/{id}"))
        };
        let accounts: Vec<(String, String)> = people.iter().map(account).collect();
        let channel = slack.channel(CHANNEL, &[present(people, options).as_slice(), &["hotfix"]].concat());
        let way = if options.talk == Talk::SlackSocket {
            format!("mode = \"socket\"\napp_token = {{ file = \"slack-app\" }}\nconnections = {CONNECTIONS}\n")
        } else {
            "mode = \"http\"\nsigning_secrets = [{ file = \"slack-signing\" }]\n".to_owned()
        };
        let chat = format!(
            "[chat]\nuse = \"slack\"\n[chat.slack]\napp_id = \"{}\"\nteams = [\"{team}\"]\nburst = 1000\n\
             token = {{ file = \"slack-token\" }}\n{way}api_url = \"{}/api/\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
            slack.app(),
            slack.url()
        );
        let secrets = [("slack-token", BOT_TOKEN), ("slack-signing", SIGNING_SECRET), ("slack-app", APP_TOKEN)];
        configure(stage, &chat, &secrets, &channel, ("slack", &accounts))?;
        Ok(Self { slack, http: None, source: None, connected: None })
    }

    /// Builds the bot's chat adapter and its HTTP listener from the configuration.
    ///
    /// # Errors
    /// Fails if the adapter or the listener refuses the configuration.
    pub async fn wire(&mut self, config: &Config) -> anyhow::Result<Arc<dyn Chat>> {
        let talk = wire::talk(config, || bail!("this is no console"))?;
        self.http = Some(Http::bind(wire::http(config, talk.ingress)?).await?);
        self.source = talk.source;
        Ok(talk.chat)
    }

    /// Connects the bot: from here on, Slack delivers events to it.
    ///
    /// # Errors
    /// Fails if [`Workspace::wire`] was not called before.
    pub async fn listen(&mut self, engine: &Current, ear: Arc<dyn InboundHandler>) -> anyhow::Result<()> {
        let http = self.http.as_mut().context("nobody listens")?;
        http.open(engine.clone(), &ear);
        if let Some(source) = self.source.take() {
            self.slack.deliver_over_sockets();
            let (stop, stopped) = watch::channel(false);
            self.connected = Some((stop, tokio::spawn(async move { source.run(ear, stopped).await })));
            self.slack.connected(CONNECTIONS).await;
            return Ok(());
        }
        let address = http.listens_on().context("an address")?;
        self.slack.deliver_to(Urls::one(&format!("http://{address}/slack")));
        Ok(())
    }

    /// Checks that Slack refused none of the bot's calls, which also means that all of them are within Slack's limits.
    ///
    /// # Errors
    /// Shows the first call that was refused.
    pub fn in_order(&self) -> anyhow::Result<()> {
        // An acknowledgement in socket mode has no answer with `ok`.
        for said in self.slack.said().into_iter().filter(|said| said.method != "socket.ack") {
            if said.answer.get("ok") != Some(&serde_json::Value::Bool(true)) {
                bail!("Slack refused {}: {}\n{}", said.method, said.answer, said.arguments);
            }
        }
        Ok(())
    }

    /// Disconnects the bot.
    pub async fn hang_up(&mut self) {
        self.http = None;
        if let Some((stop, ended)) = self.connected.take() {
            stop.send_replace(true);
            let _ = ended.await;
        }
    }

    /// Runs a slash command in the service's channel.
    ///
    /// # Errors
    /// Fails if the bot does not acknowledge it.
    pub async fn types(&self, who: &str, words: &str) -> anyhow::Result<()> {
        let answered = self.slack.command(who, CHANNEL, words).await;
        if !answered.taken() {
            bail!("the bot did not take {words}: {answered:?}");
        }
        Ok(())
    }

    /// Adds a reaction to a message, or removes it.
    pub async fn votes(&self, who: &str, message: &MessageRef, yes: bool, added: bool) {
        let emoji = if yes { "+1" } else { "-1" };
        if added {
            self.slack.react(who, CHANNEL, &message.id, emoji).await;
        } else {
            self.slack.take_back(who, CHANNEL, &message.id, emoji).await;
        }
    }
}
