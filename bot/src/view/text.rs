//! Text helpers for all views. External text must pass [`outside`], [`paragraph`] or [`whole`] before it is shown: they
//! spell out invisible characters (security cases 29 and 57).

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

/// Sanitizes external text into one line, cut to a readable length.
pub(super) fn outside(text: &str) -> String {
    cut(&whole(text), LINE)
}

/// Sanitizes external text into one line without cutting it.
pub(super) fn whole(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().map(visible).collect()
}

/// Sanitizes external text that may have several lines, such as the output of a deployment.
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

/// Returns a character, spelled out if it is invisible or would reorder its neighbors.
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

/// Removes a leading "could not …:" from a reason, because the sentence around it already says what failed.
pub(super) fn once(reason: &str) -> &str {
    let again = reason.strip_prefix("could not ").and_then(|rest| rest.split_once(": "));
    again.map_or(reason, |(_, why)| why)
}

/// Appends a full stop, unless the text already ends with punctuation.
pub(super) fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…', ':']) { text.to_owned() } else { format!("{text}.") }
}

/// Capitalizes the first letter.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the display name of a person.
pub(super) fn name(people: &People, id: &PersonId) -> String {
    outside(people.name(id))
}

/// Joins names: "a, b and c".
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

/// Formats a count with its noun: "1 change", "3 changes".
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns the display name of a contributor: the person's name, or the name in git if unknown.
pub(super) fn contributor(people: &People, who: &Contributor) -> String {
    who.person.as_ref().map_or_else(|| outside(&who.name), |id| name(people, id))
}

/// Returns the names of all contributors of these commits, without duplicates, in order of appearance.
pub(super) fn behind<'a>(people: &People, commits: impl IntoIterator<Item = &'a Contribution>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = commits.into_iter().flat_map(|commit| &commit.people).map(|who| contributor(people, who));
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// Returns a command as users type it.
pub(super) fn command(words: &str) -> String {
    format!("/hotfix {words}")
}

/// Returns the short id of a commit.
pub(super) fn short(commit: &CommitId) -> Span {
    Span::Code(commit.short().to_owned())
}

/// Formats the size of a diff: "+12 −3 in 2 files".
pub(super) fn size(size: &DiffSize) -> String {
    format!("+{} −{} in {}", size.insertions, size.deletions, count(size.files, "file", "files"))
}

/// Describes how main contains the fix.
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

/// Describes why a vote does not count anymore.
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

/// Formats the runbook ids that a step serves: " (APPLY-6, APPLY-X6)"; empty if there are none.
pub(super) fn serving(serves: &[RequirementId]) -> String {
    if serves.is_empty() {
        return String::new();
    }
    let ids: Vec<&str> = serves.iter().map(RequirementId::as_str).collect();
    format!(" ({})", ids.join(", "))
}

/// Returns the names of the productions: "cs-prod and wcs-prod"; "production" if the plan has none.
pub(super) fn productions(state: &Hotfix) -> String {
    let names: Vec<&str> = state.plan.productions().map(|production| production.name.as_str()).collect();
    if names.is_empty() { "production".to_owned() } else { listing(&names) }
}

/// Returns the productions that run the fix through a deployment of this run.
pub(super) fn live_in(state: &Hotfix) -> Vec<&Environment> {
    let productions = state.plan.productions().map(|production| &production.name);
    productions.filter(|name| state.is_live_in(name)).collect()
}

/// Returns the destination of the run: the productions, or the targets to promote.
pub(super) fn destination(state: &Hotfix) -> String {
    if state.plan.leaves_production() { listing(&state.plan.only) } else { productions(state) }
}

/// Returns the environment on which the fix is tested before it is picked from main, if there is one.
pub(super) fn tested_on(state: &Hotfix) -> Option<&Environment> {
    let before = state.plan.steps.iter().take_while(|spec| !matches!(spec.kind, StepKind::Change { .. }));
    before.filter_map(|spec| environment_of(&spec.kind)).next()
}

/// Asks others not to deploy while the run holds its lanes; `None` if there is nothing to ask.
pub(super) fn stay_off(state: &Hotfix) -> Option<String> {
    // Once the fix is in the regular release, that release must be deployed.
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

/// Builder methods for texts.
pub(super) trait Say: Sized {
    /// Appends one span.
    fn span(self, span: Span) -> Self;
    /// Appends the short id of a commit.
    fn commit(self, commit: &CommitId) -> Self {
        self.span(short(commit))
    }
    /// Appends "old → new", or only the new commit if the old one is unknown.
    fn change(self, old: Option<&CommitId>, new: &CommitId) -> Self {
        match old {
            Some(old) if old == new => self.commit(new).span(Span::Plain(" again".to_owned())),
            Some(old) => self.commit(old).span(Span::Plain(" → ".to_owned())).commit(new),
            None => self.commit(new),
        }
    }
    /// Appends a command as users type it.
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

/// Parses the bot's own text, in which backticks mark commands and `<#…>` a channel. All other text stays plain.
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
