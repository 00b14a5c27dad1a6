//! The chat port: where the team types and reads. Adapters: [`console`], [`discord`], [`slack`].
//!
//! [`Chat`] is what the bot says and asks; what people do comes in by [`inbound`], each act as one [`Inbound`].

pub mod account;
pub mod card;
pub mod console;
pub mod discord;
pub mod dropped;
pub mod form;
pub mod inbound;
mod sanitize;
pub mod slack;
mod ttl_cache;
mod websocket;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};
pub use account::{AccountKind, ChannelKind};
pub use card::{Action, Card, Field, Mark, MarkState, Span, Text, Tone};
pub use form::{Answers, Choice, Form, Input, InputKind};
pub use inbound::{CountedReaction, DeferredReply, HandlerReply, InboundHandler, ReplyStore, VoteMessage};

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A channel, for everybody in it.
    Channel(ChannelRef),
    /// The thread under this message.
    Thread(MessageRef),
    /// The thread under this message, shown in the channel too: failures and endings.
    ThreadAndChannel(MessageRef),
    /// A person, directly.
    Direct(PersonRef),
}

/// A message to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Where to.
    pub destination: Destination,
    /// The natural key: a post whose outcome is uncertain is looked for by it.
    pub key: String,
    /// What it says.
    pub card: Card,
}

/// A reaction as it stands on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Whose.
    pub person: PersonRef,
    /// Which.
    pub emoji: Emoji,
}

/// The reactions that mean something, in neutral words; each adapter maps its own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emoji {
    /// ✅, 👍 or `+1`: yes.
    Yes,
    /// ❌, 👎 or `-1`: no.
    No,
    /// Any other; it means nothing to us.
    Other(String),
}

/// Something a person did in the chat, verified and decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The same for every delivery of the same act.
    pub dedupe_key: String,
    /// Who.
    pub from: PersonRef,
    /// In which channel.
    pub channel: ChannelRef,
    /// Under which message, when in a thread.
    pub thread: Option<MessageRef>,
    /// Whether the person can be shown a form in answer.
    #[serde(default)]
    pub can_ask: bool,
    /// What.
    pub interaction: Interaction,
}

/// What a person can do in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interaction {
    /// Typed a command; the text behind `/hotfix`.
    Command {
        /// The text as typed.
        text: String,
    },
    /// Reacted to a message, or took a reaction back.
    Reaction {
        /// The message.
        message: MessageRef,
        /// With what.
        emoji: Emoji,
        /// False when it was taken back.
        added: bool,
    },
    /// Pressed a button.
    ButtonClick {
        /// The message the button is on.
        message: MessageRef,
        /// The value the button carries, see [`Action::value`].
        value: String,
    },
    /// Handed in a form.
    FormSubmit {
        /// Which, see [`Form::key`].
        key: String,
        /// With what.
        answers: Answers,
    },
    /// Chose "add to the hotfix" at somebody's message.
    MessageShortcut {
        /// The message.
        message: MessageRef,
        /// What it says.
        text: String,
    },
    /// Opened the bot's own page.
    HomeOpened,
}

/// A chat, as the bot uses it.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Posts a message. A post with a key that was posted before may appear twice; look with [`Chat::find`] first when unsure.
    async fn post(&self, post: &Post) -> Result<MessageRef, Failure>;

    /// Replaces what a message says. The same content again changes nothing.
    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure>;

    /// The message posted with this key in that place, if there is one.
    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure>;

    /// Shows something to one person only, in this channel, as the answer to what they did. It may be lost.
    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure>;

    /// The reactions that stand on a message now.
    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure>;

    /// Those of these people who can read a channel.
    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure>;

    /// What an account is now, or was at most a minute ago.
    async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure>;

    /// What an account is at this moment: for a word that was given before, and counts now.
    async fn account_uncached(&self, person: &PersonRef) -> Result<AccountKind, Failure>;

    /// What a channel is now, or was at most a minute ago.
    async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure>;

    /// Whether the bot can work here: its token and rights, and whether it can post in these channels. It posts nothing.
    async fn self_check(&self, channels: &[ChannelRef]) -> Vec<CheckResult>;

    /// Whether the groups with these ids can be called here. It posts nothing.
    async fn check_groups(&self, groups: &[String]) -> Vec<CheckResult>;
}
