//! A person's own page: what waits for them, what they opened, what else goes on.

use hotfix_adapters::chat::{Card, Span, Text, Tone};
use jiff::Timestamp;

use super::Audience;
use super::ask::asks;
use super::card::heading;
use super::list::list;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;

/// The page. `runs` are those that the person may look at; `me` is nobody for an account that belongs to no person.
#[must_use]
pub fn home(runs: &[&Hotfix], me: Option<&PersonId>, audience: &Audience<'_>, now: Timestamp) -> Vec<Card> {
    let Some(me) = me else {
        let text =
            "I do not know whose account this is: you may look, and not act. Ask an operator to add it to people.toml.";
        return vec![Card::line(Tone::Warning, Text::of(text))];
    };
    let open: Vec<&Hotfix> = runs.iter().copied().filter(|run| !run.is_over()).collect();
    let (mine, others): (Vec<&Hotfix>, Vec<&Hotfix>) = open.iter().partition(|run| &run.requester == me);
    let call = audience.call(me);
    let waits = open.iter().flat_map(|run| {
        let asked = asks(run, audience, now).into_iter().filter(|text| text.0.contains(&call));
        asked.map(|text| Text::new().then(heading(run)).plain(": ").then(without(text, &call)))
    });
    let mut waits: Vec<Text> = waits.collect();
    let tone = if waits.is_empty() { Tone::Neutral } else { Tone::Asking };
    if waits.is_empty() {
        waits.push(Text::of("Nothing."));
    }
    let part = |title: &str, runs: &[&Hotfix]| Card { title: Some(Text::of(title)), ..list(runs, audience, now) };
    vec![
        Card { tone, title: Some(Text::of("Waits for you")), lines: waits, ..Card::default() },
        part("Your open runs", &mine),
        part("Other open runs", &others),
    ]
}

/// On their own page nobody has to be called.
fn without(text: Text, call: &Span) -> Text {
    let you = |span: Span| if &span == call { Span::Plain("you".to_owned()) } else { span };
    Text(text.0.into_iter().map(you).collect())
}
