//! The Discord adapter against a strict fake of Discord: outgoing calls and gateway events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod gateway;
mod interactions;
mod port;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::discord::{CommandSpec, Discord, DiscordOptions, OptionShape, OptionSpec};
use hotfix_adapters::chat::inbound::EventSource as _;
use hotfix_adapters::chat::{
    Action, Card, CountedReaction, Destination, HandlerReply, Inbound, InboundHandler, Post, Text, Tone, VoteMessage,
};
use hotfix_adapters::ids::{ChannelRef, MessageRef, PersonRef, Platform};
use hotfix_fakes::clients::held_against_discord;
use hotfix_fakes::discord::DiscordFake;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub const TOKEN: &str = "token-of-the-bot";

/// A server in which ada and ben work with the bot in `#releases`.
pub struct World {
    pub fake: DiscordFake,
    pub discord: Discord,
    pub recorder: Arc<RecordingHandler>,
    pub ada: u64,
    pub ben: u64,
    pub releases: u64,
}

/// A handler that records everything and returns prepared replies.
#[derive(Default)]
pub struct RecordingHandler {
    heard: Mutex<Vec<Inbound>>,
    answers: Mutex<VecDeque<HandlerReply>>,
    watched: Mutex<Vec<VoteMessage>>,
    count: watch::Sender<usize>,
    /// Number of times that the bot asked for the open vote requests, which it does at the start of each session.
    began: watch::Sender<usize>,
}

#[async_trait]
impl InboundHandler for RecordingHandler {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(HandlerReply::Message(None));
        self.heard.lock().unwrap().push(inbound);
        self.count.send_modify(|count| *count += 1);
        answer
    }

    async fn open_vote_messages(&self) -> Vec<VoteMessage> {
        let watched = self.watched.lock().unwrap().clone();
        self.began.send_modify(|count| *count += 1);
        watched
    }
}

impl RecordingHandler {
    pub fn answer(&self, heard: HandlerReply) {
        self.answers.lock().unwrap().push_back(heard);
    }

    pub fn watch(&self, message: &MessageRef, counted: Vec<CountedReaction>) {
        self.watched.lock().unwrap().push(VoteMessage { message: message.clone(), counted });
    }

    pub fn heard(&self) -> Vec<Inbound> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until the bot knows that its session began. Discord considers it open earlier.
    pub async fn begun(&self) {
        let mut began = self.began.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(30), began.wait_for(|count| *count > 0)).await;
        waited.expect("a session begins").unwrap();
    }

    /// Waits for `many` inbound interactions; returns the last of them.
    pub async fn after(&self, many: usize) -> Inbound {
        let mut count = self.count.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(30), count.wait_for(|count| *count >= many)).await;
        waited.unwrap_or_else(|_| panic!("{many} acts are heard; these were: {:#?}", self.heard())).unwrap();
        self.heard().swap_remove(many - 1)
    }
}

pub struct Running {
    stop: watch::Sender<bool>,
    run: JoinHandle<()>,
}

impl Running {
    pub async fn end(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(30), self.run).await.expect("it stops").unwrap();
    }
}

pub fn options(fake: &DiscordFake) -> DiscordOptions {
    let api = format!("{}/", fake.api_url()).parse().unwrap();
    let guilds = vec![fake.guild().to_string()];
    let mut options = DiscordOptions::new(api, SecretString::from(TOKEN), fake.app().to_string(), guilds);
    let option = |name: &str, required, shape| OptionSpec {
        name: name.to_owned(),
        about: format!("the {name}"),
        required,
        choices: Vec::new(),
        shape,
    };
    let verb = |name: &str, options| CommandSpec { name: name.to_owned(), about: format!("says {name}"), options };
    options.commands = vec![
        verb(
            "start",
            vec![
                option("service", true, OptionShape::Word),
                option("title", false, OptionShape::Text),
                option("incident", false, OptionShape::Flag),
            ],
        ),
        verb("status", vec![]),
    ];
    options
}

pub async fn world() -> World {
    World::of(DiscordFake::start(TOKEN).await, |options| options)
}

impl World {
    /// Builds the world on a given fake, with changed options.
    pub fn of(fake: DiscordFake, change: impl FnOnce(DiscordOptions) -> DiscordOptions) -> Self {
        let (ada, ben, releases) = (fake.person("ada"), fake.person("ben"), fake.channel("releases"));
        let discord = Discord::new(change(options(&fake))).unwrap();
        Self { fake, discord, recorder: Arc::default(), ada, ben, releases }
    }

    pub fn run(&self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let (gateway, recorder) = (self.discord.gateway(), Arc::clone(&self.recorder));
        Running { stop, run: tokio::spawn(async move { gateway.run(recorder, stopped).await }) }
    }

    /// Returns a connected bot with registered commands.
    pub async fn connected() -> (Self, Running) {
        let world = world().await;
        let running = world.run();
        world.up().await;
        world.recorder.begun().await;
        world.fake.until("the commands", |fake| (!fake.commands().is_empty()).then_some(())).await;
        (world, running)
    }

    pub async fn up(&self) {
        self.fake.until("a session", |fake| (fake.connected() == 1).then_some(())).await;
    }

    pub fn channel(&self) -> ChannelRef {
        channel(self.releases)
    }

    pub fn place(&self) -> Destination {
        Destination::Channel(self.channel())
    }

    /// Returns the channel as every member sees it.
    pub fn seen(&self) -> String {
        self.fake.seen(self.ben, self.releases)
    }

    /// Checks that no one was mentioned and that every message restricts its mentions (security case 58).
    pub fn nobody_was_called(&self) {
        assert_eq!(self.fake.pings(), []);
        assert!(self.fake.unguarded().is_empty());
    }

    /// Checks the same, and that every call conforms to Discord's API description.
    pub fn all_is_well(&self) {
        self.nobody_was_called();
        let _ = tokio::task::block_in_place(|| held_against_discord(&self.fake.server.control.calls()));
    }
}

pub fn channel(id: u64) -> ChannelRef {
    ChannelRef::parse(&id.to_string()).unwrap()
}

pub fn person(id: u64) -> PersonRef {
    PersonRef::new(Platform::Discord, id.to_string())
}

pub fn number(message: &MessageRef) -> u64 {
    message.id.parse().unwrap()
}

pub fn note(text: &str) -> Card {
    Card::line(Tone::Neutral, Text::of(text))
}

pub fn post(place: Destination, key: &str, card: Card) -> Post {
    Post { destination: place, key: key.to_owned(), card }
}

pub fn question() -> Card {
    let action = |label: &str, danger| Action { label: label.to_owned(), value: label.to_lowercase(), danger };
    let actions = vec![action("Approve", false), action("Reject", true)];
    Card { actions, whole: true, ..Card::line(Tone::Asking, Text::of("Ship it?")) }
}
