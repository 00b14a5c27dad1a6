//! The state of the workspace: its records, and the lookups that all other modules use.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

/// A user's role in the workspace, which determines the flags in `users.info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A full member.
    Member,
    /// An administrator of the workspace.
    Admin,
    /// A multi-channel guest (`is_restricted`).
    Guest,
    /// A single-channel guest (`is_restricted` and `is_ultra_restricted`).
    SingleChannelGuest,
    /// A bot user (`is_bot`).
    Bot,
    /// A user of another organization in a shared channel (`is_stranger`).
    Stranger,
}

/// One recorded call of the bot: a Web API method, a post to a response URL, or a frame over Socket Mode.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// Name of the Web API method, such as `chat.postMessage`; `response_url` for a post to a response URL;
    /// `socket.ack` for a frame that the app sent over Socket Mode.
    pub method: String,
    /// Arguments without the token. Form fields that contain JSON are shown as JSON.
    pub arguments: Value,
    /// The answer of the fake, with `"ok"`.
    pub answer: Value,
}

/// A user of the workspace, or of another one (see [`Standing::Stranger`]).
#[derive(Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) team: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) standing: Standing,
    pub(super) deleted: bool,
}

/// A user group (`S…`).
#[derive(Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) handle: String,
    pub(super) members: Vec<String>,
    pub(super) disabled: bool,
}

/// Type of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Private,
    /// Direct messages between the bot and the user with this id.
    Direct(String),
}

/// A conversation: a channel or direct messages.
#[derive(Clone)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) archived: bool,
    /// Shared with another organization (`is_ext_shared`).
    pub(super) shared: bool,
    pub(super) members: BTreeSet<String>,
    pub(super) messages: Vec<Message>,
    /// Timestamp of the newest message in microseconds; the next `ts` is greater.
    pub(super) last_us: i64,
}

/// A message; `thread` is the `ts` of the root that it replies to.
#[derive(Clone, Default)]
pub(super) struct Message {
    pub(super) ts: String,
    pub(super) thread: Option<String>,
    /// A thread reply that is also shown in the channel (`reply_broadcast`).
    pub(super) broadcast: bool,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
    pub(super) attachments: Vec<Value>,
    pub(super) metadata: Option<Value>,
    /// Per emoji name: the ids of the users who reacted, in order.
    pub(super) reactions: Vec<(String, Vec<String>)>,
    pub(super) edited: bool,
    /// For an ephemeral message: the id of the only user who sees it. No Web API method finds such a message.
    pub(super) only_for: Option<String>,
}

/// A trigger id, which `views.open` and `views.push` exchange for a modal.
#[derive(Clone)]
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) made_us: i64,
    pub(super) used: bool,
}

/// A response URL, keyed by the last segment of its path.
#[derive(Clone)]
pub(super) struct ResponseUrl {
    pub(super) made_us: i64,
    pub(super) uses: u32,
    pub(super) channel: String,
    pub(super) user: String,
    pub(super) thread: Option<String>,
    /// The `ts` of the message that `replace_original` and `delete_original` apply to.
    pub(super) origin: Option<String>,
}

/// A scheduled retry of an event.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) at_us: i64,
    pub(super) number: u32,
    pub(super) reason: &'static str,
    pub(super) payload: Value,
}

/// Request URLs of the app, by kind of delivery.
#[derive(Debug, Clone)]
pub struct Urls {
    /// URL for slash commands.
    pub commands: String,
    /// URL for interactivity: buttons, menus, modals and shortcuts.
    pub interactions: String,
    /// URL for events (Events API).
    pub events: String,
}

/// Transport of deliveries to the app.
#[derive(Clone)]
pub(super) enum Delivery {
    Http(Urls),
    Socket,
}

/// The complete state of the fake, except its connections. Maps of users, channels and views are keyed by id.
#[derive(Clone)]
pub(super) struct World {
    /// Base URL of the server.
    pub(super) base: String,
    /// Address that `apps.connections.open` returns instead of the server's, set by [`super::Slack::sockets_through`].
    pub(super) sockets: Option<String>,
    pub(super) team: String,
    pub(super) enterprise: Option<String>,
    /// An org-wide installation: payloads carry no team.
    pub(super) org_wide: bool,
    /// The clock, in microseconds since the epoch.
    pub(super) now_us: i64,
    /// Counter for ids of all kinds.
    pub(super) next: u64,
    /// User id of the bot.
    pub(super) bot: String,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: Vec<Group>,
    pub(super) channels: BTreeMap<String, Channel>,
    /// All open modals.
    pub(super) views: BTreeMap<String, Value>,
    /// Per user id: the view ids of the open modals, bottom first.
    pub(super) stacks: BTreeMap<String, Vec<String>>,
    /// Per user id: the errors that the app reported for the top modal, by `block_id`.
    pub(super) wrong: BTreeMap<String, BTreeMap<String, String>>,
    /// Per user id: the published App Home view.
    pub(super) homes: BTreeMap<String, Value>,
    pub(super) triggers: BTreeMap<String, Trigger>,
    pub(super) urls: BTreeMap<String, ResponseUrl>,
    /// Scopes of the bot token.
    pub(super) scopes: BTreeSet<String>,
    /// Scopes of the app-level token.
    pub(super) app_scopes: BTreeSet<String>,
    /// Bot scopes that a call, an event or a slash command has required so far.
    pub(super) scopes_used: BTreeSet<String>,
    /// The app was uninstalled: no token is valid.
    pub(super) revoked: bool,
    pub(super) signing_secret: String,
    /// Names of the event types that are sent, such as `message.im`.
    pub(super) subscribed: BTreeSet<String>,
    /// `None` until a test chooses a transport; deliveries fail until then.
    pub(super) delivery: Option<Delivery>,
    /// Timeout of a delivery, in system time.
    pub(super) patience: std::time::Duration,
    /// Send every envelope on two connections.
    pub(super) twice: bool,
    /// The last delivery over HTTP, for replays.
    pub(super) last: Option<super::deliver::Letter>,
    /// Event retries that are not sent yet.
    pub(super) due: Vec<Due>,
    /// Rate limits are enabled.
    pub(super) limited: bool,
    /// Per rate limit key: the times of the counted calls, in microseconds.
    pub(super) spent: BTreeMap<String, Vec<i64>>,
    /// Per method: the errors for its next calls, in order.
    pub(super) planned: BTreeMap<String, Vec<String>>,
    /// The recorded calls of the bot.
    pub(super) said: Vec<Said>,
}

impl World {
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}0FAKE{:05}", self.next)
    }

    pub(super) fn seconds(&self) -> i64 {
        self.now_us / 1_000_000
    }

    /// Marks the scope `commands` as used. Panics if it is missing: Slack offers slash commands only for an app
    /// that has it.
    pub(super) fn takes_commands(&mut self) {
        assert!(self.scopes.contains("commands"), "the app has no commands: it lacks the scope");
        self.scopes_used.insert("commands".to_owned());
    }

    pub(super) fn record(&mut self, method: &str, arguments: Value, answer: Value) {
        self.said.push(Said { method: method.to_owned(), arguments, answer });
    }

    /// Returns a new `ts` for a message, unique and increasing within the channel.
    pub(super) fn stamp(&mut self, channel: &str) -> String {
        let now = self.now_us;
        let channel = self.channels.get_mut(channel).expect("a channel");
        channel.last_us = now.max(channel.last_us + 1);
        format!("{}.{:06}", channel.last_us / 1_000_000, channel.last_us % 1_000_000)
    }

    /// Appends a message to a channel and returns its `ts`.
    pub(super) fn put(&mut self, channel: &str, mut message: Message) -> String {
        message.ts = self.stamp(channel);
        let ts = message.ts.clone();
        self.channels.get_mut(channel).expect("a channel").messages.push(message);
        ts
    }

    /// Returns a user by name or id. Panics if there is none.
    pub(super) fn user(&self, who: &str) -> &User {
        let found = self.users.get(who).or_else(|| self.users.values().find(|user| user.name == who));
        found.unwrap_or_else(|| panic!("nobody is called {who}"))
    }

    /// Returns a channel by name, with or without `#`, or by id; `@ada` is the direct messages of the user `ada` with
    /// the bot. Panics if there is none.
    pub(super) fn channel(&self, which: &str) -> &Channel {
        let name = which.trim_start_matches('#');
        let direct = which.strip_prefix('@').map(|who| self.user(who).id.clone());
        let fits = |channel: &&Channel| match &channel.kind {
            Kind::Direct(with) => direct.as_ref() == Some(with),
            Kind::Public | Kind::Private => channel.name == name,
        };
        let found = self.channels.get(which).or_else(|| self.channels.values().find(fits));
        found.unwrap_or_else(|| panic!("no channel is called {which}"))
    }

    /// Returns the id of the bot's direct messages with a user, and opens them if necessary.
    pub(super) fn direct(&mut self, user: &str) -> String {
        let known = self.channels.values().find(|channel| channel.kind == Kind::Direct(user.to_owned()));
        if let Some(known) = known {
            return known.id.clone();
        }
        let members = [user.to_owned(), self.bot.clone()];
        self.add_channel("directmessage", Kind::Direct(user.to_owned()), &members)
    }

    pub(super) fn add_channel(&mut self, name: &str, kind: Kind, members: &[String]) -> String {
        let id = self.id(if matches!(kind, Kind::Direct(_)) { "D" } else { "C" });
        let channel = Channel {
            id: id.clone(),
            name: name.to_owned(),
            kind,
            archived: false,
            shared: false,
            members: members.iter().cloned().collect(),
            messages: Vec::new(),
            last_us: 0,
        };
        self.channels.insert(id.clone(), channel);
        id
    }

    pub(super) fn message(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.channels.get_mut(channel)?.messages.iter_mut().find(|message| message.ts == ts)
    }

    /// Returns the bot id. `B…` and the app id `A…` share their suffix with the bot's user id `U…`.
    pub(super) fn bot_id(&self) -> String {
        format!("B{}", &self.bot[1..])
    }

    pub(super) fn app_id(&self) -> String {
        format!("A{}", &self.bot[1..])
    }

    /// Returns a message as the Web API shows it. `metadata` includes the message metadata.
    pub(super) fn message_json(&self, channel: &Channel, message: &Message, metadata: bool) -> Value {
        let mut json = json!({ "type": "message", "ts": message.ts, "text": message.text, "user": message.author,
            "team": self.team });
        if message.author == self.bot {
            json["bot_id"] = self.bot_id().into();
            json["app_id"] = self.app_id().into();
        }
        if message.broadcast {
            json["subtype"] = "thread_broadcast".into();
        }
        if !message.blocks.is_empty() {
            json["blocks"] = message.blocks.clone().into();
        }
        if !message.attachments.is_empty() {
            json["attachments"] = message.attachments.clone().into();
        }
        if message.edited {
            json["edited"] = json!({ "user": message.author, "ts": message.ts });
        }
        let replies: Vec<&Message> = channel
            .messages
            .iter()
            .filter(|it| it.only_for.is_none() && it.thread.as_ref() == Some(&message.ts))
            .collect();
        if let Some(last) = replies.last() {
            let users: BTreeSet<&str> = replies.iter().map(|it| it.author.as_str()).collect();
            json["thread_ts"] = message.ts.clone().into();
            json["reply_count"] = replies.len().into();
            json["reply_users_count"] = users.len().into();
            json["reply_users"] = users.into_iter().collect::<Vec<_>>().into();
            json["latest_reply"] = last.ts.clone().into();
        }
        if let Some(thread) = &message.thread {
            json["thread_ts"] = thread.clone().into();
        }
        if !message.reactions.is_empty() {
            json["reactions"] = reactions_json(message, usize::MAX);
        }
        if let Some(carried) = message.metadata.as_ref().filter(|_| metadata) {
            json["metadata"] = carried.clone();
        }
        json
    }
}

/// Returns the reactions of a message as `reactions.get` shows them: at most `named` users per reaction, but
/// the full count.
pub(super) fn reactions_json(message: &Message, named: usize) -> Value {
    let shown = |(name, users): &(String, Vec<String>)| {
        let some: Vec<&String> = users.iter().take(named).collect();
        json!({ "name": name, "users": some, "count": users.len() })
    };
    message.reactions.iter().map(shown).collect()
}
