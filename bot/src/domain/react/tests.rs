//! Tests of reactions: effects, timers and notifications of an event.

use hotfix_adapters::forge::{Check, CheckState, Containment, PullNumber};

use super::*;
use crate::domain::command::{EffectResult, Observation};
use crate::domain::event::{Actor, DeployIntent, MainSeen};
use crate::domain::playbook::StepSpec;
use crate::domain::service::StepUp;
use crate::fixture::{
    Play, asked, begun, closed, commit, contribution, every_event, live, message, person, production, staging, voted,
};

/// Indexes of steps in the plan of the fixture.
const FIX: usize = 5;
const REVIEW: usize = 6;
const LOCAL: usize = 7;
const MAIN: usize = 12;

/// A modification of the run, with its description.
type Change = (&'static str, fn(&mut Hotfix));

fn reaction(play: &Play, event: Event) -> Reaction {
    react(&play.state, &Entry { at: play.now, by: Actor::Bot, event }, 9)
}

/// Returns the effects of an event that are not messages.
fn done(play: &Play, event: Event) -> Vec<Effect> {
    reaction(play, event).effects.into_iter().filter(|effect| !effect.is_talk()).collect()
}

fn said(play: &Play, event: Event) -> bool {
    reaction(play, event).effects.contains(&Effect::PostEvent { version: 9 })
}

/// Returns the people who get a direct message for an event.
fn told(play: &Play, event: Event) -> Vec<String> {
    let effects = reaction(play, event).effects;
    effects
        .into_iter()
        .filter_map(
            |effect| {
                if let Effect::SendDirectMessage { person, .. } = effect { Some(person.to_string()) } else { None }
            },
        )
        .collect()
}

fn step(id: &str) -> StepId {
    id.parse().unwrap()
}

fn entered(id: &str) -> Event {
    Event::StepEntered { step: step(id) }
}

fn fulfilled(id: &str) -> Event {
    Event::StepDone { step: step(id), evidence: "seen".to_owned() }
}

/// Returns a run whose fix is on main and whose branch still exists.
fn landed() -> Play {
    live().came(EffectResult::Merged { number: PullNumber(7), commit: commit("eeeeeee") }).saw(Observation::Mainline {
        how: Containment::Ancestor,
        main: commit("eeeeeee"),
        by: None,
    })
}

fn intent() -> DeployIntent {
    live().state.deploys.last().unwrap().intent.clone()
}

fn all_steps(play: &Play) -> Vec<Reminder> {
    play.state.plan.steps.iter().map(|spec| Reminder::Step(spec.id.clone())).collect()
}

#[test]
fn an_opening_reads_the_world_and_says_nothing() {
    let opened = begun().entries[0].event.clone();
    assert_eq!(reaction(&begun(), opened), Reaction { effects: vec![Effect::TakeSnapshot], ..Reaction::default() });
}

#[test]
fn a_step_does_what_it_does_when_its_turn_comes() {
    let ready = begun().announced();
    let branch = ready.clone().changed(|state| state.branch = BranchState::Absent);
    let at = commit("abc1234");
    let which = crate::domain::playbook::BranchRole::Fix;
    assert_eq!(done(&branch, entered("branch")), [Effect::CreateBranch { which, at }]);
    assert_eq!(done(&begun(), entered("announce")), [Effect::Announce]);
    assert_eq!(done(&ready, entered("moon")), []);
    assert_eq!(done(&ready, Event::StepOffered { step: step("announce") }), []);
}

/// An empty pick does not move the head, so the next pick or the pull request follows from its own event.
#[test]
fn a_fix_that_changed_nothing_is_followed_by_the_next() {
    let source = || commit("f1f1f1f");
    let picks = begun().announced().branched();
    let next = [Effect::Pick { source: source(), at: picks.now }];
    let events = [
        Event::FixPicked { source: source(), commit: None, empty: false },
        Event::FixConfirmed { source: source() },
        Event::FixBack { source: source() },
    ];
    for event in events {
        assert_eq!(done(&picks, event.clone()), next, "{event:?}");
        assert_eq!(done(&voted(), event.clone()), [], "{event:?} behind the change");
    }
    let moved = Event::FixPicked { source: source(), commit: Some(commit("1111111")), empty: false };
    assert_eq!(done(&picks, moved), []);
    let asked = Event::FixRemovalRequested { source: source() };
    assert_eq!(done(&picks, asked), [Effect::Unpick { source: source(), at: picks.now }]);
}

#[test]
fn a_deployment_is_checked_under_a_key_of_its_own_and_begins() {
    let play = voted();
    let asked = Event::DeployRequested {
        environment: production(),
        commit: commit("1111111"),
        rollback: false,
        typed: false,
        reason: None,
    };
    let key = format!("hf-12-production-{}", play.state.version).parse().unwrap();
    let check = Effect::CheckDeploy { environment: production(), commit: commit("1111111"), key };
    assert_eq!(reaction(&play, asked).effects, [check], "it is not said before it begins");
    let DeployIntent { key, environment, commit, .. } = intent();
    let deploys = [Effect::Deploy { key, environment, commit, resumed: false }];
    assert_eq!(done(&play, Event::DeployStarted(intent())), deploys);
    let again = vec![Effect::OpenPull, Effect::Announce];
    assert_eq!(done(&play, Event::Retried { effects: again.clone() }), again);
}

/// A closed vote request is sent again while votes are missing, its step is current, and a vote would be accepted.
#[test]
fn a_question_that_ran_out_is_asked_anew() {
    let again = |play: &Play, why, environment| done(play, Event::VoteRequestClosed { environment, why });
    let asks = [Effect::RequestVotes { environment: production(), commit: commit("1111111") }];
    for why in [CloseReason::Expired, CloseReason::Edits] {
        assert_eq!(again(&asked(), why, production()), asks);
        assert_eq!(again(&asked(), why, staging()), []);
        assert_eq!(again(&voted(), why, production()), [], "the deployment waits");
    }
    assert_eq!(again(&asked(), CloseReason::Retargeted, production()), []);
}

#[test]
fn the_branch_is_deleted_once_main_has_what_is_on_it() {
    let deletes = [Effect::DeleteBranch { at: commit("1111111") }];
    assert_eq!(done(&landed(), fulfilled("main")), deletes);
    assert_eq!(done(&landed(), fulfilled("review")), []);
    assert_eq!(done(&landed(), fulfilled("moon")), []);
    let changes: [Change; 6] = [
        ("main is not known to have it", |state| state.mainline = Mainline::NotMerged),
        ("it was given up", |state| {
            state.mainline = Mainline::Waived { by: person("dee"), reason: "a flag".to_owned() };
        }),
        ("it is deleted", |state| state.branch = BranchState::Deleted),
        ("there is none", |state| state.branch = BranchState::Absent),
        ("nothing is on it", |state| state.head = None),
        ("it stays", |state| {
            let keeps = |spec: &mut StepSpec| {
                if let StepKind::Mainline { delete_branch, .. } = &mut spec.kind {
                    *delete_branch = false;
                }
            };
            state.plan.steps.iter_mut().for_each(keeps);
        }),
    ];
    for (what, change) in changes {
        assert_eq!(done(&landed().changed(change), fulfilled("main")), [], "{what}");
    }
}

/// In an abandoned run, the proof of the merge back deletes the branch.
#[test]
fn the_proof_deletes_the_branch_of_an_abandoned_run() {
    let proofs = [
        Event::MainlineMerged { how: Containment::Ancestor, main: commit("eeeeeee") },
        Event::MainlineConfirmed { note: None },
    ];
    let abandoned = landed().changed(|state| {
        state.abandoned = Some(crate::domain::hotfix::Abandoned {
            by: person("dee"),
            asked_by: None,
            reason: "it hangs".to_owned(),
            believed: BTreeSet::new(),
        });
    });
    for proof in proofs {
        assert_eq!(done(&abandoned, proof.clone()), [Effect::DeleteBranch { at: commit("1111111") }]);
        assert_eq!(done(&landed(), proof), []);
    }
}

#[test]
fn people_are_reminded_of_the_step_whose_turn_it_is() {
    let play = asked();
    let half_an_hour = vec![(Reminder::Step(step("votes")), Duration::from_secs(1800))];
    assert_eq!(reaction(&play, entered("votes")).remind, half_an_hour);
    assert_eq!(reaction(&play, Event::Reminded { step: step("votes"), times: 1 }).remind, half_an_hour);
    assert_eq!(reaction(&play, entered("review")).remind, [], "it is not its turn");
    assert_eq!(reaction(&play, entered("moon")).remind, []);
    let minutes = |minutes| play.clone().changed(|state| state.plan.steps[10].remind_minutes = minutes);
    assert_eq!(reaction(&minutes(0), entered("votes")).remind, [], "never");
    assert_eq!(reaction(&minutes(1), entered("votes")).remind[0].1, Duration::from_secs(60));
}

#[test]
fn nobody_is_reminded_of_what_is_behind_the_run() {
    let play = voted();
    let reason = || "x".to_owned();
    let of = |event| reaction(&play, event).forget;
    let one = |id: &str| vec![Reminder::Step(step(id))];
    assert_eq!(of(fulfilled("review")), one("review"));
    assert_eq!(of(Event::StepSkipped { step: step("local"), reason: reason() }), one("local"));
    let overridden =
        Event::StepOverridden { step: step("local"), asked_by: person("dee"), reason: reason(), incident: reason() };
    assert_eq!(of(overridden), one("local"));
    assert_eq!(of(Event::MergebackWaived { reason: reason() }), one("main"));
    let ends = [
        Event::Refused { refusals: Vec::new() },
        Event::Aborted { reason: reason() },
        Event::Closed { ending: crate::domain::event::Ending::Completed },
        Event::Abandoned { reason: reason(), asked_by: None, believed: BTreeSet::new() },
    ];
    for event in ends {
        assert_eq!(of(event.clone()), all_steps(&play), "{event:?}");
    }
    assert_eq!(of(Event::LanesReleased), []);
}

/// A break-glass is announced in the audit channel, and people are reminded until it is countersigned.
#[test]
fn what_goes_out_by_a_broken_glass_is_audited_and_reviewed() {
    let play = asked().glass_broken();
    let broken = play.entries.iter().find(|entry| matches!(entry.event, Event::BreakGlassUsed(_))).unwrap();
    assert_eq!(done(&play, broken.event.clone()), [Effect::AnnounceBreakGlass { version: 9 }]);
    let countersign = vec![(Reminder::Countersign, Duration::from_secs(30 * 60))];
    let audited = |reaction: &Reaction| reaction.effects.contains(&Effect::Audit { version: 9 });
    let by_glass = reaction(&play, Event::DeployStarted(DeployIntent { glass: Some(person("dee")), ..intent() }));
    assert!(audited(&by_glass) && by_glass.remind == countersign);
    let by_votes = reaction(&play, Event::DeployStarted(intent()));
    assert!(!audited(&by_votes) && by_votes.remind.is_empty());
    let reminded = reaction(&play, Event::CountersignReminded { times: 1 });
    assert!(!audited(&reminded) && reminded.remind == countersign);
    let given = reaction(&play, Event::Countersigned { ok: true, note: None });
    assert!(audited(&given) && given.remind.is_empty() && given.forget == [Reminder::Countersign]);
}

/// MAIN-17: each event is reported in the thread at most once.
#[test]
fn an_event_is_said_once_at_most() {
    for event in every_event() {
        let says = |effect: &&Effect| matches!(effect, Effect::PostEvent { .. });
        let effects = reaction(&live(), event.clone()).effects;
        assert!(effects.iter().filter(says).count() <= 1, "{event:?}");
        let audited = matches!(event, Event::Countersigned { .. });
        assert_eq!(effects.contains(&Effect::Audit { version: 9 }), audited, "{event:?}");
    }
    assert!(
        said(&live(), Event::Noted { text: "x".to_owned() })
            && !said(&live(), Event::Targeted { commit: commit("1111111") })
    );
}

#[test]
fn the_end_of_a_step_is_said_when_nothing_else_says_it() {
    for (id, expected) in [("review", true), ("votes", true), ("triage", false), ("local", false), ("moon", false)] {
        assert_eq!(said(&voted(), fulfilled(id)), expected, "{id}");
    }
    let waited = voted().changed(|state| {
        state.plan.steps[LOCAL].kind = StepKind::Triage { criteria: Vec::new(), ask: true };
    });
    assert!(said(&waited, fulfilled("local")));
}

#[test]
fn an_offer_is_said_unless_the_announcement_makes_it() {
    let offered = |id: &str| said(&voted(), Event::StepOffered { step: step(id) });
    assert!(!offered("triage") && offered("local"));
}

#[test]
fn a_step_that_asks_somebody_is_said_when_its_turn_comes() {
    let kind = |kind: StepKind| voted().changed(|state| state.plan.steps[FIX].kind = kind);
    let entering = |play: &Play| said(play, entered("fix"));
    assert!(entering(&kind(StepKind::OnMain)) && entering(&kind(StepKind::Expire)));
    assert!(entering(&kind(StepKind::Triage { criteria: Vec::new(), ask: true })));
    assert!(!entering(&voted()) && !said(&voted(), entered("votes")));
    let astray = asked().changed(|state| state.pull.as_mut().unwrap().seen.astray = "other".parse().ok());
    assert!(said(&astray, entered("votes")) && !said(&astray, entered("review")));
}

/// A failed check of the merge commit is reported in the thread, because people must act.
#[test]
fn a_look_at_main_is_said_when_the_merge_failed() {
    let failed = Check { name: "build".to_owned(), app: "ci".to_owned(), state: CheckState::Failure };
    let seen = MainSeen { commit: commit("eeeeeee"), checks: vec![failed], blockers: Vec::new() };
    let play = landed().changed(|state| {
        state.plan.steps[REVIEW].kind = StepKind::Merge { method: hotfix_adapters::forge::MergeMethod::Merge };
        state.steps[REVIEW] = StepState::Current { since: state.opened_at };
        state.main_seen = Some(seen.clone());
    });
    assert_eq!(said(&play, Event::MainSeen(seen.clone())), step::merge_failed(&play.state));
    assert!(step::merge_failed(&play.state), "the merge failed");
    assert!(!said(&live(), Event::MainSeen(seen)));
}

#[test]
fn a_vote_that_does_not_count_yet_is_told_to_the_voter() {
    let vote = voted().state.votes[0].clone();
    assert_eq!(told(&voted(), Event::Voted(vote.clone())), Vec::<String>::new());
    let step_up = |backed: bool| {
        voted().changed(|state| {
            state.plan.environments[1].approval.step_up = Some(StepUp::Review);
            if !backed {
                state.pull.as_mut().unwrap().seen.reviews.clear();
            }
        })
    };
    assert_eq!(told(&step_up(false), Event::Voted(vote.clone())), ["ben"]);
    assert_eq!(told(&step_up(true), Event::Voted(vote)), Vec::<String>::new());
}

/// When the approval step is reopened, its voters are not notified twice.
#[test]
fn a_step_that_opens_again_is_told_to_the_voters() {
    let reopened = |id: &str| told(&voted(), Event::StepReopened { step: step(id), reason: "x".to_owned() });
    assert_eq!(reopened("review"), ["ben", "dee"]);
    assert_eq!(reopened("votes"), Vec::<String>::new());
    assert_eq!(reopened("moon"), ["ben", "dee"]);
}

#[test]
fn whom_an_event_concerns_is_told_in_person() {
    let by = contribution("aaaaaaa", "Revert it", "ben");
    let reverted = Event::FixReverted { source: commit("f1f1f1f"), by: by.clone(), why: "slow".to_owned() };
    assert_eq!(told(&live(), reverted), ["ben"]);
    let missed = [person("eve"), person("ben")].into();
    let announced = Event::Announced { message: message("m1"), reached: [person("ana")].into(), missed };
    assert_eq!(told(&begun(), announced), ["ben", "eve"]);
    let riders = vec![contribution("bbbbbbb", "New currency", "eve"), by.clone(), by];
    assert_eq!(told(&live(), Event::IncludedChangesFound { riders, total: 3 }), ["ben", "eve"]);
    assert_eq!(told(&closed(), Event::LanesReleased), Vec::<String>::new());
}

/// A rollback notifies the authors of the removed changes, but not the requester.
#[test]
fn a_rollback_is_told_to_those_whose_work_it_takes_away() {
    let started = |play: &Play, change: fn(&mut DeployIntent)| {
        let mut intent = DeployIntent { rollback: true, ..intent() };
        change(&mut intent);
        told(play, Event::DeployStarted(intent))
    };
    let play = live().changed(|state| state.included_changes = Some(vec![contribution("aaaaaaa", "Redesign", "ben")]));
    assert_eq!(started(&play, |_| {}), ["chi"]);
    assert_eq!(started(&play, |intent| intent.removes = [person("eve"), person("ana")].into()), ["chi", "eve"]);
    assert_eq!(started(&play, |intent| intent.rollback = false), Vec::<String>::new());
    let promotion = play.changed(|state| state.plan.steps[MAIN].kind = StepKind::Target);
    assert_eq!(started(&promotion, |_| {}), ["ben", "chi"]);
    assert_eq!(started(&promotion, |intent| intent.environment = staging()), ["chi"]);
}
