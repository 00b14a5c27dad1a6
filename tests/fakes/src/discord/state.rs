//! What there is.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::limits::Limits;
use super::permissions as may;
use super::sessions::Gateway;

/// The first second of 2015, from which snowflakes count.
pub(super) const EPOCH_MS: i64 = 1_420_070_400_000;

pub(crate) struct State {
    /// `http://…`, without a slash at the end.
    pub(super) url: String,
    /// Milliseconds since 1970. It stands still until a test moves it.
    pub(super) now_ms: i64,
    counted: u64,
    pub(super) token: String,
    /// The application and its bot user have one number, as with every newer one.
    pub(super) app: u64,
    pub(super) guild: u64,
    pub(super) everyone: u64,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) members: BTreeMap<u64, Member>,
    pub(super) roles: BTreeMap<u64, Role>,
    pub(super) channels: BTreeMap<u64, Channel>,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) commands: Vec<Command>,
    pub(super) interactions: BTreeMap<u64, Interaction>,
    pub(super) gateway: Gateway,
    pub(super) limits: Limits,
    /// Everything that made somebody's phone ring, with the message.
    pub(super) pings: Vec<(u64, String)>,
    /// The rights that calls took.
    pub(super) rights_used: Cell<u64>,
    /// The role of all people, where @everyone has no rights.
    pub(super) people: Option<u64>,
    /// What was sent or edited without `allowed_mentions: {"parse": []}`.
    pub(super) unguarded: Vec<u64>,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) bot: bool,
    /// They take no direct messages.
    pub(super) closed: bool,
}

#[derive(Clone)]
pub(super) struct Member {
    pub(super) nick: Option<String>,
    pub(super) roles: BTreeSet<u64>,
    pub(super) pending: bool,
    pub(super) joined_ms: i64,
}

#[derive(Clone)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) permissions: u64,
    /// Anybody may call it.
    pub(super) mentionable: bool,
    /// It was made for this bot.
    pub(super) of: Option<u64>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Thread { parent: u64, owner: u64, members: BTreeMap<u64, i64> },
    Direct { with: u64 },
}

#[derive(Clone)]
pub(super) struct Channel {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// What members are denied here, by member.
    pub(super) denied: BTreeMap<u64, u64>,
    pub(super) last: Option<u64>,
    /// How many messages were ever sent.
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
    /// In the order in which the emoji came first.
    pub(super) reactions: Vec<Reaction>,
    /// Only they see it.
    pub(super) only_for: Option<u64>,
    /// It answers this interaction.
    pub(super) answers: Option<u64>,
    /// The message it replies to.
    pub(super) replies_to: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Reaction {
    pub(super) emoji: String,
    pub(super) users: BTreeSet<u64>,
}

#[derive(Clone)]
pub(super) struct Command {
    /// As it is listed: with its number and defaults.
    pub(super) shape: Value,
    /// Known in the guild only, or everywhere.
    pub(super) in_guild: bool,
}

impl Command {
    pub(super) fn name(&self) -> &str {
        self.shape["name"].as_str().unwrap()
    }
}

/// What a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Command = 2,
    Press = 3,
    Submit = 5,
}

/// How the bot acknowledged.
#[derive(Clone, PartialEq)]
pub(super) enum Ack {
    /// A message, at once.
    Message,
    /// "is thinking…", until the message comes.
    Deferred,
    /// Nothing is shown; the pressed message may change later.
    DeferredUpdate,
    /// The pressed message changed.
    Update,
    /// A modal.
    Modal(Value),
}

#[derive(Clone)]
pub(super) struct Interaction {
    pub(super) id: u64,
    pub(super) token: String,
    pub(super) act: Act,
    pub(super) user: u64,
    pub(super) channel: u64,
    pub(super) at_ms: i64,
    /// What the gateway told.
    pub(super) told: Value,
    pub(super) ack: Option<Ack>,
    /// The message that was pressed, or that led to the modal.
    pub(super) source: Option<u64>,
    /// The interaction that opened the modal that was submitted.
    pub(super) opened_by: Option<u64>,
    /// `@original`.
    pub(super) original: Option<u64>,
    /// The modal was sent off or put away.
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

    /// A snowflake: later ones are greater.
    pub(super) fn id(&mut self) -> u64 {
        self.counted += 1;
        let since = u64::try_from(self.now_ms - EPOCH_MS).unwrap();
        (since << 22) | self.counted
    }

    /// Somebody, who joins the guild.
    pub(super) fn user(&mut self, name: &str, bot: bool) -> u64 {
        let id = self.id();
        self.users.insert(id, User { name: name.to_owned(), bot, closed: false });
        let joined_ms = self.now_ms;
        let roles = self.people.into_iter().collect();
        self.members.insert(id, Member { nick: None, roles, pending: false, joined_ms });
        id
    }

    /// The conversation of the bot with somebody, opened if it was not.
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

    /// The guild a channel is in; none for a direct conversation.
    pub(super) fn guild_of(&self, channel: u64) -> Option<u64> {
        (!matches!(self.channels[&channel].kind, Kind::Direct { .. })).then_some(self.guild)
    }

    /// The messages of a channel that everybody in it sees, oldest first.
    pub(super) fn messages_in(&self, channel: u64) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values().filter(move |message| message.channel == channel && message.only_for.is_none())
    }
}
