//! The same play in Slack: people type, react and press in the fake workspace, and what they do reaches the bot over signed
//! HTTP, through the same listener, ear and adapter as in production.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use hotfix::config::Config;
use hotfix::engine::Engine;
use hotfix::http::Http;
use hotfix::listen::Ear;
use hotfix::wire;
use hotfix_adapters::chat::slack::SCOPES;
use hotfix_adapters::chat::{Chat, Listener};
use hotfix_adapters::vocabulary::MessageRef;
use hotfix_fakes::slack::{BOT_TOKEN, SIGNING_SECRET, Slack, Standing, Urls};

use crate::stage::Stage;
use crate::world::Options;

/// A workspace with everybody in it, and the bot's way in.
pub struct Room {
    /// The workspace.
    pub slack: Slack,
    /// The service's channel.
    pub channel: String,
    http: Option<Http>,
}

/// How the service's channel is called there.
pub const CHANNEL: &str = "payments";

impl Room {
    /// Founds a workspace, and tells the configuration on the stage of it.
    ///
    /// # Errors
    /// When the configuration cannot be written.
    pub async fn open(stage: &Stage, people: &[&str], options: &Options) -> anyhow::Result<Self> {
        let slack = Slack::start().await;
        slack.grant(&SCOPES);
        let mut who = Vec::new();
        for name in people {
            who.push((*name, slack.person(name, options.standing.get(*name).copied().unwrap_or(Standing::Member))));
        }
        let present: Vec<&str> = people
            .iter()
            .copied()
            .filter(|name| !options.absent.iter().any(|absent| absent == name))
            .chain(["hotfix"])
            .collect();
        let channel = slack.channel(CHANNEL, &present);
        let (config, team) = (stage.config(), slack.team());
        for (name, secret) in [("slack-token", BOT_TOKEN), ("slack-signing", SIGNING_SECRET)] {
            let path = config.join(name);
            std::fs::write(&path, secret)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        let chat = format!(
            "\n[chat]\nuse = \"slack\"\n[chat.slack]\napp_id = \"{}\"\nteams = [\"{team}\"]\nburst = 1000\n\
             token = {{ file = \"slack-token\" }}\nmode = \"http\"\nsigning_secrets = [{{ file = \"slack-signing\" }}]\n\
             api_url = \"{}/api/\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
            slack.app(),
            slack.url()
        );
        append(&config.join("hotfix.toml"), &chat)?;
        let service = config.join(format!("services/{}.toml", stage.service));
        let text = std::fs::read_to_string(&service)?;
        let line = text.lines().find(|line| line.starts_with("channel ")).context("a service has a channel")?;
        std::fs::write(&service, text.replace(line, &format!("channel = \"{channel}\"")))?;
        let people = config.join("people.toml");
        let mut text = std::fs::read_to_string(&people)?;
        for (name, id) in &who {
            let console = format!("console = \"{name}\"");
            text = text.replace(&console, &format!("{console}\nslack   = \"{team}/{id}\""));
        }
        std::fs::write(&people, text)?;
        Ok(Self { slack, channel, http: None })
    }

    /// The bot's side, as the configuration says.
    ///
    /// # Errors
    /// When the configuration does not do.
    pub async fn wire(&mut self, config: &Config) -> anyhow::Result<Arc<dyn Chat>> {
        let talk = wire::talk(config, || bail!("this is no console"))?;
        self.http = Some(Http::bind(wire::http(config, talk.ingress)?).await?);
        Ok(talk.chat)
    }

    /// The bot is there: what people do reaches it from now on.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn listen(&mut self, engine: &Arc<Engine>) -> anyhow::Result<()> {
        let http = self.http.as_mut().context("nobody listens")?;
        let ear: Arc<dyn Listener> = Ear::of(engine.clone());
        http.open(engine.clone(), &ear);
        let address = http.listens_on().context("an address")?;
        self.slack.deliver_to(Urls::one(&format!("http://{address}/slack")));
        Ok(())
    }

    /// Nothing that the bot said was refused by Slack, and everything it said is within Slack's limits.
    ///
    /// # Errors
    /// Shows the first call that was refused.
    pub fn in_order(&self) -> anyhow::Result<()> {
        // An acknowledgement over a connection says itself whether it was one that Slack waited for.
        for said in self.slack.said().into_iter().filter(|said| said.method != "socket.ack") {
            if said.answer.get("ok") != Some(&serde_json::Value::Bool(true)) {
                bail!("Slack refused {}: {}\n{}", said.method, said.answer, said.arguments);
            }
        }
        Ok(())
    }

    /// Nobody listens any more.
    pub fn hang_up(&mut self) {
        self.http = None;
    }

    /// Does what a line of a scenario says: `ana: /hotfix status`, `ben: +1`, `ben: take back +1`. `prompt` is the message
    /// that votes are asked for on.
    ///
    /// # Errors
    /// When the line says something that nobody does in Slack.
    pub async fn does(&self, line: &str, prompt: Option<&MessageRef>) -> anyhow::Result<()> {
        let (who, words) = line.split_once(": ").with_context(|| format!("who does this? {line}"))?;
        if words.starts_with('/') {
            let answered = self.slack.command(who, CHANNEL, words).await;
            if !answered.taken() {
                bail!("the bot did not take {line}: {answered:?}");
            }
            return Ok(());
        }
        let (words, taken_back) = words.strip_prefix("take back ").map_or((words, false), |words| (words, true));
        let emoji = match words {
            "+1" => "+1",
            "-1" => "-1",
            other => bail!("nobody does {other:?} in Slack"),
        };
        let message = prompt.context("nothing is asked, so there is nothing to react to")?;
        if taken_back {
            self.slack.take_back(who, CHANNEL, &message.id, emoji).await;
        } else {
            self.slack.react(who, CHANNEL, &message.id, emoji).await;
        }
        Ok(())
    }
}

fn append(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    Ok(std::fs::write(path, before + text)?)
}
