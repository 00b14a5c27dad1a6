//! Tests of the break-glass commands: turn, arguments and countersign.

use super::*;
use crate::domain::command::{Command, UserCommand};
use crate::domain::decide::tests::{drifted, no_events, out_by_glass};
use crate::domain::event::Ending;
use crate::domain::hotfix::Phase;
use crate::domain::vote_source::VoteSource;
use crate::fixture::{Play, asked, begun, commit, environment, live, person, production, staging, voted};

const WHY: &str = "every payment fails and nobody is awake";

fn smash(environment: Environment, commit: &str, reason: &str) -> UserCommand {
    let (commit, reason) = (commit.to_owned(), reason.to_owned());
    UserCommand::BreakGlass {
        environment,
        commit,
        reason,
        incident: "INC-7".to_owned(),
        audit: "audit".parse().unwrap(),
    }
}

fn countersign(ok: bool, note: Option<&str>) -> UserCommand {
    UserCommand::Countersign { ok, note: note.map(str::to_owned) }
}

fn words(play: &Play, environment: Environment) -> String {
    play.answer("dee", smash(environment, "1111111", WHY)).unwrap_err().remove(0).reason
}

#[test]
fn a_broken_glass_says_what_for_and_until_when() {
    let play = asked();
    let expected = BreakGlass {
        environment: production(),
        commit: commit("1111111"),
        base: commit("abc1234"),
        image: None,
        plan_digest: play.state.plan_digest.clone(),
        policy_version: "policy-1".to_owned(),
        person: person("dee"),
        reason: WHY.to_owned(),
        incident: "INC-7".to_owned(),
        audit: "audit".parse().unwrap(),
        at: play.now,
        expires: play.now.checked_add(SignedDuration::from_mins(120)).unwrap(),
    };
    let act = smash(production(), "1111111", &format!("  {WHY} \n"));
    assert_eq!(play.on_act("dee", act), [Event::BreakGlassUsed(expected)]);
}

#[test]
fn the_glass_stands_in_for_votes_that_are_missing_and_for_nothing_else() {
    let told = asked().glass_broken();
    let broken = asked().by("dee", smash(production(), "1111111", WHY));
    let vetoed =
        asked().by("chi", UserCommand::Reject { reason: "not today".to_owned(), on: None, way: VoteSource::Command });
    let early = begun().announced().branched().picked();
    let cases: [(&str, Play, Environment, &[&str]); 10] = [
        ("a vote is missing", asked(), production(), &[]),
        ("an environment that is not there", asked(), environment("moon"), &["environment.unknown"]),
        ("others changed production", drifted(asked(), "fffffff"), production(), &["drift"]),
        ("other steps come before", early, production(), &["break-glass.early"]),
        ("that is behind", asked(), staging(), &["break-glass.not-needed"]),
        ("it went out", live(), production(), &["break-glass.not-needed"]),
        ("no vote is missing", voted(), production(), &["break-glass.not-needed"]),
        ("it was broken a moment ago", broken, production(), &["break-glass.broken"]),
        ("it was broken, and that is told", told, production(), &["break-glass.not-needed"]),
        ("somebody said no", vetoed, production(), &["vote.rejected"]),
    ];
    for (what, play, environment, codes) in cases {
        assert_eq!(play.refused("dee", smash(environment, "1111111", WHY)), codes, "{what}");
    }
}

#[test]
fn why_there_is_no_glass_to_break_is_told() {
    assert_eq!(words(&voted(), production()), "No vote is missing for production, so there is no glass to break.");
    assert_eq!(words(&live(), production()), "No vote for production is waited for in this run.");
    let early = words(&begun().announced().branched().picked(), production());
    assert_eq!(
        early,
        "The glass stands in for votes and for nothing else; these steps come before them: review, local, staging, look."
    );
}

#[test]
fn the_commit_is_typed_and_the_reason_is_a_sentence() {
    let play = asked().changed(|state| {
        state.head.as_mut().unwrap().tip = commit("abcdef1");
        state.vote_requests.get_mut(&production()).unwrap().commit = commit("abcdef1");
    });
    let (short, enough) = ("é".repeat(19), "é".repeat(20));
    let padded = format!("  {short}  ");
    let cases: [(&str, &str, &[&str]); 8] = [
        ("abcdef1", &enough, &[]),
        ("ABCDEF10", &enough, &[]),
        ("abcdef", &enough, &["break-glass.commit"]),
        ("abcdef2", &enough, &["break-glass.commit"]),
        ("bcdef10", &enough, &["break-glass.commit"]),
        ("abcdef1", &short, &["break-glass.reason"]),
        ("abcdef1", &padded, &["break-glass.reason"]),
        ("abcdef", &short, &["break-glass.commit", "break-glass.reason"]),
    ];
    for (typed, reason, codes) in cases {
        assert_eq!(play.refused("dee", smash(production(), typed, reason)), codes, "{typed} {reason}");
    }
}

#[test]
fn somebody_who_was_not_involved_looks_at_it_afterwards() {
    let play = out_by_glass();
    assert_eq!(live().refused("eve", countersign(true, None)), ["countersign.none"]);
    assert_eq!(play.refused("dee", countersign(true, None)), ["countersign.breaker"]);
    assert_eq!(play.refused("eve", countersign(false, None)), ["countersign.note"]);
    for (ok, note) in [(true, None), (true, Some("fine")), (false, Some("nobody called"))] {
        let given = Event::Countersigned { ok, note: note.map(str::to_owned) };
        assert_eq!(play.on_act("eve", countersign(ok, note)), [given]);
    }
    assert_eq!(play.by("eve", countersign(true, None)).refused("ben", countersign(true, None)), ["countersign.none"]);
}

#[test]
fn people_are_reminded_of_the_review_until_it_is_given() {
    let reminded = |play: &Play| play.events(&Command::CountersignTimer);
    let times = |times| Event::CountersignReminded { times };
    assert_eq!(reminded(&out_by_glass()), [times(1)]);
    assert_eq!(reminded(&out_by_glass().then(&Command::CountersignTimer)), [times(2)]);
    assert_eq!(reminded(&live()), no_events());
    assert_eq!(reminded(&out_by_glass().by("eve", countersign(true, None))), no_events());
    let over = out_by_glass().changed(|state| {
        state.phase = Phase::Ended { ending: Ending::Aborted, at: state.opened_at, refusals: Vec::new() };
    });
    assert_eq!(reminded(&over), no_events());
}
