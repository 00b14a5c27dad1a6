//! The audit channel's copy of an event about a break-glass: the heading of the run, and the message of its thread
//! (security case 90).

use hotfix_adapters::chat::{Card, Text};

use super::Audience;
use super::card::heading;
use super::message::line;
use crate::domain::event::Entry;
use crate::domain::hotfix::Hotfix;

/// Renders an event for the audit channel; `None` if the event has no message.
#[must_use]
pub fn audit(state_after: &Hotfix, entry: &Entry, audience: &Audience<'_>) -> Option<Card> {
    let said = line(state_after, entry, audience)?;
    let mut lines: Vec<Text> = said.title.into_iter().chain(said.lines).collect();
    lines.push(Text::of("Its thread is in ").channel(state_after.plan.channel.clone()).plain("."));
    Some(Card { title: Some(heading(state_after)), lines, ..said })
}
