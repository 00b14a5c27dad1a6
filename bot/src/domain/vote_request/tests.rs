//! Tests of vote requests: their messages and their expiry.

use super::*;
use crate::domain::event::Ending;
use crate::domain::hotfix::{Phase, Rejection};
use crate::domain::playbook::{Artifact, Trigger};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{
    Play, asked, begun, closed, commit, environment, live, message, person, production, staging, voted,
};

/// Index of the approval step in the plan of the fixture.
const VOTES: usize = 10;

/// A modification of the run, with its description.
type Change = (&'static str, fn(&mut Hotfix));

fn prompt(play: &Play) -> VoteRequest {
    play.state.vote_requests[&production()].clone()
}

fn is_open(state: &Hotfix, now: Timestamp) -> bool {
    state.open_vote_request(&message("m9"), now).is_some()
}

/// Returns environment and commit of the vote request that a message belongs to, open or closed.
fn question(state: &Hotfix, id: &str) -> Option<(String, String)> {
    let asked = state.vote_request(&message(id));
    asked.map(|(environment, prompt)| (environment.to_string(), prompt.commit.short().to_owned()))
}

#[test]
fn a_question_is_open_for_as_long_as_a_vote_on_it_holds() {
    let play = asked();
    let end = play.state.ends(&production(), &prompt(&play));
    assert_eq!(end, prompt(&play).asked.checked_add(SignedDuration::from_mins(120)).unwrap());
    let just_before = end.checked_sub(SignedDuration::from_nanos(1)).unwrap();
    assert!(is_open(&play.state, just_before) && !is_open(&play.state, end));
    assert!(!is_open(&play.state, end.checked_add(SignedDuration::from_secs(1)).unwrap()));
    let nowhere = play.state.ends(&environment("moon"), &prompt(&play));
    assert_eq!(nowhere, prompt(&play).asked);
}

#[test]
fn a_question_is_open_for_what_would_ship_while_it_is_its_turn() {
    let play = asked();
    let found = play.state.open_vote_request(&message("m9"), play.now);
    assert_eq!(found, Some((&production(), &prompt(&play))));
    assert!(play.state.open_vote_request(&message("m8"), play.now).is_none());
    let deploys = voted();
    assert!(is_open(&deploys.state, deploys.now), "the deployment rests on it");
    let changes: [Change; 4] = [
        ("something else would ship", |state| state.head.as_mut().unwrap().tip = commit("2222222")),
        ("it is the turn of another step", |state| {
            state.plan.steps[VOTES].kind = StepKind::Approve { environment: staging() };
        }),
        ("the run is over", |state| {
            let (ending, at) = (Ending::Aborted, state.opened_at);
            state.phase = Phase::Ended { ending, at, refusals: Vec::new() };
        }),
        ("it is closed", Hotfix::close_vote_requests),
    ];
    for (what, change) in changes {
        assert!(!is_open(&play.clone().changed(change).state, play.now), "{what}");
    }
}

#[test]
fn votes_are_taken_for_the_place_whose_turn_it_is() {
    let kind = |kind: StepKind| asked().changed(|state| state.plan.steps[VOTES].kind = kind).state;
    let deploy = StepKind::Deploy { environment: staging(), trigger: Trigger::Auto, what: Artifact::Fix };
    let cases = [
        (asked().state, [true, false]),
        (kind(StepKind::Approve { environment: staging() }), [false, true]),
        (kind(deploy), [false, true]),
        (kind(StepKind::OnEnvironment { environment: production() }), [false, false]),
    ];
    for (state, expected) in cases {
        assert_eq!([production(), staging()].map(|place| state.takes_votes(&place)), expected);
    }
    assert!(!begun().state.takes_votes(&production()) && voted().state.takes_votes(&production()));
}

#[test]
fn votes_wait_for_a_message_that_asks_for_them() {
    assert!(!asked().state.awaits_vote_request());
    assert!(asked().changed(Hotfix::close_vote_requests).state.awaits_vote_request());
    assert!(!begun().state.awaits_vote_request(), "they are not due");
    assert!(!voted().changed(Hotfix::close_vote_requests).state.awaits_vote_request(), "they are there");
}

#[test]
fn the_policy_goes_before_the_plan() {
    let stricter = Approval { expires_minutes: 5, ..Approval::default() };
    let play = asked().changed(|state| drop(state.approvals.insert(production(), stricter.clone())));
    assert_eq!(play.state.approval(&production()), Some(&stricter));
    assert_eq!(asked().state.approval(&production()).map(|approval| approval.expires_minutes), Some(120));
    assert_eq!(play.state.approval(&environment("moon")), None);
    let minutes = play.state.ends(&production(), &prompt(&play)).duration_since(prompt(&play).asked).as_secs();
    assert_eq!(minutes, 300);
}

/// Security case 32: a message belongs to one vote request, open or closed.
#[test]
fn a_closed_question_is_known_by_its_message() {
    let mut state = asked().state;
    let of = |commit: &str| Some(("production".to_owned(), commit.to_owned()));
    assert_eq!((question(&state, "m9"), question(&state, "m10")), (of("1111111"), None));
    state.close_vote_request(&staging());
    assert_eq!(state.vote_requests.len(), 1);
    state.close_vote_request(&production());
    assert!(state.vote_requests.is_empty());
    let asked = state.opened_at;
    let next = VoteRequest { commit: commit("2222222"), message: message("m10"), asked };
    state.vote_requests.insert(production(), next.clone());
    assert_eq!((question(&state, "m9"), question(&state, "m10")), (of("1111111"), of("2222222")));
    assert!(
        state.is_vote_request(&message("m9"))
            && state.is_vote_request(&message("m10"))
            && !state.is_vote_request(&message("m11"))
    );
    state.close_vote_requests();
    assert_eq!(state.past_vote_requests.last(), Some(&(production(), next)));
    assert_eq!((state.vote_requests.len(), state.past_vote_requests.len()), (0, 2));
    assert!(!begun().state.is_vote_request(&message("m9")) && closed().state.is_vote_request(&message("m9")));
}

#[test]
fn a_reaction_makes_a_word_rest_on_its_message() {
    let on = |state: &Hotfix| ["m9", "m8"].map(|id| state.rests_on(&message(id)));
    assert_eq!(on(&voted().state), [true, false]);
    assert_eq!(on(&asked().state), [false, false]);
    let by_word = voted().changed(|state| state.votes[0].source = VoteSource::Command);
    assert_eq!(on(&by_word.state), [false, false]);
    // A reaction without a recorded message belongs to the open vote request.
    let old = voted().changed(|state| state.votes[0].on = None);
    assert_eq!(on(&old.state), [true, false]);
    let earlier = voted().changed(|state| state.votes[0].on = Some(message("m8")));
    assert_eq!(on(&earlier.state), [false, true]);
    let veto = |on| Rejection { reason: "no".to_owned(), source: VoteSource::Reaction, on };
    let no = |on: Option<&str>| {
        asked()
            .changed(|state| drop(state.rejections.insert((production(), person("ben")), veto(on.map(message)))))
            .state
    };
    assert_eq!((on(&no(Some("m8"))), on(&no(None))), ([false, true], [false, false]));
    assert!(live().state.rests_on(&message("m9")));
}
