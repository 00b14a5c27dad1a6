//! Attribution: the people behind the sources of the fixes, and the unknown contributors (security cases 93 and 94).

use hotfix_adapters::chat::{Span, Text};
use hotfix_adapters::ids::PersonRef;

use super::Audience;
use super::text::{Say, contributor, count, listing, outside, whole};
use super::waiting_on::calls;
use crate::domain::attribution::{Attribution, handle};
use crate::domain::event::Contributor;
use crate::domain::hotfix::Hotfix;
use crate::domain::id::PersonId;
use crate::domain::people::Role;

/// Lists the sources of the fixes with their contributors, if the commits on the branch do not show them already.
pub(super) fn sources(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let asked = state.fixes.iter().filter_map(|fix| state.attributions.get(&fix.source));
    let shown = |who: &Contributor| {
        let commits = state.head.iter().flat_map(|head| &head.commits);
        commits
            .flat_map(|commit| &commit.people)
            .any(|other| (&other.person, &other.unknown) == (&who.person, &who.unknown))
    };
    let tells = |one: &&Attribution| !one.pulls.is_empty() || one.merge || !one.people.iter().all(shown);
    asked.filter(tells).map(|one| source(one, to)).collect()
}

fn source(one: &Attribution, to: &Audience<'_>) -> Text {
    let mut names: Vec<String> = Vec::new();
    for name in one.people.iter().map(|who| contributor(to.people, who)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let pulls = one.pulls.iter().map(|(number, title)| format!("pull request #{} “{}”", number.0, whole(title)));
    let pulls: Vec<String> = pulls.collect();
    let text = Text::of("Source ").commit(&one.source);
    let text = if pulls.is_empty() { text } else { text.plain(format!(", {}", listing(&pulls))) };
    text.plain(format!(": {} by {}.", count(one.commits, "commit", "commits"), listing(&names)))
}

/// Lists the unknown contributors, the consequence, and the captains who can identify them.
pub(super) fn unknown(state: &Hotfix, to: &Audience<'_>) -> Vec<Text> {
    let unknown = state.unknown();
    let Some((first, _)) = unknown.first_key_value() else { return Vec::new() };
    let mut text = Text::of(if unknown.len() == 1 { "Unknown contributor: " } else { "Unknown contributors: " });
    for (at, (account, name)) in unknown.iter().enumerate() {
        text = called(if at == 0 { text } else { text.plain(", ") }, account, name);
    }
    let why = if unknown.len() == 1 { "who is not in people.toml" } else { "who are not in people.toml" };
    let text = text.plain(format!(", {why}. One more approver is needed because of that."));
    let captains = to.policy.active_holders(to.people, &state.plan.service, Role::Captain).into_iter();
    let contributors = state.contributors();
    let free = |person: &PersonId| {
        person != &state.requester
            && !contributors.contains(person)
            && !state.votes.iter().any(|vote| &vote.person == person)
    };
    let free: Vec<PersonId> = captains.filter(free).collect();
    let who = calls(to, &free).unwrap_or_else(|| Text::of("A captain who did not work on it"));
    let next = who
        .plain(": to do without, state who it is, and do not vote: ")
        .command(&format!("identify {} <person>", handle(first)))
        .plain(".");
    vec![text, next]
}

/// Appends a contributor's name in git or on the forge, with the address or account.
fn called(text: Text, account: &PersonRef, name: &str) -> Text {
    let handle = handle(account);
    if name == handle {
        return text.span(Span::Code(outside(&handle)));
    }
    text.plain(format!("{} (", outside(name))).span(Span::Code(outside(&handle))).plain(")")
}

/// Appends several contributors, separated by commas.
pub(super) fn all_called<'a>(people: impl Iterator<Item = &'a Contributor>) -> Text {
    let mut text = Text::new();
    for (at, who) in people.enumerate() {
        text = if at == 0 { text } else { text.plain(", ") };
        text = match &who.unknown {
            Some(account) => called(text, account, &who.name),
            None => text.plain(outside(&who.name)),
        };
    }
    text
}
