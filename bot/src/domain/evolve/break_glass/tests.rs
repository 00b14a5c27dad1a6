//! Tests of break-glass events: a user breaks the glass for themselves, and others countersign.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::event::Actor;
use crate::domain::evolve::tests::{after, bot, by, why};
use crate::fixture::{asked, message, person, production, voted};

#[test]
fn a_glass_is_broken_by_oneself_and_told_once() {
    let broken = asked().glass_broken();
    let glass = broken.state.break_glass[0].glass.clone();
    let event = Event::BreakGlassUsed(glass.clone());
    for by in [Actor::Bot, Actor::Person(person("ben"))] {
        assert_eq!(after(&asked().state, by, event.clone()).unwrap_err(), "nobody breaks the glass for somebody else");
    }
    let own = by(&asked().state, "dee", event);
    let version = asked().state.version + 1;
    let expected = BreakGlassUse { glass, version, announced: None, void: false, review: Review::NotNeeded };
    assert_eq!(own.break_glass, [expected]);
    let told = bot(&own, Event::BreakGlassAnnounced { message: message("a2") });
    assert_eq!(told.break_glass[0].announced, Some(message("a2")));
    for state in [&told, &voted().state] {
        assert_eq!(why(state, Event::BreakGlassAnnounced { message: message("a2") }), "there is no glass to tell of");
    }
    let void = bot(&told, Event::BreakGlassVoided { reason: "x".to_owned() });
    assert!(!told.break_glass[0].void && void.break_glass[0].void);
    assert_eq!(bot(&told, Event::CountersignReminded { times: 3 }).countersign_reminders, 3);
}

#[test]
fn only_who_was_not_involved_reviews_a_broken_glass() {
    let due = asked().glass_broken().by("ana", UserCommand::Deploy(production())).begins("abc1234").state;
    let review = || Event::Countersigned { ok: false, note: Some("too soon".to_owned()) };
    let said = |state: &Hotfix, who: &str| after(state, Actor::Person(person(who)), review());
    let given = said(&due, "ben").unwrap();
    let expected = Review::Given { by: person("ben"), ok: false, note: Some("too soon".to_owned()) };
    assert_eq!(given.break_glass[0].review, expected);
    for who in ["ana", "chi", "dee"] {
        assert_eq!(said(&due, who).unwrap_err(), "nobody reviews what they were involved in", "{who}");
    }
    for state in [&given, &asked().glass_broken().state] {
        assert_eq!(said(state, "eve").unwrap_err(), "no broken glass waits for a review");
    }
}
