//! What the bot cannot read. While it cannot, it does not see what people wait for.

use hotfix_adapters::chat::{Card, Text, Tone};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Audience;
use super::ask::owner;
use super::duration::clock;
use super::phrase::{ended, marked, paragraph};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::HotfixId;

/// A read that fails again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// For which run.
    pub run: HotfixId,
    /// Of what: "pull request #1".
    pub what: String,
    /// Of what, in a metric.
    pub read: String,
    /// Why, the last time.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether it can pass by itself.
    pub passes: bool,
}

/// The warning in the thread.
pub(crate) fn unread(state: &Hotfix, trouble: &Trouble, to: &Audience<'_>, now: Timestamp) -> Card {
    let title = Text::of(format!("Could not read {} since {}", trouble.what, clock(trouble.since, now)));
    let next =
        owner(state, to).plain(format!(": until it can be read, what changes there is not seen. {}", remedy(trouble)));
    Card {
        tone: Tone::Warning,
        title: Some(title),
        lines: vec![marked(&ended(&paragraph(&trouble.reason))), next],
        ..Card::default()
    }
}

/// The same card, with what cannot be read.
#[must_use]
pub(crate) fn unreadable_things(mut card: Card, troubles: &[Trouble], now: Timestamp) -> Card {
    card.lines.extend(troubles.iter().map(|trouble| {
        let line = Text::of(format!("Could not read {} since {}: ", trouble.what, clock(trouble.since, now)));
        line.then(marked(&ended(&paragraph(&trouble.reason)))).plain(format!(" {}", remedy(trouble)))
    }));
    card
}

/// What to do about it.
pub(crate) fn remedy(trouble: &Trouble) -> &'static str {
    if trouble.passes {
        "The bot keeps trying; look whether the other side answers."
    } else {
        "It does not pass by itself: put it right there (`hotfix doctor` looks at access and names); the bot reads it again by itself."
    }
}
