//! What a message says, in neutral parts. Each adapter renders them within its platform's limits and escapes every
//! [`Span::Plain`] and [`Span::Code`]: text that came from outside lives in those two only.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelRef, PersonRef};

/// The colour of a message, so to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// News.
    #[default]
    Neutral,
    /// Something went well.
    Good,
    /// Somebody has to act.
    Asking,
    /// Something is refused, or needs care.
    Warning,
    /// Something failed.
    Bad,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Card {
    /// Its colour.
    pub tone: Tone,
    /// Its first line, in bold.
    pub title: Option<Text>,
    /// Paragraphs.
    pub lines: Vec<Text>,
    /// Text set line by line, in fixed width: a help page, an error with its caret. It is shown as it is, like
    /// [`Span::Plain`], and never wrapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<String>,
    /// Names with values, set as a table.
    pub fields: Vec<Field>,
    /// Steps and where they stand.
    pub progress: Vec<Mark>,
    /// Buttons.
    pub actions: Vec<Action>,
    /// Small print.
    pub footer: Option<Text>,
    /// Whether it is shown whole or not at all: a question that people answer by what they read (security case 29). Any
    /// other card that does not fit is cut, and says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

impl Card {
    /// A message of one paragraph.
    #[must_use]
    pub fn line(tone: Tone, text: Text) -> Self {
        Self { tone, lines: vec![text], ..Self::default() }
    }
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name; ours, never from outside.
    pub name: String,
    /// The value.
    pub value: Text,
}

/// One step in a progress line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What the step is called.
    pub label: String,
    /// Where it stands.
    pub state: MarkState,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// Behind us.
    Done,
    /// Being done or waited for.
    Current,
    /// Something is wrong here.
    Stopped,
    /// Left out, with a reason.
    Skipped,
    /// Ahead.
    Ahead,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What it says, at most 75 characters.
    pub label: String,
    /// What comes back when it is pressed: an opaque id that the bot looks up, never state (security case 35).
    pub value: String,
    /// Whether it is the dangerous one.
    pub danger: bool,
}

/// Text in parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub Vec<Span>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Plain text; it is shown as it is, with nothing in it meaning anything.
    Plain(String),
    /// The same, in bold.
    Strong(String),
    /// A commit, a branch, a command: fixed width.
    Code(String),
    /// Calls a person. Only people who must act are called.
    Mention {
        /// The account to call; `None` when the person has none here and is named in plain text.
        account: Option<PersonRef>,
        /// What the person is called.
        name: String,
    },
    /// Calls a group that the platform keeps, such as a Slack user group or a Discord role.
    Group {
        /// Its id there.
        id: String,
        /// What it is called.
        name: String,
    },
    /// A channel, as people there call it.
    Channel(ChannelRef),
    /// A link that we built.
    Link {
        /// Where to.
        url: String,
        /// What it says.
        label: String,
    },
}

impl Text {
    /// An empty text, to be added to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A plain text.
    pub fn of(text: impl Into<String>) -> Self {
        Self::new().plain(text)
    }

    /// Adds plain text.
    #[must_use]
    pub fn plain(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Plain(text.into()));
        self
    }

    /// Adds bold text.
    #[must_use]
    pub fn strong(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Strong(text.into()));
        self
    }

    /// Adds text of fixed width.
    #[must_use]
    pub fn code(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Code(text.into()));
        self
    }

    /// Adds a call to a person.
    #[must_use]
    pub fn mention(mut self, account: Option<PersonRef>, name: impl Into<String>) -> Self {
        self.0.push(Span::Mention { account, name: name.into() });
        self
    }

    /// Adds a call to a group.
    #[must_use]
    pub fn group(mut self, id: impl Into<String>, name: impl Into<String>) -> Self {
        self.0.push(Span::Group { id: id.into(), name: name.into() });
        self
    }

    /// Adds the name of a channel.
    #[must_use]
    pub fn channel(mut self, channel: ChannelRef) -> Self {
        self.0.push(Span::Channel(channel));
        self
    }

    /// Adds another text.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The text without any marking: code in backticks, mentions as `@name`.
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
