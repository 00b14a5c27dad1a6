//! Tests of `abandon`: the people who can end a run, and the duties that remain.

use std::slice::from_ref;

use super::*;
use crate::domain::command::{Command, Fixes};
use crate::domain::decide::tests::{abandoned, key, out_by_glass, running};
use crate::domain::event::{DriftChoice, PullSeen};
use crate::domain::vote_source::VoteSource;
use crate::fixture::{Play, begun, commit, contribution, environment, grant, live, person, production};
use hotfix_adapters::forge::Containment;

fn end(under_way: &[DeployKey]) -> UserCommand {
    UserCommand::Abandon { reason: "it hangs".to_owned(), under_way: under_way.iter().cloned().collect() }
}

/// Returns the event that ends the run.
fn ended(asked_by: Option<&str>, believed: &[DeployKey]) -> Event {
    let believed = believed.iter().cloned().collect();
    Event::Abandoned { reason: "it hangs".to_owned(), asked_by: asked_by.map(person), believed }
}

fn viewer(who: &str) -> Grant {
    Grant { roles: [Role::Viewer].into(), ..grant(who) }
}

#[test]
fn a_captain_ends_a_run_that_deploys_nothing() {
    assert_eq!(begun().on_act("dee", end(&[]))[0], ended(None, &[]));
    assert_eq!(begun().refused("ben", end(&[])), ["abandon.who"]);
}

#[test]
fn a_deployment_that_may_be_running_takes_a_second_person() {
    let play = running();
    let key = key(&play);
    let act = || end(from_ref(&key));
    assert_eq!(play.refused("ben", act()), ["abandon.who"], "a captain asks first");
    assert_eq!(play.on_act("dee", act()), [Event::AbandonRequested { reason: "it hangs".to_owned() }]);
    let asked = play.by("dee", act());
    assert_eq!(asked.refused("dee", act()), ["abandon.second"]);
    assert_eq!(asked.on_act("ben", act())[0], ended(Some("dee"), from_ref(&key)));
    let looks = crate::domain::decide::decide(&asked.state, &Command::User(viewer("ben"), act()), asked.now);
    assert_eq!(looks.unwrap_err()[0].code, "abandon.who", "who may only look confirms nothing");
}

#[test]
fn a_deployment_that_is_known_to_have_ended_takes_one_captain() {
    let play = running();
    let key = key(&play);
    for under_way in [vec![], vec!["another-key".parse().unwrap()]] {
        assert_eq!(play.on_act("dee", end(&under_way))[0], ended(None, from_ref(&key)));
    }
    let asked = play.by("dee", end(from_ref(&key)));
    assert_eq!(asked.refused("ben", end(&[])), ["abandon.who"], "there is nothing left to confirm");
    assert_eq!(asked.on_act("dee", end(&[]))[0], ended(None, from_ref(&key)));
    let over = asked.ends(None);
    assert_eq!(over.on_act("dee", end(&[key]))[0], ended(None, &[]), "it ended meanwhile");
}

#[test]
fn a_run_is_given_up_when_it_leaves_nothing_open() {
    let cases = [
        ("nothing was deployed", begun(), true),
        ("a deployment is under way", running(), false),
        ("main does not have what is live", live(), false),
        ("main has it", live().on_main(), true),
        ("nobody reviewed the broken glass", out_by_glass().on_main(), false),
    ];
    for (what, play, expected) in cases {
        assert_eq!(may_abort(&play.state), expected, "{what}");
        let way = if expected { "`abort <reason>`" } else { "`abandon <reason>`, which takes a captain" };
        assert_eq!(way_out(&play.state), way, "{what}");
    }
}

#[test]
fn an_abandoned_run_is_only_looked_at_and_brought_home() {
    let words = || "why".to_owned();
    let still = [
        UserCommand::Note(words()),
        UserCommand::Acknowledge,
        UserCommand::Countersign { ok: true, note: None },
        UserCommand::WaiveMergeback(words()),
        UserCommand::ConfirmMergeback(None),
        UserCommand::Postmortem(None),
    ];
    for act in still {
        assert!(outlives(&act), "{act:?}");
    }
    let step = || "review".parse().unwrap();
    let not_any_more = [
        UserCommand::Pick(Fixes::default()),
        UserCommand::Unpick(Vec::new()),
        UserCommand::Join { title: words(), fixes: Fixes::default() },
        UserCommand::Approve { on: None, way: VoteSource::Command },
        UserCommand::Unapprove { on: None },
        UserCommand::Reject { reason: words(), on: None, way: VoteSource::Command },
        UserCommand::Triage(Default::default()),
        UserCommand::Agree(None),
        UserCommand::Hold(words()),
        UserCommand::Unhold,
        UserCommand::Verify { place: words(), pass: true, note: None },
        UserCommand::Deploy(production()),
        UserCommand::Rollback { environment: production(), to: None, reason: words() },
        UserCommand::Skip(step(), words()),
        UserCommand::Override { gate: step(), reason: words(), incident: words() },
        UserCommand::Identify { unknown: words(), person: None, words: words() },
        UserCommand::BreakGlass {
            environment: production(),
            commit: words(),
            reason: words(),
            incident: words(),
            audit: "audit".parse().unwrap(),
        },
        UserCommand::Retry,
        UserCommand::Abort(words()),
        end(&[]),
        UserCommand::Drift(DriftChoice::Roll),
        UserCommand::Close,
    ];
    let play = abandoned(live());
    for act in not_any_more {
        assert_eq!(play.refused("dee", act.clone()), ["run.abandoned"], "{act:?}");
    }
    assert_eq!(play.on_act("ana", UserCommand::Acknowledge), [Event::Acknowledged]);
}

#[test]
fn an_abandoned_run_refuses_what_is_asked_and_says_what_it_waits_for() {
    let told = |play: &Play, asked_by: Option<&str>| {
        let by = Abandoned { asked_by: asked_by.map(person), ..play.state.abandoned.clone().unwrap() };
        let refusal = over(&play.state, &by);
        (refusal.reason, refusal.next)
    };
    let main = "Bring the fix to main, or let a captain say `mergeback waive <reason>`.";
    let review = "Somebody who was not involved says `countersign ok` or `countersign objection <why>`.";
    let (reason, next) = told(&abandoned(live()), None);
    assert_eq!((reason.as_str(), next.as_str()), ("<@dee> abandoned HF-12: it hangs", main));
    let (reason, _) = told(&abandoned(live()), Some("ben"));
    assert_eq!(reason, "<@ben> abandoned HF-12, and <@dee> confirmed it: it hangs");
    assert_eq!(told(&abandoned(out_by_glass()), None).1, format!("{review} {main}"));
    assert_eq!(told(&abandoned(out_by_glass().on_main()), None).1, review);
    assert_eq!(told(&abandoned(begun()), None).1, "Look at `timeline`, or start a new run.");
}

#[test]
fn an_abandoned_run_looks_only_for_the_fix() {
    let main = Observation::Mainline { how: Containment::Ancestor, main: commit("eeeeeee"), by: None };
    let running = Observation::Production {
        environment: environment("production"),
        running: commit("eeeeeee"),
        has_fix: true,
        brings: Vec::new(),
        total: 0,
    };
    assert!(sees(&main) && sees(&running));
    for sighting in [
        Observation::Head(None),
        Observation::Pull { seen: PullSeen::default(), merged: None },
        Observation::Tag(None),
        Observation::BranchMerged(contribution("eeeeeee", "Merge", "eve")),
    ] {
        assert!(!sees(&sighting), "{sighting:?}");
    }
    assert!(learns(&EffectResult::BranchDeleted) && !learns(&EffectResult::Nothing));
}
