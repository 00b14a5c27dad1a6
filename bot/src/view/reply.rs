//! Short answers to whoever typed something. What a command changed shows in the thread; these only say that it was heard.

use hotfix_adapters::chat::{Card, Text, Tone};
use jiff::Timestamp;

use super::Audience;
use super::attribution::{sources, unknown};
use super::status::standing;
use super::text::{capital, containment, ended, outside};
use crate::domain::hotfix::{Hotfix, Mainline};

/// A run was opened.
#[must_use]
pub fn opened(state: &Hotfix, _to: &Audience<'_>) -> Card {
    let text = Text::new()
        .strong(state.id.to_string())
        .plain(format!(" is open. I am looking at what production runs and what {} holds; ", state.plan.main))
        .plain("the rest will be said in ")
        .channel(state.plan.channel.clone())
        .plain(".");
    Card::line(Tone::Good, text)
}

/// A second start joined a run.
#[must_use]
pub fn joined(state: &Hotfix, to: &Audience<'_>) -> Card {
    let text = Text::new()
        .strong(state.id.to_string())
        .plain(format!(" by {} is running already, and you joined it: ", to.name(&state.requester)))
        .plain("there is one hotfix branch at a time (APPLY-13). A fix named with ")
        .code("--fix")
        .plain(" goes onto it; you can also push to ")
        .code(state.plan.branch.to_string())
        .plain(". Tests and votes start again with what is added.");
    Card::line(Tone::Good, text)
}

/// A command about a run was done.
#[must_use]
pub fn done(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Card {
    let (_, words) = standing(state, to.people, now);
    Card::line(
        Tone::Good,
        Text::new().strong(state.id.to_string()).plain(format!(": noted. {}", ended(&capital(&words)))),
    )
}

/// The same input came again.
#[must_use]
pub fn seen_before() -> Card {
    Card::line(Tone::Neutral, Text::of("That was done before; nothing was done twice."))
}

/// The same input came again, and was refused the first time.
#[must_use]
pub fn answered_before() -> Card {
    let text = "That was answered before, and nothing was done. If you mean it now, please say it anew.";
    Card::line(Tone::Warning, Text::of(text))
}

/// A form was to be shown, and it is too late for that.
#[must_use]
pub fn too_late_to_ask() -> Card {
    let text = "More has to be known, and it took me too long to ask. Nothing was done. Please do it again.";
    Card::line(Tone::Warning, Text::of(text))
}

/// A form was handed in that does not do, and cannot be corrected any more: what is wrong with each answer.
#[must_use]
pub fn wrong(wrong: &[(String, String)]) -> Card {
    let line = |(question, why): &(String, String)| Text::new().strong(question.as_str()).plain(format!(": {why}"));
    let again = Text::of("Nothing was done. Please open the form again.");
    Card { tone: Tone::Warning, lines: wrong.iter().map(line).chain([again]).collect(), ..Card::default() }
}

/// The clock of the machine is not believed any more.
#[must_use]
pub fn clock_doubted(why: &str) -> Card {
    let text = format!("I begin nothing for now, because {why}. What was decided is kept, and goes on after that.");
    Card::line(Tone::Bad, Text::of(text))
}

/// The clock of the machine is believed again.
#[must_use]
pub fn clock_believed() -> Card {
    Card::line(Tone::Good, Text::of("The clock of my machine is right again. What waited for it goes on."))
}

/// The bot is there.
#[must_use]
pub fn pong() -> Card {
    Card::line(Tone::Good, Text::of(format!("pong, from hotfix {}.", env!("CARGO_PKG_VERSION"))))
}

/// Text that was set by hand, line by line: a help page, a timeline, an error with its caret.
#[must_use]
pub fn preformatted(text: &str) -> Card {
    Card { verbatim: Some(text.to_owned()), ..Card::default() }
}

/// Words that could not be understood.
#[must_use]
pub fn unreadable(text: &str) -> Card {
    Card { tone: Tone::Warning, ..preformatted(text) }
}

/// Whose commits ride along, and what they said.
#[must_use]
pub fn who(state: &Hotfix, to: &Audience<'_>) -> Card {
    let mut card = Card { title: Some(Text::of(format!("{}: who is concerned", state.id))), ..Card::default() };
    // What is released from main withholds nothing of it.
    let survey = state.snapshot.as_ref().filter(|_| !state.plan.ships_main());
    let withheld = survey.iter().flat_map(|survey| &survey.held_back).map(|c| ("withheld", c));
    let ours = state.head.iter().flat_map(|head| &head.commits).map(|c| ("ships", c));
    let riders = state.included_changes.iter().flatten().map(|c| ("rides along", c));
    for (how, commit) in ours.chain(riders).chain(withheld) {
        let people: Vec<String> = commit
            .people
            .iter()
            .map(|who| who.person.as_ref().map_or_else(|| outside(&who.name), |id| to.name(id)))
            .collect();
        let text = Text::new().code(commit.commit.short()).plain(format!(" {how}: ")).plain(outside(&commit.subject));
        card.lines.push(text.plain(format!(" ({})", people.join(", "))));
    }
    card.lines.extend(sources(state, to));
    card.lines.extend(unknown(state, to));
    if card.lines.is_empty() {
        card.lines.push(Text::of("Nobody's commits are known yet."));
    }
    let said: Vec<String> = state.acknowledged.iter().map(|id| to.name(id)).collect();
    if !said.is_empty() {
        card.lines.push(Text::of(format!("Have seen it: {}.", said.join(", "))));
    }
    card
}

/// Whether the fix is on main.
#[must_use]
pub fn mergeback(state: &Hotfix, to: &Audience<'_>) -> Card {
    let text = match &state.mainline {
        Mainline::Merged(how, main) => {
            format!("{}: {} at {}.", state.id, containment(how), main.short())
        }
        Mainline::Waived { by, reason } => format!("{}: given up by {}: {}", state.id, to.name(by), outside(reason)),
        Mainline::Reverted(by) => {
            format!("{}: it was on {}, and {} took it out again.", state.id, state.plan.main, by.short())
        }
        Mainline::NotMerged => {
            format!("{}: the fix is not on {} yet; the run is not closed before.", state.id, state.plan.main)
        }
    };
    Card::line(Tone::Neutral, Text::of(text))
}

/// A lane changed hands.
#[must_use]
pub fn lane_changed(event: &str, lease: &str, reason: &str) -> Card {
    let why = if reason.is_empty() { String::new() } else { format!(": {}", outside(reason)) };
    let lane = lease.trim_start_matches("lane/").trim_start_matches("freeze/");
    Card::line(Tone::Good, Text::of(format!("{lane} is {event}{why}.")))
}
