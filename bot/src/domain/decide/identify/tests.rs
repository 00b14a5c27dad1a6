//! Tests of `identify`: the captains who may use it, and the votes that it voids.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::decide::tests::withdrawn;
use crate::domain::event::Contributor;
use crate::fixture::{Play, asked, person, yes};
use hotfix_adapters::ids::Platform;

fn account(id: &str) -> PersonRef {
    PersonRef::new(Platform::Git, id)
}

/// Adds commits of unknown contributors to the run.
fn with_unknown(play: Play, ids: &[&str]) -> Play {
    play.changed(|state| {
        let unknown =
            ids.iter().map(|id| Contributor { person: None, name: "B".to_owned(), unknown: Some(account(id)) });
        state.head.as_mut().unwrap().people.extend(unknown);
    })
}

fn is(unknown: &str, who: Option<&str>) -> UserCommand {
    UserCommand::Identify { unknown: unknown.to_owned(), person: who.map(person), words: "a contractor".to_owned() }
}

fn identified(id: &str, who: Option<&str>) -> Event {
    Event::Identified { unknown: account(id), person: who.map(person), words: "a contractor".to_owned() }
}

fn next(play: &Play, act: UserCommand) -> String {
    play.answer("dee", act).unwrap_err().remove(0).next
}

#[test]
fn a_captain_says_who_an_unknown_contributor_is() {
    let play = with_unknown(asked(), &["b@example.org", "c@example.org"]);
    assert_eq!(play.on_act("dee", is("b@example.org", None)), [identified("b@example.org", None)]);
    assert_eq!(play.on_act("dee", is("C@Example.org", Some("eve"))), [identified("c@example.org", Some("eve"))]);
}

#[test]
fn only_an_unknown_contributor_can_be_named() {
    let play = with_unknown(asked(), &["b@example.org", "c@example.org"]);
    assert_eq!(play.refused("dee", is("x@example.org", None)), ["identify.nobody"]);
    assert_eq!(next(&play, is("x@example.org", None)), "Unknown are: `b@example.org`, `c@example.org`.");
    assert_eq!(next(&asked(), is("x@example.org", None)), "Every contributor is known; see the vote request.");
}

#[test]
fn the_person_who_identifies_somebody_has_no_part_in_the_change_and_no_vote() {
    let play = with_unknown(asked(), &["b@example.org"]);
    let act = || is("b@example.org", None);
    assert_eq!(play.refused("ana", act()), ["identify.requester"]);
    assert_eq!(play.refused("chi", act()), ["identify.contributor"], "Chi wrote the fix");
    assert_eq!(play.refused("dee", is("b@example.org", Some("dee"))), ["identify.contributor"]);
    let voted = play.by("dee", yes(None));
    assert_eq!(voted.refused("dee", act()), ["identify.voted"]);
    assert_eq!(voted.on_act("eve", act()), [identified("b@example.org", None)], "only the vote of whoever says it");
}

#[test]
fn the_vote_of_a_person_identified_as_a_contributor_is_void() {
    let play = with_unknown(asked().by("ben", yes(None)).by("eve", yes(None)), &["b@example.org"]);
    let events = play.on_act("dee", is("b@example.org", Some("ben")));
    assert_eq!(events[..2], [identified("b@example.org", Some("ben")), withdrawn("ben", Some(VoidReason::Identified))]);
    assert!(!events.contains(&withdrawn("eve", Some(VoidReason::Identified))), "{events:?}");
}
