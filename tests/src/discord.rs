//! A world's Discord server: users run commands, react and press buttons in the Discord fake. Their actions reach the
//! bot over the gateway, through the same listener, handler and adapter as in production.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use hotfix::config::Config;
use hotfix::wire;
use hotfix_adapters::chat::discord::PERMISSIONS;
use hotfix_adapters::chat::inbound::EventSource;
use hotfix_adapters::chat::{Chat, HandlerReply, Inbound, InboundHandler, ReplyStore, VoteMessage};
use hotfix_adapters::ids::MessageRef;
use hotfix_fakes::discord::{Answer, DiscordFake};
use hotfix_fakes::slack::Standing;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::invocation::invocation;
use crate::room::{CHANNEL, configure, present, standing};
use crate::stage::Stage;
use crate::world::Options;

/// Maximum time that a test waits for an event.
const PATIENCE: Duration = Duration::from_secs(30);
const TOKEN: &str = "token-of-the-bot";
/// Discord's permission bit for viewing a channel.
const VIEW_CHANNEL: u64 = 1 << 10;

/// A Discord server with all users, and the bot's connection to it.
pub struct Server {
    /// The Discord fake.
    pub discord: DiscordFake,
    /// Id of the service's channel.
    pub channel: u64,
    people: BTreeMap<String, u64>,
    source: Option<Arc<dyn EventSource>>,
    running: Option<Running>,
    counts: Arc<watch::Sender<Counts>>,
}

struct Running {
    stop: watch::Sender<bool>,
    run: JoinHandle<()>,
}

/// Number of events that reached the bot's handler, and number of those that it has finished.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    begun: usize,
    done: usize,
}

impl Server {
    /// Creates a server and adds it to the configuration of the stage.
    ///
    /// # Errors
    /// Fails if the configuration cannot be written.
    pub async fn open(stage: &Stage, people: &[&str], options: &Options) -> anyhow::Result<Self> {
        let discord = DiscordFake::start(TOKEN).await;
        discord.permit_only(PERMISSIONS);
        let channel = discord.channel(CHANNEL);
        let mut numbers = BTreeMap::new();
        for name in people {
            let kind = standing(name, options);
            let number = if kind == Standing::Bot { discord.other_bot(name) } else { discord.person(name) };
            match kind {
                Standing::Guest | Standing::SingleChannelGuest => discord.pending(number, true),
                Standing::Stranger => discord.leave(number),
                Standing::Bot | Standing::Member | Standing::Admin => {}
            }
            if !present(people, options).contains(name) {
                discord.deny(channel, number, VIEW_CHANNEL);
            }
            numbers.insert((*name).to_owned(), number);
        }
        let chat = format!(
            "[chat]\nuse = \"discord\"\n[chat.discord]\napplication_id = \"{}\"\nservers = [\"{}\"]\n\
             token = {{ file = \"discord-token\" }}\napi_url = \"{}\"\n",
            discord.app(),
            discord.guild(),
            discord.api_url()
        );
        let accounts: Vec<(String, String)> =
            numbers.iter().map(|(name, number)| (name.clone(), number.to_string())).collect();
        configure(stage, &chat, &[("discord-token", TOKEN)], &channel.to_string(), ("discord", &accounts))?;
        Ok(Self { discord, channel, people: numbers, source: None, running: None, counts: Arc::default() })
    }

    /// Returns the account id of a user.
    ///
    /// # Panics
    /// Panics if there is no such user.
    #[must_use]
    pub fn number(&self, who: &str) -> u64 {
        *self.people.get(who).unwrap_or_else(|| panic!("nobody is called {who}"))
    }

    /// Builds the bot's chat adapter from the configuration.
    ///
    /// # Errors
    /// Fails if the adapter refuses the configuration.
    pub fn wire(&mut self, config: &Config) -> anyhow::Result<Arc<dyn Chat>> {
        let talk = wire::talk(config, || bail!("this is no console"))?;
        self.source = talk.source;
        Ok(talk.chat)
    }

    /// Connects the bot to the gateway, and waits until its commands are registered.
    ///
    /// # Errors
    /// Fails if [`Server::wire`] was not called before.
    pub async fn listen(&mut self, ear: Arc<dyn InboundHandler>) -> anyhow::Result<()> {
        let source = self.source.take().context("there is no way in")?;
        let (stop, stopped) = watch::channel(false);
        let counted = Arc::new(Counted { ear, counts: self.counts.clone() });
        let run = tokio::spawn(async move { source.run(counted, stopped).await });
        self.running = Some(Running { stop, run });
        let up = |fake: &DiscordFake| (fake.connected() == 1 && !fake.commands().is_empty()).then_some(());
        self.discord.until("the bot", up).await;
        Ok(())
    }

    /// Disconnects the bot, after it has finished the events that it began.
    pub async fn hang_up(&mut self) {
        if let Some(Running { stop, run }) = self.running.take() {
            let _ = stop.send(true);
            tokio::time::timeout(PATIENCE, run).await.expect("the bot hangs up").expect("no panic");
            self.discord.until("the end of the connection", |fake| (fake.connected() == 0).then_some(())).await;
        }
    }

    /// Checks that Discord refused none of the bot's calls, and that no message could mention a user it does not name.
    ///
    /// # Errors
    /// Shows the first call that was refused, or the first unguarded message.
    pub fn in_order(&self) -> anyhow::Result<()> {
        for call in self.discord.server.control.calls() {
            // A GET may find nothing. A thread is opened if the first message to it fails.
            let sought = call.method == "GET" || call.path.ends_with("/messages");
            if call.status.is_some_and(|status| status >= 400 && !(status == 404 && sought)) {
                bail!("Discord refused {} {}: {:?}\n{:?}", call.method, call.path, call.answer, call.body);
            }
        }
        if let Some(message) = self.discord.unguarded().first() {
            bail!("this could have called anybody: {}", self.discord.message(*message));
        }
        Ok(())
    }

    /// Runs a command in the service's channel as the Discord client does: as a sub-command with options, or as one
    /// text if there is no matching sub-command.
    ///
    /// # Errors
    /// Fails if the line does not begin with `/hotfix`.
    pub async fn types(&self, who: &str, words: &str) -> anyhow::Result<()> {
        let words = words.strip_prefix("/hotfix").context("the command is /hotfix")?.trim();
        let (command, options) = invocation(&self.discord.commands(), words);
        let options: Vec<(&str, serde_json::Value)> =
            options.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let act = self.discord.run(self.number(who), self.channel, &command, &options);
        self.answered(act).await;
        Ok(())
    }

    /// Presses a button of a message, and returns the id of the interaction.
    pub async fn press(&self, who: &str, message: u64, label: &str) -> u64 {
        let act = self.discord.press(self.number(who), message, label);
        self.answered(act).await;
        act
    }

    /// Submits the user's open form, with answers keyed by input label. Returns the id of the interaction.
    ///
    /// # Panics
    /// Panics if no form is open, or if it has no such input.
    pub async fn fill(&self, who: &str, answers: &[(&str, &str)]) -> u64 {
        let number = self.number(who);
        let form = self.discord.modal(number).unwrap_or_else(|| panic!("no form is open before {who}"));
        let id = |label: &str| {
            let input = form.inputs.iter().find(|input| input.label == label);
            input.unwrap_or_else(|| panic!("the form has no {label}: {form:?}")).custom_id.clone()
        };
        let answers: Vec<(String, &str)> = answers.iter().map(|(label, text)| (id(label), *text)).collect();
        let answers: Vec<(&str, &str)> = answers.iter().map(|(id, text)| (id.as_str(), *text)).collect();
        let act = self.discord.submit(number, &answers);
        self.answered(act).await;
        act
    }

    /// Waits until an interaction is answered, including its deferred reply.
    async fn answered(&self, act: u64) {
        let answer = self.discord.answered(act).await;
        if let Answer::Deferred(message) = answer {
            let there = |fake: &DiscordFake| (!fake.message(message).contains("is thinking…")).then_some(());
            self.discord.until("what came of it", there).await;
        }
    }

    /// Adds a reaction to a message, or removes it, and waits until the bot has handled it.
    ///
    /// # Errors
    /// Fails if the message is not a Discord message, or if the bot does not handle the reaction.
    pub async fn votes(&self, who: &str, message: &MessageRef, yes: bool, added: bool) -> anyhow::Result<()> {
        let (emoji, before) = (if yes { "✅" } else { "❌" }, self.counts.borrow().done);
        let message: u64 = message.id.parse().context("a message of Discord's has a number")?;
        if added {
            self.discord.react(self.number(who), message, emoji);
        } else {
            self.discord.unreact(self.number(who), message, emoji);
        }
        self.until(|counts| counts.done > before).await.with_context(|| format!("nobody heard {emoji} of {who}"))
    }

    /// Waits until the bot has handled all events so far. Sends a `ping` first: events that the bot ignores arrive
    /// before it.
    ///
    /// # Panics
    /// Panics if the bot does not answer.
    pub async fn at_rest(&self, who: &str) {
        self.types(who, "/hotfix ping").await.expect("the bot is asked whether it is there");
        self.until(|counts| counts.begun == counts.done).await.expect("it is done with everything");
    }

    /// Performs an action, and waits until the bot has handled so many more events.
    ///
    /// # Panics
    /// Panics if the events do not arrive.
    pub async fn heard(&self, acts: usize, what: impl FnOnce(&DiscordFake)) {
        let before = self.counts.borrow().done;
        what(&self.discord);
        self.until(|counts| counts.done >= before + acts).await.expect("it is heard");
    }

    /// Performs an action while the gateway loses events, and then invalidates the session. Waits until the bot has
    /// caught up on so many events.
    ///
    /// # Panics
    /// Panics if it does not catch up.
    pub async fn in_a_gap(&self, acts: usize, what: impl FnOnce(&DiscordFake)) {
        self.heard(acts, |discord| {
            discord.lose_events(true);
            what(discord);
            discord.lose_events(false);
            discord.close(4009);
        })
        .await;
        self.discord.until("a new session", |fake| (fake.connected() == 1).then_some(())).await;
    }

    async fn until(&self, there: impl Fn(&Counts) -> bool) -> anyhow::Result<()> {
        let mut counts = self.counts.subscribe();
        let came = tokio::time::timeout(PATIENCE, counts.wait_for(there)).await.context("waited in vain")?;
        Ok(came.map(drop)?)
    }

    /// Returns the ephemeral replies to a user in the service's channel and its threads, oldest first.
    #[must_use]
    pub fn told(&self, who: &str) -> String {
        let below = self.discord.threads(self.channel).into_iter().map(|(thread, _)| thread);
        let seen = |channel| self.discord.seen(self.number(who), channel);
        let (mut told, mut alone) = (String::new(), false);
        for line in [self.channel].into_iter().chain(below).map(seen).collect::<String>().lines() {
            if !line.starts_with(' ') {
                alone = line.contains("(only you)");
            }
            if alone {
                told.push_str(line);
                told.push('\n');
            }
        }
        told
    }

    /// Returns a user's direct messages with the bot, as the user sees them.
    #[must_use]
    pub fn directly(&self, who: &str) -> String {
        let number = self.number(who);
        self.discord.seen(number, self.discord.direct(number))
    }
}

/// A handler that counts the events it begins and finishes.
struct Counted {
    ear: Arc<dyn InboundHandler>,
    counts: Arc<watch::Sender<Counts>>,
}

#[async_trait]
impl InboundHandler for Counted {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        self.counts.send_modify(|counts| counts.begun += 1);
        let counts = self.counts.clone();
        let done = move || counts.send_modify(|counts| counts.done += 1);
        match self.ear.handle(inbound).await {
            HandlerReply::Deferred(more) => {
                let (say, later) = oneshot::channel();
                tokio::spawn(async move {
                    if let Ok(card) = more.await {
                        let _ = say.send(card);
                    }
                    done();
                });
                HandlerReply::Deferred(later)
            }
            heard => {
                done();
                heard
            }
        }
    }

    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        self.ear.open_vote_messages().await
    }

    fn reply_store(&self) -> Option<Arc<dyn ReplyStore>> {
        self.ear.reply_store()
    }
}
