//! Tests of the triage and its answers.

use super::*;
use crate::fixture::begun;

const CRITERIA: [&str; 3] = ["a: Users cannot pay", "Is it urgent?", "c: It mends it"];

fn criteria() -> Vec<String> {
    CRITERIA.map(str::to_owned).to_vec()
}

/// Returns a run with these answers, by the index of the question.
fn answered(answers: &[Option<TriageAnswer>]) -> Hotfix {
    let given = answers.iter().enumerate().filter_map(|(place, answer)| Some((place, (*answer)?)));
    begun().changed(|state| state.triage = given.collect()).state
}

#[test]
fn every_question_is_answered_before_it_is_done() {
    let (yes, no) = (Some(TriageAnswer::Yes), Some(TriageAnswer::No));
    for ask in [true, false] {
        let open = |answers: &[Option<TriageAnswer>]| progress(&answered(answers), &criteria(), ask);
        let waits = |open| Progress::Waiting(Wait::Triage { open, criteria: criteria() });
        assert_eq!(open(&[]), waits(3));
        assert_eq!(open(&[None, no, None]), waits(2));
        assert_eq!(open(&[yes, None, Some(TriageAnswer::Unknown)]), waits(1));
        assert_eq!(open(&[None, None, None, yes]), waits(3), "a question that is not there");
    }
    let told = progress(&answered(&[yes, no, Some(TriageAnswer::Unknown)]), &criteria(), false);
    let words = "opened by <@ana> (incident INC-77); a: Users cannot pay: yes; Is it urgent? no; c: It mends it: nobody \
                 knows";
    assert_eq!(told, Progress::done(words));
}

/// HOCS-2: one criterion that is met is enough, and none is a warning.
#[test]
fn the_criteria_that_are_met_are_counted() {
    let (yes, no, unknown) = (Some(TriageAnswer::Yes), Some(TriageAnswer::No), Some(TriageAnswer::Unknown));
    let of = |answers: &[Option<TriageAnswer>]| progress(&answered(answers), &criteria(), true);
    assert_eq!(of(&[yes, no, yes]), Progress::done("2 of 3 criteria are met: a, c"));
    assert_eq!(of(&[no, yes, unknown]), Progress::done("1 of 3 criteria are met: Is it urgent?"));
    let none = "none of 3 criteria is met, which speaks against a hotfix";
    assert_eq!(of(&[no, unknown, no]), Progress::done(none));
}

#[test]
fn what_is_on_record_names_what_nobody_answered() {
    let mut state = answered(&[Some(TriageAnswer::No)]);
    let told = "opened by <@ana> (incident INC-77); a: Users cannot pay: no; Is it urgent? not answered; c: It mends it: \
                not answered";
    assert_eq!(on_record(&state, &criteria()), told);
    state.incident = None;
    assert_eq!(on_record(&state, &[]), "opened by <@ana>; nothing is asked");
}

#[test]
fn a_criterion_is_called_by_what_stands_before_its_colon() {
    let of = ["a: It mends it: well", "It mends it", ": x"].map(letter);
    assert_eq!(of, ["a", "It mends it", ""]);
}
