//! Plain-text rendering of channels, messages and modals as users see them, and the notifications that messages cause.

use std::fmt::Write as _;

use serde_json::Value;

use super::DiscordFake;
use super::callbacks::LOADING;
use super::interactions::last_modal;
use super::permissions::{VIEW_CHANNEL, granted};
use super::state::{Ack, Interaction, Message, State};

/// The bot's first response to an interaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A message, with its id.
    Message(u64),
    /// A deferred message ("is thinking…"), with its id.
    Deferred(u64),
    /// A deferred update: the message with the button is unchanged so far.
    DeferredUpdate,
    /// An edit of the message with the button.
    Update,
    /// A modal for the user to fill in.
    Modal(Modal),
}

/// A modal as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modal {
    /// Title at the top of the modal.
    pub title: String,
    /// The bot's id for the modal, sent back on submission.
    pub custom_id: String,
    /// Text inputs, from top to bottom.
    pub inputs: Vec<Input>,
}

/// A text input of a modal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The bot's id for the input, unique in the modal.
    pub custom_id: String,
    /// Label above the input.
    pub label: String,
    /// Initial text; empty if there is none.
    pub value: String,
    /// The client does not submit the modal while this input is empty.
    pub required: bool,
}

impl DiscordFake {
    /// Returns the first response to an interaction; `None` if there is none so far.
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

    /// Waits for the first response to an interaction.
    pub async fn answered(&self, interaction: u64) -> Answer {
        self.until("an answer to an interaction", |fake| fake.answer(interaction)).await
    }

    /// Returns the `INTERACTION_CREATE` payload that the gateway sent for an interaction.
    #[must_use]
    pub fn told(&self, interaction: u64) -> Value {
        self.state().interactions[&interaction].told.clone()
    }

    /// Returns the user's open modal.
    #[must_use]
    pub fn modal(&self, user: u64) -> Option<Modal> {
        let state = self.state();
        match last_modal(&state, user)?.ack.as_ref()? {
            Ack::Modal(shape) => Some(modal(shape)),
            Ack::Message | Ack::Deferred | Ack::DeferredUpdate | Ack::Update => None,
        }
    }

    /// Renders a channel, thread or direct message channel as a user sees it, oldest message first. Empty if the user
    /// cannot see the channel.
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

    /// Renders one message.
    ///
    /// # Panics
    /// Panics if there is no such message.
    #[must_use]
    pub fn message(&self, message: u64) -> String {
        let state = self.state();
        text(&state, state.messages.get(&message).unwrap_or_else(|| panic!("there is no message {message}")))
    }

    /// Returns the ids of the bot's messages in a channel, oldest first, without ephemeral ones.
    #[must_use]
    pub fn posted(&self, channel: u64) -> Vec<u64> {
        let state = self.state();
        state.messages_in(channel).filter(|it| it.author == state.app).map(|it| it.id).collect()
    }

    /// Returns all threads of a channel, with their names.
    #[must_use]
    pub fn threads(&self, channel: u64) -> Vec<(u64, String)> {
        let state = self.state();
        let below = |kind: &super::Kind| matches!(kind, super::Kind::Thread { parent, .. } if *parent == channel);
        state.channels.iter().filter(|(_, it)| below(&it.kind)).map(|(id, it)| (*id, it.name.clone())).collect()
    }

    /// Returns all notifications that the bot caused: the message, and the mention (`<@…>`, `<@&…>`,
    /// `@everyone` or `@here`).
    #[must_use]
    pub fn pings(&self) -> Vec<(u64, String)> {
        self.state().pings.clone()
    }

    /// Returns the messages that the bot sent or edited without `allowed_mentions: {"parse": []}`.
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

/// Renders a message: author, content, embeds behind a bar, buttons in brackets, reactions and thread.
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

/// Replaces mentions with the names of users, roles and channels.
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
