//! Tests of the withdrawal events for votes that other events void.

use super::*;
use crate::domain::command::{Observation, UserCommand};
use crate::domain::decide::tests::{no_events, withdrawn};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{Play, head, person, production, voted};
use hotfix_adapters::deploy::Edits;

fn vetoed() -> Play {
    voted().by("chi", UserCommand::Reject { reason: "not today".to_owned(), on: None, way: VoteSource::Command })
}

fn head_moved() -> Event {
    let before = voted().state.head.unwrap().tip;
    Event::HeadMoved { from: before, head: head("2222222", "More"), adapts: Vec::new() }
}

#[test]
fn each_vote_and_each_no_that_is_gone_is_told() {
    let before = vetoed().state;
    let no = Event::RejectionWithdrawn { environment: production(), person: person("chi") };
    let lost = |change: fn(&mut Hotfix)| of(&before, &head_moved(), &vetoed().changed(change).state);
    assert_eq!(lost(|_| {}), no_events());
    assert_eq!(lost(|state| drop(state.votes.remove(0))), [withdrawn("ben", Some(VoidReason::Head))]);
    assert_eq!(lost(|state| state.rejections.clear()), std::slice::from_ref(&no));
    let all = lost(|state| {
        state.votes.clear();
        state.rejections.clear();
    });
    assert_eq!(all, [withdrawn("ben", Some(VoidReason::Head)), withdrawn("dee", Some(VoidReason::Head)), no]);
}

#[test]
fn the_event_says_why_they_are_gone() {
    let after = voted().changed(|state| drop(state.votes.remove(0))).state;
    let edits = Edits { diff: String::new(), digest: "e1".to_owned() };
    for (event, why) in [
        (head_moved(), VoidReason::Head),
        (Event::ImageMoved { to: None }, VoidReason::Image),
        (Event::EditsRead { environment: production(), edits }, VoidReason::Edits),
        (Event::DriftSettled { choice: DriftChoice::Rebase }, VoidReason::Base),
    ] {
        assert_eq!(of(&voted().state, &event, &after), [withdrawn("ben", Some(why))], "{event:?}");
    }
    for event in [Event::DriftSettled { choice: DriftChoice::Roll }, withdrawn("ben", None), Event::LanesTaken] {
        assert_eq!(of(&voted().state, &event, &after), no_events(), "{event:?}");
    }
}

#[test]
fn a_push_takes_the_votes_along_and_says_so() {
    let events = voted().on_sight(Observation::Head(Some(head("2222222", "More"))));
    assert!(matches!(events[0], Event::HeadMoved { .. }), "{events:?}");
    assert_eq!(events[1..3], ["ben", "dee"].map(|who| withdrawn(who, Some(VoidReason::Head))));
}
