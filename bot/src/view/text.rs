//! Small turns of phrase that every view uses. Text from outside goes through [`ports`], [`paragraph`] or [`whole`]
//! before it stands anywhere: what cannot be seen is spelled out (security cases 29 and 57).

use std::collections::BTreeSet;

use hotfix_adapters::chat::{Span, Text};
use hotfix_adapters::forge::{Containment, DiffSize};
use hotfix_adapters::ids::{CommitId, Environment};

use crate::domain::event::{Contribution, Contributor, VoidReason};
use crate::domain::hotfix::Hotfix;
use crate::domain::id::{PersonId, RequirementId};
use crate::domain::people::People;
use crate::domain::plan::environment_of;
use crate::domain::playbook::StepKind;
use crate::domain::refusal::channel_in;

const LINE: usize = 200;
const PARAGRAPH: usize = 1_500;

/// A text from outside on one line, cut at a readable length.
pub(super) fn outside(text: &str) -> String {
    cut(&whole(text), LINE)
}

/// A text from outside on one line, never cut.
pub(super) fn whole(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().map(visible).collect()
}

/// A text from outside that may have several lines, such as what a deployment printed.
pub(super) fn paragraph(text: &str) -> String {
    let lines = text.trim().lines().map(|line| line.trim_end().chars().map(visible).collect::<String>());
    cut(&lines.collect::<Vec<_>>().join("\n"), PARAGRAPH)
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let left_out = text.chars().count() - limit;
    text.chars().take(limit).collect::<String>() + &format!("… (and {left_out} more characters)")
}

/// A character as it is, or spelled out when it cannot be seen or would reorder its neighbours.
fn visible(c: char) -> String {
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    match c {
        '\t' => " ".to_owned(),
        c if hidden || c.is_control() => c.escape_unicode().to_string(),
        c => c.to_string(),
    }
}

/// Why something could not be done, without saying again what: many reasons begin with that themselves.
pub(super) fn once(reason: &str) -> &str {
    let again = reason.strip_prefix("could not ").and_then(|rest| rest.split_once(": "));
    again.map_or(reason, |(_, why)| why)
}

/// The text with a full stop, unless it ends already.
pub(super) fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// The words, with a capital letter.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What a person is called.
pub(super) fn name(people: &People, id: &PersonId) -> String {
    outside(people.name(id))
}

/// "a, b and c".
pub(super) fn listing<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => "nobody".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// "1 change", "3 changes".
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What somebody behind a commit is called.
pub(super) fn contributor(people: &People, who: &Contributor) -> String {
    who.person.as_ref().map_or_else(|| outside(&who.name), |id| name(people, id))
}

/// Everybody behind these commits, each once, in the order in which they appear.
pub(super) fn behind<'a>(people: &People, commits: impl IntoIterator<Item = &'a Contribution>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = commits.into_iter().flat_map(|commit| &commit.people).map(|who| contributor(people, who));
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// A command as people type it.
pub(super) fn command(words: &str) -> String {
    format!("/hotfix {words}")
}

/// The short form of a commit.
pub(super) fn short(commit: &CommitId) -> Span {
    Span::Code(commit.short().to_owned())
}

/// "+12 −3 in 2 files".
pub(super) fn size(size: &DiffSize) -> String {
    format!("+{} −{} in {}", size.insertions, size.deletions, count(size.files, "file", "files"))
}

/// How it is known that the fix is on main.
pub(super) fn containment(how: &Containment) -> &'static str {
    match how {
        Containment::Ancestor => "main contains the very commits",
        Containment::Patch => "main contains the same patches",
        Containment::Squash => "main contains it as one squashed commit",
        Containment::Lines => "main contains its lines",
        Containment::Rewritten { .. } => "main rewrote its lines since, and a person found it working",
        Containment::Reverted { .. } => "main took it out again",
        Containment::Missing { .. } => "main does not contain it",
    }
}

/// Why a yes does not count any more.
pub(super) fn lapsed(why: VoidReason) -> &'static str {
    match why {
        VoidReason::Reaction => "the reaction is not on the question any more",
        VoidReason::Left => "the account it was given by belongs to nobody who is here any more",
        VoidReason::Role => "they lack the role by which it counted",
        VoidReason::Review => "they do not approve it on the forge any more",
        VoidReason::Guest => "their account is a guest's now",
        VoidReason::Stranger => "their account is of another company now",
        VoidReason::App => "their account is an app's",
        VoidReason::Gone => "their account is deactivated",
        VoidReason::Policy => "the policy changed since",
        VoidReason::Expired => "its time is over",
        VoidReason::Head => "the branch moved, and it was said of the old head",
        VoidReason::Image => "the tag of the image moved, and it was said of the old image",
        VoidReason::Base => "the fix goes on top of another base than it was said of",
        VoidReason::Pushed => "they pushed a part of it",
        VoidReason::Identified => "they are one of those who worked on it",
        VoidReason::Edits => "the deployment would change files in another way than was shown",
        VoidReason::Retargeted => "the pull request goes into another branch now",
    }
}

/// " (APPLY-6, APPLY-X6)", or nothing.
pub(super) fn serving(serves: &[RequirementId]) -> String {
    if serves.is_empty() {
        return String::new();
    }
    let ids: Vec<&str> = serves.iter().map(RequirementId::as_str).collect();
    format!(" ({})", ids.join(", "))
}

/// What production is called: "cs-prod and wcs-prod", when there are several.
pub(super) fn productions(state: &Hotfix) -> String {
    let names: Vec<&str> = state.plan.productions().map(|production| production.name.as_str()).collect();
    if names.is_empty() { "production".to_owned() } else { listing(&names) }
}

/// The productions that run the fix by this run's doing.
pub(super) fn live_in(state: &Hotfix) -> Vec<&Environment> {
    let productions = state.plan.productions().map(|production| &production.name);
    productions.filter(|name| state.is_live_in(name)).collect()
}

/// What the run goes to: production, or the targets that alone are promoted.
pub(super) fn destination(state: &Hotfix) -> String {
    if state.plan.leaves_production() { listing(&state.plan.only) } else { productions(state) }
}

/// Where the fix is tested before it is picked from main, if it is.
pub(super) fn tested_on(state: &Hotfix) -> Option<&Environment> {
    let before = state.plan.steps.iter().take_while(|spec| !matches!(spec.kind, StepKind::Change { .. }));
    before.filter_map(|spec| environment_of(&spec.kind)).next()
}

/// What others must not do while the lane is held.
pub(super) fn stay_off(state: &Hotfix) -> Option<String> {
    // Once the fix is in the regular release, that release has to go out.
    if !state.holds_lanes() || state.rolled_in {
        return None;
    }
    if state.plan.leaves_production() {
        return Some(format!("Please no other promotion of {} until this thread says so.", state.plan.service));
    }
    let lanes: BTreeSet<&str> = state.plan.lanes().map(Environment::as_str).collect();
    let service = &state.plan.service;
    let productions = state.plan.productions().map(|production| production.name.as_str());
    let productions: Vec<&str> = productions.filter(|name| lanes.contains(name)).collect();
    match productions.as_slice() {
        [] if lanes.is_empty() => None,
        [_, ..] => {
            let productions = productions.join(" or ");
            Some(format!("Please no {productions} deploys of {service} until this thread says so."))
        }
        [] => Some(format!(
            "Please no deploys of {service} to {} until this thread says so.",
            listing(&lanes.into_iter().collect::<Vec<_>>())
        )),
    }
}

/// Small steps of building a text.
pub(super) trait Say: Sized {
    /// Adds one span.
    fn span(self, span: Span) -> Self;
    /// Adds the short form of a commit.
    fn commit(self, commit: &CommitId) -> Self {
        self.span(short(commit))
    }
    /// Adds "old → new"; an old one that is not known is left out.
    fn change(self, old: Option<&CommitId>, new: &CommitId) -> Self {
        match old {
            Some(old) if old == new => self.commit(new).span(Span::Plain(" again".to_owned())),
            Some(old) => self.commit(old).span(Span::Plain(" → ".to_owned())).commit(new),
            None => self.commit(new),
        }
    }
    /// Adds a command as people type it.
    fn command(self, words: &str) -> Self {
        self.span(Span::Code(command(words)))
    }
}

impl Say for Text {
    fn span(mut self, span: Span) -> Self {
        self.0.push(span);
        self
    }
}

/// Our own text, in which backticks mark commands, and `<#…>` a channel. Whatever else stands in it stays plain or code.
pub(super) fn marked(text: &str) -> Text {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return with_channels(Text::new(), text);
    }
    let mut made = Text::new();
    for (at, part) in parts.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        made = if at.is_multiple_of(2) { with_channels(made, part) } else { made.code(part) };
    }
    made
}

fn with_channels(mut made: Text, text: &str) -> Text {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<#") {
        let Some((channel, behind)) = channel_in(after) else { break };
        made = if before.is_empty() { made } else { made.plain(before) };
        made = made.channel(channel);
        rest = behind;
    }
    if rest.is_empty() && !made.0.is_empty() { made } else { made.plain(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(outside("pay\u{202e}daol\u{7}  \n<!channel>"), "pay\\u{202e}daol\\u{7} <!channel>");
        assert_eq!(paragraph("one\r\n  two\u{1b}[31m\n"), "one\n  two\\u{1b}[31m");
        assert_eq!(outside(&"x".repeat(300)), format!("{}… (and 100 more characters)", "x".repeat(200)));
    }

    #[test]
    fn what_could_not_be_done_is_said_once() {
        let reason = "could not merge pull request 7 of team/payments: GitHub says: Pull Request is not mergeable.";
        assert_eq!(once(reason), "GitHub says: Pull Request is not mergeable.");
        assert_eq!(once("could not merge"), "could not merge");
        assert_eq!(once("a: b"), "a: b");
    }

    #[test]
    fn lists_are_said_as_people_say_them() {
        assert_eq!(listing::<&str>(&[]), "nobody");
        assert_eq!(listing(&["Ana", "Ben", "Chi"]), "Ana, Ben and Chi");
        assert_eq!(count(1, "change", "changes"), "1 change");
    }

    #[test]
    fn backticks_mark_commands_only_in_pairs() {
        let text = marked("Say `retry`, or `abort <why>`.");
        let spans = ["Say ", "retry", ", or ", "abort <why>", "."];
        assert_eq!(text.0.len(), spans.len());
        assert_eq!(text.0[1], Span::Code("retry".to_owned()));
        assert_eq!(marked("a ` b").0, [Span::Plain("a ` b".to_owned())]);
    }

    #[test]
    fn a_channel_is_named_by_the_chat() {
        let channel = |id: &str| Span::Channel(hotfix_adapters::ids::ChannelRef::parse(id).unwrap());
        let plain = |text: &str| Span::Plain(text.to_owned());
        assert_eq!(marked("Say it in <#C0PAY>.").0, [plain("Say it in "), channel("C0PAY"), plain(".")]);
        assert_eq!(marked("<##payments>").0, [channel("#payments")]);
        for text in ["a <# b", "a <#b c>", "a <#"] {
            assert_eq!(marked(text).to_plain(), text);
        }
    }
}
