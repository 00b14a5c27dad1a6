//! Short replies to commands. The effect of a command shows in the thread; a reply only confirms it.

use hotfix_adapters::chat::{Card, Text, Tone};
use jiff::Timestamp;

use super::Audience;
use super::attribution::{sources, unknown};
use super::status::standing;
use super::text::{capital, containment, ended, outside};
use crate::domain::hotfix::{Hotfix, Mainline};

/// Renders the reply to a command that opened a run.
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

/// Renders the reply to a start that joined an open run.
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

/// Renders the reply to a command on a run that succeeded.
#[must_use]
pub fn done(state: &Hotfix, to: &Audience<'_>, now: Timestamp) -> Card {
    let (_, words) = standing(state, to.people, now);
    Card::line(Tone::Good, Text::new().strong(state.id.to_string()).plain(format!(": {}", ended(&capital(&words)))))
}

/// Renders the reply to a repeated delivery of an accepted input.
#[must_use]
pub fn seen_before() -> Card {
    Card::line(Tone::Neutral, Text::of("That was done before; nothing was done twice."))
}

/// Renders the reply to a repeated delivery of a refused input.
#[must_use]
pub fn answered_before() -> Card {
    let text = "That was answered before, and nothing was done. If you mean it now, please say it anew.";
    Card::line(Tone::Warning, Text::of(text))
}

/// Renders the reply for a form that could not be shown in time.
#[must_use]
pub fn too_late_to_ask() -> Card {
    let text = "More has to be known, and it took me too long to ask. Nothing was done. Please do it again.";
    Card::line(Tone::Warning, Text::of(text))
}

/// Renders the validation errors of a form that can no longer be corrected.
#[must_use]
pub fn wrong(wrong: &[(String, String)]) -> Card {
    let line = |(question, why): &(String, String)| Text::new().strong(question.as_str()).plain(format!(": {why}"));
    let again = Text::of("Nothing was done. Please open the form again.");
    Card { tone: Tone::Warning, lines: wrong.iter().map(line).chain([again]).collect(), ..Card::default() }
}

/// Renders the announcement that the clock of the machine is unreliable.
#[must_use]
pub fn clock_doubted(why: &str) -> Card {
    let text = format!("I begin nothing for now, because {why}. What was decided is kept, and goes on after that.");
    Card::line(Tone::Bad, Text::of(text))
}

/// Renders the announcement that the clock of the machine is reliable again.
#[must_use]
pub fn clock_believed() -> Card {
    Card::line(Tone::Good, Text::of("The clock of my machine is right again. What waited for it goes on."))
}

/// Renders the reply to `ping`.
#[must_use]
pub fn pong() -> Card {
    Card::line(Tone::Good, Text::of(format!("pong, from hotfix {}.", env!("CARGO_PKG_VERSION"))))
}

/// Renders preformatted text, such as a help page, a timeline or a parse error.
#[must_use]
pub fn preformatted(text: &str) -> Card {
    Card { verbatim: Some(text.to_owned()), ..Card::default() }
}

/// Renders the reply to text that could not be parsed.
#[must_use]
pub fn unreadable(text: &str) -> Card {
    Card { tone: Tone::Warning, ..preformatted(text) }
}

/// Renders the reply to `who`: the commits with their contributors, and the acknowledgments.
#[must_use]
pub fn who(state: &Hotfix, to: &Audience<'_>) -> Card {
    let mut card = Card { title: Some(Text::of(format!("{}: who is concerned", state.id))), ..Card::default() };
    // A release of main holds nothing back.
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

/// Renders the reply to `mergeback status`: the containment of the fix in main.
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

/// Renders the reply to a changed lock or freeze.
#[must_use]
pub fn lane_changed(event: &str, lease: &str, reason: &str) -> Card {
    let why = if reason.is_empty() { String::new() } else { format!(": {}", outside(reason)) };
    let lane = lease.trim_start_matches("lane/").trim_start_matches("freeze/");
    Card::line(Tone::Good, Text::of(format!("{lane} is {event}{why}.")))
}
