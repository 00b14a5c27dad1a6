//! Tests of user commands: their events and the texts of their refusals.

use super::*;
use crate::domain::command::Observation;
use crate::domain::decide::tests::{abandoned, deploying, drifted, key, no_events, out_by_glass, running, step};
use crate::domain::hotfix::{Fix, FixState};
use crate::domain::playbook::{Artifact, Trigger};
use crate::domain::service::EnvironmentPlan;
use crate::fixture::{Play, asked, begun, closed, commit, contribution, environment, live, person, voted};

/// Indexes of steps in the plan of the fixture.
const TRIAGE: usize = 0;
const LOCAL: usize = 7;
const LOOK: usize = 9;
const PRODUCTION: usize = 11;
const MAIN: usize = 12;

const ABANDON: &str = "A captain can end the run as it is with `abandon <reason>`.";

fn fixes(all: &[&str]) -> Fixes {
    Fixes { commits: all.iter().map(|short| commit(short)).collect(), reordered: false }
}

fn reordered(all: &[&str]) -> Fixes {
    Fixes { reordered: true, ..fixes(all) }
}

fn join(title: &str, all: &[&str]) -> UserCommand {
    UserCommand::Join { title: title.to_owned(), fixes: fixes(all) }
}

fn requested(short: &str) -> Event {
    Event::FixRequested { source: commit(short) }
}

fn verify(place: &str, pass: bool, note: Option<&str>) -> UserCommand {
    UserCommand::Verify { place: place.to_owned(), pass, note: note.map(str::to_owned) }
}

fn stop() -> UserCommand {
    UserCommand::Abort("never mind".to_owned())
}

fn hold(reason: &str) -> UserCommand {
    UserCommand::Hold(reason.to_owned())
}

fn refusals(play: &Play, who: &str, act: UserCommand) -> Vec<Refusal> {
    play.answer(who, act).unwrap_err()
}

/// Returns reason and next step of the first refusal.
fn words(play: &Play, who: &str, act: UserCommand) -> (String, String) {
    let refusal = refusals(play, who, act).remove(0);
    (refusal.reason, refusal.next)
}

/// Marks the pull request as merged, without proof that main has the fix.
fn merged_pull(play: Play) -> Play {
    play.changed(|state| state.pull.as_mut().unwrap().merged = Some(commit("eeeeeee")))
}

/// Adds a second production that runs this commit.
fn second(play: Play, runs: &str) -> Play {
    play.changed(|state| {
        let name = environment("second");
        let second = EnvironmentPlan { name: name.clone(), ..state.plan.environments[1].clone() };
        let (trigger, what) = (Trigger::Command, Artifact::Fix);
        let kind = StepKind::Deploy { environment: name.clone(), trigger, what };
        let spec = StepSpec { id: step("second"), kind, ..state.plan.steps[PRODUCTION].clone() };
        state.plan.environments.push(second);
        state.plan.steps.push(spec);
        state.steps.push(StepState::Ahead);
        state.snapshot.as_mut().unwrap().productions.insert(name, commit(runs));
    })
}

fn rewritten(play: Play) -> Play {
    play.changed(|state| state.rewritten = Some((commit("9999999"), commit("eeeeeee"))))
}

#[test]
fn a_note_is_always_taken() {
    let note = UserCommand::Note("it was the cache".to_owned());
    let noted = [Event::Noted { text: "it was the cache".to_owned() }];
    for play in [begun(), closed(), abandoned(live())] {
        assert_eq!(play.on_act("ben", note.clone()), noted);
    }
}

#[test]
fn nothing_else_is_done_with_a_run_that_is_over() {
    assert_eq!(closed().refused("ana", UserCommand::Acknowledge), ["run.over"]);
    let told = ("HF-12 is over.".to_owned(), "Look at `timeline HF-12`, or start a new run.".to_owned());
    assert_eq!(words(&closed(), "ana", UserCommand::Acknowledge), told);
    assert_eq!(abandoned(live()).refused("ana", UserCommand::Retry), ["run.abandoned"]);
}

/// Security case 40: a repeated command changes nothing.
#[test]
fn what_is_said_again_changes_nothing() {
    assert_eq!(begun().on_act("ben", UserCommand::Acknowledge), [Event::Acknowledged]);
    let once = begun().by("ben", UserCommand::Acknowledge);
    assert_eq!(once.on_act("ben", UserCommand::Acknowledge), no_events());
    assert_eq!(once.on_act("dee", UserCommand::Acknowledge), [Event::Acknowledged]);
    let held = |reason: &str| Event::Held { reason: reason.to_owned() };
    assert_eq!(begun().on_act("ben", hold("wait")), [held("wait")]);
    let once = begun().by("ben", hold("wait"));
    assert_eq!(once.on_act("ben", hold("wait")), no_events());
    assert_eq!(once.on_act("ben", hold("the database moves")), [held("the database moves")]);
    assert_eq!(once.on_act("dee", hold("wait")), [held("wait")]);
}

/// Security case 40: a repeated `start` changes nothing; a different one joins the run.
#[test]
fn a_second_start_joins_the_run() {
    let joined = |title: &str| Event::Joined { title: title.to_owned() };
    let title = "Fix 500 on upload";
    let once = begun().by("ben", join("Uploads fail", &[]));
    let cases: [(&str, &Play, &str, UserCommand, Vec<Event>); 9] = [
        ("the same start", &begun(), "ana", join(title, &["f1f1f1f"]), vec![]),
        ("the same start without fixes", &begun(), "ana", join(title, &[]), vec![]),
        ("the same start with more", &begun(), "ana", join(title, &["f1f1f1f", "2222222"]), vec![requested("2222222")]),
        ("the same person about something else", &begun(), "ana", join("More", &[]), vec![joined("More")]),
        ("somebody else about the same", &begun(), "ben", join(title, &[]), vec![joined(title)]),
        ("with a fix", &begun(), "ben", join("More", &["2222222"]), vec![joined("More"), requested("2222222")]),
        ("the same again", &once, "ben", join("Uploads fail", &[]), vec![]),
        ("another title", &once, "ben", join("Uploads fail again", &[]), vec![joined("Uploads fail again")]),
        ("another person", &once, "eve", join("Uploads fail", &[]), vec![joined("Uploads fail")]),
    ];
    for (what, play, who, act, expected) in cases {
        assert_eq!(play.on_act(who, act), expected, "{what}");
    }
    assert_eq!(begun().refused("ben", join("More", &["f1f1f1f"])), ["fix.known"]);
}

#[test]
fn fixes_are_asked_for_until_the_branch_is_merged() {
    let pick = |all: &[&str]| UserCommand::Pick(fixes(all));
    assert_eq!(begun().on_act("ben", pick(&["2222222"])), [requested("2222222")]);
    assert_eq!(begun().on_act("ben", pick(&["f1f1f1f", "2222222"])), [requested("2222222")]);
    assert_eq!(begun().refused("ben", pick(&["f1f1f1f"])), ["fix.known"]);
    assert_eq!(begun().refused("ben", pick(&[])), ["fix.known"]);
    assert_eq!(merged_pull(voted()).refused("ben", pick(&["2222222"])), ["branch.merged"]);
    let deleted = voted().changed(|state| state.branch = BranchState::Deleted);
    assert_eq!(deleted.refused("ben", pick(&["2222222"])), ["branch.merged"]);
    assert_eq!(branch_merged(&voted().state), None);
    assert_eq!(words(&deleted, "ben", pick(&["2222222"])).0, "The branch hotfix is merged already.");
}

#[test]
fn a_fix_that_main_reverted_is_wanted_by_name() {
    let by = contribution("9999999", "Revert", "eve");
    let reverted = Observation::FixReverted { source: commit("f1f1f1f"), by, why: "it breaks".to_owned() };
    let play = begun().saw(reverted);
    let confirmed = Event::FixConfirmed { source: commit("f1f1f1f") };
    assert_eq!(play.on_act("ben", UserCommand::Pick(fixes(&["f1f1f1f"]))), std::slice::from_ref(&confirmed));
    let both = [confirmed, requested("2222222")];
    assert_eq!(play.on_act("ben", UserCommand::Pick(fixes(&["f1f1f1f", "2222222"]))), both);
    let known = play.by("ben", UserCommand::Pick(fixes(&["f1f1f1f"])));
    assert_eq!(known.refused("ben", UserCommand::Pick(fixes(&["f1f1f1f"]))), ["fix.known"]);
}

#[test]
fn fixes_in_another_order_than_they_were_named_in_are_told_of() {
    let ordered = Event::FixesOrdered { sources: vec![commit("2222222"), commit("3333333")] };
    let both = [requested("2222222"), requested("3333333")];
    let events = begun().on_act("ben", UserCommand::Pick(reordered(&["2222222", "3333333"])));
    assert_eq!((&events[..2], &events[2..]), (&both[..], &[ordered][..]));
    assert_eq!(begun().on_act("ben", UserCommand::Pick(fixes(&["2222222", "3333333"]))), both);
    assert_eq!(begun().on_act("ben", UserCommand::Pick(reordered(&["2222222", "f1f1f1f"]))), [requested("2222222")]);
}

#[test]
fn the_questions_of_the_triage_are_answered_by_their_number() {
    let answer = |place| UserCommand::Triage([(place, TriageAnswer::No)].into());
    assert_eq!(begun().on_act("ben", answer(0))[0], Event::TriageAnswered { answers: vec![(0, TriageAnswer::No)] });
    assert_eq!(begun().refused("ben", answer(1)), ["triage.unknown"]);
    assert_eq!(words(&begun(), "ben", answer(1)).0, "There is no criterion 2; the last one is 1.");
    let none = begun().changed(|state| {
        state.plan.steps[TRIAGE].kind = StepKind::Triage { criteria: Vec::new(), ask: false };
    });
    assert_eq!(none.refused("ben", answer(0)), ["triage.none"]);
    let other = begun().changed(|state| state.plan.steps[TRIAGE].kind = StepKind::RideAlong);
    assert_eq!(other.refused("ben", answer(0)), ["triage.none"]);
}

/// Makes two steps ask for an agreement: `local` for that of QA, `look` for that of the stakeholders.
fn with_agreements(play: Play) -> Play {
    play.changed(|state| {
        for (at, party, members) in [(LOCAL, "qa", ["ana", "ben"]), (LOOK, "stakeholders", ["ana", "eve"])] {
            let (party, question) = (party.to_owned(), "Do you agree?".to_owned());
            state.plan.parties.insert(party.clone(), members.map(person).into());
            state.plan.steps[at].kind = StepKind::Agree { party, count: 2, question };
        }
    })
}

/// HOCS-17: the requester cannot agree, and others agree only for their party.
#[test]
fn the_members_of_a_party_agree_by_name() {
    let play = with_agreements(begun().announced().branched().picked().reviewed());
    let agreed = |id: &str| [Event::Agreed { step: step(id) }];
    assert_eq!(play.on_act("ben", UserCommand::Agree(None)), agreed("local"), "it is the turn of that step");
    assert_eq!(play.on_act("ben", UserCommand::Agree(Some(step("local")))), agreed("local"));
    assert_eq!(play.on_act("eve", UserCommand::Agree(Some(step("look")))), agreed("look"), "a later step by its name");
    assert_eq!(play.refused("ana", UserCommand::Agree(None)), ["agree.requester"]);
    assert_eq!(play.refused("eve", UserCommand::Agree(None)), ["agree.party"]);
    assert_eq!(words(&play, "eve", UserCommand::Agree(None)).1, "Ask one of them: <@ana>, <@ben>.");
    assert_eq!(play.clone().by("ben", UserCommand::Agree(None)).on_act("ben", UserCommand::Agree(None)), no_events());
    for id in ["review", "moon"] {
        assert_eq!(play.refused("ben", UserCommand::Agree(Some(step(id)))), ["agree.nothing"], "{id}");
    }
}

#[test]
fn an_agreement_is_asked_for_by_the_current_step_or_by_an_offered_one() {
    let play = with_agreements(begun());
    assert_eq!(play.refused("ben", UserCommand::Agree(None)), ["agree.nothing"], "its turn has not come");
    let offered = play.changed(|state| {
        let since = state.opened_at;
        state.steps[TRIAGE] = StepState::Offered { since };
        state.steps[LOOK] = StepState::Offered { since };
    });
    assert_eq!(offered.on_act("eve", UserCommand::Agree(None)), [Event::Agreed { step: step("look") }]);
}

#[test]
fn a_hold_is_lifted_by_whoever_holds_it_or_by_a_captain() {
    let held = begun().by("ben", hold("wait"));
    let lifted = |who: &str| [Event::Unheld { person: person(who) }];
    assert_eq!(held.on_act("ben", UserCommand::Unhold), lifted("ben"));
    assert_eq!(held.on_act("dee", UserCommand::Unhold), lifted("ben"), "a captain");
    assert_eq!(
        held.clone().by("dee", hold("me too")).on_act("dee", UserCommand::Unhold),
        lifted("dee"),
        "one's own first"
    );
    assert_eq!(words(&held, "chi", UserCommand::Unhold).0, "There is no hold of yours here.");
    assert_eq!(words(&begun(), "dee", UserCommand::Unhold).0, "Nothing is on hold here.");
    assert_eq!(
        [begun().refused("chi", UserCommand::Unhold), held.refused("chi", UserCommand::Unhold)],
        [["hold.none"], ["hold.none"]]
    );
}

#[test]
fn a_word_is_about_what_runs_at_that_place() {
    let said = |place: &str, short: &str| Event::Attested {
        place: place.to_owned(),
        commit: commit(short),
        pass: true,
        note: Some("looks good".to_owned()),
    };
    let note = Some("looks good");
    assert_eq!(asked().on_act("eve", verify("local", true, note)), [said("local", "1111111")]);
    assert_eq!(asked().on_act("eve", verify("staging", true, note)), [said("staging", "1111111")]);
    assert_eq!(live().on_act("eve", verify("production", true, note)), [said("production", "1111111")]);
    assert_eq!(asked().refused("eve", verify("production", true, note)), ["verify.nothing"]);
    assert_eq!(begun().refused("eve", verify("local", true, note)), ["verify.nothing"]);
    assert_eq!(asked().refused("eve", verify("moon", true, note)), ["verify.place"]);
    assert_eq!(words(&asked(), "eve", verify("moon", true, note)).1, "Say where: local, staging.");
    let elsewhere = asked().changed(|state| state.deploys[0].intent.commit = commit("2222222"));
    assert_eq!(elsewhere.on_act("eve", verify("staging", true, note))[0], said("staging", "2222222"));
}

/// Security case 40: an attestation that is repeated within a minute changes nothing.
#[test]
fn the_same_word_a_moment_later_is_the_word_that_was() {
    let (second, minute) = (SignedDuration::from_secs(59), SignedDuration::from_mins(1));
    let said = asked().by("eve", verify("local", true, None));
    let after = |wait: SignedDuration, act: UserCommand| {
        let mut play = said.clone();
        play.now = play.now.checked_add(wait).unwrap();
        play.on_act("eve", act).len()
    };
    assert_eq!(after(second, verify("local", true, None)), 0);
    assert_eq!(after(minute, verify("local", true, None)), 1);
    assert_eq!(after(second, verify("local", true, Some("again"))), 1, "a note says more");
    assert!(after(second, verify("local", false, None)) > 0, "the contrary");
    assert_eq!(after(second, verify("staging", true, None)), 1, "another place");
    assert_eq!(said.on_act("dee", verify("local", true, None)).len(), 1, "another person");
    let moved = said.clone().changed(|state| state.head.as_mut().unwrap().tip = commit("2222222"));
    let events = moved.on_act("eve", verify("local", true, None));
    assert!(matches!(&events[0], Event::Attested { commit: on, .. } if *on == commit("2222222")), "{events:?}");
}

#[test]
fn a_word_ends_the_deployment_that_waits_for_it() {
    let waits = deploying(DeployState::AwaitingConfirmation);
    let ended = |failure: Option<&str>| Event::DeployEnded { key: key(&waits), failure: failure.map(str::to_owned) };
    let noted = Event::Noted { text: "by hand".to_owned() };
    assert_eq!(waits.on_act("ben", verify("production", true, None))[0], ended(None));
    assert_eq!(waits.on_act("ben", verify("production", true, Some("by hand")))[..2], [ended(None), noted]);
    assert_eq!(waits.on_act("ben", verify("production", false, Some("no")))[..], [ended(Some("no"))]);
    let silent = waits.on_act("ben", verify("production", false, None));
    assert_eq!(silent[..], [ended(Some("it did not work, says the person who did it"))]);
    let other = waits.on_act("ben", verify("staging", true, Some("good")));
    assert!(matches!(other[0], Event::Attested { .. }), "another place: {other:?}");
}

#[test]
fn the_last_deployment_to_a_place_takes_the_word() {
    let play = deploying(DeployState::AwaitingConfirmation).changed(|state| {
        let mut first = state.deploys.last().unwrap().clone();
        first.intent.key = "earlier".parse().unwrap();
        state.deploys.insert(0, first);
    });
    let events = play.on_act("ben", verify("production", true, None));
    assert!(matches!(&events[0], Event::DeployEnded { key: ended, .. } if *ended == key(&play)), "{events:?}");
}

/// A user can report that a watched rollout failed, but not that it succeeded.
#[test]
fn a_rollout_is_not_said_to_be_through() {
    let rolls_out = deploying(DeployState::RollingOut);
    assert_eq!(rolls_out.refused("ben", verify("production", true, None)), ["verify.rolling-out"]);
    assert_eq!(
        words(&rolls_out, "ben", verify("production", true, None)).0,
        "1111111 is merged, and not known to run on production yet."
    );
    let noted = rolls_out.clone().changed(|state| {
        let key = state.deploys.last().unwrap().intent.key.clone();
        state.notes.insert(key, "a label is missing".to_owned());
    });
    assert_eq!(
        words(&noted, "ben", verify("production", true, None)).0,
        "1111111 is merged, and not known to run on production yet (a label is missing)."
    );
    let failed = rolls_out.on_act("ben", verify("production", false, Some("no")));
    assert_eq!(failed[..], [Event::DeployEnded { key: key(&rolls_out), failure: Some("no".to_owned()) }]);
    let staging_too = rolls_out.on_act("ben", verify("staging", true, Some("good")));
    assert!(matches!(staging_too[0], Event::Attested { .. }), "another place: {staging_too:?}");
    assert_eq!(running().refused("ben", verify("production", true, None)), ["verify.nothing"]);
    let takes =
        [DeployState::AwaitingConfirmation, DeployState::RollingOut, DeployState::Running, DeployState::Succeeded];
    assert_eq!(takes.clone().map(|at| takes_word(&at, true)), [true, false, false, false]);
    assert_eq!(takes.map(|at| takes_word(&at, false)), [true, true, false, false]);
}

#[test]
fn a_run_is_given_up_by_its_owner_or_a_captain() {
    let aborted = [Event::Aborted { reason: "never mind".to_owned() }];
    assert_eq!(begun().on_act("ana", stop()), aborted);
    assert_eq!(begun().on_act("dee", stop()), aborted);
    assert_eq!(begun().refused("ben", stop()), ["abort.who"]);
    assert_eq!(words(&begun(), "ben", stop()).1, "Ask <@ana> or a captain.", "nothing else is in the way");
    assert_eq!(live().on_main().on_act("ana", stop()), aborted);
}

#[test]
fn a_run_that_leaves_something_open_is_not_given_up() {
    let next = |play: &Play| refusals(play, "ana", stop()).into_iter().map(|refusal| refusal.next).collect::<Vec<_>>();
    let cases: [(&str, Play, &[&str]); 5] = [
        ("a deployment is under way", running(), &["abort.deploying"]),
        ("it is live", live(), &["abort.live"]),
        ("nobody looked at the broken glass", out_by_glass().on_main(), &["abort.break-glass"]),
        ("it is live by a broken glass", out_by_glass(), &["abort.live", "abort.break-glass"]),
        ("main has it", live().on_main(), &[]),
    ];
    for (what, play, codes) in cases {
        assert_eq!(play.refused("ana", stop()), codes, "{what}");
    }
    assert_eq!(next(&running()), [format!("Wait for it to end. {ABANDON}")]);
    let word = "Say how it went with `verify production pass` or `verify production fail`.";
    assert_eq!(next(&deploying(DeployState::AwaitingConfirmation)), [format!("{word} {ABANDON}")]);
    let both = next(&out_by_glass());
    assert!(!both[0].contains(ABANDON) && both[1].ends_with(ABANDON), "it is said once: {both:?}");
    let by_nobody = refusals(&running(), "ben", stop());
    assert!(!by_nobody[0].next.contains(ABANDON) && by_nobody[1].next.ends_with(ABANDON), "{by_nobody:?}");
}

/// APPLY-12: a run whose fix is live and not on main cannot be aborted.
#[test]
fn giving_up_does_not_lose_a_fix_that_is_live() {
    let lost = |play: &Play, drifted: &[&str]| {
        let drifted = drifted.iter().map(|name| environment(name)).collect();
        lost_by_giving_up(&play.state, &drifted).map(|refusal| (refusal.reason, refusal.requirement))
    };
    let because = "APPLY-12".parse().ok();
    let runs = "Production runs the fix, and main does not have it: giving up now would lose it with the next release.";
    let replaced =
        "Others replaced the fix in production, and main does not have it either: giving up now would lose it.";
    assert_eq!(lost(&voted(), &[]), None);
    assert_eq!(lost(&live().on_main(), &[]), None);
    assert_eq!(lost(&live(), &[]), Some((runs.to_owned(), because.clone())));
    assert_eq!(lost(&live(), &["staging"]), Some((runs.to_owned(), because.clone())));
    assert_eq!(lost(&live(), &["production"]), Some((replaced.to_owned(), because)));
    let drifted = drifted(live(), "fffffff");
    assert_eq!(words(&drifted, "ana", stop()).0, replaced);
    assert_eq!(words(&drifted, "ana", UserCommand::Drift(DriftChoice::Abort)).0, replaced);
}

#[test]
fn a_drift_is_settled_by_one_of_its_answers() {
    let settled = |choice| Event::DriftSettled { choice };
    let play = drifted(asked(), "fffffff");
    for choice in [DriftChoice::Abort, DriftChoice::Rebase, DriftChoice::Roll] {
        assert_eq!(asked().refused("ana", UserCommand::Drift(choice)), ["drift.none"]);
        assert_eq!(play.on_act("ana", UserCommand::Drift(choice))[0], settled(choice));
    }
    let aborted = Event::Aborted { reason: "production changed under it".to_owned() };
    assert_eq!(play.on_act("ana", UserCommand::Drift(DriftChoice::Abort))[1..], [aborted]);
    assert_eq!(play.refused("ben", UserCommand::Drift(DriftChoice::Abort)), ["abort.who"]);
    let empty = drifted(begun(), "fffffff");
    let roll = refusals(&empty, "ana", UserCommand::Drift(DriftChoice::Roll)).remove(0);
    assert_eq!((roll.code.as_str(), roll.requirement), ("drift.no-fix", "APPLY-17".parse().ok()));
    assert_eq!(roll.next, "Say `drift rebase`, or `drift abort`, and make the fix a normal change.");
}

#[test]
fn what_is_merged_is_not_put_on_another_base() {
    let play = merged_pull(drifted(voted(), "fffffff"));
    let refusal = refusals(&play, "ana", UserCommand::Drift(DriftChoice::Rebase)).remove(0);
    assert_eq!((refusal.code.as_str(), refusal.requirement), ("drift.merged", "APPLY-17".parse().ok()));
    assert_eq!(refusal.reason, "Pull request #7 is merged, so what it brought stays on the base it has.");
    assert_eq!(refusal.next, "Choose `drift roll`, or `drift abort`, and start a hotfix on what runs now.");
    let waiting = |state: &mut Hotfix| state.fixes.push(Fix { source: commit("2222222"), state: FixState::Waiting });
    let without = play.changed(waiting);
    let next = cannot_rebase(&without.state).unwrap().next;
    assert_eq!(next, "Choose `drift abort`, and start a hotfix on what runs now.");
    let live = merged_pull(drifted(live(), "fffffff"));
    let next = cannot_rebase(&live.state).unwrap().next;
    assert_eq!(
        next,
        "Choose `drift roll`, or `abandon <reason>`, which takes a captain, and start a hotfix on what runs now."
    );
    assert_eq!(cannot_rebase(&voted().state), None);
}

/// HOCS-3: a rebase is refused while the productions run different commits.
#[test]
fn productions_that_differ_are_brought_together_first() {
    let play = second(drifted(voted(), "fffffff"), "abc1234");
    let refusal = refusals(&play, "ana", UserCommand::Drift(DriftChoice::Rebase)).remove(0);
    assert_eq!((refusal.code.as_str(), refusal.requirement), ("drift.disagree", "HOCS-3".parse().ok()));
    assert_eq!(refusal.reason, "The productions do not run the same: production runs fffffff, second runs abc1234.");
    assert_eq!(refusal.next, "Bring them together first, or choose `drift roll` or `drift abort`.");
    let empty = second(drifted(begun(), "fffffff"), "abc1234");
    let next = cannot_rebase(&empty.state).unwrap().next;
    assert_eq!(next, "Bring them together first, or choose `drift abort`.");
    assert_eq!(cannot_rebase(&second(drifted(voted(), "fffffff"), "fffffff").state), None, "both run the same");
    let deployed = second(drifted(voted(), "fffffff"), "abc1234").changed(|state| {
        let mut there = state.deploys[0].clone();
        there.intent.environment = environment("second");
        state.deploys.push(there);
    });
    assert_eq!(cannot_rebase(&deployed.state), None, "the run deployed to the other one itself");
}

#[test]
fn bringing_the_fix_to_main_is_given_up_once_it_is_live() {
    let waive = || UserCommand::WaiveMergeback("the flag is off".to_owned());
    let waived = Event::MergebackWaived { reason: "the flag is off".to_owned() };
    assert_eq!(live().on_act("dee", waive())[0], waived);
    assert_eq!(live().on_main().refused("dee", waive()), ["mainline.done"]);
    assert_eq!(live().by("dee", waive()).refused("dee", waive()), ["mainline.done"]);
    assert_eq!(voted().refused("dee", waive()), ["mainline.early"]);
    assert_eq!(words(&voted(), "dee", waive()).1, "If you mean the whole run, end it with `abort <reason>`.");
    let under_way = words(&running(), "dee", waive()).1;
    assert_eq!(under_way, "If you mean the whole run, end it with `abandon <reason>`, which takes a captain.");
    let turn = voted().changed(|state| {
        state.steps[PRODUCTION] = StepState::Skipped { by: None, reason: String::new() };
        state.steps[MAIN] = StepState::Current { since: state.opened_at };
    });
    assert_eq!(turn.on_act("dee", waive())[0], waived, "its turn has come without a deployment");
}

#[test]
fn whether_rewritten_lines_are_the_fix_is_said_by_name() {
    let confirm = || UserCommand::ConfirmMergeback(Some("same thing".to_owned()));
    let confirmed = Event::MainlineConfirmed { note: Some("same thing".to_owned()) };
    let play = rewritten(live());
    let at = |mainline: Mainline| play.clone().changed(|state| state.mainline = mainline);
    assert_eq!(play.on_act("ana", confirm())[0], confirmed);
    assert_eq!(play.on_act("dee", confirm())[0], confirmed, "a captain");
    let who = refusals(&play, "ben", confirm()).remove(0);
    assert_eq!((who.code.as_str(), who.next.as_str()), ("mainline.who", "Ask <@ana> or a captain."));
    assert_eq!(live().refused("ana", confirm()), ["mainline.known"]);
    let lost = at(Mainline::Reverted(commit("8888888")));
    assert_eq!(lost.refused("ana", confirm()), ["mainline.lost"]);
    assert_eq!(words(&lost, "ana", confirm()).0, "8888888 took the fix out of main.");
    let waived = at(Mainline::Waived { by: person("dee"), reason: String::new() });
    assert_eq!(waived.refused("ana", confirm()), ["mainline.done"]);
    let known = |short: &str| at(Mainline::Merged(Containment::Rewritten { by: commit(short) }, commit("eeeeeee")));
    let told = |play: Play| play.on_act("ana", confirm()).contains(&confirmed);
    assert!(!told(known("9999999")), "said twice, it is said");
    assert!(told(known("8888888")), "other lines");
    assert!(told(at(Mainline::Merged(Containment::Lines, commit("eeeeeee")))));
}

/// MAIN-18: a post-mortem can be filed once the fix is live.
#[test]
fn a_post_mortem_is_written_once_the_fix_is_live() {
    let filed = |url: Option<&str>| Event::PostmortemFiled { url: url.map(str::to_owned) };
    let act = |url: Option<&str>| UserCommand::Postmortem(url.map(str::to_owned));
    assert_eq!(live().on_act("ben", act(Some("https://wiki.example/1"))), [filed(Some("https://wiki.example/1"))]);
    assert_eq!(live().on_main().on_act("ben", act(None))[0], filed(None));
    let early = refusals(&voted(), "ben", act(None)).remove(0);
    assert_eq!((early.code.as_str(), early.requirement), ("postmortem.early", "MAIN-18".parse().ok()));
    let turn = voted().changed(|state| {
        let behind = || StepState::Skipped { by: None, reason: String::new() };
        state.steps[PRODUCTION..=MAIN].fill(behind());
    });
    assert_eq!(turn.on_act("ben", act(None))[0], filed(None), "its turn has come without a deployment");
}

#[test]
fn a_run_closes_by_itself() {
    assert_eq!(voted().refused("ana", UserCommand::Close), ["close.steps"]);
    let (reason, next) = words(&voted(), "ana", UserCommand::Close);
    assert_eq!(
        reason,
        "It closes by itself when every step is behind it; these are left: production, main, postmortem."
    );
    assert_eq!(next, "See `plan` for who can do what, or end it with `abort <reason>`.");
    let glass = out_by_glass();
    assert_eq!(glass.refused("ana", UserCommand::Close), ["close.steps"], "steps are left");
    let reviewed = glass.on_main().by("ana", UserCommand::Postmortem(None));
    assert_eq!(reviewed.refused("ana", UserCommand::Close), ["close.break-glass"]);
}
