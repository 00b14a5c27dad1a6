//! What the audit channel reads of a broken glass: which run it is, and the same words as in its thread (security case 90).

use hotfix_adapters::chat::{Card, Text};

use super::Audience;
use super::card::heading;
use super::message::line;
use crate::domain::event::Entry;
use crate::domain::hotfix::Hotfix;

/// An event as the audit channel reads it. `None` for what is not said at all.
#[must_use]
pub fn audit(state_after: &Hotfix, entry: &Entry, audience: &Audience<'_>) -> Option<Card> {
    let said = line(state_after, entry, audience)?;
    let mut lines: Vec<Text> = said.title.into_iter().chain(said.lines).collect();
    lines.push(Text::of("Its thread is in ").channel(state_after.plan.channel.clone()).plain("."));
    Some(Card { title: Some(heading(state_after)), lines, ..said })
}
