//! Tests of `unpick`: how a fix leaves a run, and when it is too late.

use super::*;
use crate::domain::command::{EffectResult, UserCommand};
use crate::domain::decide::tests::{entered, no_events, running};
use crate::domain::hotfix::DeployState;
use crate::fixture::{Play, begun, commit, head, live, production, voted};

fn take(short: &str) -> UserCommand {
    UserCommand::Unpick(vec![commit(short)])
}

fn removed(short: &str, by_hand: bool) -> Event {
    Event::FixRemoved { source: commit(short), by_hand }
}

/// Returns a run whose fix is on the branch, in this state.
fn on_branch(fix: FixState) -> Play {
    begun().announced().branched().picked().changed(|state| state.fixes[0].state = fix)
}

fn words(play: &Play, short: &str) -> (String, String) {
    let refusal = play.answer("ben", take(short)).unwrap_err().remove(0);
    (refusal.reason, refusal.next)
}

#[test]
fn a_fix_leaves_by_the_way_it_came() {
    let asked = Event::FixRemovalRequested { source: commit("f1f1f1f") };
    let conflicted = FixState::Conflicted(vec!["a.rs".to_owned()]);
    let no_branch = |fix| on_branch(fix).changed(|state| state.branch = BranchState::Absent);
    let cases = [
        ("a pick may be on its way", on_branch(FixState::Waiting), asked.clone()),
        ("it is on the branch", on_branch(FixState::Picked), asked),
        ("a person put it there", on_branch(FixState::Adapted), removed("f1f1f1f", true)),
        ("it never got there", on_branch(conflicted), removed("f1f1f1f", false)),
        ("there is no branch yet", begun(), removed("f1f1f1f", false)),
        ("there is no branch yet, and it was there", no_branch(FixState::Picked), removed("f1f1f1f", false)),
    ];
    for (what, play, expected) in cases {
        assert_eq!(play.on_act("ben", take("f1f1f1f"))[0], expected, "{what}");
    }
    let events = on_branch(FixState::Picked).on_act("ben", take("f1f1f1f"));
    assert_eq!(events[1..], [entered("fix")], "what rests on it starts again");
}

#[test]
fn only_a_fix_of_the_run_is_taken_out() {
    let play = on_branch(FixState::Picked);
    assert_eq!(play.refused("ben", take("9999999")), ["fix.unknown"]);
    assert_eq!(
        words(&play, "9999999"),
        ("9999999 is no fix of HF-12.".to_owned(), "Its fixes are f1f1f1f.".to_owned())
    );
    let none = play.changed(|state| state.fixes.clear());
    assert_eq!(
        words(&none, "9999999").1,
        "No fix was named for it; what people pushed they take off the branch themselves."
    );
    assert_eq!(on_branch(FixState::Leaving).refused("ben", take("f1f1f1f")), ["fix.unknown"], "it leaves already");
}

#[test]
fn what_is_merged_live_or_under_way_stays_on_the_branch() {
    let merged =
        live().came(EffectResult::Merged { number: live().state.pull.unwrap().number, commit: commit("eeeeeee") });
    let asked = voted().by("ana", UserCommand::Deploy(production()));
    let back = UserCommand::Rollback { environment: production(), to: None, reason: "it fails".to_owned() };
    let staged = voted().changed(|state| state.deploys[0].state = DeployState::Running);
    let cases: [(&str, Play, &[&str]); 6] = [
        ("merged", merged, &["branch.merged"]),
        ("live", live(), &["fix.live"]),
        ("live, and about to be put back", live().by("ana", back), &["deploy.busy"]),
        ("under way to production", running(), &["deploy.busy"]),
        ("under way to staging", staged, &["deploy.busy"]),
        ("asked for, and nothing begun", asked, &[]),
    ];
    for (what, play, codes) in cases {
        assert_eq!(play.refused("ben", take("f1f1f1f")), codes, "{what}");
    }
}

#[test]
fn what_is_live_is_rolled_back_first() {
    let (reason, next) = words(&live(), "f1f1f1f");
    assert_eq!(reason, "It is live in production; taking it off the branch would not take it back there.");
    assert_eq!(next, "Say `rollback production <reason>` first.");
    let unknown = live().changed(|state| state.deploys.last_mut().unwrap().intent.previous = None);
    assert_eq!(words(&unknown, "f1f1f1f").1, "Say `rollback production to abc1234 <reason>` first.");
}

#[test]
fn what_came_of_taking_it_off_is_told_while_it_leaves() {
    let came = |play: &Play, result: Result<HeadSeen, Vec<String>>| {
        play.on_outcome(EffectResult::Unpicked { source: commit("f1f1f1f"), result })
    };
    let files = || vec!["a.rs".to_owned()];
    let leaving = on_branch(FixState::Leaving);
    let events = came(&leaving, Ok(head("2222222", "Another")));
    assert!(matches!(&events[0], Event::HeadMoved { adapts, .. } if adapts.is_empty()), "{events:?}");
    assert_eq!(events[1], removed("f1f1f1f", false));
    assert_eq!(came(&leaving, Err(files()))[0], Event::FixKept { source: commit("f1f1f1f"), files: files() });
    assert_eq!(came(&on_branch(FixState::Picked), Err(files())), no_events());
    let other = leaving.on_outcome(EffectResult::Unpicked { source: commit("9999999"), result: Err(files()) });
    assert_eq!(other, no_events());
}
