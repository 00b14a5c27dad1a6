//! The Slack adapter against a strict fake of Slack: outgoing calls, HTTP and Socket Mode.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod http;
mod port;
mod socket;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hotfix_adapters::chat::slack::{SCOPES, Slack, SlackOptions};
use hotfix_adapters::chat::{
    Action, Card, Choice, Destination, Form, HandlerReply, Inbound, InboundHandler, Input, InputKind, Interaction,
    Post, Text, Tone,
};
use hotfix_adapters::ids::{ChannelRef, PersonRef, Platform};
use hotfix_fakes::slack::{APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack as Fake, Standing};
use secrecy::SecretString;
use tokio::sync::watch;

/// A workspace in which ana and ben work with the bot in `#hotfixes`.
pub struct World {
    pub fake: Fake,
    pub slack: Slack,
    pub recorder: Arc<RecordingHandler>,
}

/// A handler that records everything and returns prepared replies.
#[derive(Default)]
pub struct RecordingHandler {
    heard: Mutex<Vec<Inbound>>,
    answers: Mutex<VecDeque<HandlerReply>>,
    count: watch::Sender<usize>,
}

#[async_trait]
impl InboundHandler for RecordingHandler {
    async fn handle(&self, inbound: Inbound) -> HandlerReply {
        self.heard.lock().unwrap().push(inbound);
        self.count.send_modify(|count| *count += 1);
        self.answers.lock().unwrap().pop_front().unwrap_or(HandlerReply::Message(None))
    }
}

impl RecordingHandler {
    pub fn answer(&self, heard: HandlerReply) {
        self.answers.lock().unwrap().push_back(heard);
    }

    pub fn heard(&self) -> Vec<Inbound> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits for `many` inbound interactions; returns the latest.
    pub async fn after(&self, many: usize) -> Inbound {
        let mut count = self.count.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(30), count.wait_for(|count| *count >= many)).await;
        waited.expect("it is heard").unwrap();
        self.heard().pop().unwrap()
    }
}

pub fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

pub fn options(fake: &Fake) -> SlackOptions {
    let api = format!("{}/api/", fake.url()).parse().unwrap();
    let mut options = SlackOptions::new(api, secret(BOT_TOKEN), fake.app(), vec![fake.team()]);
    options.app_token = Some(secret(APP_TOKEN));
    options.signing_secrets = vec![secret(SIGNING_SECRET)];
    options.allow_private = true;
    options
}

pub async fn world() -> World {
    let fake = Fake::start().await;
    fake.person("ana", Standing::Member);
    fake.person("ben", Standing::Member);
    fake.channel("hotfixes", &["ana", "ben", "hotfix"]);
    fake.grant(&SCOPES);
    let slack = Slack::new(options(&fake)).unwrap();
    World { fake, slack, recorder: Arc::default() }
}

impl World {
    pub fn channel(&self) -> ChannelRef {
        self.room("hotfixes")
    }

    pub fn room(&self, name: &str) -> ChannelRef {
        ChannelRef::parse(&self.fake.channel_id(name)).unwrap()
    }

    pub fn place(&self) -> Destination {
        Destination::Channel(self.channel())
    }

    pub fn person(&self, user: &str) -> PersonRef {
        PersonRef::new(Platform::Slack, format!("{}/{user}", self.fake.team()))
    }

    /// Returns the channel as every member sees it.
    pub fn seen(&self) -> String {
        self.fake.sees("ana", "hotfixes")
    }

    /// Returns the number of calls of a method so far.
    pub fn calls(&self, method: &str) -> usize {
        self.fake.said().iter().filter(|said| said.method == method).count()
    }
}

pub fn note(text: &str) -> Card {
    Card::line(Tone::Neutral, Text::of(text))
}

pub fn post(place: Destination, key: &str, card: Card) -> Post {
    Post { destination: place, key: key.to_owned(), card }
}

pub fn question() -> Card {
    let action = Action { label: "Approve".to_owned(), value: "n0nce".to_owned(), danger: false };
    Card { actions: vec![action], ..Card::line(Tone::Asking, Text::of("Ship it?")) }
}

pub fn form() -> Form {
    let input = |id: &str, label: &str, kind: InputKind| Input {
        id: id.to_owned(),
        label: label.to_owned(),
        hint: String::new(),
        kind,
        required: true,
        given: String::new(),
    };
    let choice = |id: &str| Choice { id: id.to_owned(), label: id.to_uppercase() };
    Form {
        key: "verify/HF-1".to_owned(),
        title: "Verify".to_owned(),
        submit: "Hand in".to_owned(),
        lead: "What did you see?".to_owned(),
        instead: "/hotfix verify staging pass HF-1".to_owned(),
        inputs: vec![
            input("outcome", "Outcome", InputKind::One(vec![choice("pass"), choice("fail")])),
            input("note", "Note", InputKind::Paragraph(500)),
        ],
    }
}

/// Returns the text of a command; panics for another interaction.
pub fn typed(inbound: &Inbound) -> &str {
    match &inbound.interaction {
        Interaction::Command { text } => text,
        Interaction::Reaction { .. }
        | Interaction::ButtonClick { .. }
        | Interaction::FormSubmit { .. }
        | Interaction::MessageShortcut { .. }
        | Interaction::HomeOpened => {
            panic!("{inbound:?} is no command")
        }
    }
}
