//! The home page of a person: the asks to them, their open runs, and the other open runs.

use hotfix_adapters::chat::{Card, Span, Text, Tone};
use jiff::Timestamp;

use super::Audience;
use super::card::heading;
use super::list::list;
use super::waiting_on::asks;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;

/// Renders the home page. `runs` are the runs that the person may see; `me` is `None` for an account that
/// maps to no person.
#[must_use]
pub fn home(runs: &[&Hotfix], me: Option<&PersonId>, audience: &Audience<'_>, now: Timestamp) -> Vec<Card> {
    let Some(me) = me else { return vec![nobody()] };
    let open: Vec<&Hotfix> = runs.iter().copied().filter(|run| !run.is_over()).collect();
    let (mine, others): (Vec<&Hotfix>, Vec<&Hotfix>) = open.iter().partition(|run| &run.requester == me);
    let part = |title: &str, runs: &[&Hotfix]| Card { title: Some(Text::of(title)), ..list(runs, audience, now) };
    vec![waiting(&open, me, audience, now), part("Your open runs", &mine), part("Other open runs", &others)]
}

/// Renders the reply to `list --mine`, for chats without a home page: the asks to the person and their runs.
#[must_use]
pub fn mine(runs: &[&Hotfix], me: Option<&PersonId>, audience: &Audience<'_>, now: Timestamp) -> Card {
    let Some(me) = me else { return nobody() };
    let own: Vec<&Hotfix> = runs.iter().copied().filter(|run| &run.requester == me).collect();
    let mut card = waiting(runs, me, audience, now);
    card.lines.push(Text::new().strong("Your runs"));
    card.lines.extend(list(&own, audience, now).lines);
    card
}

fn nobody() -> Card {
    let text =
        "I do not know whose account this is: you may look, and not act. Ask an operator to add it to people.toml.";
    Card::line(Tone::Warning, Text::of(text))
}

/// Lists the asks to the person. Runs that have ended ask nothing.
fn waiting(runs: &[&Hotfix], me: &PersonId, audience: &Audience<'_>, now: Timestamp) -> Card {
    let call = audience.call(me);
    let waits = runs.iter().flat_map(|run| {
        let asked = asks(run, audience, now).into_iter().filter(|text| text.0.contains(&call));
        asked.map(|text| Text::new().then(heading(run)).plain(": ").then(without(text, &call)))
    });
    let mut lines: Vec<Text> = waits.collect();
    let tone = if lines.is_empty() { Tone::Neutral } else { Tone::Asking };
    if lines.is_empty() {
        lines.push(Text::of("Nothing."));
    }
    Card { tone, title: Some(Text::of("Waits for you")), lines, ..Card::default() }
}

/// Replaces the mention of the reader by "you".
fn without(text: Text, call: &Span) -> Text {
    let you = |span: Span| if &span == call { Span::Plain("you".to_owned()) } else { span };
    Text(text.0.into_iter().map(you).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{asked, person, same};
    use crate::view::plain;

    #[test]
    fn what_waits_for_a_person_stands_before_their_runs() {
        let play = asked();
        let shown = |who: &str| plain(&mine(&[&play.state], Some(&person(who)), &play.to(), play.now));
        same(
            &shown("ana"),
            r#"
Waits for you
Nothing.
Your runs
HF-12 payments — Fix 500 on upload: waiting for votes for production (Ana, for 22 m)
"#,
        );
        let ben = shown("ben");
        assert!(ben.starts_with("Waits for you\nHF-12 payments — Fix 500 on upload: "), "{ben}");
        assert!(ben.ends_with("Your runs\nThere are no such runs.\n"), "{ben}");
        assert!(plain(&mine(&[&play.state], None, &play.to(), play.now)).contains("whose account this is"));
    }
}
