//! The chat port, implemented by the adapters [`console`], [`discord`] and [`slack`].
//!
//! Outbound calls go through [`Chat`]. User actions arrive through [`inbound`], each decoded into one [`Inbound`].

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

/// The place that a message is posted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A channel; visible to all its members.
    Channel(ChannelRef),
    /// The thread under this message; visible only there.
    Thread(MessageRef),
    /// The thread under this message, also broadcast to its channel. Used for failures and final results.
    ThreadAndChannel(MessageRef),
    /// A direct message to this account.
    Direct(PersonRef),
}

/// A message to post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The channel, thread or account that receives the message.
    pub destination: Destination,
    /// Natural key of the message. If the outcome of a post is uncertain, [`Chat::find`] looks the message up
    /// by this key.
    pub key: String,
    /// Content of the message, rendered by each adapter.
    pub card: Card,
}

/// A reaction that is present on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The account that reacted.
    pub person: PersonRef,
    /// The reaction, mapped from the platform's own emoji name.
    pub emoji: Emoji,
}

/// A reaction in platform-neutral form; each adapter maps its own emoji names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emoji {
    /// ✅, 👍 or `+1`: a vote in favor.
    Yes,
    /// ❌, 👎 or `-1`: a vote against.
    No,
    /// Any other emoji; it has no meaning to the bot.
    Other(String),
}

/// A verified and decoded user action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// Identifies the action: every delivery of the same action has the same key.
    pub dedupe_key: String,
    /// The account that acted.
    pub from: PersonRef,
    /// The channel in which the user acted.
    pub channel: ChannelRef,
    /// Root message of the thread in which the user acted; `None` outside a thread.
    pub thread: Option<MessageRef>,
    /// `true` if the reply may be a form ([`HandlerReply::OpenForm`]).
    #[serde(default)]
    pub can_ask: bool,
    /// The action and its parameters.
    pub interaction: Interaction,
}

/// The kinds of user actions in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interaction {
    /// The user typed a `/hotfix` command.
    Command {
        /// The text after `/hotfix`, as typed; may be empty.
        text: String,
    },
    /// The user added or removed a reaction.
    Reaction {
        /// The message that carries the reaction.
        message: MessageRef,
        /// The reaction that was added or removed.
        emoji: Emoji,
        /// `false` if the reaction was removed.
        added: bool,
    },
    /// The user clicked a button.
    ButtonClick {
        /// The message that contains the button.
        message: MessageRef,
        /// Value of the button, see [`Action::value`].
        value: String,
    },
    /// The user submitted a form.
    FormSubmit {
        /// Key of the form, see [`Form::key`].
        key: String,
        /// The submitted answers.
        answers: Answers,
    },
    /// The user chose the shortcut "add to the hotfix" on a message.
    MessageShortcut {
        /// The message that the shortcut was used on.
        message: MessageRef,
        /// Text of that message.
        text: String,
    },
    /// The user opened the bot's home page.
    HomeOpened,
}

/// A chat platform, as the bot uses it. The [`Failure`] of a method tells the caller whether to retry, to give up, or
/// to look the outcome up before it repeats the call.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Posts a message and returns its reference.
    ///
    /// Does not deduplicate: posting the same key twice may create two messages. If an earlier outcome is uncertain,
    /// call [`Chat::find`] first.
    async fn post(&self, post: &Post) -> Result<MessageRef, Failure>;

    /// Replaces the content of a message. Idempotent.
    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure>;

    /// Returns the message that was posted to `place` with this key, or `None` if there is none. Adapters may search
    /// recent messages only.
    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure>;

    /// Shows a card to one account only, as the reply to an action in this channel; by direct message if the platform
    /// cannot show it in the channel. Best effort: delivery is not guaranteed.
    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure>;

    /// Returns the reactions that are currently on a message of the bot. Fails with [`Failure::Rejected`] if the
    /// message is not the bot's.
    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure>;

    /// Returns those accounts of `among` that can read a channel.
    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure>;

    /// Returns the kind of an account. The result may be cached for up to one minute.
    async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure>;

    /// Returns the kind of an account, bypassing the cache. Used when a vote that was cast earlier is counted.
    async fn account_uncached(&self, person: &PersonRef) -> Result<AccountKind, Failure>;

    /// Returns the kind of a channel. The result may be cached for up to one minute.
    async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure>;

    /// Checks the bot's token and permissions, and whether it can post to these channels. Posts nothing.
    async fn self_check(&self, channels: &[ChannelRef]) -> Vec<CheckResult>;

    /// Checks that the groups with these ids exist and can be mentioned. Posts nothing.
    async fn check_groups(&self, groups: &[String]) -> Vec<CheckResult>;
}
