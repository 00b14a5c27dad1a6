//! A [`Card`]: the platform-neutral content of a message. Each adapter renders it within its platform's limits and
//! escapes every [`Span::Plain`] and [`Span::Code`]. External text may appear in these two only.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelRef, PersonRef};

/// The severity of a message; adapters map it to a color or an icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Information; no action is needed.
    #[default]
    Neutral,
    /// An operation succeeded.
    Good,
    /// An approver, the captain or the requester has to act.
    Asking,
    /// A refusal, or a state that needs attention.
    Warning,
    /// An operation failed.
    Bad,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Card {
    /// Severity of the message.
    pub tone: Tone,
    /// First line, shown in bold.
    pub title: Option<Text>,
    /// Paragraphs, below the title.
    pub lines: Vec<Text>,
    /// Preformatted text in a fixed-width font, such as a help page or a parse error with its caret. Escaped like
    /// [`Span::Plain`] and never wrapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<String>,
    /// Name-value pairs, shown as a table.
    pub fields: Vec<Field>,
    /// The progress line: steps with their states, in order.
    pub progress: Vec<Mark>,
    /// Buttons, in order.
    pub actions: Vec<Action>,
    /// Last line, shown in small print.
    pub footer: Option<Text>,
    /// `true` if the card must never be truncated, because users decide by its content (security case 29). If such a
    /// card exceeds the platform's limits, it is rejected; any other card is truncated with a notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

impl Card {
    /// Returns a card with one paragraph.
    #[must_use]
    pub fn line(tone: Tone, text: Text) -> Self {
        Self { tone, lines: vec![text], ..Self::default() }
    }
}

/// A name-value pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name; never external text.
    pub name: String,
    /// The value; may contain external text in its spans.
    pub value: Text,
}

/// One step in the progress line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Display name of the step.
    pub label: String,
    /// State of the step.
    pub state: MarkState,
}

/// The state of a step in the progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// The step has completed.
    Done,
    /// In progress or waiting.
    Current,
    /// Failed or blocked.
    Stopped,
    /// Skipped, with a reason given elsewhere.
    Skipped,
    /// Not yet reached.
    Ahead,
}

/// A button on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Label of the button, at most 75 characters.
    pub label: String,
    /// Value that [`super::Interaction::ButtonClick`] returns on a click: an opaque id that the bot looks up, never
    /// state (security case 35).
    pub value: String,
    /// `true` if the button is shown as destructive.
    pub danger: bool,
}

/// Formatted text: a sequence of spans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Span>);

/// One span of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Plain text. Escaped, so that no markup in it takes effect.
    Plain(String),
    /// Bold text; escaped like [`Span::Plain`].
    Strong(String),
    /// Fixed-width text, such as a commit, a branch or a command.
    Code(String),
    /// A mention that notifies a user. Only users who must act are mentioned.
    Mention {
        /// The account to notify; `None` if the user has no account on this platform and is shown as plain text.
        account: Option<PersonRef>,
        /// Display name of the user.
        name: String,
    },
    /// A mention of a group that the platform manages, such as a Slack user group or a Discord role.
    Group {
        /// Id of the group on the platform.
        id: String,
        /// Display name of the group.
        name: String,
    },
    /// A link to a channel, shown by its name on the platform.
    Channel(ChannelRef),
    /// A link that the bot built.
    Link {
        /// Target of the link.
        url: String,
        /// Text of the link.
        label: String,
    },
}

impl Text {
    /// Returns an empty text to append to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a text of one plain span.
    pub fn of(text: impl Into<String>) -> Self {
        Self::new().plain(text)
    }

    /// Appends plain text.
    #[must_use]
    pub fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Plain(text.into()));
        self
    }

    /// Appends bold text.
    #[must_use]
    pub fn strong(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Strong(text.into()));
        self
    }

    /// Appends fixed-width text.
    #[must_use]
    pub fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Code(text.into()));
        self
    }

    /// Appends a mention of a user.
    #[must_use]
    pub fn mention(mut self, account: Option<PersonRef>, name: impl Into<String>) -> Self {
        self.0.push(Span::Mention { account, name: name.into() });
        self
    }

    /// Appends a mention of a group.
    #[must_use]
    pub fn group(mut self, id: impl Into<String>, name: impl Into<String>) -> Self {
        self.0.push(Span::Group { id: id.into(), name: name.into() });
        self
    }

    /// Appends a link to a channel.
    #[must_use]
    pub fn channel(mut self, channel: ChannelRef) -> Self {
        self.0.push(Span::Channel(channel));
        self
    }

    /// Appends another text.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns the text without formatting: code in backticks, mentions as `@name`.
    #[must_use]
    pub fn to_plain(&self) -> String {
        self.0
            .iter()
            .map(|span| match span {
                Span::Plain(text) | Span::Strong(text) => text.clone(),
                Span::Code(text) => format!("`{text}`"),
                Span::Mention { name, .. } | Span::Group { name, .. } => format!("@{name}"),
                Span::Channel(channel) => channel.to_string(),
                Span::Link { url, label } => format!("{label} <{url}>"),
            })
            .collect()
    }
}
