//! The console's output: printed to the screen as it happens, and available afterwards as a transcript.

use super::Console;
use super::layout::Page;
use super::message_log::{Fact, State};
use super::style::{Piece, Style, paint};
use crate::chat::{Card, Destination};
use crate::ids::MessageRef;

/// Width in columns of the cards in a transcript.
const TRANSCRIPT_WIDTH: usize = 100;
/// Indentation in columns of messages in threads.
const THREAD_INDENT: usize = 4;

/// One displayed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of event.
    pub kind: EntryKind,
    /// Destination of the message; for [`EntryKind::Whispered`], the user who saw it.
    pub place: Destination,
    /// The message; `None` for [`EntryKind::Whispered`].
    pub message: Option<MessageRef>,
    /// The card as plain text; for [`EntryKind::Updated`], only the changes.
    pub text: String,
}

/// The kinds of displayed events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A new message.
    Posted,
    /// An update of a message.
    Updated,
    /// An ephemeral message to one user.
    Whispered,
}

impl Console {
    /// Returns all displayed events, in order.
    #[must_use]
    pub fn transcript(&self) -> Vec<Entry> {
        let page = Page { colour: false, width: TRANSCRIPT_WIDTH };
        let inner = self.lock();
        inner.state.shown.iter().filter_map(|(fact, before)| entry(&inner.state, fact, before.as_ref(), page)).collect()
    }

    /// Returns the transcript as one text without colors, with or without message ids.
    #[must_use]
    pub fn plain_transcript(&self, width: usize, with_ids: bool) -> String {
        let page = Page { colour: false, width };
        let inner = self.lock();
        let one = |(fact, before): &(Fact, Option<Card>)| text(&inner.state, fact, before.as_ref(), page, with_ids);
        inner.state.shown.iter().map(one).collect()
    }
}

/// Returns the text printed for a fact.
pub(super) fn on_screen(state: &State, fact: &Fact, before: Option<&Card>, page: Page) -> String {
    text(state, fact, before, page, true)
}

fn text(state: &State, fact: &Fact, before: Option<&Card>, page: Page, with_ids: bool) -> String {
    let Some(seen) = see(state, fact) else {
        return String::new();
    };
    let indent = seen.indent();
    let (heading, id) = seen.heading(with_ids);
    let mut heading = vec![Piece::new(Style::Strong, "hotfix"), Piece::new(Style::Dim, &heading)];
    heading.extend(id.map(|id| Piece::new(Style::Dim, &format!(" · {id}"))));
    let body = match before {
        Some(before) => page.change(before, seen.card, indent),
        None => page.card(seen.card, indent),
    };
    format!("{}{}\n{body}\n", " ".repeat(indent), paint(&heading, page.colour))
}

fn entry(state: &State, fact: &Fact, before: Option<&Card>, page: Page) -> Option<Entry> {
    let seen = see(state, fact)?;
    let text = match before {
        Some(before) => page.change(before, seen.card, 0),
        None => page.card(seen.card, 0),
    };
    Some(Entry { kind: seen.kind, place: seen.place, message: seen.message.cloned(), text })
}

struct Seen<'a> {
    kind: EntryKind,
    place: Destination,
    message: Option<&'a MessageRef>,
    card: &'a Card,
    channel: &'a str,
}

fn see<'a>(state: &State, fact: &'a Fact) -> Option<Seen<'a>> {
    match fact {
        Fact::Posted { message, place, card, .. } => Some(Seen {
            kind: EntryKind::Posted,
            place: place.clone(),
            message: Some(message),
            card,
            channel: message.channel.as_str(),
        }),
        Fact::Updated { message, card } => Some(Seen {
            kind: EntryKind::Updated,
            place: state.message(message)?.place.clone(),
            message: Some(message),
            card,
            channel: message.channel.as_str(),
        }),
        Fact::Whispered { channel, to, card } => Some(Seen {
            kind: EntryKind::Whispered,
            place: Destination::Direct(to.clone()),
            message: None,
            card,
            channel: channel.as_str(),
        }),
        Fact::Reacted { .. } | Fact::Heard | Fact::Said(_) => None,
    }
}

impl Seen<'_> {
    fn indent(&self) -> usize {
        match self.place {
            Destination::Thread(_) | Destination::ThreadAndChannel(_) => THREAD_INDENT,
            Destination::Channel(_) | Destination::Direct(_) => 0,
        }
    }

    /// Returns the heading of a message and the id by which a user can refer to it.
    fn heading(&self, with_ids: bool) -> (String, Option<&str>) {
        let channel = hash(self.channel);
        let thread = |root: &MessageRef| {
            if with_ids { format!("the thread of {}", root.id) } else { "the thread".to_owned() }
        };
        let place = match (&self.place, self.kind) {
            (Destination::Direct(person), EntryKind::Whispered) => {
                format!(" to @{} in {channel}, seen by nobody else", person.id)
            }
            (Destination::Direct(person), _) => format!(" to @{}", person.id),
            (Destination::Channel(_), _) => format!(" in {channel}"),
            (Destination::Thread(root), _) => format!(" in {}", thread(root)),
            (Destination::ThreadAndChannel(root), _) => format!(" in {}, and in {channel}", thread(root)),
        };
        let place = if self.kind == EntryKind::Updated { format!(" ✎ changes a message{place}") } else { place };
        (place, self.message.map(|message| message.id.as_str()).filter(|_| with_ids))
    }
}

/// Returns a channel name with its `#` or `@`.
pub(super) fn hash(channel: &str) -> String {
    if channel.starts_with(['#', '@']) { channel.to_owned() } else { format!("#{channel}") }
}
