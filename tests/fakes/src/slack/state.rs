//! What there is, and the small questions that everybody asks of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

/// Who a person is to the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A full member.
    Member,
    /// An administrator of the workspace.
    Admin,
    /// A guest of several channels (`is_restricted`).
    Guest,
    /// A guest of one channel (`is_restricted` and `is_ultra_restricted`).
    SingleChannelGuest,
    /// Another bot.
    Bot,
    /// Somebody of another organisation, met in a shared channel (`is_stranger`).
    Stranger,
}

/// One call that the bot made, or one answer that it gave.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// `chat.postMessage`, …; `response_url` for a post to one; `socket.ack` for a frame over Socket Mode.
    pub method: String,
    /// What came with it, without the token; what came as text in a form but is JSON is shown as JSON.
    pub arguments: Value,
    /// What was answered.
    pub answer: Value,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) team: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) standing: Standing,
    pub(super) deleted: bool,
}

#[derive(Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) handle: String,
    pub(super) members: Vec<String>,
    pub(super) disabled: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Private,
    /// Between the bot and this person.
    Direct(String),
}

#[derive(Clone)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) archived: bool,
    pub(super) shared: bool,
    pub(super) members: BTreeSet<String>,
    pub(super) messages: Vec<Message>,
    pub(super) last_us: i64,
}

#[derive(Clone, Default)]
pub(super) struct Message {
    pub(super) ts: String,
    pub(super) thread: Option<String>,
    pub(super) broadcast: bool,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
    pub(super) attachments: Vec<Value>,
    pub(super) metadata: Option<Value>,
    pub(super) reactions: Vec<(String, Vec<String>)>,
    pub(super) edited: bool,
    /// An ephemeral message is seen by one person, and no method knows it.
    pub(super) only_for: Option<String>,
}

#[derive(Clone)]
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) made_us: i64,
    pub(super) used: bool,
}

#[derive(Clone)]
pub(super) struct ResponseUrl {
    pub(super) made_us: i64,
    pub(super) uses: u32,
    pub(super) channel: String,
    pub(super) user: String,
    pub(super) thread: Option<String>,
    /// The message that `replace_original` and `delete_original` mean.
    pub(super) origin: Option<String>,
}

/// A retry of an event that is still to come.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) at_us: i64,
    pub(super) number: u32,
    pub(super) reason: &'static str,
    pub(super) payload: Value,
}

/// Where the app wants its deliveries.
#[derive(Debug, Clone)]
pub struct Urls {
    /// Slash commands.
    pub commands: String,
    /// Buttons, modals and shortcuts.
    pub interactions: String,
    /// The Events API.
    pub events: String,
}

#[derive(Clone)]
pub(super) enum Delivery {
    Http(Urls),
    Socket,
}

/// Everything.
#[derive(Clone)]
pub(super) struct World {
    pub(super) base: String,
    /// Where connections are opened, when that is elsewhere.
    pub(super) sockets: Option<String>,
    pub(super) team: String,
    pub(super) enterprise: Option<String>,
    pub(super) org_wide: bool,
    pub(super) now_us: i64,
    pub(super) next: u64,
    pub(super) bot: String,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: Vec<Group>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) views: BTreeMap<String, Value>,
    pub(super) stacks: BTreeMap<String, Vec<String>>,
    pub(super) wrong: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) homes: BTreeMap<String, Value>,
    pub(super) triggers: BTreeMap<String, Trigger>,
    pub(super) urls: BTreeMap<String, ResponseUrl>,
    pub(super) scopes: BTreeSet<String>,
    pub(super) app_scopes: BTreeSet<String>,
    /// The scopes of the bot that something took so far.
    pub(super) scopes_used: BTreeSet<String>,
    pub(super) revoked: bool,
    pub(super) signing_secret: String,
    pub(super) subscribed: BTreeSet<String>,
    pub(super) delivery: Option<Delivery>,
    pub(super) patience: std::time::Duration,
    pub(super) twice: bool,
    /// The last delivery over HTTP.
    pub(super) last: Option<super::deliver::Letter>,
    pub(super) due: Vec<Due>,
    pub(super) limited: bool,
    pub(super) spent: BTreeMap<String, Vec<i64>>,
    pub(super) planned: BTreeMap<String, Vec<String>>,
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

    /// Slash commands and shortcuts are there only for an app that has the scope.
    pub(super) fn takes_commands(&mut self) {
        assert!(self.scopes.contains("commands"), "the app has no commands: it lacks the scope");
        self.scopes_used.insert("commands".to_owned());
    }

    pub(super) fn record(&mut self, method: &str, arguments: Value, answer: Value) {
        self.said.push(Said { method: method.to_owned(), arguments, answer });
    }

    /// The next timestamp of a channel: unique there, and growing.
    pub(super) fn stamp(&mut self, channel: &str) -> String {
        let now = self.now_us;
        let channel = self.channels.get_mut(channel).expect("a channel");
        channel.last_us = now.max(channel.last_us + 1);
        format!("{}.{:06}", channel.last_us / 1_000_000, channel.last_us % 1_000_000)
    }

    pub(super) fn put(&mut self, channel: &str, mut message: Message) -> String {
        message.ts = self.stamp(channel);
        let ts = message.ts.clone();
        self.channels.get_mut(channel).expect("a channel").messages.push(message);
        ts
    }

    /// A person by name or id.
    pub(super) fn user(&self, who: &str) -> &User {
        let found = self.users.get(who).or_else(|| self.users.values().find(|user| user.name == who));
        found.unwrap_or_else(|| panic!("nobody is called {who}"))
    }

    /// A channel by name, with or without `#`, or by id; `@ada` is ada's direct messages with the bot.
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

    /// The direct messages of the bot with somebody, opened if need be.
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

    /// The number that two people share: `B…` and `A…` belong to the bot user `U…`.
    pub(super) fn bot_id(&self) -> String {
        format!("B{}", &self.bot[1..])
    }

    pub(super) fn app_id(&self) -> String {
        format!("A{}", &self.bot[1..])
    }

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

/// The reactions of a message; of each at most so many people are named, and all are counted.
pub(super) fn reactions_json(message: &Message, named: usize) -> Value {
    let shown = |(name, users): &(String, Vec<String>)| {
        let some: Vec<&String> = users.iter().take(named).collect();
        json!({ "name": name, "users": some, "count": users.len() })
    };
    message.reactions.iter().map(shown).collect()
}
