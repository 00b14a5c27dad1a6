//! The state of the fake: the guild and its records. Maps are keyed by snowflake id.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::limits::Limits;
use super::permissions as may;
use super::sessions::Gateway;

/// Discord's epoch, from which snowflakes count: 2015-01-01, in milliseconds since the Unix epoch.
pub(super) const EPOCH_MS: i64 = 1_420_070_400_000;

/// The complete state of one Discord with one guild and one application.
pub(crate) struct State {
    /// Base URL of the server, `http://…` without a trailing slash.
    pub(super) url: String,
    /// The clock, in milliseconds since the Unix epoch. It stands still until a test moves it.
    pub(super) now_ms: i64,
    /// Counter that makes snowflakes unique.
    counted: u64,
    /// The bot token.
    pub(super) token: String,
    /// Id of the application and of its bot user, which are the same in Discord for all but old applications.
    pub(super) app: u64,
    pub(super) guild: u64,
    /// Id of the @everyone role, which is the id of the guild.
    pub(super) everyone: u64,
    /// All users, including those who left the guild.
    pub(super) users: BTreeMap<u64, User>,
    pub(super) members: BTreeMap<u64, Member>,
    pub(super) roles: BTreeMap<u64, Role>,
    pub(super) channels: BTreeMap<u64, Channel>,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) commands: Vec<Command>,
    pub(super) interactions: BTreeMap<u64, Interaction>,
    pub(super) gateway: Gateway,
    pub(super) limits: Limits,
    /// Notifications that the bot caused: the message, and the mention (`<@…>`, `<@&…>`, `@everyone` or `@here`).
    pub(super) pings: Vec<(u64, String)>,
    /// Permissions that the bot's calls have required so far.
    pub(super) rights_used: Cell<u64>,
    /// The role that all members but the bot get after [`super::DiscordFake::permit_only`].
    pub(super) people: Option<u64>,
    /// Messages that the bot sent or edited without `allowed_mentions: {"parse": []}`.
    pub(super) unguarded: Vec<u64>,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) bot: bool,
    /// The user accepts no direct messages.
    pub(super) closed: bool,
}

#[derive(Clone)]
pub(super) struct Member {
    pub(super) nick: Option<String>,
    pub(super) roles: BTreeSet<u64>,
    /// The member has not accepted the guild's rules yet (membership screening).
    pub(super) pending: bool,
    pub(super) joined_ms: i64,
}

#[derive(Clone)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) permissions: u64,
    /// All members may mention the role.
    pub(super) mentionable: bool,
    /// The bot that this managed role belongs to.
    pub(super) of: Option<u64>,
}

/// Type of a channel.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A public thread. `members` maps each member to the time of joining in milliseconds.
    Thread {
        parent: u64,
        owner: u64,
        members: BTreeMap<u64, i64>,
    },
    /// Direct messages between the bot and a user.
    Direct {
        with: u64,
    },
}

/// A channel. A thread has the id of the message that it was started from.
#[derive(Clone)]
pub(super) struct Channel {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Per member: the permission bits denied in this channel (permission overwrites).
    pub(super) denied: BTreeMap<u64, u64>,
    /// Id of the newest message.
    pub(super) last: Option<u64>,
    /// Number of messages ever sent, excluding ephemeral ones.
    pub(super) sent: u64,
}

#[derive(Clone)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) channel: u64,
    pub(super) author: u64,
    pub(super) content: String,
    pub(super) embeds: Vec<Value>,
    pub(super) components: Vec<Value>,
    pub(super) flags: u64,
    pub(super) nonce: Option<Value>,
    pub(super) at_ms: i64,
    pub(super) edited_ms: Option<i64>,
    /// Reactions in the order in which their emoji were first used.
    pub(super) reactions: Vec<Reaction>,
    /// The only user who sees it, if it is ephemeral.
    pub(super) only_for: Option<u64>,
    /// The interaction that this message responds to.
    pub(super) answers: Option<u64>,
    /// The message that this message replies to.
    pub(super) replies_to: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Reaction {
    pub(super) emoji: String,
    pub(super) users: BTreeSet<u64>,
}

/// A registered application command.
#[derive(Clone)]
pub(super) struct Command {
    /// JSON as Discord lists it, with the id and all defaults.
    pub(super) shape: Value,
    /// A command of the guild; otherwise a global command.
    pub(super) in_guild: bool,
}

impl Command {
    pub(super) fn name(&self) -> &str {
        self.shape["name"].as_str().unwrap()
    }
}

/// The user action behind an interaction. The values are Discord's interaction types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Command = 2,
    Press = 3,
    Submit = 5,
}

/// The first response of the bot to an interaction.
#[derive(Clone, PartialEq)]
pub(super) enum Ack {
    /// An immediate message.
    Message,
    /// A deferred message; users see "is thinking…" until a follow-up replaces it.
    Deferred,
    /// A deferred update: the message with the button can be edited later.
    DeferredUpdate,
    /// An immediate edit of the message with the button.
    Update,
    /// A modal, as JSON.
    Modal(Value),
}

/// An interaction and its responses.
#[derive(Clone)]
pub(super) struct Interaction {
    pub(super) id: u64,
    pub(super) token: String,
    pub(super) act: Act,
    pub(super) user: u64,
    pub(super) channel: u64,
    pub(super) at_ms: i64,
    /// The `INTERACTION_CREATE` payload that the gateway sent.
    pub(super) told: Value,
    pub(super) ack: Option<Ack>,
    /// The message with the pressed button, or with the button that opened the modal.
    pub(super) source: Option<u64>,
    /// For a submitted modal: the interaction that opened it.
    pub(super) opened_by: Option<u64>,
    /// The message that `@original` refers to.
    pub(super) original: Option<u64>,
    /// The modal that this interaction opened was submitted.
    pub(super) closed: bool,
}

impl State {
    pub(super) fn new(token: &str) -> Self {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let mut state = Self {
            url: String::new(),
            now_ms,
            counted: 0,
            token: token.to_owned(),
            app: 0,
            guild: 0,
            everyone: 0,
            users: BTreeMap::new(),
            members: BTreeMap::new(),
            roles: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: BTreeMap::new(),
            commands: Vec::new(),
            interactions: BTreeMap::new(),
            gateway: Gateway::default(),
            limits: Limits::default(),
            pings: Vec::new(),
            unguarded: Vec::new(),
            rights_used: Cell::new(0),
            people: None,
        };
        state.guild = state.id();
        state.everyone = state.guild;
        let everyone = Role { name: "@everyone".to_owned(), permissions: may::PEOPLE, mentionable: false, of: None };
        state.roles.insert(state.everyone, everyone);
        state.app = state.user("hotfix", true);
        let own = state.id();
        let role = Role { name: "hotfix".to_owned(), permissions: may::BOT, mentionable: false, of: Some(state.app) };
        state.roles.insert(own, role);
        state.members.get_mut(&state.app.clone()).unwrap().roles.insert(own);
        state
    }

    /// Returns a new snowflake, greater than all earlier ones.
    pub(super) fn id(&mut self) -> u64 {
        self.counted += 1;
        let since = u64::try_from(self.now_ms - EPOCH_MS).unwrap();
        (since << 22) | self.counted
    }

    /// Creates a user who is a member of the guild. Returns the user id.
    pub(super) fn user(&mut self, name: &str, bot: bool) -> u64 {
        let id = self.id();
        self.users.insert(id, User { name: name.to_owned(), bot, closed: false });
        let joined_ms = self.now_ms;
        let roles = self.people.into_iter().collect();
        self.members.insert(id, Member { nick: None, roles, pending: false, joined_ms });
        id
    }

    /// Returns the direct message channel of the bot with a user. Creates it if necessary.
    pub(super) fn direct(&mut self, with: u64) -> u64 {
        let known = self.channels.iter().find(|(_, channel)| channel.kind == Kind::Direct { with });
        known.map(|(id, _)| *id).unwrap_or_else(|| self.open(Kind::Direct { with }, ""))
    }

    pub(super) fn open(&mut self, kind: Kind, name: &str) -> u64 {
        let id = self.id();
        self.open_as(id, kind, name);
        id
    }

    pub(super) fn open_as(&mut self, id: u64, kind: Kind, name: &str) {
        self.channels.insert(id, Channel { kind, name: name.to_owned(), denied: BTreeMap::new(), last: None, sent: 0 });
    }

    /// Returns the guild of a channel; `None` for direct messages.
    pub(super) fn guild_of(&self, channel: u64) -> Option<u64> {
        (!matches!(self.channels[&channel].kind, Kind::Direct { .. })).then_some(self.guild)
    }

    /// Returns the messages of a channel, oldest first, without ephemeral ones.
    pub(super) fn messages_in(&self, channel: u64) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values().filter(move |message| message.channel == channel && message.only_for.is_none())
    }
}
