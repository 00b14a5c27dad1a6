//! The note about an effect that keeps failing. It shows that the run is blocked by retries, not by a person.

use hotfix_adapters::chat::{Card, Text};
use jiff::Timestamp;

use super::duration::clock;
use super::text::{ended, marked, once, paragraph};

/// An effect that keeps failing and is being retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The effect, for users: "merge pull request #1".
    pub what: String,
    /// The reason of the last failure.
    pub reason: String,
    /// Number of attempts that were made.
    pub tries: u32,
    /// Time of the next attempt.
    pub next: Timestamp,
}

/// Adds the failing effect to a card.
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
