//! The chat port in a terminal, for demos, drills, development and tests. Users are chosen by name without
//! authentication, so it must never control production.
//!
//! [`Console::parse_input`] converts typed lines to user actions; the port's methods print messages to a screen.
//! Messages and reactions are recorded (see `message_log.rs`), so that [`Console::transcript`] can show a test
//! everything that was displayed, and a restarted bot finds its messages.

mod input;
mod layout;
mod message_log;
mod style;
mod transcript;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use self::layout::Page;
use self::message_log::{Fact, MessageLog, State};
use super::{AccountKind, Card, ChannelKind, Chat, Destination, Post, Reaction};
use crate::check_result::CheckResult;
use crate::failure::Failure;
use crate::ids::{ChannelRef, MessageRef, PersonRef};

pub use self::input::InputError;
pub use self::message_log::{Chatter, Message, OpenError};
pub use self::transcript::{Entry, EntryKind};

/// The configuration of a console.
pub struct ConsoleOptions {
    /// Default channel of a line that names no channel; must be a key of `members`.
    pub main: ChannelRef,
    /// Channels with their members.
    pub members: BTreeMap<ChannelRef, Vec<PersonRef>>,
    /// File in which messages and reactions survive a restart; `None` keeps them in memory only.
    pub persist: Option<PathBuf>,
    /// Output for messages; `None` prints nothing.
    pub screen: Option<Box<dyn Write + Send>>,
    /// `true` if the screen supports ANSI colors.
    pub colour: bool,
    /// Width of the screen in columns.
    pub width: usize,
    /// Part of every dedupe key, different for each start: without a file, the console counts from 1 again.
    pub boot: String,
}

impl ConsoleOptions {
    /// Returns options without a screen and without a file, 100 columns wide.
    #[must_use]
    pub fn new(main: ChannelRef, members: BTreeMap<ChannelRef, Vec<PersonRef>>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let boot = format!("{:x}-{:x}", now.as_nanos(), std::process::id());
        Self { main, members, persist: None, screen: None, colour: false, width: 100, boot }
    }
}

/// Renders a card as in the console, for the command line.
#[must_use]
pub fn render(card: &super::Card, colour: bool, width: usize) -> String {
    Page { colour, width }.card(card, 0)
}

/// A chat in a terminal.
pub struct Console {
    main: ChannelRef,
    members: BTreeMap<ChannelRef, Vec<PersonRef>>,
    boot: String,
    page: Page,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    book: Option<MessageLog>,
    screen: Option<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Console({})", self.main)
    }
}

impl Console {
    /// Opens the console and reads its file, if there is one.
    ///
    /// # Errors
    /// Returns [`OpenError`] if the options are inconsistent or the file cannot be used.
    pub fn open(options: ConsoleOptions) -> Result<Self, OpenError> {
        if !options.members.contains_key(&options.main) {
            return Err(OpenError::NoMainChannel(options.main));
        }
        if let Some(person) = options.members.values().flatten().find(|person| !input::typeable(&person.id)) {
            return Err(OpenError::BadName(person.id.clone()));
        }
        let (book, state) = match &options.persist {
            Some(path) => MessageLog::open(path).map(|(book, state)| (Some(book), state))?,
            None => (None, State::default()),
        };
        Ok(Self {
            main: options.main,
            members: options.members,
            boot: options.boot,
            page: Page { colour: options.colour, width: options.width },
            inner: Mutex::new(Inner { state, book, screen: options.screen }),
        })
    }

    /// Returns all messages in their current state, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.lock().state.messages.values().cloned().collect()
    }

    /// Returns the typed lines that were not addressed to the bot, oldest first.
    #[must_use]
    pub fn chatter(&self) -> Vec<Chatter> {
        self.lock().state.said.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn members(&self, channel: &ChannelRef) -> Result<&[PersonRef], Failure> {
        self.members.get(channel).map(Vec::as_slice).ok_or_else(|| {
            let known: Vec<&str> = self.members.keys().map(ChannelRef::as_str).collect();
            Failure::rejected(format!("there is no channel {channel} at this console; there are {}", known.join(", ")))
        })
    }

    /// Returns the channel of a destination, or a failure if the destination does not exist.
    fn channel_of(&self, place: &Destination, state: &State) -> Result<ChannelRef, Failure> {
        match place {
            Destination::Channel(channel) => self.members(channel).map(|_| channel.clone()),
            Destination::Thread(root) | Destination::ThreadAndChannel(root) => match known(state, root)?.thread() {
                None => Ok(root.channel.clone()),
                Some(above) => {
                    Err(Failure::rejected(format!("{} is an answer itself; its thread hangs on {}", root.id, above.id)))
                }
            },
            Destination::Direct(person) if self.members.values().flatten().any(|member| member == person) => {
                ChannelRef::parse(&format!("@{}", person.id)).map_err(|error| Failure::rejected(error.to_string()))
            }
            Destination::Direct(person) => {
                Err(Failure::rejected(format!("nobody is called {:?} at this console", person.id)))
            }
        }
    }
}

fn known<'a>(state: &'a State, message: &MessageRef) -> Result<&'a Message, Failure> {
    state
        .message(message)
        .ok_or_else(|| Failure::rejected(format!("there is no message {:?} in {}", message.id, message.channel)))
}

impl Inner {
    /// Records a fact, then applies it; in this order, so that nothing is visible that a crash would lose.
    fn take(&mut self, fact: Fact) -> Result<(), Failure> {
        if let Some(book) = &mut self.book {
            book.add(&fact)
                .map_err(|error| Failure::retry(format!("the console's file could not be written: {error}")))?;
        }
        self.state.apply(fact).map_err(Failure::rejected)
    }

    /// Prints the latest fact. A failed write is logged only, because the fact is already recorded.
    fn show(&mut self, page: Page) {
        let (Some(screen), Some((fact, before))) = (&mut self.screen, self.state.shown.last()) else {
            return;
        };
        let text = transcript::on_screen(&self.state, fact, before.as_ref(), page);
        if let Err(error) = screen.write_all(text.as_bytes()).and_then(|()| screen.flush()) {
            tracing::warn!(error = %error, "the console's screen could not be written to");
        }
    }
}

#[async_trait]
impl Chat for Console {
    async fn post(&self, post: &Post) -> Result<MessageRef, Failure> {
        let mut inner = self.lock();
        let channel = self.channel_of(&post.destination, &inner.state)?;
        let message = MessageRef { channel, id: inner.state.next_id() };
        let (place, key, card) = (post.destination.clone(), post.key.clone(), post.card.clone());
        inner.take(Fact::Posted { message: message.clone(), place, key, card })?;
        inner.show(self.page);
        Ok(message)
    }

    async fn update(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        let mut inner = self.lock();
        if known(&inner.state, message)?.card == *card {
            return Ok(());
        }
        inner.take(Fact::Updated { message: message.clone(), card: card.clone() })?;
        inner.show(self.page);
        Ok(())
    }

    /// Returns the oldest message if several have the same key.
    async fn find(&self, place: &Destination, key: &str) -> Result<Option<MessageRef>, Failure> {
        let inner = self.lock();
        let found = inner.state.messages.values().find(|message| message.place == *place && message.key == key);
        Ok(found.map(|message| message.message.clone()))
    }

    async fn whisper(&self, channel: &ChannelRef, to: &PersonRef, card: &Card) -> Result<(), Failure> {
        if !self.audience_of(channel)?.contains(to) {
            return Err(Failure::rejected(format!("{:?} is not in {channel}", to.id)));
        }
        let mut inner = self.lock();
        inner.take(Fact::Whispered { channel: channel.clone(), to: to.clone(), card: card.clone() })?;
        inner.show(self.page);
        Ok(())
    }

    async fn reactions(&self, message: &MessageRef) -> Result<Vec<Reaction>, Failure> {
        known(&self.lock().state, message).map(|message| message.reactions.clone())
    }

    async fn readers_among(&self, channel: &ChannelRef, among: &[PersonRef]) -> Result<Vec<PersonRef>, Failure> {
        let mut readers = self.audience_of(channel)?;
        readers.retain(|reader| among.contains(reader));
        Ok(readers)
    }

    /// Members of any channel are full members; all other accounts are [`AccountKind::Gone`].
    async fn account(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        let known = self.members.values().flatten().any(|member| member == person);
        Ok(if known { AccountKind::Member } else { AccountKind::Gone })
    }

    async fn account_uncached(&self, person: &PersonRef) -> Result<AccountKind, Failure> {
        self.account(person).await
    }

    async fn channel(&self, channel: &ChannelRef) -> Result<ChannelKind, Failure> {
        self.audience_of(channel)?;
        Ok(if channel.as_str().starts_with('@') { ChannelKind::Direct } else { ChannelKind::Own })
    }

    async fn self_check(&self, channels: &[ChannelRef]) -> Vec<CheckResult> {
        let found = |channel: &ChannelRef| match self.audience_of(channel) {
            Ok(people) => CheckResult::ok(format!("the channel {channel}"), format!("{} people read it", people.len())),
            Err(failure) => {
                let next = "Name one of the channels of the console.";
                CheckResult::error(format!("the channel {channel}"), failure.to_string(), next)
            }
        };
        channels.iter().map(found).collect()
    }

    /// Returns no results: a terminal has no groups.
    async fn check_groups(&self, _: &[String]) -> Vec<CheckResult> {
        Vec::new()
    }
}

impl Console {
    /// Returns the readers of a channel; the direct channel `@name` has only that user.
    fn audience_of(&self, channel: &ChannelRef) -> Result<Vec<PersonRef>, Failure> {
        let direct = channel.as_str().strip_prefix('@');
        match direct.and_then(|name| self.members.values().flatten().find(|person| person.id == name)) {
            Some(person) => Ok(vec![person.clone()]),
            None => self.members(channel).map(<[PersonRef]>::to_vec),
        }
    }
}
