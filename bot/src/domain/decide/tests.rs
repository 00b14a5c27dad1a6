//! Tests of the decider: opening a run, judging completed steps again, and advancing.

use super::*;
use crate::domain::command::{Observation, UserCommand};
use crate::domain::event::{DriftChoice, PullSeen, ReviewSeen, TriageAnswer, VoidReason};
use crate::domain::hotfix::{DeployState, Drift};
use crate::domain::playbook::Level;
use crate::fixture::{Play, asked, begun, closed, commit, grant, live, person, production, voted, yes};
use hotfix_adapters::forge::{Containment, ReviewVerdict};
use hotfix_adapters::ids::DeployKey;

pub(super) fn step(id: &str) -> StepId {
    id.parse().unwrap()
}

pub(super) fn entered(id: &str) -> Event {
    Event::StepEntered { step: step(id) }
}

pub(super) fn reopened(id: &str, reason: &str) -> Event {
    Event::StepReopened { step: step(id), reason: reason.to_owned() }
}

/// Returns the event that withdraws this person's vote for production.
pub(super) fn withdrawn(who: &str, why: Option<VoidReason>) -> Event {
    Event::VoteWithdrawn { environment: production(), person: person(who), why }
}

pub(super) fn no_events() -> Vec<Event> {
    Vec::new()
}

/// Returns the run after Dee, a captain, abandoned it.
pub(super) fn abandoned(play: Play) -> Play {
    play.by("dee", UserCommand::Abandon { reason: "it hangs".to_owned(), under_way: Default::default() })
}

/// Returns a run that was deployed to production by break-glass and waits for its countersign.
pub(super) fn out_by_glass() -> Play {
    asked().glass_broken().by("ana", UserCommand::Deploy(production())).begins("abc1234").ends(None)
}

/// Lets production run a commit that others deployed.
pub(super) fn drifted(play: Play, found: &str) -> Play {
    let drift = Drift { expected: commit("abc1234"), found: commit(found) };
    play.changed(|state| drop(state.drifts.insert(production(), drift)))
}

/// Returns a run with a running deployment to production.
pub(super) fn running() -> Play {
    voted().by("ana", UserCommand::Deploy(production())).begins("abc1234")
}

/// Returns a run whose deployment to production is in this state.
pub(super) fn deploying(at: DeployState) -> Play {
    running().changed(|state| state.deploys.last_mut().unwrap().state = at)
}

/// Returns the key of the last deployment.
pub(super) fn key(play: &Play) -> DeployKey {
    play.state.deploys.last().unwrap().intent.key.clone()
}

/// Returns a run with a break-glass that is not announced yet.
pub(super) fn broken() -> Play {
    let act = UserCommand::BreakGlass {
        environment: production(),
        commit: "1111111".to_owned(),
        reason: "every payment fails and nobody is awake".to_owned(),
        incident: "INC-7".to_owned(),
        audit: "audit".parse().unwrap(),
    };
    asked().by("dee", act)
}

fn opened(title: &str) -> Result<Decision, Vec<Refusal>> {
    let play = begun();
    let Event::Opened(opened) = &play.entries[0].event else { panic!("{:?}", play.entries[0]) };
    open(HotfixId(3), &grant("ben"), Opened { title: title.to_owned(), ..(**opened).clone() }, play.now)
}

fn proven() -> Observation {
    Observation::Mainline { how: Containment::Ancestor, main: commit("eeeeeee"), by: None }
}

#[test]
fn a_title_has_one_to_three_hundred_characters() {
    for title in ["x".to_owned(), "é".repeat(300)] {
        let decision = opened(&title).unwrap();
        assert_eq!((decision.state.title, decision.state.id), (title, HotfixId(3)));
        assert_eq!(decision.entries.len(), 1);
        assert_eq!(decision.entries[0].by, Actor::Person(person("ben")));
    }
    for title in [String::new(), " \t ".to_owned(), "x".repeat(301)] {
        let refusals = opened(&title).unwrap_err();
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].code, "title.length", "{title:?}");
    }
}

#[test]
fn a_run_that_is_over_learns_nothing_more() {
    assert_eq!(closed().on_sight(Observation::Job { file: "job.yaml".to_owned() }), no_events());
    assert_eq!(closed().on_outcome(EffectResult::IncludedChanges { riders: Vec::new(), total: 0 }), no_events());
}

#[test]
fn an_abandoned_run_learns_only_what_it_still_owes() {
    let play = abandoned(live());
    assert_eq!(play.on_sight(Observation::Job { file: "job.yaml".to_owned() }), no_events());
    assert_eq!(play.on_outcome(EffectResult::IncludedChanges { riders: Vec::new(), total: 0 }), no_events());
    let events = play.on_sight(proven());
    assert_eq!(events[0], Event::MainlineMerged { how: Containment::Ancestor, main: commit("eeeeeee") });
    assert_eq!(play.on_outcome(EffectResult::BranchDeleted), [Event::BranchDeleted]);
}

#[test]
fn what_was_seen_of_an_earlier_run_is_dropped() {
    let merged = || Observation::Pull { seen: PullSeen::default(), merged: Some(commit("9999999")) };
    let before = begun().announced().branched();
    let outdated = StampedObservation::new(&before.state.clone().into(), merged());
    assert_eq!(before.picked().events(&Command::Observed(outdated)), no_events());
}

#[test]
fn lanes_that_were_released_are_taken_again_for_a_deployment() {
    let play = voted().changed(|state| state.lane_released = true);
    let events = play.on_act("ana", UserCommand::Deploy(production()));
    let [Event::LanesTaken, Event::DeployRequested { environment, .. }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(environment, &production());
    let held = voted().on_act("ana", UserCommand::Deploy(production()));
    assert!(matches!(held.as_slice(), [Event::DeployRequested { .. }]), "{held:?}");
}

#[test]
fn what_cannot_happen_is_refused_as_a_mistake_of_the_bot() {
    let play = asked().changed(|state| state.base = None);
    let refusals = play.answer("ben", yes(None)).unwrap_err();
    assert_eq!(refusals[0].code, "bug");
    assert_eq!(refusals[0].reason, "This would be a mistake of the bot: a vote without a base.");
    // This event does not fit the run: it has no head that strangers could have pushed to.
    let mut draft = Decider { state: begun().state, entries: Vec::new(), now: begun().now };
    let refusals = draft.bot(Event::OthersPushed { people: Default::default() }).unwrap_err();
    assert_eq!(refusals[0].code, "bug");
    assert_eq!((draft.entries.len(), draft.state.version), (0, begun().state.version), "nothing is half done");
}

#[test]
fn a_step_whose_evidence_is_gone_is_open_again() {
    let failed = UserCommand::Verify { place: "local".to_owned(), pass: false, note: None };
    let events = asked().on_act("ben", failed.clone());
    assert!(matches!(events[0], Event::Attested { pass: false, .. }), "{events:?}");
    assert_eq!(events[1..], [reopened("local", "the last word is that it is not good"), entered("local")]);
    let unread = Play::open("Fix").changed(|state| {
        state.steps = asked().state.steps;
        state.pull = asked().state.pull;
    });
    assert_eq!(
        unread.on_act("ana", UserCommand::Note("so".to_owned())).len(),
        1,
        "nothing is judged before the world is read"
    );
}

/// Evidence that changes after the action has begun is reported, each problem once.
#[test]
fn evidence_that_changes_too_late_is_told() {
    let told =
        |problem: Option<&str>| Event::EvidenceChanged { step: step("review"), problem: problem.map(str::to_owned) };
    let seen = |change: fn(&mut PullSeen)| {
        let mut seen = live().state.pull.unwrap().seen;
        change(&mut seen);
        Observation::Pull { seen, merged: None }
    };
    let draft = "the pull request is a draft";
    let events = live().on_sight(seen(|seen| seen.draft = true));
    assert_eq!(events[1..], [told(Some(draft))]);
    let play = live().saw(seen(|seen| seen.draft = true));
    let other = seen(|seen| {
        seen.draft = true;
        let (name, verdict) = ("Dee".to_owned(), ReviewVerdict::Approved);
        seen.reviews.push(ReviewSeen { person: None, name, commit: commit("1111111"), verdict });
    });
    assert_eq!(play.on_sight(other).len(), 1, "the problem is the same");
    let worse = seen(|seen| (seen.draft, seen.closed) = (true, true));
    assert_eq!(play.on_sight(worse)[1..], [told(Some("the pull request is closed; the pull request is a draft"))]);
    assert_eq!(play.on_sight(seen(|_| {}))[1..], [told(None)]);
}

#[test]
fn one_decision_goes_through_the_whole_plan() {
    let play = closed().changed(|state| {
        state.phase = Phase::Underway;
        state.steps.fill(StepState::Ahead);
    });
    let events = play.on_act("ana", UserCommand::Note("go on".to_owned()));
    let done = events.iter().filter(|event| matches!(event, Event::StepDone { .. })).count();
    assert_eq!(done, play.state.plan.steps.len() - 1, "all but the triage, which is offered");
    assert_eq!(events[1], Event::StepOffered { step: step("triage") });
    assert_eq!(events.last(), Some(&Event::Closed { ending: Ending::Completed }));
}

#[test]
fn nothing_goes_on_while_production_has_changed() {
    let play = drifted(live(), "fffffff");
    assert_eq!(
        play.on_sight(proven()),
        [Event::MainlineMerged { how: Containment::Ancestor, main: commit("eeeeeee") }]
    );
    let settled = live().on_sight(proven());
    assert!(matches!(settled[1], Event::StepDone { .. }), "{settled:?}");
}

#[test]
fn lanes_are_released_while_the_run_goes_on_and_not_at_its_end() {
    let events = live().on_sight(proven());
    assert_eq!(events[2..], [Event::LanesReleased, entered("postmortem")]);
    let last = live().changed(|state| {
        state.plan.steps.pop();
        state.steps.pop();
    });
    assert_eq!(last.on_sight(proven())[2..], [Event::Closed { ending: Ending::Completed }]);
}

#[test]
fn what_went_out_by_a_broken_glass_is_reviewed_before_the_run_ends() {
    let play = out_by_glass().on_main().by("ana", UserCommand::Postmortem(None));
    assert!(play.state.current().is_none() && !play.state.is_over());
    assert_eq!(play.refused("ana", UserCommand::Close), ["close.break-glass"]);
    let ok = UserCommand::Countersign { ok: true, note: None };
    let reviewed = Event::Countersigned { ok: true, note: None };
    assert_eq!(play.on_act("eve", ok), [reviewed, Event::Closed { ending: Ending::Completed }]);
}

/// An optional step is offered while it waits, and completed at once if it is fulfilled.
#[test]
fn options_are_offered_while_they_wait() {
    let surveyed = |play: Play| play.surveyed().entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>();
    let offered = Event::StepOffered { step: step("triage") };
    assert!(surveyed(Play::open("Fix")).contains(&offered));
    let nothing = Play::open("Fix").changed(|state| {
        state.plan.steps[0].kind = StepKind::Triage { criteria: Vec::new(), ask: false };
    });
    let events = surveyed(nothing);
    assert!(events.contains(&entered("triage")) && !events.contains(&offered), "{events:?}");
    let may = Play::open("Fix").changed(|state| state.plan.steps[3].level = Level::May);
    assert_eq!(surveyed(may).last(), Some(&entered("branch")), "what only may be done is not waited for");
}

#[test]
fn an_option_that_is_taken_is_done() {
    let events = begun().on_act("ana", UserCommand::Triage([(0, TriageAnswer::Yes)].into()));
    assert_eq!(events[0], Event::TriageAnswered { answers: vec![(0, TriageAnswer::Yes)] });
    assert!(matches!(&events[1..], [Event::StepDone { step: id, .. }] if *id == step("triage")), "{events:?}");
}

#[test]
fn a_step_that_cannot_be_fulfilled_ends_the_run() {
    let play = begun().changed(|state| {
        state.steps[2] = StepState::Ahead;
        state.snapshot.as_mut().unwrap().held_back_total = 0;
    });
    let events = play.on_act("ana", UserCommand::Note("go on".to_owned()));
    assert_eq!(events[1], entered("withheld"));
    let [Event::Refused { refusals }] = &events[2..] else { panic!("{events:?}") };
    assert_eq!(refusals[0].code, "held-back.nothing");
}

/// Only automatic deployments are requested when their step is entered.
#[test]
fn a_deployment_starts_by_itself_where_the_plan_says_so() {
    let verified = begun().announced().branched().picked().reviewed();
    let events = verified.on_act("ben", UserCommand::Verify { place: "local".to_owned(), pass: true, note: None });
    let [.., begins, Event::DeployRequested { rollback: false, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(begins, &entered("staging"));
    let by_command = asked().by("ben", yes(None)).on_act("dee", yes(None));
    assert_eq!(by_command.last(), Some(&entered("production")));
}

#[test]
fn how_a_run_ends_is_told_by_what_became_of_it() {
    let expires = |play: Play| play.changed(|state| state.plan.steps[13].kind = StepKind::Expire);
    let superseded = |play: Play| play.changed(|state| drop(state.superseded.insert(production(), commit("9999999"))));
    let in_release = |play: Play| play.changed(|state| state.rolled_in = true);
    let cases = [
        ("the plan was followed", closed(), Ending::Completed),
        ("a captain ended it", abandoned(live()), Ending::Aborted),
        ("a captain ended it after all", in_release(abandoned(live())), Ending::Aborted),
        ("the regular release takes it", in_release(voted()), Ending::RolledIn),
        ("it was put back", expires(voted()), Ending::Reverted),
        ("a release took its place", expires(superseded(live())), Ending::Superseded),
        ("production still runs it", expires(live()), Ending::Completed),
        ("it never went out, which this plan does not look at", voted(), Ending::Completed),
        ("a release took its place, which this plan does not look at", superseded(live()), Ending::Completed),
    ];
    for (what, play, expected) in cases {
        assert_eq!(ending(&play.state), expected, "{what}");
    }
}

#[test]
fn the_reminders_of_a_step_are_counted_while_it_is_its_turn() {
    let reminded = |play: &Play, id: &str| play.events(&Command::Timer(step(id)));
    let once = |times| Event::Reminded { step: step("announce"), times };
    assert_eq!(reminded(&begun(), "announce"), [once(1)]);
    assert_eq!(reminded(&begun().then(&Command::Timer(step("announce"))), "announce"), [once(2)]);
    for id in ["base", "review", "triage", "moon"] {
        assert_eq!(reminded(&begun(), id), no_events(), "{id}");
    }
    let over = closed().changed(|state| state.steps[3] = StepState::Current { since: state.opened_at });
    assert_eq!(reminded(&over, "announce"), no_events());
}

#[test]
fn a_settled_drift_is_followed_by_what_it_means() {
    let events = drifted(voted(), "fffffff").on_act("ana", UserCommand::Drift(DriftChoice::Rebase));
    assert_eq!(events[0], Event::DriftSettled { choice: DriftChoice::Rebase });
    assert_eq!(
        events[1..],
        [withdrawn("ben", Some(VoidReason::Base)), withdrawn("dee", Some(VoidReason::Base)), entered("fix")]
    );
}
