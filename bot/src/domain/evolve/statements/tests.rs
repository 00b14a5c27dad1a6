//! Tests of statements: each one is stored with the person who made it.

use super::*;
use crate::domain::event::{Actor, CloseReason, Vote};
use crate::domain::evolve::tests::{after, at, bot, by, step, why};
use crate::domain::id::PersonId;
use crate::domain::vote_source::VoteSource;
use crate::fixture::{asked, commit, environment, image, live, message, person, production, staging, voted};

#[test]
fn a_question_closes_the_one_before_it() {
    let state = asked().state;
    let one = state.vote_requests[&production()].clone();
    let asks = Event::VoteRequested { environment: production(), commit: commit("2222222"), message: message("m10") };
    let next = bot(&state, asks);
    let two = VoteRequest { commit: commit("2222222"), message: message("m10"), asked: at() };
    assert_eq!(next.vote_requests, [(production(), two.clone())].into());
    assert_eq!(next.past_vote_requests, [(production(), one.clone())]);
    let closing = |environment| Event::VoteRequestClosed { environment, why: CloseReason::Expired };
    let closed = bot(&next, closing(production()));
    assert!(closed.vote_requests.is_empty());
    assert_eq!(closed.past_vote_requests, [(production(), one), (production(), two)]);
    assert_eq!(bot(&next, closing(staging())).vote_requests, next.vote_requests);
}

#[test]
fn only_a_word_that_differs_from_the_plan_is_kept() {
    let state = asked().state;
    let planned = state.plan.environments[1].approval.clone();
    let mut stricter = planned.clone();
    stricter.expires_minutes = 1;
    let change = |environment, approval: &crate::domain::service::Approval| Event::ApprovalChanged {
        environment,
        approval: approval.clone(),
    };
    let changed = bot(&state, change(production(), &stricter));
    assert_eq!(changed.approvals, [(production(), stricter)].into());
    assert!(bot(&changed, change(production(), &planned)).approvals.is_empty());
    let unknown = why(&state, change(environment("moon"), &planned));
    assert_eq!(unknown, "the plan has no such environment");
}

/// Returns environment and person of each vote, in order.
fn voters(state: &Hotfix) -> Vec<(String, String)> {
    state.votes.iter().map(|vote| (vote.environment.to_string(), vote.person.to_string())).collect()
}

fn at_place(place: &str, who: &str) -> (String, String) {
    (place.to_owned(), who.to_owned())
}

#[test]
fn each_person_has_one_vote_in_each_place() {
    let play = voted().changed(|state| {
        let vote = Vote { environment: staging(), ..state.votes[0].clone() };
        state.votes.push(vote);
    });
    let vote = play.state.votes[0].clone();
    for by in [Actor::Bot, Actor::Person(person("dee"))] {
        let said = after(&play.state, by, Event::Voted(vote.clone()));
        assert_eq!(said.unwrap_err(), "nobody votes for somebody else");
    }
    let again = by(&play.state, "ben", Event::Voted(vote));
    let [dee, other, ben] =
        [("production", "dee"), ("staging", "ben"), ("production", "ben")].map(|(a, b)| at_place(a, b));
    assert_eq!(voters(&again), [dee.clone(), other.clone(), ben]);
    let withdrawn = |why| Event::VoteWithdrawn { environment: production(), person: person("ben"), why };
    let left = bot(&play.state, withdrawn(Some(VoidReason::Role)));
    assert_eq!(voters(&left), [dee.clone(), other.clone()]);
    assert!(left.head.unwrap().pushers.is_empty());
    let pushed = bot(&play.state, withdrawn(Some(VoidReason::Pushed)));
    assert_eq!(pushed.head.unwrap().pushers, [person("ben")].into());
    let reason = "slow".to_owned();
    let no = Event::VoteRejected {
        environment: production(),
        reason,
        source: VoteSource::Reaction,
        on: Some(message("m9")),
    };
    let vetoed = by(&play.state, "ben", no);
    assert_eq!(voters(&vetoed), [dee, other]);
    let veto = Rejection { reason: "slow".to_owned(), source: VoteSource::Reaction, on: Some(message("m9")) };
    assert_eq!(vetoed.rejections, [((production(), person("ben")), veto)].into());
    let back = |environment, who: &str| Event::RejectionWithdrawn { environment, person: person(who) };
    assert!(bot(&vetoed, back(production(), "ben")).rejections.is_empty());
    assert_eq!(bot(&vetoed, back(staging(), "ben")).rejections, vetoed.rejections);
}

#[test]
fn words_are_kept_with_who_said_them() {
    let state = voted().state;
    let held = by(&state, "chi", Event::Held { reason: "wait".to_owned() });
    assert_eq!(held.holds, [(person("chi"), "wait".to_owned())].into());
    assert!(bot(&held, Event::Unheld { person: person("chi") }).holds.is_empty());
    assert_eq!(why(&held, Event::Unheld { person: person("ben") }), "there is no such hold");
    assert_eq!(by(&state, "eve", Event::Acknowledged).acknowledged, [person("eve")].into());
    let agreed = by(&state, "ben", Event::Agreed { step: step("review") });
    let both = by(&agreed, "dee", Event::Agreed { step: step("review") });
    assert_eq!(both.agreed, [(step("review"), [person("ben"), person("dee")].into())].into());
}

/// HOCS-31: an attestation is bound to the image that the environment runs.
#[test]
fn a_word_is_on_the_image_that_runs_there() {
    let play = live().changed(|state| state.deploys[0].intent.image = Some(image('a')));
    let seen = |place: &str| {
        let said = Event::Attested { place: place.to_owned(), commit: commit("1111111"), pass: false, note: None };
        by(&play.state, "ben", said).attestations[&at_person(place, "ben")].clone()
    };
    assert_eq!(seen("staging").image, Some(image('a').digest));
    assert_eq!(seen("production").image, None);
    let local = seen("local");
    assert_eq!((local.image, local.pass, local.at, local.commit), (None, false, at(), commit("1111111")));
}

fn at_person(place: &str, who: &str) -> (String, PersonId) {
    (place.to_owned(), person(who))
}
