//! What people see, in plain text, and what rang or could have rung.

use std::fmt::Write as _;

use serde_json::Value;

use super::DiscordFake;
use super::callbacks::LOADING;
use super::interactions::last_modal;
use super::permissions::{VIEW_CHANNEL, granted};
use super::state::{Ack, Interaction, Message, State};

/// How the bot answered an interaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With a message, of this number.
    Message(u64),
    /// "is thinking…": the message of this number is to come.
    Deferred(u64),
    /// The message that was pressed stays as it is, for now.
    DeferredUpdate,
    /// The message that was pressed changed.
    Update,
    /// With a modal.
    Modal(Modal),
}

/// A modal, as it stands before somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modal {
    /// Its title.
    pub title: String,
    /// Its id.
    pub custom_id: String,
    /// What can be filled in.
    pub inputs: Vec<Input>,
}

/// An input of a modal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its id.
    pub custom_id: String,
    /// What stands above it.
    pub label: String,
    /// What stands in it.
    pub value: String,
    /// Whether it must be filled in.
    pub required: bool,
}

impl DiscordFake {
    /// How an interaction was answered, if it was.
    #[must_use]
    pub fn answer(&self, interaction: u64) -> Option<Answer> {
        let state = self.state();
        let it: &Interaction = &state.interactions[&interaction];
        Some(match it.ack.as_ref()? {
            Ack::Message => Answer::Message(it.original?),
            Ack::Deferred => Answer::Deferred(it.original?),
            Ack::DeferredUpdate => Answer::DeferredUpdate,
            Ack::Update => Answer::Update,
            Ack::Modal(shape) => Answer::Modal(modal(shape)),
        })
    }

    /// Waits for the answer to an interaction.
    pub async fn answered(&self, interaction: u64) -> Answer {
        self.until("an answer to an interaction", |fake| fake.answer(interaction)).await
    }

    /// What the gateway told of an interaction.
    #[must_use]
    pub fn told(&self, interaction: u64) -> Value {
        self.state().interactions[&interaction].told.clone()
    }

    /// The modal that somebody has before them.
    #[must_use]
    pub fn modal(&self, user: u64) -> Option<Modal> {
        let state = self.state();
        match last_modal(&state, user)?.ack.as_ref()? {
            Ack::Modal(shape) => Some(modal(shape)),
            Ack::Message | Ack::Deferred | Ack::DeferredUpdate | Ack::Update => None,
        }
    }

    /// A channel, a thread or a direct conversation as somebody sees it, oldest first. Empty when they cannot see it.
    #[must_use]
    pub fn seen(&self, user: u64, channel: u64) -> String {
        let state = self.state();
        if granted(&state, user, channel) & VIEW_CHANNEL == 0 {
            return String::new();
        }
        let all = state.messages.values().filter(|it| it.channel == channel);
        let shown = all.filter(|it| it.only_for.is_none_or(|only| only == user));
        shown.map(|message| text(&state, message)).collect()
    }

    /// One message as people see it.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn message(&self, message: u64) -> String {
        let state = self.state();
        text(&state, state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}")))
    }

    /// The numbers of the bot's messages in a channel that everybody sees, oldest first.
    #[must_use]
    pub fn posted(&self, channel: u64) -> Vec<u64> {
        let state = self.state();
        state.messages_in(channel).filter(|it| it.author == state.app).map(|it| it.id).collect()
    }

    /// Every thread below a channel, with its name.
    #[must_use]
    pub fn threads(&self, channel: u64) -> Vec<(u64, String)> {
        let state = self.state();
        let below = |kind: &super::Kind| matches!(kind, super::Kind::Thread { parent, .. } if *parent == channel);
        state.channels.iter().filter(|(_, it)| below(&it.kind)).map(|(id, it)| (*id, it.name.clone())).collect()
    }

    /// Everything by which the bot made somebody's phone ring: the message, and `<@…>`, `<@&…>`, `@everyone` or `@here`.
    #[must_use]
    pub fn pings(&self) -> Vec<(u64, String)> {
        self.state().pings.clone()
    }

    /// The messages that the bot wrote or edited without `allowed_mentions: {"parse": []}`.
    #[must_use]
    pub fn unguarded(&self) -> Vec<u64> {
        self.state().unguarded.clone()
    }
}

fn modal(shape: &Value) -> Modal {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let inputs = shape["components"].as_array().into_iter().flatten().map(|row| {
        let (input, label) = match row.get("component") {
            Some(input) => (input, &row["label"]),
            None => (&row["components"][0], &row["components"][0]["label"]),
        };
        Input {
            custom_id: word(&input["custom_id"]),
            label: word(label),
            value: word(&input["value"]),
            required: input["required"].as_bool().unwrap_or(true),
        }
    });
    Modal { title: word(&shape["title"]), custom_id: word(&shape["custom_id"]), inputs: inputs.collect() }
}

/// A message: who, their words, embeds behind a bar, buttons in brackets, and who reacted.
fn text(state: &State, message: &Message) -> String {
    let only = if message.only_for.is_some() { " (only you)" } else { "" };
    let edited = if message.edited_ms.is_some() && message.flags & LOADING == 0 { " (edited)" } else { "" };
    let mut all = format!("{}{only}:", state.users[&message.author].name);
    if message.flags & LOADING > 0 {
        all.push_str(" is thinking…");
    }
    if !message.content.is_empty() {
        let _ = write!(all, " {}", named(state, &message.content));
    }
    let _ = writeln!(all, "{edited}");
    for embed in &message.embeds {
        let mut lines = vec![embed["author"]["name"].clone(), embed["title"].clone(), embed["description"].clone()];
        let fields = embed["fields"].as_array().into_iter().flatten();
        lines.extend(
            fields.map(|it| format!("{}: {}", it["name"].as_str().unwrap(), it["value"].as_str().unwrap()).into()),
        );
        lines.push(embed["footer"]["text"].clone());
        for line in lines.iter().filter_map(Value::as_str).flat_map(str::lines) {
            let _ = writeln!(all, "  | {}", named(state, line));
        }
    }
    for row in &message.components {
        let buttons = row["components"].as_array().into_iter().flatten().map(|button| {
            let label = button["label"].as_str().or(button["emoji"]["name"].as_str()).unwrap_or_default();
            let off = if button["disabled"] == Value::Bool(true) { " (off)" } else { "" };
            let to = button["url"].as_str().map(|url| format!(" → {url}")).unwrap_or_default();
            format!("[{label}{off}{to}]")
        });
        let _ = writeln!(all, "  {}", buttons.collect::<Vec<_>>().join(" "));
    }
    for reaction in &message.reactions {
        let who: Vec<&str> = reaction.users.iter().map(|id| state.users[id].name.as_str()).collect();
        let _ = writeln!(all, "  {} {}", reaction.emoji, who.join(", "));
    }
    if let Some(thread) = state.channels.get(&message.id) {
        let _ = writeln!(all, "  thread: {}", thread.name);
    }
    all
}

/// People, roles and channels by their names.
fn named(state: &State, text: &str) -> String {
    let mut text = text.to_owned();
    for (id, user) in &state.users {
        text = text.replace(&format!("<@{id}>"), &format!("@{}", user.name));
    }
    for (id, role) in &state.roles {
        text = text.replace(&format!("<@&{id}>"), &format!("@{}", role.name));
    }
    for (id, channel) in &state.channels {
        text = text.replace(&format!("<#{id}>"), &format!("#{}", channel.name));
    }
    text
}
