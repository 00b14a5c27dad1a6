//! What the console remembers: facts, one after the other, in memory and (if wanted) as JSON lines in a file. The state is
//! only ever changed by a fact, so that what is read back after a restart is what was there before.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::chat::{Card, Destination, Emoji, Reaction};
use crate::ids::{ChannelRef, MessageRef, PersonRef};

/// Something that happened.
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
    /// Somebody reacted; it counts as heard.
    Reacted {
        message: MessageRef,
        person: PersonRef,
        emoji: Emoji,
        added: bool,
    },
    /// Somebody typed a command or pressed a button.
    Heard,
    /// Somebody said something that is not for the bot.
    Said(Chatter),
}

/// Something that somebody said, and not to the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chatter {
    /// Who.
    pub from: PersonRef,
    /// Where.
    pub channel: ChannelRef,
    /// Under which message, when in a thread.
    pub thread: Option<MessageRef>,
    /// What.
    pub text: String,
}

/// A message as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// By which it is known.
    pub message: MessageRef,
    /// Where it was posted.
    pub place: Destination,
    /// The key it was posted with.
    pub key: String,
    /// What it says now.
    pub card: Card,
    /// The reactions that stand on it, oldest first.
    pub reactions: Vec<Reaction>,
}

impl Message {
    /// The message on which the thread hangs that this one is in; its own, when it is in none.
    #[must_use]
    pub fn root(&self) -> &MessageRef {
        match &self.place {
            Destination::Thread(root) | Destination::ThreadAndChannel(root) => root,
            Destination::Channel(_) | Destination::Direct(_) => &self.message,
        }
    }

    /// The thread that this message is in.
    #[must_use]
    pub fn thread(&self) -> Option<MessageRef> {
        Some(self.root()).filter(|root| **root != self.message).cloned()
    }
}

/// Everything that is remembered.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By number: `m1`, `m2`, … over all channels.
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) said: Vec<Chatter>,
    pub(super) heard: u64,
    /// What was shown, in order: posts, changes (with what was there before) and whispers.
    pub(super) shown: Vec<(Fact, Option<Card>)>,
}

/// The number behind the `m` of a message id.
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

    /// Takes a fact in, or says why it cannot have happened.
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

/// Why a console cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The main channel is none of the channels.
    #[error("the main channel {0} is not among the channels that have members")]
    NoMainChannel(ChannelRef),
    /// A person who could not be typed.
    #[error(
        "the person {0:?} cannot type here: a name has no spaces, no colon, no control characters, and does not start with @ or #"
    )]
    BadName(String),
    /// The file cannot be used.
    #[error("the console's file {} cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another console has the file open.
    #[error("the console's file {} is in use by another process", .0.display())]
    Busy(PathBuf),
    /// The file does not read.
    #[error("the console's file {} does not read: line {line}: {why}", path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// The file of facts.
pub(super) struct MessageLog {
    file: File,
    /// Up to here every line is whole.
    length: u64,
}

impl MessageLog {
    /// Opens the file and reads what is in it. A last line without its end is what a crash left; it goes.
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

    /// Adds a fact durably, or not at all.
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
            // Half a line in the middle would spoil the file; what is not cut off now, the next one overwrites.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }
}
