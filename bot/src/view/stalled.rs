//! What the bot tried in vain so far. Without it a team would wait for a bot that waits for something else.

use hotfix_adapters::chat::{Card, Text};
use jiff::Timestamp;

use super::duration::clock;
use super::text::{ended, marked, once, paragraph};

/// An act that did not succeed so far, and is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// What the bot wants to do: "merge pull request #1".
    pub what: String,
    /// Why it did not come to it the last time.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub next: Timestamp,
}

/// The same card, with what the bot tried in vain.
#[must_use]
pub fn held_up(mut card: Card, hitch: &Stall, now: Timestamp) -> Card {
    let Stall { what, reason, tries, next } = hitch;
    let tried = match tries {
        0 | 1 => "once".to_owned(),
        several => format!("{several} times"),
    };
    let next = if *next > now {
        format!("The next try is at {}.", clock(*next, now))
    } else {
        "It is tried again now.".to_owned()
    };
    let line = Text::of(format!("Tried {tried} to {what}: ")).then(marked(&ended(&paragraph(once(reason)))));
    card.lines.push(line.plain(format!(" {next}")));
    card
}
