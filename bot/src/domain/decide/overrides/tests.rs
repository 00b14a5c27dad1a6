//! Tests of skips and overrides: steps that one person, two people, or nobody can lift.

use super::*;
use crate::domain::command::UserCommand;
use crate::domain::decide::tests::{entered, step};
use crate::domain::playbook::{Artifact, Trigger};
use crate::fixture::{Play, asked, begun, person, production};

/// Indexes of steps in the plan of the fixture.
const LOCAL: usize = 7;
const STAGING: usize = 8;
const POSTMORTEM: usize = 13;

fn skip(id: &str) -> UserCommand {
    UserCommand::Skip(step(id), "no time".to_owned())
}

fn lift(id: &str, reason: &str) -> UserCommand {
    UserCommand::Override { gate: step(id), reason: reason.to_owned(), incident: "INC-7".to_owned() }
}

fn skipped(id: &str) -> Event {
    Event::StepSkipped { step: step(id), reason: "no time".to_owned() }
}

fn next(play: &Play, act: UserCommand) -> String {
    play.answer("ana", act).unwrap_err().remove(0).next
}

/// Returns a run in which the step `local` asks for the agreement that the deployment behind it needs.
fn agreement() -> Play {
    begun().changed(|state| {
        let (party, question) = ("qa".to_owned(), "May it change under your hands?".to_owned());
        state.plan.steps[LOCAL].kind = StepKind::Agree { party, count: 1, question };
    })
}

#[test]
fn one_person_leaves_out_what_should_be_done() {
    assert_eq!(begun().on_act("ben", skip("local")), [skipped("local")]);
    let may = begun().changed(|state| state.plan.steps[LOCAL].level = Level::May);
    assert_eq!(may.on_act("ben", skip("local")), [skipped("local")]);
    let now = begun().announced().branched().picked().reviewed();
    assert_eq!(now.on_act("ben", skip("local"))[..2], [skipped("local"), entered("staging")]);
}

#[test]
fn a_must_is_not_skipped() {
    assert_eq!(begun().refused("dee", skip("review")), ["step.must"]);
    let two = "Do it, or let two people say `override review <reason> --incident URL`.";
    assert_eq!(next(&begun(), skip("review")), two);
    let nobody = "See `plan` for who can do it. Nothing lifts it; a captain can end the run with `abandon <reason>`.";
    assert_eq!(next(&begun(), skip("votes")), nobody);
    assert_eq!(begun().refused("dee", skip("triage")), ["step.must"], "what is offered is not behind");
    let forbidden = begun().changed(|state| state.plan.steps[LOCAL].level = Level::MustNot);
    assert_eq!(forbidden.refused("dee", skip("local")), ["step.must-not"]);
}

#[test]
fn what_is_behind_or_not_in_the_plan_is_not_left_out() {
    assert_eq!(asked().refused("dee", skip("local")), ["step.behind"]);
    assert_eq!(begun().by("ben", skip("local")).refused("dee", skip("local")), ["step.behind"]);
    assert_eq!(begun().refused("dee", skip("moon")), ["step.unknown"]);
    let all = "The steps are: triage, base, withheld, announce, branch, fix, review, local, staging, look, votes, \
               production, main, postmortem.";
    assert_eq!(next(&begun(), skip("moon")), all);
    assert_eq!(begun().refused("dee", lift("moon", "it cannot wait")), ["step.unknown"]);
}

/// HOCS-28: skipping an agreement also skips the optional deployment that needs it.
#[test]
fn without_its_agreement_an_optional_deployment_is_left_out_too() {
    assert_eq!(agreement().on_act("ben", skip("local")), [skipped("local"), skipped("staging")]);
    let needs = |change: fn(&mut Hotfix)| unagreed_deployment(&agreement().changed(change).state, &step("local"));
    let since = begun().now;
    assert_eq!(needs(|_| {}), Some(step("staging")));
    assert_eq!(needs(|state| state.plan.steps[STAGING].level = Level::May), Some(step("staging")));
    assert_eq!(needs(|state| state.plan.steps[STAGING].level = Level::Must), None);
    assert_eq!(needs(|state| state.plan.steps[STAGING].level = Level::MustNot), None);
    assert_eq!(needs(|state| state.plan.steps[STAGING].kind = StepKind::RideAlong), None, "it is no deployment");
    assert_eq!(unagreed_deployment(&begun().state, &step("local")), None, "nobody is asked to agree");
    let at = |at: StepState| {
        let play = agreement().changed(|state| state.steps[STAGING] = at);
        unagreed_deployment(&play.state, &step("local"))
    };
    for open in [StepState::Current { since }, StepState::Offered { since }] {
        assert_eq!(at(open), Some(step("staging")));
    }
    assert_eq!(at(StepState::Done { at: since, evidence: String::new() }), None);
    assert_eq!(at(StepState::Skipped { by: None, reason: String::new() }), None);
    let last = agreement().changed(|state| {
        let (environment, trigger, what) = (production(), Trigger::Command, Artifact::Fix);
        state.plan.steps[POSTMORTEM].kind = StepKind::Deploy { environment, trigger, what };
    });
    assert_eq!(unagreed_deployment(&last.state, &step("postmortem")), None);
    assert_eq!(unagreed_deployment(&last.state, &step("moon")), None);
}

#[test]
fn two_people_override_a_step() {
    let (why, incident) = ("it cannot wait".to_owned(), "INC-7".to_owned());
    let first = Event::OverrideRequested { step: step("review"), reason: why.clone(), incident: incident.clone() };
    assert_eq!(begun().on_act("ben", lift("review", &why)), [first]);
    let play = begun().by("ben", lift("review", &why));
    assert_eq!(play.refused("ben", lift("review", &why)), ["override.second"]);
    assert_eq!(
        play.on_act("dee", lift("review", &why)),
        [Event::StepOverridden { step: step("review"), asked_by: person("ben"), reason: why, incident }]
    );
    let other = play.on_act("dee", lift("local", "it cannot wait"));
    assert!(matches!(other[..], [Event::OverrideRequested { .. }]), "each step is for itself: {other:?}");
}

#[test]
fn an_override_says_why_in_ten_characters() {
    assert_eq!(begun().refused("ben", lift("review", "ééééééééé")), ["override.reason"]);
    assert_eq!(begun().on_act("ben", lift("review", "éééééééééé")).len(), 1);
}

#[test]
fn some_steps_are_overridden_by_nobody() {
    let said = |play: &Play, id: &str| {
        let refusal = play.answer("ben", lift(id, "it cannot wait")).unwrap_err().remove(0);
        assert_eq!(refusal.code, "override.never");
        refusal.reason
    };
    assert_eq!(said(&asked(), "review"), "review is behind us already.");
    assert_eq!(said(&asked(), "votes"), "votes cannot be overridden by anybody.");
    let forbidden = begun().changed(|state| state.plan.steps[LOCAL].level = Level::MustNot);
    assert_eq!(said(&forbidden, "local"), "local cannot be overridden by anybody.");
}
