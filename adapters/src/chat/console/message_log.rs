//! The console's event log: facts in memory and, if configured, as JSON lines in a file. State changes only by applying
//! a fact, so replaying the file after a restart restores it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::chat::{Card, Destination, Emoji, Reaction};
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    Posted {
        message: MessageRef,
        place: Destination,
        key: String,
        card: Card,
    },
    Updated {
        message: MessageRef,
        card: Card,
    },
    Whispered {
        channel: ChannelRef,
        to: PersonRef,
        card: Card,
    },
    /// A user added or removed a reaction; also counts as an action for the dedupe key.
    Reacted {
        message: MessageRef,
        person: PersonRef,
        emoji: Emoji,
        added: bool,
    },
    /// A user typed a command or pressed a button.
    Heard,
    /// A user typed a line that was not addressed to the bot.
    Said(Chatter),
}

/// A typed line that was not addressed to the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chatter {
    /// The user that the line names.
    pub from: PersonRef,
    /// The channel of the line.
    pub channel: ChannelRef,
    /// Root message of the thread; `None` outside a thread.
    pub thread: Option<MessageRef>,
    /// Text after the name and place.
    pub text: String,
}

/// A posted message in its current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Reference of the message.
    pub message: MessageRef,
    /// Destination that it was posted to.
    pub place: Destination,
    /// Natural key that it was posted with.
    pub key: String,
    /// Current content of the message.
    pub card: Card,
    /// Current reactions, oldest first.
    pub reactions: Vec<Reaction>,
}

impl Message {
    /// Returns the root message of the thread that this message is in, or this message itself outside a thread.
    #[must_use]
    pub fn root(&self) -> &MessageRef {
        match &self.place {
            Destination::Thread(root) | Destination::ThreadAndChannel(root) => root,
            Destination::Channel(_) | Destination::Direct(_) => &self.message,
        }
    }

    /// Returns the root of the thread that this message is in; `None` outside a thread.
    #[must_use]
    pub fn thread(&self) -> Option<MessageRef> {
        Some(self.root()).filter(|root| **root != self.message).cloned()
    }
}

/// State of the console, built from its facts.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Messages by the number in their id: `m1`, `m2`, …, counted over all channels.
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) said: Vec<Chatter>,
    pub(super) heard: u64,
    /// Displayed facts in order: posts, updates (with the previous card) and ephemeral messages.
    pub(super) shown: Vec<(Fact, Option<Card>)>,
}

/// Parses the number in a message id.
pub(super) fn number(id: &str) -> Option<u64> {
    id.strip_prefix('m').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

impl State {
    pub(super) fn next_id(&self) -> String {
        format!("m{}", self.messages.last_key_value().map_or(1, |(last, _)| last + 1))
    }

    pub(super) fn message(&self, message: &MessageRef) -> Option<&Message> {
        self.messages.get(&number(&message.id)?).filter(|found| found.message == *message)
    }

    fn message_mut(&mut self, message: &MessageRef) -> Result<&mut Message, String> {
        let found = number(&message.id).and_then(|number| self.messages.get_mut(&number));
        found.filter(|found| found.message == *message).ok_or_else(|| format!("no message {}", message.id))
    }

    /// Applies a fact, or returns why it is inconsistent with the state.
    pub(super) fn apply(&mut self, fact: Fact) -> Result<(), String> {
        match &fact {
            Fact::Posted { message, place, key, card } => {
                let number = number(&message.id).filter(|_| message.id == self.next_id());
                let number = number.ok_or_else(|| format!("message {} out of order", message.id))?;
                let (message, place, key, card) = (message.clone(), place.clone(), key.clone(), card.clone());
                self.messages.insert(number, Message { message, place, key, card, reactions: Vec::new() });
                self.shown.push((fact, None));
            }
            Fact::Updated { message, card } => {
                let before = std::mem::replace(&mut self.message_mut(message)?.card, card.clone());
                self.shown.push((fact, Some(before)));
            }
            Fact::Whispered { .. } => self.shown.push((fact, None)),
            Fact::Reacted { message, person, emoji, added } => {
                let reaction = Reaction { person: person.clone(), emoji: emoji.clone() };
                let standing = &mut self.message_mut(message)?.reactions;
                standing.retain(|known| *known != reaction);
                standing.extend(Some(reaction).filter(|_| *added));
                self.heard += 1;
            }
            Fact::Heard => self.heard += 1,
            Fact::Said(chatter) => self.said.push(chatter.clone()),
        }
        Ok(())
    }
}

/// The reasons why a console cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The main channel is not among the channels with members.
    #[error("the main channel {0} is not among the channels that have members")]
    NoMainChannel(ChannelRef),
    /// A user name that the input syntax cannot express.
    #[error(
        "the person {0:?} cannot type here: a name has no spaces, no colon, no control characters, and does not start with @ or #"
    )]
    BadName(String),
    /// The file cannot be opened, read or locked.
    #[error("the console's file {} cannot be used", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// Another process has locked the file.
    #[error("the console's file {} is in use by another process", .0.display())]
    Busy(PathBuf),
    /// The file contains an invalid or inconsistent line.
    #[error("the console's file {} does not read: line {line}: {why}", path.display())]
    Corrupt {
        /// Path of the file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// Description of the error.
        why: String,
    },
}

/// The file of recorded facts.
pub(super) struct MessageLog {
    file: File,
    /// Length in bytes of all complete lines.
    length: u64,
}

impl MessageLog {
    /// Opens and locks the file and replays its facts. Truncates an incomplete last line, which a crash may leave.
    pub(super) fn open(path: &Path) -> Result<(Self, State), OpenError> {
        let failed = |source| OpenError::File { path: path.to_owned(), source };
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => OpenError::Busy(path.to_owned()),
            fs::TryLockError::Error(source) => failed(source),
        })?;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let (mut state, mut length) = (State::default(), 0);
        let mut reader = BufReader::new(&file);
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            reader.read_until(b'\n', &mut text).map_err(failed)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            let corrupt = |why: String| OpenError::Corrupt { path: path.to_owned(), line, why };
            let fact = serde_json::from_slice(&text).map_err(|error| corrupt(error.to_string()))?;
            state.apply(fact).map_err(corrupt)?;
            length += u64::try_from(text.len()).unwrap_or(u64::MAX);
        }
        file.set_len(length).map_err(failed)?;
        Ok((Self { file, length }, state))
    }

    /// Appends a fact durably, or not at all.
    pub(super) fn add(&mut self, fact: &Fact) -> io::Result<()> {
        let mut line = serde_json::to_vec(fact)?;
        line.push(b'\n');
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(&line))
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += u64::try_from(line.len()).unwrap_or(u64::MAX),
            // A partial line in the middle would corrupt the file. If this truncation fails too, the next append
            // overwrites the rest.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }
}
